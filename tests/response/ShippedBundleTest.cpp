// The bundle in models/bundles is the one that this software makes from its default plans. With
// UPDATE_GOLDEN=1 in the environment the tests rewrite it instead, for review.
#include "models/response/ResponseModel.h"
#include "tests/response/SyntheticTraining.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace fedpet::response {
namespace {

const std::filesystem::path kShipped =
    std::filesystem::path(FEDPET_SOURCE_DIR) / "models/bundles/pet-response-synthetic-1";

const sample::SyntheticCohort& freshCohort() {
  static const auto cohort = [] {
    sample::CohortPlan plan;
    plan.seed += 1;  // other patients of many other centres
    plan.centres = 40;
    return sample::makeSyntheticCohort(plan);
  }();
  return cohort;
}

bool updating() {
  const char* value = std::getenv("UPDATE_GOLDEN");
  return value && std::string_view(value) == "1";
}

TEST(ShippedBundle, IsWhatTheShippedPlanTrains) {
  ModelBundle trained = trainOn(sample::makeSyntheticCohort({}));
  if (updating()) {
    evaluateOn(trained, freshCohort(), 500);
    writeBundle(trained, kShipped);
  }
  const auto shipped = ResponseModel::load(kShipped);
  const ResponseModel retrained(trained);
  // Sums run in another order on other machines; nothing else may differ.
  for (std::size_t r = 0; r < 200; ++r) {
    const ResponseInputs inputs = responseInputsOf(freshCohort().records[r]);
    const auto a = shipped->predict(inputs), b = retrained.predict(inputs);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t o = 0; o < a.size(); ++o) {
      ASSERT_EQ(a[o].result.has_value(), b[o].result.has_value());
      if (!a[o].result) continue;
      EXPECT_NEAR(a[o].result->probability, b[o].result->probability, 1e-6);
      EXPECT_NEAR(a[o].result->lower, b[o].result->lower, 1e-6);
    }
  }
}

TEST(ShippedBundle, StatesTheMetricsThatItHas) {
  ModelBundle again = ResponseModel::load(kShipped)->bundle();
  const ModelBundle shipped = again;
  evaluateOn(again, freshCohort(), 0);
  for (std::size_t o = 0; o < shipped.outputs.size(); ++o)
    for (std::size_t s = 0; s < 2; ++s) {
      const Evaluation &said = shipped.outputs[o].evaluations[s],
                       &is = again.outputs[o].evaluations[s];
      EXPECT_NEAR(said.auc.value, is.auc.value, 1e-6);
      EXPECT_NEAR(said.brier.value, is.brier.value, 1e-6);
      EXPECT_NEAR(said.calibrationSlope.value, is.calibrationSlope.value, 1e-5);
      EXPECT_LT(said.auc.lower, said.auc.value);
      EXPECT_GT(said.auc.upper, said.auc.value);
    }
}

TEST(ShippedBundle, BlocksWhatIsNoPatientWithLungCancer) {
  const auto model = ResponseModel::load(kShipped);
  sample::CohortPlan plan;
  plan.patients = 1;
  plan.missingness = 0;
  const CohortRecord usual = sample::makeSyntheticCohort(plan).records[0];
  ASSERT_TRUE(model->predict(responseInputsOf(usual))[0].result.has_value());
  const auto refusedAfter = [&](auto change) {
    CohortRecord record = usual;
    change(record);
    const auto result = model->predict(responseInputsOf(record))[0].result;
    return !result && result.error().code == RefusalCode::OutOfDistribution;
  };
  EXPECT_TRUE(refusedAfter([](CohortRecord& r) { r.pet.dmaxMm = 48.5 * 100; }));      // not mm
  EXPECT_TRUE(refusedAfter([](CohortRecord& r) { r.clinical.albuminGPerDl = 38; }));  // g/l
  EXPECT_TRUE(refusedAfter([](CohortRecord& r) { r.clinical.ageYears = 6; }));
  EXPECT_TRUE(refusedAfter([](CohortRecord& r) { r.pet.tmtvMl = 15000; }));
  EXPECT_TRUE(refusedAfter([](CohortRecord& r) { r.pet.spleenToLiverRatio = 3.5; }));
  EXPECT_TRUE(refusedAfter([](CohortRecord& r) {  // each possible, not together
    r.clinical.dNlr = 0.6;
    r.clinical.nlr = 14;
  }));
}

}  // namespace
}  // namespace fedpet::response
