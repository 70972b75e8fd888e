#include "models/response/Recalibration.h"
#include "tests/response/SmallBundle.h"

#include <gtest/gtest.h>

namespace fedpet::response {
namespace {

// Both outcomes of every patient, weighted by their probabilities: the sample equals its
// expectation.
std::vector<HorizonOutcome> outcomesWith(double shift, double slope) {
  std::vector<HorizonOutcome> outcomes;
  for (double eta = -1.2; eta < 2.5; eta += 0.1) {
    const double p = probabilityOf(Link::LogLog, shift + slope * eta);
    outcomes.push_back({eta, true, p});
    outcomes.push_back({eta, false, 1 - p});
  }
  return outcomes;
}

TEST(Recalibration, FindsTheShiftAndSlopeThatMadeTheOutcomes) {
  const Recalibration r = recalibrate(outcomesWith(0.2, 0.7));
  EXPECT_NEAR(r.shift, 0.2, 1e-8);
  EXPECT_NEAR(r.slope, 0.7, 1e-8);
}

TEST(Recalibration, RefusesToTurnAModelAround) {
  EXPECT_THROW(recalibrate(outcomesWith(0.2, -0.5)), TrainingError);
  EXPECT_THROW(recalibrate({}), TrainingError);
}

TEST(Recalibration, ChangesEtaOfEveryPatientAlike) {
  BundleOutput output = anOutput(Endpoint::OverallSurvival, 12, Link::LogLog, 0.5);
  const double before = output.intercept + 2 * output.coefficients[0];
  apply({0.1, 0.8}, output);
  EXPECT_NEAR(output.intercept + 2 * output.coefficients[0], 0.1 + 0.8 * before, 1e-12);
  EXPECT_NEAR(output.covariance(0, 0), 0.01 * 0.64, 1e-12);
  EXPECT_NEAR(*output.betweenCentreSd, 0.2 * 0.8, 1e-12);
}

}  // namespace
}  // namespace fedpet::response
