// What `fedpet federate` is asked for, and the plan that follows from it.
#pragma once

#include "federation/plan/Plan.h"
#include "orthanc-plugin/training/CohortTable.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::plugin {

struct FederateOptions {
  std::filesystem::path csv;
  std::string siteColumn, endpoint, features, except, categorical;
  std::string splitColumn, trainValue = "train";
  std::string architecture = "linear", strategy = "fedavg", noise;
  int rounds = 20, batchSize = 16;
  std::optional<int> localSteps;  // without: 20, or 1 with distributed noise
  double clientRate = 0.1;
  // Without: 1 for fedavg, fedprox and scaffold, 0.1 for the adaptive servers.
  std::optional<double> serverRate;
  double mu = 0.01, l2 = 0, beta1 = 0.9, beta2 = 0.99, tau = 1e-3;
  bool secure = false, ring32 = false, newton = false, json = false, withoutBaselines = false;
  std::uint64_t seed = 1;
  int bootstrap = 1000;
  std::filesystem::path keep;
};

// Registers all of them. What a value alone tells to be wrong is CLI11's usage error.
void addOptions(CLI::App&, FederateOptions&);

// Which columns are meant; "*" among the features is every column without another role. Throws
// TableError.
CohortQuestion questionOf(const FederateOptions&, const CsvTable&);

// The plan for a table that has been read. Throws std::invalid_argument with what contradicts each
// other, in words for the person.
federation::Plan planOf(const FederateOptions&, const CohortTable&);

}  // namespace fedpet::plugin
