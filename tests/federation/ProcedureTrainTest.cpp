#include "federation/learning/CohortTrainer.h"
#include "federation/learning/Phases.h"
#include "federation/learning/TabularModel.h"
#include "tests/federation/SummingConsortium.h"
#include "tests/federation/TabularTraining.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <numeric>

namespace fedpet::federation {
namespace {

using nlohmann::json;
using Vector = std::vector<double>;

std::unique_ptr<CohortTrainer> trainerOf(const Cohort& cohort, std::uint8_t secret = 1,
                                         std::filesystem::path folder = {}) {
  return std::make_unique<CohortTrainer>(
      CohortTrainer::Parts{[cohort](const Plan&) { return cohort; }, trainWithTorch,
                           SecretBytes(Bytes(32, secret)), std::move(folder)});
}

LocalResult computeOrThrow(LocalTrainer& trainer, const Plan& plan, int round,
                           const RoundInput& input, int contributorsAtLeast = 3) {
  auto result = trainer.compute(plan, round, input, contributorsAtLeast, [](int) {}, {});
  if (!result) throw std::runtime_error(result.error());
  return *result;
}

ConsortiumRun trainTogether(const Plan& plan, const std::vector<Cohort>& cohorts) {
  std::vector<std::unique_ptr<CohortTrainer>> trainers;
  for (const Cohort& c : cohorts)
    trainers.push_back(trainerOf(c, static_cast<std::uint8_t>(trainers.size())));
  return runConsortium(
      plan, begin(plan), cohorts.size(), [&](std::size_t s, int round, const RoundInput& input) {
        return computeOrThrow(*trainers[s], plan, round, input, static_cast<int>(cohorts.size()));
      });
}

Plan trainPlan(Strategy strategy, EndpointKind endpoint = EndpointKind::Binary) {
  Plan plan = smallPlan(TaskKind::Train, endpoint);
  plan.training.strategy = strategy;
  plan.training.rounds = 5;
  return plan;
}

// Area under the curve or concordance of a model on a table, by its definition over pairs.
double discrimination(const ConsortiumRun& run, const Cohort& cohort) {
  const DescribedModel model = modelFromDescription(json::parse(run.outcome.resultJson));
  const Vector s =
      scoresOf(model.plan, run.outcome.values, designOf(model.plan, model.scaling, cohort));
  double good = 0, pairs = 0;
  for (std::size_t i = 0; i < cohort.rows; ++i)
    for (std::size_t j = 0; j < cohort.rows; ++j) {
      const bool comparable = cohort.label.empty()
                                  ? cohort.event[i] == 1 && cohort.time[i] < cohort.time[j]
                                  : cohort.label[i] > cohort.label[j];
      if (!comparable) continue;
      pairs += 1;
      good += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
    }
  return good / pairs;
}

Progress trainingProgress(const Plan& plan, const std::vector<Cohort>& cohorts) {
  Progress progress = begin(plan);
  while (progress.input.phase != phase::kTrain) {
    RoundSum sum;
    sum.contributors = static_cast<int>(cohorts.size());
    for (const Cohort& c : cohorts) {
      const Vector v = sumsOrThrow(plan, progress.input, c).values;
      sum.values.resize(v.size());
      for (std::size_t i = 0; i < v.size(); ++i) sum.values[i] += v[i];
    }
    progress = proceed(plan, progress, sum);
  }
  return progress;
}

TEST(Standardisation, GivesThePooledMeansAndDeviations) {
  const Plan plan = trainPlan(Strategy::FedAvg);
  const auto cohorts = smallConsortium(plan, 4, 50, 0.3);
  const Progress progress = trainingProgress(plan, cohorts);
  const Scaling scaling = scalingFromJson(json::parse(progress.input.settingsJson).at("scaling"));
  const Cohort all = joined(cohorts);
  for (std::size_t c = 0; c < 4; ++c) {
    double n = 0, sum = 0, squares = 0;
    for (std::size_t r = 0; r < all.rows; ++r)
      if (!std::isnan(all.at(r, c))) n += 1, sum += all.at(r, c);
    for (std::size_t r = 0; r < all.rows; ++r)
      if (!std::isnan(all.at(r, c))) squares += std::pow(all.at(r, c) - sum / n, 2);
    EXPECT_NEAR(scaling.mean[c], sum / n, 1e-9 * std::abs(sum / n));
    EXPECT_NEAR(scaling.sd[c], std::sqrt(squares / (n - 1)), 1e-7 * scaling.sd[c]);
    EXPECT_EQ(scaling.present[c], n);
  }
  EXPECT_EQ(designNames(plan, scaling),
            (std::vector<std::string>{"age", "volume", "marker", "sex=f", "marker missing"}));
}

TEST(Standardisation, TellsTheRangeToAPowerOfTwoOnly) {
  EXPECT_EQ(largestOfLevel(magnitudeLevelOf(1)), 1);
  EXPECT_EQ(largestOfLevel(magnitudeLevelOf(1.0001)), 2);
  EXPECT_EQ(largestOfLevel(magnitudeLevelOf(-93)), 128);
  EXPECT_EQ(magnitudeLevelOf(0), 0);
  EXPECT_THROW(magnitudeLevelOf(1e13), std::invalid_argument);
}

TEST(Train, WithOneSiteAndFedAvgIsPlainGradientDescent) {
  Plan plan = trainPlan(Strategy::FedAvg);
  plan.masking = Masking::None;
  plan.training.updateNormBound = 1000;
  const auto cohorts = smallConsortium(plan, 1, 80);
  plan.training.batchSize = static_cast<int>(cohorts[0].rows);
  const ConsortiumRun run = trainTogether(plan, cohorts);
  const Scaling scaling = scalingFromJson(json::parse(run.outcome.resultJson).at("scaling"));
  const Design design = designOf(plan, scaling, cohorts[0]);
  const response::TabularModelShape shape{design.columns, {}, false, {}, 0};
  const response::TabularData data{design.rows, design.values, cohorts[0].label, {}, {}};
  std::vector<std::size_t> rows(design.rows);
  std::iota(rows.begin(), rows.end(), 0);
  Vector w(design.columns + 1);
  for (int step = 0; step < plan.training.rounds * plan.training.localSteps; ++step) {
    const auto g = response::tabularLoss(shape, data, w, rows).gradient;
    for (std::size_t i = 0; i < w.size(); ++i) w[i] -= plan.training.clientLearningRate * g[i];
  }
  for (std::size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(run.outcome.values[i], w[i], 1e-6) << i;
}

// One update and one step of each server, calculated by hand from algorithm 2 of Reddi 2021.
TEST(Train, MovesTheServerByThePublishedFormulas) {
  Plan plan = smallPlan(TaskKind::Train, EndpointKind::Survival);
  plan.features = {{"age", "a", {}}};
  plan.masking = Masking::None;
  plan.training.rounds = 2;
  plan.training.serverLearningRate = 0.5;
  plan.training.beta1 = 0.9, plan.training.beta2 = 0.99, plan.training.tau = 0.1;
  plan.training.weightedByPatients = true;
  Cohort cohort;
  cohort.names = {"age"};
  cohort.rows = 6;
  cohort.features = {50, 52, 54, 60, 64, 68};
  cohort.time = {1, 2, 3, 4, 5, 6};
  cohort.event = {1, 1, 0, 1, 0, 1};
  const auto twoSteps = [&](Strategy strategy) {
    plan.training.strategy = strategy;
    Progress p = trainingProgress(plan, {cohort});
    EXPECT_EQ(p.input.values, Vector{0});
    // Two sites of 10 and 30 patients with updates 1 and -0.2: mean (10 - 6) / 40 = 0.1.
    const SumLayout layout = layoutOf(plan, p.input);
    RoundSum sum;
    sum.contributors = 2;
    sum.values.assign(layout.length(), 0.0);
    sum.values[layout.offsetOf("weight")] = 40;
    sum.values[layout.offsetOf("update")] = 4;
    p = proceed(plan, p, sum);
    const double first = p.input.values[0];
    EXPECT_FALSE(p.outcome);
    p = proceed(plan, p, sum);
    EXPECT_TRUE(p.outcome);
    return std::pair(first, p.outcome->values.at(0));
  };
  const double m1 = 0.1 * 0.1, m2 = 0.9 * m1 + 0.1 * 0.1, square = 0.01, v0 = 0.01;
  const auto [avg1, avg2] = twoSteps(Strategy::FedAvg);
  EXPECT_NEAR(avg1, 0.05, 1e-15);
  EXPECT_NEAR(avg2, 0.10, 1e-15);
  const auto [grad1, grad2] = twoSteps(Strategy::FedAdagrad);
  EXPECT_NEAR(grad1, 0.5 * m1 / (std::sqrt(v0 + square) + 0.1), 1e-15);
  EXPECT_NEAR(grad2, grad1 + 0.5 * m2 / (std::sqrt(v0 + 2 * square) + 0.1), 1e-15);
  plan.training.tau = 0.2;  // v starts at 0.04
  const auto [adam1, adam2] = twoSteps(Strategy::FedAdam);
  const double a1 = 0.99 * 0.04 + 0.01 * square, a2 = 0.99 * a1 + 0.01 * square;
  EXPECT_NEAR(adam1, 0.5 * m1 / (std::sqrt(a1) + 0.2), 1e-15);
  EXPECT_NEAR(adam2, adam1 + 0.5 * m2 / (std::sqrt(a2) + 0.2), 1e-15);
  const auto [yogi1, yogi2] = twoSteps(Strategy::FedYogi);
  const double y1 = 0.04 - 0.01 * square, y2 = y1 - 0.01 * square;
  EXPECT_NEAR(yogi1, 0.5 * m1 / (std::sqrt(y1) + 0.2), 1e-15);
  EXPECT_NEAR(yogi2, yogi1 + 0.5 * m2 / (std::sqrt(y2) + 0.2), 1e-15);
}

TEST(Train, LearnsWithEveryStrategyAndEndpoint) {
  for (const EndpointKind endpoint : {EndpointKind::Binary, EndpointKind::Survival})
    for (const Strategy strategy : {Strategy::FedAvg, Strategy::FedProx, Strategy::Scaffold,
                                    Strategy::FedAdam, Strategy::FedYogi, Strategy::FedAdagrad}) {
      Plan plan = trainPlan(strategy, endpoint);
      plan.training.rounds = 8;
      plan.training.proximalMu = 0.1;
      const bool adaptive = strategy == Strategy::FedAdam || strategy == Strategy::FedYogi ||
                            strategy == Strategy::FedAdagrad;
      plan.training.serverLearningRate = adaptive ? 0.1 : 1;
      const auto cohorts = smallConsortium(plan, 4, 80, 0.1);
      const ConsortiumRun run = trainTogether(plan, cohorts);
      EXPECT_GT(discrimination(run, joined(cohorts)), 0.68) << toString(strategy);
      EXPECT_EQ(run.rounds.size(), 10U) << "two rounds of preparation and eight of training";
      const json losses = json::parse(run.outcome.resultJson).at("trainingLoss");
      EXPECT_LT(losses.back().get<double>(), losses.front().get<double>()) << toString(strategy);
    }
}

TEST(Train, LearnsAPerceptronInTheShortRing) {
  Plan plan = trainPlan(Strategy::FedAvg);
  plan.model = {"mlp", {8}};
  plan.masking = Masking::Ring32;
  plan.maximumPatients = 1000;
  plan.training.rounds = 15;
  plan.training.clientLearningRate = 0.3;
  const auto cohorts = smallConsortium(plan, 4, 80);
  EXPECT_GT(discrimination(trainTogether(plan, cohorts), joined(cohorts)), 0.69);
}

// Karimireddy 2020: after a round, c is the mean of the sites' c_i, and c_i = (x - y) / (K eta).
TEST(Train, ScaffoldKeepsTheServersVariateAtTheMeanOfTheSites) {
  Plan plan = trainPlan(Strategy::Scaffold);
  plan.training.weightedByPatients = false;
  plan.training.updateNormBound = 1000;
  const auto cohorts = smallConsortium(plan, 3, 40);
  std::vector<std::unique_ptr<CohortTrainer>> trainers;
  for (const Cohort& c : cohorts) trainers.push_back(trainerOf(c));
  Progress progress = trainingProgress(plan, cohorts);
  const std::size_t p = 5;  // four columns and the intercept
  ASSERT_EQ(progress.input.values.size(), 2 * p);
  Vector expected(p);
  const SumLayout layout = layoutOf(plan, progress.input);
  RoundSum sum;
  sum.contributors = 3;
  sum.values.assign(layout.length(), 0.0);
  for (auto& trainer : trainers) {
    const Vector v = computeOrThrow(*trainer, plan, progress.round, progress.input).values;
    for (std::size_t i = 0; i < v.size(); ++i) sum.values[i] += v[i];
    for (std::size_t i = 0; i < p; ++i)
      expected[i] -= v[layout.offsetOf("update") + i] / (10 * 0.1) / 3;
  }
  progress = proceed(plan, progress, sum);
  for (std::size_t i = 0; i < p; ++i) EXPECT_NEAR(progress.input.values[p + i], expected[i], 1e-12);
}

TEST(Train, ScaffoldsSiteRepeatsARoundAfterARestart) {
  const Plan plan = trainPlan(Strategy::Scaffold);
  const auto cohorts = smallConsortium(plan, 1, 40);
  const auto folder = std::filesystem::path(testing::TempDir()) / "fedpet-variates";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const Progress first = trainingProgress(plan, cohorts);
  const LocalResult one = computeOrThrow(*trainerOf(cohorts[0], 1, folder), plan, 3, first.input);
  RoundSum sum{one.values, 1, {}, {}, {}};
  const Progress second = proceed(plan, first, sum);
  const LocalResult two = computeOrThrow(*trainerOf(cohorts[0], 1, folder), plan, 4, second.input);
  // Killed before it could answer: the same round again gives the same bytes.
  EXPECT_EQ(computeOrThrow(*trainerOf(cohorts[0], 1, folder), plan, 4, second.input).values,
            two.values);
  EXPECT_NE(computeOrThrow(*trainerOf(cohorts[0], 1), plan, 4, second.input).values, two.values)
      << "without its variate the site takes another way";
  std::filesystem::remove_all(folder);
}

TEST(Train, ContinuesFromItsStateAsIfNothingHadHappened) {
  Plan plan = trainPlan(Strategy::FedAdam);
  const auto cohorts = smallConsortium(plan, 3, 40);
  Progress progress = trainingProgress(plan, cohorts);
  const SumLayout layout = layoutOf(plan, progress.input);
  RoundSum sum;
  sum.contributors = 3;
  sum.values.assign(layout.length(), 0.3);
  progress = proceed(plan, progress, sum);
  // What comes back from the database and from the wire: single precision in the input only.
  Progress again{
      progress.state, progress.round, decodeRoundInput(encode(progress.input)), {}, "{}"};
  const Progress a = proceed(plan, progress, sum), b = proceed(plan, again, sum);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.input.values, b.input.values);
}

TEST(Train, ScalesALargeUpdateDownToTheNormOfThePlan) {
  Plan plan = trainPlan(Strategy::FedAvg);
  plan.training.clientLearningRate = 50;
  plan.training.updateNormBound = 0.25;
  plan.training.weightedByPatients = false;
  const auto cohorts = smallConsortium(plan, 1, 40);
  const Progress progress = trainingProgress(plan, cohorts);
  const Vector v = computeOrThrow(*trainerOf(cohorts[0]), plan, 3, progress.input).values;
  const SumLayout layout = layoutOf(plan, progress.input);
  double squares = 0;
  for (std::size_t i = 0; i < layout.fields[1].length; ++i)
    squares += std::pow(v[layout.offsetOf("update") + i], 2);
  EXPECT_NEAR(std::sqrt(squares), 0.25, 1e-12);
}

TEST(Train, RobustRulesIgnoreASiteThatLies) {
  Plan plan = trainPlan(Strategy::FedAvg);
  plan.masking = Masking::None;
  const auto cohorts = smallConsortium(plan, 5, 40);
  Progress progress = trainingProgress(plan, cohorts);
  const SumLayout layout = layoutOf(plan, progress.input);
  const auto roundOf = [&](RobustRule rule) {
    plan.training.robust = rule;
    plan.training.trimmedShare = 0.2;
    RoundSum sum;
    sum.contributors = 5;
    sum.values.assign(layout.length(), 0.0);
    for (std::size_t s = 0; s < 5; ++s) {
      Vector v = computeOrThrow(*trainerOf(cohorts[s]), plan, 3, progress.input).values;
      if (s == 2)
        for (std::size_t i = 0; i < layout.fields[1].length; ++i)
          v[layout.offsetOf("update") + i] = 1e6;
      sum.single.push_back(v);
      for (std::size_t i = 0; i < v.size(); ++i) sum.values[i] += v[i];
    }
    return proceed(plan, progress, sum).input.values[0];
  };
  EXPECT_GT(std::abs(roundOf(RobustRule::None)), 100);
  EXPECT_LT(std::abs(roundOf(RobustRule::Median)), 2);
  EXPECT_LT(std::abs(roundOf(RobustRule::TrimmedMean)), 2);
}

TEST(Train, TakesTheMedianOfGroups) {
  Plan plan = trainPlan(Strategy::FedAvg);
  const auto cohorts = smallConsortium(plan, 3, 40);
  const Progress progress = trainingProgress(plan, cohorts);
  const SumLayout layout = layoutOf(plan, progress.input);
  RoundSum sum;
  sum.contributors = 9;
  for (const double update : {0.2, 0.3, 500.0}) {  // group means
    Vector v(layout.length());
    v[layout.offsetOf("weight")] = 10;
    v[layout.offsetOf("update")] = 10 * update;
    sum.groupSums.push_back({v, 3});
  }
  EXPECT_NEAR(proceed(plan, progress, sum).input.values[0], 0.3, 1e-12);
}

TEST(RobustMeans, AreThoseOfTheirDefinitions) {
  EXPECT_EQ(coordinateMedian({{1}, {9}, {2}}), Vector{2});
  EXPECT_EQ(coordinateMedian({{1}, {9}, {2}, {4}}), Vector{3});
  EXPECT_EQ(trimmedMean({{1}, {9}, {2}, {4}, {5}}, 0.2), Vector{11.0 / 3});
  EXPECT_EQ(trimmedMean({{1}, {9}}, 0.5), Vector{5});
}

Plan noisyPlan(NoiseKind noise, EndpointKind endpoint) {
  Plan plan = trainPlan(Strategy::FedAvg, endpoint);
  plan.privacy = {noise, 1.0, 0.6, 0.25, 20, 1e-3};
  plan.training.rounds = 15;
  plan.training.localSteps = noise == NoiseKind::Distributed ? 1 : 4;
  plan.training.clientLearningRate = noise == NoiseKind::Distributed ? 1 : 0.3;
  return plan;
}

TEST(TrainWithNoise, LearnsFromDistributedAndLocalNoise) {
  for (const EndpointKind endpoint : {EndpointKind::Binary, EndpointKind::Survival})
    for (const NoiseKind noise : {NoiseKind::Distributed, NoiseKind::Local}) {
      const Plan plan = noisyPlan(noise, endpoint);
      const auto cohorts = smallConsortium(plan, 5, 400);
      const ConsortiumRun run = trainTogether(plan, cohorts);
      const json result = json::parse(run.outcome.resultJson);
      EXPECT_FALSE(result.contains("trainingLoss")) << "a loss without noise tells of patients";
      EXPECT_GT(discrimination(run, joined(cohorts)), 0.62);
    }
}

TEST(TrainWithNoise, RepeatsTheSameNoiseForTheSameRoundOnly) {
  const Plan plan = noisyPlan(NoiseKind::Distributed, EndpointKind::Binary);
  const auto cohorts = smallConsortium(plan, 1, 400);
  Progress progress = begin(plan);
  const auto trainer = trainerOf(cohorts[0]);
  const auto noisy = [&](LocalTrainer& t, int round, int contributors) {
    return computeOrThrow(t, plan, round, progress.input, contributors).values[0];
  };
  const double first = noisy(*trainer, 1, 3);
  EXPECT_EQ(noisy(*trainerOf(cohorts[0]), 1, 3), first);
  EXPECT_NE(noisy(*trainer, 2, 3), first);
  EXPECT_NE(noisy(*trainerOf(cohorts[0], 2), 1, 3), first) << "another secret";
  // The same normal number at two scales would give the patients away.
  const double patients = static_cast<double>(cohorts[0].rows);
  EXPECT_GT(std::abs((noisy(*trainer, 1, 12) - patients) * 2 - (first - patients)), 1e-9);
  Cohort other = cohorts[0];
  other.label[0] = 1 - other.label[0];
  const double changed = noisy(*trainerOf(other), 1, 3);
  EXPECT_GT(std::abs(changed - first), 1e-9) << "the count is the same, the noise must not be";
}

TEST(TrainWithNoise, OfASiteAloneIsTheSameInEveryAttemptOfARound) {
  const Plan plan = noisyPlan(NoiseKind::Local, EndpointKind::Binary);
  const auto cohorts = smallConsortium(plan, 1, 400);
  const Progress progress = begin(plan);
  const auto trainer = trainerOf(cohorts[0]);
  EXPECT_EQ(computeOrThrow(*trainer, plan, 1, progress.input, 3).values,
            computeOrThrow(*trainer, plan, 1, progress.input, 5).values);
}

TEST(TrainWithNoise, RefusesToOpenSumsWhoseNoiseIsIncomplete) {
  Plan plan = noisyPlan(NoiseKind::Distributed, EndpointKind::Binary);
  EXPECT_NO_THROW(begin(plan));
  plan.training.groups = 2;
  EXPECT_THROW(begin(plan), std::invalid_argument);
  plan.training.groups = 1;
  plan.training.localSteps = 2;
  EXPECT_THROW(begin(plan), std::invalid_argument);
  plan.training.localSteps = 1;
  plan.training.strategy = Strategy::Scaffold;
  EXPECT_THROW(begin(plan), std::invalid_argument);
}

TEST(TrainWithNoise, GivesEverySiteItsShareOfTheFullNoise) {
  Plan plan = noisyPlan(NoiseKind::Distributed, EndpointKind::Binary);
  plan.quorum = 4;
  const RoundInput input = begin(plan).input;
  const double share = noiseSdOfSite(plan, input, 4);
  plan.privacy.noise = NoiseKind::Local;
  plan.training.localSteps = 1;
  EXPECT_NEAR(noiseSdOfSite(plan, input, 4), 2 * share, 1e-12);
}

}  // namespace
}  // namespace fedpet::federation
