// JSON pieces that several commands print.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "clinical/Refusal.h"

namespace fedpet::plugin {

// {"status":"refused","reasons":[{"code":..,"detail":..,"explanation":..}]}
nlohmann::ordered_json refusedJson(const std::vector<Refusal>&);

// Writes the reasons to stdout (--json) or stderr and returns kExitRefused.
int refuse(const std::vector<Refusal>&, bool asJson);

// One document on stdout; text that is not UTF-8 is shown as U+FFFD.
void print(const nlohmann::ordered_json&);

}  // namespace fedpet::plugin
