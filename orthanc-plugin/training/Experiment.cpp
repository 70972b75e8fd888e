#include "orthanc-plugin/training/Experiment.h"

#include "federation/learning/TabularModel.h"
#include "federation/privacy/RdpAccountant.h"
#include "orthanc-plugin/training/Discrimination.h"
#include "orthanc-plugin/training/TableTrainer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <stdexcept>

namespace fedpet::plugin {
namespace {

using federation::Cohort;
using federation::Outcome;
using federation::Plan;

constexpr int kUsualMinimumPatients = 10;

std::size_t eventsOf(const Cohort& cohort) {
  const std::vector<int>& events = cohort.label.empty() ? cohort.event : cohort.label;
  return static_cast<std::size_t>(std::count(events.begin(), events.end(), 1));
}

// "Hôpital A" -> "site-2-h-pital-a": what a certificate and an address can carry, and still known.
std::string idOf(const std::string& name, std::size_t number) {
  std::string id = fmt::format("site-{}", number);
  std::string tail;
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (plain)
      tail += lower;
    else if (!tail.empty() && tail.back() != '-')
      tail += '-';
  }
  while (tail.ends_with('-')) tail.pop_back();
  if (!tail.empty() && tail.size() <= 24 && tail != std::to_string(number)) id += "-" + tail;
  return id;
}

// The same rounds with one member and nothing on a wire.
Outcome trainAlone(Plan plan, const Cohort& cohort, std::stop_token stop) {
  plan.masking = federation::Masking::None;
  plan.privacy = {};  // the data stay where they are
  plan.training.groups = 1;
  plan.training.robust = federation::RobustRule::None;
  const auto trainer = passingTrainer(cohort);
  federation::Progress progress = federation::begin(plan);
  while (!progress.outcome) {
    if (stop.stop_requested()) throw ConsortiumError("Stopped.");
    const auto result = trainer->compute(
        plan, progress.round, progress.input, 1, [](int) {}, stop);
    if (!result) throw std::domain_error(result.error());
    federation::RoundSum sum;
    sum.values = result->values;
    sum.contributors = 1;
    progress = federation::proceed(plan, progress, sum);
  }
  return *progress.outcome;
}

// A member's rows and everything that is judged on them.
class Judge {
 public:
  Judge(const CohortTable& table, const Plan& plan, int resamples)
      : resamples_(resamples), seed_(plan.seed), all_(pooledCohortOf(table, Part::Test)) {
    for (const TableSite& site : table.sites) tests_.push_back(cohortOf(table, site, Part::Test));
  }
  response::Estimate onSite(std::size_t site, const Outcome& model) const {
    return judge(tests_[site], model, resamples_);
  }
  response::Estimate onAll(const Outcome& model) const { return judge(all_, model, resamples_); }
  double valueOnAll(const Outcome& model) const { return judge(all_, model, 0).value; }
  const Cohort& all() const { return all_; }
  const Cohort& test(std::size_t site) const { return tests_[site]; }

