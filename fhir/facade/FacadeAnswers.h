// Inside of fhir/: the answers of the facade that are no result: what it can do, and what went
// wrong.
#pragma once

#include "fhir/resources/Json.h"

#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir {

// `severity`: "error" or "warning"; `code` of the value set issue-type.
Json operationOutcome(std::string_view severity, std::string_view code, std::string_view text);

// What is really there. `since`: an instant, of this software's start.
Json capabilityStatement(const std::string& version, const std::string& baseUrl,
                         const std::string& since);

struct SearchLinks {
  std::string self, next;  // absolute; an empty next: there is no more
};
Json searchset(const std::string& baseUrl, const std::vector<Json>& resources, const SearchLinks&,
               const std::vector<std::string>& ignoredParameters);

}  // namespace fedpet::fhir
