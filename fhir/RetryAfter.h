// When a server wants to be asked again.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace fedpet::fhir {

// Retry-After (RFC 9110, 10.2.3) in seconds or as a date; within 0 to 24 hours. nullopt when the
// text is neither.
std::optional<std::chrono::seconds> parseRetryAfter(const std::string& value,
                                                    std::chrono::system_clock::time_point now);

}  // namespace fedpet::fhir
