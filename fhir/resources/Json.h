// Inside of fhir/: how our structs become FHIR JSON.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fedpet::fhir {

// Keeps the order of insertion, so that a resource reads from resourceType downwards.
using Json = nlohmann::ordered_json;

// FHIR has no empty values: an empty text, list or optional leaves its key out.
inline void put(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}
template <typename T>
void put(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}
template <typename T>
void put(Json& json, const char* key, const std::vector<T>& list) {
  if (!list.empty()) json[key] = list;
}

// A JSON number with at most so many decimals, never in exponent notation for the sizes we write.
// `value` must be finite.
Json decimal(double value, int decimals);

}  // namespace fedpet::fhir
