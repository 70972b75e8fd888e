// DICOM's date and time texts (PS3.5 table 6.2-1) in every legal form, old ones included. Padding
// with blanks or a NUL is dropped; anything else that does not fit gives nullopt, never a guess.
#pragma once

#include "clinical/PetSeries.h"

#include <chrono>
#include <optional>
#include <string_view>

namespace fedpet::dicom {

// DA: "20260131", or "2026.01.31" of ACR-NEMA.
std::optional<std::chrono::local_days> parseDate(std::string_view);

// TM: "11", "1100", "110000", "110000.5" (up to six digits), or "11:00:00" of ACR-NEMA.
std::optional<std::chrono::microseconds> parseTimeOfDay(std::string_view);

// DT with at least the hour: "2026013111", ..., "20260131110000.000000+0100".
struct ZonedDateTime {
  WallClock wallClock;                       // as written
  std::optional<std::chrono::minutes> zone;  // offset from UTC, when written
};
std::optional<ZonedDateTime> parseDateTime(std::string_view);

// "+0100", "-0330": the form of TimezoneOffsetFromUTC (0008,0201) and of DT's suffix.
std::optional<std::chrono::minutes> parseZone(std::string_view);

}  // namespace fedpet::dicom
