// Strict reading of the files that a physicist writes: a key that nobody asked for is a typing
// error, and every complaint names its place.
#pragma once

#include "models/imaging/harmonisation/HarmonisationError.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <set>
#include <string>
#include <utility>

namespace fedpet::imaging {

class JsonFields {
 public:
  using Json = nlohmann::ordered_json;

  JsonFields(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
    if (!json_.is_object()) fail("", "must be an object");
  }

  [[noreturn]] void fail(const std::string& key, const std::string& why) const {
    throw HarmonisationError(pathOf(key) + " " + why);
  }
  std::string pathOf(const std::string& key) const {
    if (key.empty()) return path_.empty() ? "the file" : path_;
    return path_.empty() ? key : path_ + "." + key;
  }
  const Json* find(const std::string& key) {
    known_.insert(key);
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }
  const Json& at(const std::string& key) {
    const Json* found = find(key);
    if (found == nullptr) fail(key, "is missing");
    return *found;
  }
  std::string text(const std::string& key) { return textIn(at(key), key); }
  std::string text(const std::string& key, const std::string& standard) {
    const Json* found = find(key);
    return found == nullptr ? standard : textIn(*found, key);
  }
  double number(const std::string& key, double low, double high) {
    return numberIn(at(key), key, low, high);
  }
  bool flag(const std::string& key) {
    const Json& found = at(key);
    if (!found.is_boolean()) fail(key, "must be true or false");
    return found.get<bool>();
  }
  const Json& list(const std::string& key) {
    const Json& found = at(key);
    if (!found.is_array() || found.empty()) fail(key, "must be a list that is not empty");
    return found;
  }
  void requireNothingElse() const {
    for (const auto& [key, unused] : json_.items())
      if (!known_.contains(key)) {
        std::string names;
        for (const std::string& name : known_) names += (names.empty() ? "" : ", ") + name;
        fail(key, "is not known here; known are: " + names);
      }
  }
  std::string textIn(const Json& json, const std::string& key) const {
    if (!json.is_string()) fail(key, "must be a text");
    return json.get<std::string>();
  }
  double numberIn(const Json& json, const std::string& key, double low, double high) const {
    if (json.is_number() && json.get<double>() >= low && json.get<double>() <= high)
      return json.get<double>();
    fail(key, "must be a number from " + Json(low).dump() + " to " + Json(high).dump() + ", not " +
                  json.dump());
  }

 private:
  const Json& json_;
  std::string path_;
  std::set<std::string> known_;
};

}  // namespace fedpet::imaging
