// Small parts of the assessment JSON that more than one of its files reads and writes. Reading
// throws nlohmann's or std::invalid_argument's errors, which assessmentFromJson translates.
#pragma once

#include "clinical/ResponseAssessment.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::plugin {

using Json = nlohmann::ordered_json;  // in the order that a person would read

template <typename T>
void putOptional(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}

template <typename T>
std::optional<T> getOptional(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return std::nullopt;
  return found->get<T>();
}

std::string toBase64(const std::vector<std::uint8_t>&);
// Throws std::invalid_argument for a text that is not base64 with its padding (RFC 4648).
std::vector<std::uint8_t> fromBase64(std::string text);

Json toJson(const Refusal&);
Json toJson(const std::vector<Refusal>&);
Refusal refusalFrom(const Json&);

Json toJson(const std::optional<WallClock>&);  // null when absent
std::optional<WallClock> timeFrom(const Json&);

Json toJson(const Measurement&);
Json toJson(const std::vector<Measurement>&);
Measurement measurementFrom(const Json&);
std::vector<Measurement> measurementsFrom(const Json&);

}  // namespace fedpet::plugin
