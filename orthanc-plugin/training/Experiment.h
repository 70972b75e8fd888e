// A plan tried out on one table: through a consortium on loopback, and beside it what each site
// would have got alone and what all data together would give, all judged on the same test rows.
#pragma once

#include "models/response/Metrics.h"
#include "orthanc-plugin/training/CohortTable.h"
#include "orthanc-plugin/training/LoopbackConsortium.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::plugin {

struct ExperimentSettings {
  std::filesystem::path folder;  // of the consortium; empty or absent
  bool baselines = true;
  int bootstrapResamples = 1000;
};

struct SiteFigures {
  std::string name, id;  // as in the table, as in the consortium
  std::size_t trainPatients = 0, testPatients = 0, testEvents = 0;
  // On this site's test rows, of the model of all sites, of this site's own, and of the pooled one.
  // NaN where there is nothing to order.
  response::Estimate federated;
  std::optional<response::Estimate> local, pooled;
};

struct ExperimentResult {
  federation::Plan plan;  // as it was run: minimum of patients, quorum and noise filled in
  PlanRun run;
  std::vector<SiteFigures> sites;
  SiteFigures all;  // on all test rows together; `local` is the mean over the sites' own models
  std::optional<federation::Outcome> pooledModel;
  double lowestLocal = 0, highestLocal = 0;  // of the sites' own models on all test rows
};

// The plan's members that follow from the table: quorum (all sites), the fewest patients of a site,
// and with noise its multiplier and, as the expected batch, rate times the mean site.
// Throws TableError for a table with too few sites or patients for the plan, std::invalid_argument
// for a plan with faults.
federation::Plan fittedPlan(federation::Plan, const CohortTable&);

// `progress`: what is being done, and percent. Throws ConsortiumError, and std::domain_error when
// the numbers allow no model.
ExperimentResult runExperiment(const federation::Plan& fitted, const CohortTable&,
                               const ExperimentSettings&,
                               const std::function<void(std::string_view, int)>& progress,
                               std::stop_token = {});

// Scores of a released model (federation/learning/TabularModel.h); a value beyond the range that
// was seen in training counts as the edge of that range.
std::vector<double> scoresOf(const federation::Outcome&, federation::Cohort);

}  // namespace fedpet::plugin
