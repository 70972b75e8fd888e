#include "federation/learning/Newton.h"
#include "models/response/Fit.h"
#include "tests/federation/SummingConsortium.h"

#include <nlohmann/json.hpp>

namespace fedpet::federation {
namespace {

using nlohmann::json;

// Coefficient of a column, in its own unit.
json coefficient(const Outcome& outcome, const std::string& name) {
  const json result = json::parse(outcome.resultJson);
  for (const auto& row : result.at("fit").at("coefficients"))
    if (row.at("name") == name) return row;
  throw std::out_of_range(name);
}

response::Matrix matrixOf(const Design& design) {
  response::Matrix m(design.rows, design.columns);
  m.values = design.values;
  return m;
}

Scaling scalingOf(const Outcome& outcome) {
  return scalingFromJson(json::parse(outcome.resultJson).at("scaling"));
}

std::vector<FollowedTime> followed(const Cohort& c, double resolution = 0) {
  std::vector<FollowedTime> times;
  for (std::size_t r = 0; r < c.rows; ++r)
    times.push_back({resolution > 0 ? std::round(c.time[r] / resolution) * resolution : c.time[r],
                     c.event[r] == 1});
  return times;
}

void expectNear(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << i;
}

TEST(NewtonLogistic, IsThePooledFitToAMillionth) {
  Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Binary);
  const auto cohorts = smallConsortium(plan, 5, 60, 0.2);
  const ConsortiumRun run = runOnSums(plan, cohorts);
  const Design design = designOf(plan, scalingOf(run.outcome), joined(cohorts));
  std::vector<bool> labels;
  for (const int label : joined(cohorts).label) labels.push_back(label == 1);
  const response::Matrix x = matrixOf(design);
  const auto pooled = response::fitLogistic({&x, 1}, labels, {});
  std::vector<double> expected = pooled.coefficients;
  expected.push_back(pooled.intercept);
  expectNear(run.outcome.values, expected, 1e-6);
  ASSERT_EQ(design.columns, 5U) << "four columns and the indicator of the marker";
  EXPECT_NEAR(coefficient(run.outcome, "age")["standardError"].get<double>(),
              std::sqrt(pooled.covariance(1, 1)) / scalingOf(run.outcome).sd[0], 1e-6);
}

TEST(NewtonLogistic, KeepsThePenaltyAwayFromTheIntercept) {
  Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Binary);
  plan.newton.l2 = 5;
  const auto cohorts = smallConsortium(plan, 3, 50);
  const ConsortiumRun run = runOnSums(plan, cohorts);
  const response::Matrix x = matrixOf(designOf(plan, scalingOf(run.outcome), joined(cohorts)));
  std::vector<bool> labels;
  for (const int label : joined(cohorts).label) labels.push_back(label == 1);
  response::FitControl control;
  control.l2 = 5;
  const auto pooled = response::fitLogistic({&x, 1}, labels, control);
  expectNear({run.outcome.values.begin(), run.outcome.values.end() - 1}, pooled.coefficients, 1e-6);
  EXPECT_NEAR(run.outcome.values.back(), pooled.intercept, 1e-6);
}

// Remission times in weeks of 42 children with leukaemia, 6-mercaptopurine against placebo (1):
// Freireich 1963, Blood 21:699. Published fits of the group: 1.509 by Breslow, 1.572 by Efron with
// standard error 0.412 (R's survival package: coxph of the data set gehan in MASS).
std::vector<Cohort> leukaemia(std::size_t sites) {
  std::vector<Cohort> cohorts(sites);
  std::size_t next = 0;
  const auto add = [&](double weeks, int relapse, double placebo) {
    Cohort& c = cohorts[next++ % sites];
    c.names = {"placebo"};
    ++c.rows;
    c.features.push_back(placebo);
    c.time.push_back(weeks);
    c.event.push_back(relapse);
  };
  for (const double t : {6, 6, 6, 7, 10, 13, 16, 22, 23}) add(t, 1, 0);
  for (const double t : {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35}) add(t, 0, 0);
  for (const double t : {1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23})
    add(t, 1, 1);
  return cohorts;
}

Plan leukaemiaPlan() {
  Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Survival);
  plan.features = {{"placebo", "", {}}};
  plan.newton.stratifiedBySite = false;
  return plan;
}

TEST(NewtonCox, GivesThePublishedEstimateOfFreireichsTrialFromThreeSites) {
  Plan plan = leukaemiaPlan();
  plan.newton.timeResolution = 1;  // weeks are whole: the grid changes nothing
  const ConsortiumRun run = runOnSums(plan, leukaemia(3));
  EXPECT_NEAR(coefficient(run.outcome, "placebo")["coefficient"].get<double>(), 1.572, 0.0005);
  EXPECT_NEAR(coefficient(run.outcome, "placebo")["standardError"].get<double>(), 0.412, 0.0005);
}

TEST(NewtonCox, TakesExactTimesWithoutMaskingOnly) {
  Plan plan = leukaemiaPlan();
  EXPECT_THROW(begin(plan), std::invalid_argument);
  plan.masking = Masking::None;
  const ConsortiumRun run = runOnSums(plan, leukaemia(3));
  EXPECT_NEAR(coefficient(run.outcome, "placebo")["coefficient"].get<double>(), 1.572, 0.0005);
}

TEST(NewtonCox, WithOneBaselineIsThePooledFitToAMillionth) {
  Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Survival);
  plan.newton.stratifiedBySite = false;
  plan.newton.timeResolution = 0.5;
  const auto cohorts = smallConsortium(plan, 4, 60, 0.1);
  const ConsortiumRun run = runOnSums(plan, cohorts);
  const Cohort all = joined(cohorts);
  const response::Matrix x = matrixOf(designOf(plan, scalingOf(run.outcome), all));
  const auto times = followed(all, 0.5);
  const auto pooled = response::fitCox({&x, 1}, times, {}, {});
  expectNear(run.outcome.values, pooled.coefficients, 1e-6);
}

