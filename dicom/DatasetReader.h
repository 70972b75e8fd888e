// Attributes of one DCMTK data set as C++ values, with the strictness of this program in one
// place: text is UTF-8, a number is a finite number or the file is refused by the attribute's
// name. For use inside this room; sees DCMTK.
#pragma once

#include "clinical/Concepts.h"
#include "clinical/Refusal.h"
#include "dicom/DateTimeText.h"
#include "dicom/Tags.h"
#include "dicom/TextDecoder.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcitem.h>

#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fedpet::dicom {

// Leaves the reading of a file from any depth. It never leaves this room: readPetSeries turns it
// into the value that its callers see.
struct Unusable : std::exception {
  explicit Unusable(NotAssessable reason) : why(std::move(reason)) {}
  Unusable(RefusalCode code, std::string detail) : why(code, std::move(detail)) {}
  const char* what() const noexcept override { return "DICOM data refused"; }
  NotAssessable why;
};

class DatasetReader {
 public:
  // All three must outlive the reader.
  DatasetReader(DcmItem& item, TextDecoder& decoder, std::vector<std::string>& warnings)
      : item_(item), decoder_(decoder), warnings_(warnings) {}

  std::string text(const Attribute&) const;  // UTF-8, trimmed; "" when absent
  std::string personName(const Attribute&) const;
  std::string rawText(const Attribute&) const;              // undecoded: UIDs, CS, numbers, times
  std::vector<std::string> values(const Attribute&) const;  // multi-valued CS

  // DS and IS. nullopt when absent or empty; Unusable with `code` when it is not exactly `count`
  // finite numbers.
  std::optional<double> number(const Attribute&, RefusalCode code) const;
  std::optional<std::vector<double>> numbers(const Attribute&, std::size_t count,
                                             RefusalCode code) const;
  std::optional<int> integer(const Attribute&) const;  // US and IS

  // Absent or malformed gives nullopt; malformed adds a warning.
  std::optional<std::chrono::local_days> date(const Attribute&) const;
  std::optional<std::chrono::microseconds> timeOfDay(const Attribute&) const;
  // A zone is converted to `ownZone`; without one, the wall clock is taken as written, and a
  // warning says so.
  std::optional<WallClock> dateTime(const Attribute&,
                                    std::optional<std::chrono::minutes> ownZone) const;

  std::optional<Code> code(const Attribute& sequence) const;  // its first item
  // Number of items; 0 when absent.
  unsigned long itemCount(const Attribute& sequence) const;
  std::optional<DatasetReader> item(const Attribute& sequence, unsigned long index) const;

  // Text of a private element, found by its creator. `blockWithoutCreator` is read when no
  // creator at all is left in that group: some de-identifiers drop it and keep the value.
  std::string privateText(const PrivateAttribute&, bool blockWithoutCreator = false) const;

  std::optional<WallClock> privateDateTime(const PrivateAttribute&,
                                           std::optional<std::chrono::minutes> ownZone) const;

  void warn(std::string message) const;

 private:
  std::optional<WallClock> inOwnZone(const ZonedDateTime&, const std::string& name,
                                     std::optional<std::chrono::minutes> ownZone) const;

  DcmItem& item_;
  TextDecoder& decoder_;
  std::vector<std::string>& warnings_;
};

// One finite number in DICOM's DS form, padding allowed; nullopt for anything else.
std::optional<double> parseNumber(std::string_view text);

}  // namespace fedpet::dicom
