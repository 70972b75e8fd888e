#include "models/response/ResponseModel.h"
#include "models/response/Training.h"
#include "tests/response/SyntheticTraining.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedpet::response {
namespace {

using ::testing::HasSubstr;

sample::SyntheticCohort cohort(int patients, std::uint64_t seed, int centres = 8) {
  sample::CohortPlan plan;
  plan.centres = centres;
  plan.patients = patients;
  plan.seed = seed;
  return sample::makeSyntheticCohort(plan);
}

std::string errorOf(std::span<const CohortRecord> records, TrainingPlan plan) {
  SilentObserver observer;
  try {
    trainResponseModel(records, plan, observer);
  } catch (const TrainingError& error) {
    return error.what();
  }
  return "no error";
}

TrainingPlan aPlan() {
  TrainingPlan plan;
  plan.dataDescription = "test cohort";
  return plan;
}

TEST(Training, GivesTheSameModelForTheSamePlan) {
  const auto patients = cohort(800, 5);
  const ModelBundle a = trainOn(patients), b = trainOn(patients);
  for (std::size_t o = 0; o < a.outputs.size(); ++o) {
    EXPECT_EQ(a.outputs[o].intercept, b.outputs[o].intercept);
    EXPECT_EQ(a.outputs[o].coefficients, b.outputs[o].coefficients);
  }
}

// On 3000 fresh patients of many other centres; one standard error of an AUC or C near 0.75 is
// about 0.009, of its difference from the oracle on the same patients far less.
class FreshPatients : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    bundle_ = new ModelBundle(trainOn(cohort(3000, 33, 20)));
    evaluateOn(*bundle_, cohort(3000, 32, 60), 50);
  }
  static void TearDownTestSuite() { delete bundle_; }
  static ModelBundle* bundle_;
};
ModelBundle* FreshPatients::bundle_ = nullptr;

TEST_F(FreshPatients, AreOrderedWellButNeverBetterThanByTheOracle) {
  for (const BundleOutput& output : bundle_->outputs) {
    const Evaluation& e = output.evaluations[0];
    EXPECT_LT(e.auc.value, *e.oracleAuc + 0.005) << output.id() << ": a leak";
    EXPECT_GT(e.auc.value, *e.oracleAuc - 0.06) << output.id();
    EXPECT_GT(e.brier.value, *e.oracleBrier - 0.002) << output.id() << ": a leak";
    EXPECT_LT(e.brier.value, e.brierOfPrevalence) << output.id();
    if (!e.concordance) continue;
    EXPECT_LT(e.concordance->value, *e.oracleConcordance + 0.005) << output.id() << ": a leak";
    EXPECT_GT(e.concordance->value, *e.oracleConcordance - 0.05) << output.id();
  }
}

TEST_F(FreshPatients, AreOrderedWorseButUsefullyByPetAlone) {
  for (const BundleOutput& output : bundle_->outputs) {
    const Evaluation &all = output.evaluations[0], &pet = output.evaluations[1];
    ASSERT_EQ(pet.scenario, InputScenario::PetOnly);
    EXPECT_LT(pet.auc.value, all.auc.value) << output.id();
    EXPECT_GT(pet.auc.lower, 0.6) << output.id();
  }
}

// The plain Cox model is wrong here by design (a cured share), so slopes are near 1, not at it.
TEST_F(FreshPatients, GetCalibratedProbabilitiesWithAllInputsAndWithPetAlone) {
  for (const BundleOutput& output : bundle_->outputs)
    for (const Evaluation& e : output.evaluations) {
      EXPECT_NEAR(e.calibrationSlope.value, 1, 0.3) << output.id() << ' ' << toString(e.scenario);
      EXPECT_NEAR(e.calibrationInTheLarge.value, 0, 0.25)
          << output.id() << ' ' << toString(e.scenario);
    }
}

// At centres that were not in training. A little below the nominal 90 %: the model's form is not
// the generator's. Without the spread between centres it would be about 50 %.
TEST_F(FreshPatients, HaveTheirTrueProbabilityInsideTheInterval) {
  for (const BundleOutput& output : bundle_->outputs)
    for (const Evaluation& e : output.evaluations)
      EXPECT_NEAR(*e.truthInsideInterval, 0.9, 0.1) << output.id() << ' ' << toString(e.scenario);
}

