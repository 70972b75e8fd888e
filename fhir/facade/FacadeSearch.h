// Inside of fhir/: what may be asked of the facade, and whether a resource answers it
// (hl7.org/fhir/R4/search.html). The part of it that an index can answer is told apart.
#pragma once

#include "fhir/resources/Json.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fedpet::fhir {

// What the caller did wrong, in a sentence; `code` is an issue type of OperationOutcome.
struct FacadeError : std::runtime_error {
  FacadeError(int statusCode, std::string issue, const std::string& message)
      : std::runtime_error(message), status(statusCode), code(std::move(issue)) {}
  int status;
  std::string code;  // "invalid", "not-supported", "not-found", ...
};

// "value", "|value", "system|value", "system|" (hl7.org/fhir/R4/search.html#token).
struct Token {
  std::optional<std::string> system;  // empty text: explicitly none
  std::string value;                  // empty: any
};
bool matches(const Token&, const std::string& system, const std::string& value);

// Both inclusive.
template <typename T>
struct Bounds {
  T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  bool limited() const {
    return low != std::numeric_limits<T>::min() || high != std::numeric_limits<T>::max();
  }
};

struct FacadeQuery {
  std::string type;  // "Observation"
  // Each inner list is an "or" (commas), the outer one an "and" (the parameter again).
  std::vector<std::vector<Token>> patients, identifiers, codes, statuses;
  std::vector<std::vector<std::string>> ids, studies,
      targets;                         // resource ids; studies: of ImagingStudy
  Bounds<std::int64_t> scanDay;        // days since 1970, of the examination
  Bounds<std::int64_t> updatedMillis;  // since 1970
  std::size_t count = 50;
  std::int64_t revision = 0, offset = 0;  // of _cursor: where the page before has ended
  std::string repeated;              // the parameters, for the links of the answer; without _cursor
  std::vector<std::string> ignored;  // with Prefer: handling=lenient
};

using FacadeParameters = std::vector<std::pair<std::string, std::string>>;  // decoded, as sent

inline constexpr std::size_t kLargestFacadePage = 200;

// Throws FacadeError for what is not understood: an ignored parameter would widen the answer, to
// other patients even. `lenient` ignores parameters that do not exist.
FacadeQuery readQuery(const std::string& type, const FacadeParameters&, bool lenient);

// The conditions on the resource itself: identifiers, codes, statuses, ids. The patient, the study
// and the dates are facts of the assessment, and the index's to answer.
bool matches(const FacadeQuery&, const Json& resource);

std::string percentEncoded(std::string_view);

struct FacadeParameter {
  const char* name;  // "patient.identifier"
  const char* type;  // "token"
  const char* text;
};
// Of a type; empty when the facade has no such type.
std::vector<FacadeParameter> parametersOf(std::string_view type);
const std::vector<std::string>& facadeTypes();

}  // namespace fedpet::fhir
