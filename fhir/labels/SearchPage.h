// One page of a FHIR search, judged: which resources it brings, where the next page is, and what
// the server says besides.
#pragma once

#include "net/Url.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir {

struct SearchPage {
  std::vector<nlohmann::json>
      resources;                     // matches and includes, each with a resourceType and an id
  std::optional<std::string> next;   // link[next] as written
  std::string selfUrl;               // what the server says it searched for; empty: not said
  std::vector<std::string> remarks;  // OperationOutcome issues, entries that are no resources
};

struct PageFault {
  std::string why;
};

// Nesting of the text's arrays and objects, without parsing it; stops counting at `limit` + 1.
int jsonDepth(std::string_view text, int limit);

// Throws PageFault for what is no searchset Bundle or is nested deeper than `maxDepth`.
SearchPage readSearchPage(const std::string& body, int maxDepth);

// The request target (path and query, verbatim) of a link of a page, when it is on this origin.
// Relative links are taken as relative to the base path. Throws PageFault: another scheme, host or
// port, or no URL.
std::string targetOnOrigin(const std::string& link, const net::Url& base);

// Issues of an OperationOutcome as one text, "" for anything else; long ones are cut.
std::string issuesText(const nlohmann::json& resource);

}  // namespace fedpet::fhir