TEST(NewtonCox, StratifiedMaximisesTheSumOfTheSitesOwnLikelihoods) {
  const Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Survival);
  const auto cohorts = smallConsortium(plan, 4, 60);
  const ConsortiumRun run = runOnSums(plan, cohorts);
  // The gradient of the stratified likelihood vanishes, by differences of its definition.
  const auto likelihood = [&](const std::vector<double>& b) {
    double sum = 0;
    for (const Cohort& c : cohorts) {
      const Design d = designOf(plan, scalingOf(run.outcome), c);
      const auto score = [&](std::size_t r) {
        double s = 0;
        for (std::size_t i = 0; i < d.columns; ++i) s += b[i] * d.values[r * d.columns + i];
        return s;
      };
      for (std::size_t i = 0; i < c.rows; ++i) {
        if (c.event[i] == 0) continue;
        // The k-th death of a time, in the order of the rows, takes its Efron share.
        double atRisk = 0, tied = 0, deaths = 0, before = 0;
        for (std::size_t j = 0; j < c.rows; ++j) {
          if (c.time[j] >= c.time[i]) atRisk += std::exp(score(j));
          if (c.event[j] == 0 || c.time[j] != c.time[i]) continue;
          tied += std::exp(score(j));
          deaths += 1;
          if (j < i) before += 1;
        }
        sum += score(i) - std::log(atRisk - before / deaths * tied);
      }
    }
    return sum;
  };
  const double best = likelihood(run.outcome.values);
  EXPECT_NEAR(json::parse(run.outcome.resultJson)["fit"]["logLikelihood"].get<double>(), best,
              1e-6);
  for (std::size_t i = 0; i < run.outcome.values.size(); ++i) {
    std::vector<double> up = run.outcome.values, down = up;
    up[i] += 1e-4, down[i] -= 1e-4;
    EXPECT_NEAR((likelihood(up) - likelihood(down)) / 2e-4, 0, 1e-5) << i;
    EXPECT_LT(likelihood(up), best);
  }
}

TEST(Newton, SaysWhyASingularFitHasNoStep) {
  Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Binary);
  auto cohorts = smallConsortium(plan, 3, 40);
  for (Cohort& c : cohorts)
    for (std::size_t r = 0; r < c.rows; ++r)
      c.features[r * 4 + 2] = 3 * c.features[r * 4] + 1;  // the marker is the age in other words
  try {
    runOnSums(plan, cohorts);
    FAIL() << "a singular fit ended";
  } catch (const std::domain_error& error) {
    EXPECT_NE(std::string(error.what()).find("combination of others"), std::string::npos);
  }
  for (Cohort& c : cohorts)
    for (std::size_t r = 0; r < c.rows; ++r) c.features[r * 4 + 2] = 7;
  EXPECT_THROW(runOnSums(plan, cohorts), std::domain_error) << "a constant column";
}

TEST(Newton, StopsWhenAColumnSeparatesTheOutcomes) {
  Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Binary);
  auto cohorts = smallConsortium(plan, 3, 40);
  for (Cohort& c : cohorts)
    for (std::size_t r = 0; r < c.rows; ++r) c.features[r * 4 + 2] = c.label[r] == 1 ? 2 : -2;
  EXPECT_THROW(runOnSums(plan, cohorts), std::domain_error);
}

// Heavy tails make Newton's full step overshoot.
void expectHalvedAndClimbing(const Plan& plan, std::vector<Cohort> cohorts) {
  for (Cohort& c : cohorts)
    for (std::size_t r = 0; r < c.rows; ++r) {
      double& volume = c.features[r * 4 + 1];
      volume = std::pow(volume / 50, 6);
    }
  const ConsortiumRun run = runOnSums(plan, cohorts);
  double last = -INFINITY;
  int halved = 0;
  for (const RoundTrace& round : run.rounds) {
    const json metrics = json::parse(round.metricsJson);
    if (metrics.contains("halved")) ++halved;
    if (metrics.contains("halved") || !metrics.contains("logLikelihood")) continue;
    EXPECT_GE(metrics["logLikelihood"].get<double>(), last - 1e-9);
    last = metrics["logLikelihood"];
  }
  EXPECT_GT(halved, 0) << "the case is too easy to test anything";
}

TEST(Newton, HalvesAStepThatFalls) {
  Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Survival);
  plan.newton.maxIterations = 60;
  expectHalvedAndClimbing(plan, smallConsortium(plan, 3, 100));
  plan.newton.stratifiedBySite = false;
  plan.newton.timeResolution = 1;
  expectHalvedAndClimbing(plan, smallConsortium(plan, 3, 100));
}

TEST(Newton, RefusesNoiseAndTheShortRing) {
  Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Binary);
  plan.masking = Masking::Ring32;
  EXPECT_THROW(begin(plan), std::invalid_argument);
  plan.masking = Masking::Ring64;
  plan.privacy.noise = NoiseKind::Local;
  EXPECT_THROW(begin(plan), std::invalid_argument);
}

TEST(Newton, ASiteWhoseTableChangedDoesNotTakePart) {
  Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Binary);
  auto cohorts = smallConsortium(plan, 3, 40);
  Progress progress = begin(plan);
  RoundSum sum{sumsOrThrow(plan, progress.input, cohorts[0]).values, 1, {}, {}, {}};
  progress = proceed(plan, progress, sum);
  cohorts[0].features[0] = 1e9;
  const auto result = localSums(plan, progress.input, cohorts[0]);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().find("the table was changed"), std::string::npos);
}

}  // namespace
}  // namespace fedpet::federation