 private:
  response::Estimate judge(const Cohort& cohort, const Outcome& model, int resamples) const {
    return discriminationOf(scoresOf(model, cohort), cohort, resamples, seed_);
  }
  int resamples_;
  std::uint64_t seed_;
  Cohort all_;
  std::vector<Cohort> tests_;
};

void addLocalModels(ExperimentResult& result, const CohortTable& table, const Judge& judge,
                    const std::function<void(std::size_t)>& done, std::stop_token stop) {
  double sum = 0;
  int counted = 0;
  result.lowestLocal = std::numeric_limits<double>::infinity();
  result.highestLocal = -result.lowestLocal;
  for (std::size_t i = 0; i < table.sites.size(); ++i) {
    done(i);
    const Cohort train = cohortOf(table, table.sites[i], Part::Train);
    // One outcome only, or a column without any value: there is no model to be had of it.
    try {
      const Outcome model = trainAlone(result.plan, train, stop);
      result.sites[i].local = judge.onSite(i, model);
      const double value = judge.valueOnAll(model);
      if (!std::isfinite(value)) continue;
      sum += value;
      ++counted;
      result.lowestLocal = std::min(result.lowestLocal, value);
      result.highestLocal = std::max(result.highestLocal, value);
    } catch (const std::domain_error&) {
      constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
      result.sites[i].local = response::Estimate{kNaN, kNaN, kNaN};
    }
  }
  if (counted == 0) return;
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  result.all.local = response::Estimate{sum / counted, kNaN, kNaN};
}

// As many minibatches as all sites together draw, so that every patient is seen as often.
Plan pooledPlan(Plan plan, std::size_t sites, std::size_t patients) {
  plan.training.localSteps *= static_cast<int>(sites);
  plan.maximumPatients = std::max(plan.maximumPatients, static_cast<int>(patients));
  return plan;
}

void addPooledModel(ExperimentResult& result, const CohortTable& table, const Judge& judge,
                    std::stop_token stop) {
  const Cohort train = pooledCohortOf(table, Part::Train);
  result.pooledModel =
      trainAlone(pooledPlan(result.plan, table.sites.size(), train.rows), train, stop);
  const Outcome& model = *result.pooledModel;
  for (std::size_t i = 0; i < table.sites.size(); ++i)
    result.sites[i].pooled = judge.onSite(i, model);
  result.all.pooled = judge.onAll(model);
}

std::vector<std::string> constantColumnsOf(const Cohort& cohort) {
  std::vector<std::string> names;
  for (std::size_t column = 0; column < cohort.names.size(); ++column) {
    std::set<double> values;
    for (std::size_t row = 0; row < cohort.rows && values.size() < 2; ++row)
      if (!std::isnan(cohort.at(row, column))) values.insert(cohort.at(row, column));
    if (values.size() < 2) names.push_back(cohort.names[column]);
  }
  return names;
}

void requireEnoughOf(const CohortTable& table, const Plan& plan) {
  std::vector<std::string> problems;
  const std::size_t fewest = plan.masking == federation::Masking::None ? 2 : 3;
  if (table.sites.size() < fewest)
    problems.push_back(
        fmt::format("The table has {} site{}, and {} needs at least {}.", table.sites.size(),
                    table.sites.size() == 1 ? "" : "s",
                    fewest == 3 ? "secure aggregation (a sum of two is no secret between them)"
                                : "a federation",
                    fewest));
  constexpr std::size_t kMostThreads = 200;
  if (table.sites.size() > kMostThreads)
    problems.push_back(fmt::format("The table has {} sites; at most {} run on one machine.",
                                   table.sites.size(), kMostThreads));
  for (const TableSite& site : table.sites) {
    const Cohort train = cohortOf(table, site, Part::Train);
    if (train.rows < 2)
      problems.push_back(fmt::format(
          "Site \"{}\" has {} patient{} to train on; at least 2 are needed. Leave the site out or "
          "merge it with another.",
          site.name, train.rows, train.rows == 1 ? "" : "s"));
  }
  const Cohort train = pooledCohortOf(table, Part::Train);
  if (eventsOf(train) == 0 || eventsOf(train) == train.rows)
    problems.push_back(
        fmt::format("All {} patients who train have the same outcome ({}): there is "
                    "nothing to learn.",
                    train.rows, eventsOf(train) == 0 ? 0 : 1));
  if (plan.task == federation::TaskKind::Newton && plan.newton.l2 == 0)
    for (const std::string& name : constantColumnsOf(train))
      problems.push_back(
          fmt::format("Column \"{}\" has the same value in all rows that train: leave it out, or "
                      "give a penalty (--l2).",
                      name));
  if (pooledCohortOf(table, Part::Test).rows == 0) problems.push_back("No row is left to test on.");
  if (!problems.empty()) throw TableError(std::move(problems));
}

}  // namespace

