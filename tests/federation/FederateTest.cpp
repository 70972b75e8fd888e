// A whole consortium over a generated table: real coordinator, real sites, TLS on loopback.
#include "federation/privacy/RdpAccountant.h"
#include "orthanc-plugin/training/Experiment.h"
#include "tests/support/TemporaryDirectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <random>
#include <sstream>

namespace fedpet::plugin {
namespace {

using federation::Masking;
using federation::NoiseKind;
using federation::Plan;
using federation::Strategy;
using federation::TaskKind;
using ::testing::HasSubstr;

double uniformOf(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1.0p-53;
}

// Four sites whose patients differ; the outcome follows x1, x2 and the stage, noisily. x3 is often
// missing, and all of them say nothing of it.
std::string learnableTable(int patients) {
  std::mt19937_64 random(7);
  std::ostringstream csv;
  csv << "hospital,x1,x2,x3,stage,outcome,months\n";
  for (int i = 0; i < patients; ++i) {
    const int site = i % 4;
    const double x1 = 4 * uniformOf(random) - 2 + 0.5 * site, x2 = 200 * uniformOf(random);
    const bool late = uniformOf(random) < 0.4;
    const double logit = 1.6 * x1 - 0.02 * (x2 - 100) + (late ? 1.0 : -0.7) - 1.0;
    const double p = 1 / (1 + std::exp(-logit));
    const double months = -std::log(1 - uniformOf(random)) * 12 * std::exp(-0.7 * logit);
    csv << "H" << site << ',' << x1 << ',' << x2 << ',';
    if (uniformOf(random) < 0.8) csv << uniformOf(random);
    csv << ',' << (late ? "late" : "early") << ',' << (uniformOf(random) < p ? 1 : 0) << ','
        << std::max(0.01, months) << '\n';
  }
  return csv.str();
}

CohortTable cohort(federation::EndpointKind kind = federation::EndpointKind::Binary,
                   bool referenceCategory = false, int patients = 320) {
  CohortQuestion question;
  question.referenceCategory = referenceCategory;
  question.siteColumn = "hospital";
  if (kind == federation::EndpointKind::Binary)
    question.endpoint.column = "outcome";
  else
    question.endpoint = {kind, "", "months", "outcome", "mo"};
  for (const char* name : {"x1", "x2", "x3", "stage"}) question.features.push_back({name, "", {}});
  return readCohort(parseCsv(learnableTable(patients)), question);
}

Plan aPlan(const CohortTable& table) {
  Plan plan;
  plan.title = "test";
  plan.purpose = "research";
  plan.features = table.features;
  plan.endpoint = table.endpoint;
  plan.masking = Masking::None;
  plan.training.rounds = 5;
  plan.training.localSteps = 10;
  plan.training.batchSize = 16;
  plan.training.proximalMu = 0.01;
  return plan;
}

ExperimentResult run(const Plan& plan, const CohortTable& table, bool baselines = false) {
  const fedpet::testing::TemporaryDirectory folder;
  return runExperiment(fittedPlan(plan, table), table, {folder.path(), baselines, 50},
                       [](std::string_view, int) {});
}

// Both ways sum the same fixed-point numbers, and integers do not round.
TEST(Federate, GivesTheSameModelWithAndWithoutMasks) {
  const CohortTable table = cohort();
  Plan plan = aPlan(table);
  const auto plain = run(plan, table).run.outcome.values;
  plan.masking = Masking::Ring64;
  EXPECT_EQ(run(plan, table).run.outcome.values, plain);
  plan.masking = Masking::Ring32;
  const auto coarse = run(plan, table).run.outcome.values;
  ASSERT_EQ(coarse.size(), plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(coarse[i], plain[i], 1e-2);
}

TEST(Federate, FitsTheLogisticRegressionOfThePooledTable) {
  const CohortTable table = cohort(federation::EndpointKind::Binary, true);
  Plan plan = aPlan(table);
  plan.task = TaskKind::Newton;
  plan.masking = Masking::Ring64;
  const ExperimentResult result = run(plan, table, true);
  const auto& federated = result.run.outcome.values;
  ASSERT_TRUE(result.pooledModel);
  ASSERT_EQ(federated.size(), result.pooledModel->values.size());
  for (std::size_t i = 0; i < federated.size(); ++i)
    EXPECT_NEAR(federated[i], result.pooledModel->values[i], 1e-6) << i;
  EXPECT_EQ(result.all.federated.value, result.all.pooled->value);
}

class EveryStrategy : public ::testing::TestWithParam<Strategy> {};

TEST_P(EveryStrategy, BeatsChanceOnALearnableTable) {
  const CohortTable table = cohort();
  Plan plan = aPlan(table);
  plan.training.strategy = GetParam();
  if (GetParam() != Strategy::FedProx) plan.training.proximalMu = 0;
  const bool adaptive = GetParam() == Strategy::FedAdam || GetParam() == Strategy::FedYogi ||
                        GetParam() == Strategy::FedAdagrad;
  if (adaptive) plan.training.serverLearningRate = 0.3;
  const ExperimentResult result = run(plan, table);
  EXPECT_EQ(result.run.rounds.size(), 7U) << "two to standardise, five to train";
  EXPECT_GT(result.all.federated.lower, 0.6);
  for (const RoundFigures& round : result.run.rounds) {
    EXPECT_GT(round.traffic.sentBytes, 0U);
    EXPECT_GT(round.time.count(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Federate, EveryStrategy,
                         ::testing::Values(Strategy::FedAvg, Strategy::FedProx, Strategy::Scaffold,
                                           Strategy::FedAdam, Strategy::FedYogi,
                                           Strategy::FedAdagrad),
                         [](const auto& tested) { return std::string(toString(tested.param)); });

TEST(Federate, OrdersSurvivalTimesWithAPerceptron) {
  const CohortTable table = cohort(federation::EndpointKind::Survival);
  Plan plan = aPlan(table);
  plan.model = {"mlp", {8}};
  const ExperimentResult result = run(plan, table, true);
  EXPECT_GT(result.all.federated.lower, 0.6);
  ASSERT_TRUE(result.all.pooled && result.sites[0].local);
  EXPECT_GT(result.all.pooled->lower, 0.6);
}

TEST(Federate, SpendsNoMoreEpsilonThanWasAsked) {
  const CohortTable table = cohort(federation::EndpointKind::Binary, false, 2000);
  for (const NoiseKind kind : {NoiseKind::Local, NoiseKind::Distributed}) {
    Plan plan = aPlan(table);
    plan.masking = Masking::Ring64;
    plan.privacy = {kind, 1.0, 0, 0.2, 4.0, 1e-3};
    if (kind == NoiseKind::Distributed) plan.training.localSteps = 1;
    const ExperimentResult result = run(plan, table);
    EXPECT_LE(result.run.epsilonSpent, 4.0);
    EXPECT_GT(result.run.epsilonSpent, 3.0) << "a budget that is not used is wasted accuracy";
    EXPECT_GT(result.plan.privacy.noiseMultiplier, 0);
    EXPECT_NE(result.run.outcome.values, run(plan, table).run.outcome.values)
        << "the noise would be no secret";
  }
}

TEST(Federate, SaysWhichSiteHasTooFewPatients) {
  CohortTable table = cohort();
  table.sites.push_back({"tiny", {table.sites[0].patients[0]}});
  table.sites.back().patients[0].trains = true;
  try {
    fittedPlan(aPlan(table), table);
    FAIL();
  } catch (const TableError& error) {
    EXPECT_THAT(error.what(), HasSubstr("Site \"tiny\" has 1 patient to train on"));
  }
  table.sites.resize(2);
  Plan plan = aPlan(table);
  plan.masking = Masking::Ring64;
  EXPECT_THROW(fittedPlan(plan, table), TableError) << "a sum of two is no secret";
}

TEST(Federate, TellsThePersonWhyASiteDoesNotTrain) {
  const CohortTable table = cohort();
  Plan plan = aPlan(table);
  plan.training.clientLearningRate = 1e6;
  plan.training.l2 = 1e6;
  plan.training.localSteps = 40;
  try {
    run(plan, table);
    FAIL() << "it diverges";
  } catch (const ConsortiumError& error) {
    EXPECT_THAT(error.what(), HasSubstr("diverged"));
  }
}

}  // namespace
}  // namespace fedpet::plugin
