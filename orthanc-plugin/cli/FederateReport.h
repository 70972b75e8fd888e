// What `fedpet federate` prints: a table for people, JSON (docs/federate.md) for programs.
#pragma once

#include "orthanc-plugin/training/Experiment.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace fedpet::plugin {

struct FederateReport {
  std::string file, split;  // what the table is called, how the rows were divided
  ExperimentResult result;
  std::vector<std::string> notes;
};

std::string readable(const FederateReport&);
nlohmann::ordered_json toJson(const FederateReport&);

}  // namespace fedpet::plugin