Plan fittedPlan(Plan plan, const CohortTable& table) {
  requireEnoughOf(table, plan);
  std::size_t smallest = std::numeric_limits<std::size_t>::max(), patients = 0;
  for (const TableSite& site : table.sites) {
    const std::size_t rows = cohortOf(table, site, Part::Train).rows;
    smallest = std::min(smallest, rows);
    patients += rows;
    plan.maximumPatients = std::max(plan.maximumPatients, static_cast<int>(rows));
  }
  plan.quorum = static_cast<int>(table.sites.size());
  plan.minimumPatients = std::min(kUsualMinimumPatients, static_cast<int>(smallest));
  plan.stepTimeout = std::chrono::minutes(5);
  if (plan.privacy.noise != federation::NoiseKind::None) {
    const double mean = static_cast<double>(patients) / static_cast<double>(table.sites.size());
    plan.training.batchSize =
        std::max(1, static_cast<int>(std::lround(plan.privacy.sampleRate * mean)));
    plan.privacy.noiseMultiplier =
        federation::noiseMultiplierFor(plan, plan.training.rounds + federation::kPreparationRounds);
  }
  const std::vector<std::string> faults = federation::faultsOf(plan);
  if (!faults.empty()) throw std::invalid_argument(fmt::format("{}", fmt::join(faults, "\n")));
  return plan;
}

std::vector<double> scoresOf(const Outcome& model, Cohort cohort) {
  const federation::DescribedModel described =
      federation::modelFromDescription(nlohmann::json::parse(model.resultJson));
  for (std::size_t i = 0; i < cohort.features.size(); ++i) {
    const std::size_t column = i % cohort.names.size();
    if (!std::isnan(cohort.features[i]))
      cohort.features[i] = std::clamp(cohort.features[i], described.scaling.low[column],
                                      described.scaling.high[column]);
  }
  return federation::scoresOf(described.plan, model.values,
                              federation::designOf(described.plan, described.scaling, cohort));
}

ExperimentResult runExperiment(const Plan& fitted, const CohortTable& table,
                               const ExperimentSettings& settings,
                               const std::function<void(std::string_view, int)>& progress,
                               std::stop_token stop) {
  ExperimentResult result;
  result.plan = fitted;
  const Judge judge(table, fitted, settings.bootstrapResamples);
  std::vector<std::unique_ptr<federation::LocalTrainer>> trainers;
  std::vector<LoopbackConsortium::Member> members;
  for (std::size_t i = 0; i < table.sites.size(); ++i) {
    const TableSite& site = table.sites[i];
    SiteFigures figures{site.name, idOf(site.name, i + 1), 0, 0, 0, {}, {}, {}};
    Cohort train = cohortOf(table, site, Part::Train);
    figures.trainPatients = train.rows;
    figures.testPatients = judge.test(i).rows;
    figures.testEvents = eventsOf(judge.test(i));
    result.all.trainPatients += train.rows;
    trainers.push_back(passingTrainer(std::move(train)));
    members.push_back({figures.id, trainers.back().get()});
    result.sites.push_back(std::move(figures));
  }
  result.all.name = "all sites";
  result.all.testPatients = judge.all().rows;
  result.all.testEvents = eventsOf(judge.all());

  constexpr int kFederatedShare = 70, kLocalShare = 10;
  progress("enrolling the sites", 0);
  {
    LoopbackConsortium consortium({settings.folder}, members);
    const int expected = fitted.task == federation::TaskKind::Train
                             ? fitted.training.rounds + federation::kPreparationRounds
                             : fitted.newton.maxIterations;
    result.run = consortium.run(
        fitted,
        [&](int done) {
          progress(fmt::format("round {}", done + 1),
                   std::min(kFederatedShare, 2 + (kFederatedShare - 2) * done / expected));
        },
        stop);
  }
  progress("testing", kFederatedShare);
  for (std::size_t i = 0; i < table.sites.size(); ++i)
    result.sites[i].federated = judge.onSite(i, result.run.outcome);
  result.all.federated = judge.onAll(result.run.outcome);
  if (!settings.baselines) return result;
  const int sites = static_cast<int>(table.sites.size());
  addLocalModels(
      result, table, judge,
      [&](std::size_t i) {
        progress("each site alone", kFederatedShare + kLocalShare * static_cast<int>(i) / sites);
      },
      stop);
  progress("all data together", kFederatedShare + kLocalShare);
  addPooledModel(result, table, judge, stop);
  return result;
}

}  // namespace fedpet::plugin