TEST_F(FreshPatients, AreRarelyRefused) {
  for (const BundleOutput& output : bundle_->outputs)
    EXPECT_LT(output.evaluations[0].refused, 3000 * 0.015) << output.id();
}

TEST_F(FreshPatients, ShowTheDirectionsOfThePublishedEffects) {
  const auto coefficient = [](const BundleOutput& output, std::string_view name) {
    for (std::size_t i = 0; i < bundle_->inputs.size(); ++i)
      if (bundle_->inputs[i].name == name) return output.coefficients[i];
    return std::nan("");
  };
  for (const BundleOutput& output : bundle_->outputs) {
    for (const auto* worse : {"TMTV", "Dmax", "ECOG", "Steroids", "Liver metastases"})
      EXPECT_LT(coefficient(output, worse), 0) << worse << " in " << output.id();
    for (const auto* better : {"PD-L1 TPS", "Albumin"})
      EXPECT_GT(coefficient(output, better), 0) << better << " in " << output.id();
  }
}

TEST(Training, LeavesOutPatientsWithoutTmtvAndCountsImplausibleValues) {
  auto patients = cohort(600, 9);
  patients.records[0].pet.tmtvMl.reset();
  patients.records[1].pet.tmtvMl = -3;
  patients.records[2].clinical.ldhPerUln = 250;     // U/l
  patients.records[3].clinical.albuminGPerDl = 38;  // g/l
  const ModelBundle bundle = trainOn(patients);
  EXPECT_EQ(bundle.training.excludedWithoutTmtv, 2);
  EXPECT_EQ(bundle.training.implausibleValues, 3);
  EXPECT_EQ(bundle.training.patients, 598);
}

TEST(Training, SaysWhatIsMissing) {
  const auto patients = cohort(600, 9);
  EXPECT_THAT(errorOf(patients.records, TrainingPlan{}), HasSubstr("does not describe"));
  EXPECT_THAT(errorOf(std::span(patients.records).first(50), aPlan()), HasSubstr("at least 80"));
  EXPECT_THAT(errorOf({}, aPlan()), HasSubstr("0 patients"));
  auto noDeaths = patients.records;
  for (CohortRecord& record : noDeaths)
    if (record.overallSurvival) record.overallSurvival->eventObserved = false;
  EXPECT_THAT(errorOf(noDeaths, aPlan()), HasSubstr("OS: 0 patients with"));
  auto broken = patients.records;
  broken[7].progressionFreeSurvival->months = std::nan("");
  EXPECT_THAT(errorOf(broken, aPlan()), HasSubstr("impossible follow-up"));
}

TEST(Training, ReportsItsStepsAndStopsWhenAsked) {
  class Stopper : public TrainingObserver {
   public:
    bool onStep(const std::string& stage, const FitStep&) override {
      stages.push_back(stage);
      return stage != "PFS";
    }
    std::vector<std::string> stages;
  } observer;
  const auto patients = cohort(600, 9);
  EXPECT_THROW(trainResponseModel(patients.records, aPlan(), observer), TrainingStopped);
  EXPECT_EQ(observer.stages.front(), "DCB");
  EXPECT_EQ(observer.stages.back(), "PFS");
}

TEST(Training, FindsTheSpreadBetweenCentresThatTheGeneratorPutIn) {
  const auto spreadWith = [](double sd) {
    sample::CohortPlan plan;
    plan.patients = 2500;
    plan.centres = 20;
    plan.seed = 3;
    plan.centreInterceptSd = sd;
    TrainingPlan training;
    training.randomViews = 0;
    return trainOn(sample::makeSyntheticCohort(plan), training)
        .outputs.back()
        .betweenCentreSd.value();
  };
  EXPECT_LT(spreadWith(0), 0.12);
  EXPECT_NEAR(spreadWith(0.5), 0.5, 0.2);
}

}  // namespace
}  // namespace fedpet::response
