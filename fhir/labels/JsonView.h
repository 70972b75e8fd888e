// Reading FHIR JSON that somebody else wrote: whatever is missing or of the wrong type reads as
// absent, and nothing throws.
#pragma once

#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>

namespace fedpet::fhir {

inline const nlohmann::json& at(const nlohmann::json& object, const char* key) {
  static const nlohmann::json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

// The elements of an array; of anything else, none.
inline const nlohmann::json& listAt(const nlohmann::json& object, const char* key) {
  static const nlohmann::json none = nlohmann::json::array();
  const nlohmann::json& list = at(object, key);
  return list.is_array() ? list : none;
}

inline std::string textAt(const nlohmann::json& object, const char* key) {
  const nlohmann::json& text = at(object, key);
  return text.is_string() ? text.get<std::string>() : "";
}

inline std::optional<double> numberAt(const nlohmann::json& object, const char* key) {
  const nlohmann::json& number = at(object, key);
  if (!number.is_number() || !std::isfinite(number.get<double>())) return std::nullopt;
  return number.get<double>();
}

}  // namespace fedpet::fhir
