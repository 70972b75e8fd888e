// FHIR's date, dateTime and instant, as far as a calendar day goes.
#pragma once

#include "fhir/labels/PatientFacts.h"

#include <optional>
#include <string>
#include <string_view>

namespace fedpet::fhir {

// The day of "2026-03-01" or "2026-03-01T09:30:00+01:00", as written. nullopt for a year or a month
// alone, for a day that no calendar has, and for anything else.
std::optional<Day> dayOf(std::string_view text);

// "2026-03-01"
std::string toText(Day);

}  // namespace fedpet::fhir
