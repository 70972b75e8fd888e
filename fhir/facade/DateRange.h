// Inside of fhir/: date parameters of a search (hl7.org/fhir/R4/search.html#date).
#pragma once

#include "fhir/facade/FacadeSearch.h"

#include <cstdint>
#include <string>

namespace fedpet::fhir {

// "ge2026-11": the prefix, and the span of time that the value stands for, in UTC.
struct DateCondition {
  enum class Prefix { Eq, Ge, Gt, Le, Lt };
  Prefix prefix = Prefix::Eq;
  std::int64_t from = 0, until = 0;  // milliseconds since 1970; `until` is beyond it

  // The days (since 1970), each taken as a whole day, that fit.
  Bounds<std::int64_t> days() const;
  // The instants that fit.
  Bounds<std::int64_t> millis() const;
};

// A year, a month, a day, or a time with its zone; eq, ge, gt, le, lt. Throws FacadeError.
DateCondition dateCondition(const std::string& parameter, const std::string& text);

}  // namespace fedpet::fhir
