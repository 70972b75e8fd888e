#include "federation/privacy/RdpAccountant.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fedpet::federation {
namespace {

double atOrder(const RdpSpending& spending, double order) {
  const auto& orders = rdpOrders();
  const auto found = std::find_if(orders.begin(), orders.end(),
                                  [&](double o) { return std::abs(o - order) < 1e-9; });
  return spending.perOrder.at(static_cast<std::size_t>(found - orders.begin()));
}

// Values of TensorFlow Privacy's own tests (rdp_accountant_test.py, test_compute_rdp_scalar and
// test_compute_rdp_sequence), which it checks against integrals of high precision.
TEST(RdpAccountant, GivesThePublishedDivergencesOfSampledGaussians) {
  EXPECT_NEAR(atOrder(subsampledGaussian(2, 0.1, 10), 5), 0.07737, 1e-5);
  const RdpSpending spending = subsampledGaussian(2.5, 0.01, 50);
  EXPECT_NEAR(atOrder(spending, 1.5), 0.00065, 1e-5);
  EXPECT_NEAR(atOrder(spending, 2.5), 0.001085, 1e-5);
  EXPECT_NEAR(atOrder(spending, 5), 0.00218075, 1e-7);
  EXPECT_NEAR(atOrder(spending, 50), 0.023846, 1e-5);
}

// Abadi 2016, arXiv 1607.00133, section 3.2: q = 0.01, sigma = 4, 10,000 steps, delta = 1e-5 give
// epsilon 1.26 by the moments accountant, that is with the conversion RDP - ln(delta) / (order - 1)
// over integer orders up to 32.
TEST(RdpAccountant, GivesTheEpsilonOfTheMomentsAccountantsPaper) {
  const RdpSpending spending = subsampledGaussian(4, 0.01, 10000);
  double epsilon = INFINITY;
  for (int order = 2; order <= 32; ++order) {
    if (order == 11) continue;  // not among Opacus' orders
    epsilon = std::min(epsilon, atOrder(spending, order) - std::log(1e-5) / (order - 1));
  }
  EXPECT_NEAR(epsilon, 1.26, 0.005);
  EXPECT_LT(epsilonOf(spending, 1e-5), epsilon) << "Balle's conversion is the tighter one";
  EXPECT_GT(epsilonOf(spending, 1e-5), 0.9);
}

TEST(RdpAccountant, IsTheGaussianMechanismWithoutSampling) {
  // Mironov 2017, arXiv 1702.07476, proposition 7: order / (2 sigma^2).
  EXPECT_DOUBLE_EQ(atOrder(subsampledGaussian(3, 1, 4), 6), 4 * 6 / (2.0 * 9));
}

TEST(RdpAccountant, IsSmoothAcrossIntegerAndFractionalOrders) {
  // Two formulas meet at the integers: an error in one of them shows as a kink.
  const RdpSpending s = subsampledGaussian(0.8, 0.05, 1);
  for (double order = 2; order < 10; order += 1) {
    const double left = atOrder(s, order - 0.1), at = atOrder(s, order),
                 right = atOrder(s, order + 0.1);
    EXPECT_GT(at, left);
    EXPECT_GT(right, at);
    EXPECT_NEAR(at, (left + right) / 2, 0.02 * at) << order;
  }
}

TEST(RdpAccountant, StaysFiniteFarOut) {
  for (const double sigma : {0.3, 1.0, 50.0, 900.0})
    for (const double rate : {1e-5, 0.3, 0.7, 0.999}) {
      const double epsilon = epsilonOf(subsampledGaussian(sigma, rate, 1000), 1e-5);
      EXPECT_TRUE(std::isfinite(epsilon)) << sigma << " " << rate;
      EXPECT_GE(epsilon, 0);
    }
}

TEST(RdpAccountant, CostsMoreWithMoreStepsAndLessWithMoreNoise) {
  EXPECT_LT(epsilonOf(subsampledGaussian(1, 0.1, 100), 1e-5),
            epsilonOf(subsampledGaussian(1, 0.1, 200), 1e-5));
  EXPECT_LT(epsilonOf(subsampledGaussian(2, 0.1, 100), 1e-5),
            epsilonOf(subsampledGaussian(1, 0.1, 100), 1e-5));
}

TEST(RdpAccountant, FindsTheSmallestSufficientMultiplier) {
  const double multiplier = noiseMultiplierFor(3, 1e-3, 0.1, 200);
  EXPECT_LE(epsilonOf(subsampledGaussian(multiplier, 0.1, 200), 1e-3), 3);
  EXPECT_GT(epsilonOf(subsampledGaussian(multiplier * 0.999, 0.1, 200), 1e-3), 3);
  EXPECT_THROW(noiseMultiplierFor(1e-6, 1e-9, 1, 1000000), std::invalid_argument);
}

TEST(RdpAccountant, CountsThePreparingRoundsOfAPlan) {
  Plan plan;
  plan.training.rounds = 20;
  plan.training.localSteps = 1;
  plan.privacy = {NoiseKind::Distributed, 1.0, 1.5, 0.1, 4, 1e-3};
  const double all = epsilonOf(spendingOf(plan, 22), 1e-3);
  const double trainingOnly = epsilonOf(subsampledGaussian(1.5, 0.1, 20), 1e-3);
  EXPECT_GT(all, trainingOnly);
  EXPECT_LT(all, 1.4 * trainingOnly) << "preparing should stay the smaller part";
  EXPECT_EQ(epsilonOf(spendingOf(plan, 0), 1e-3), 0);
  plan.privacy.noiseMultiplier = noiseMultiplierFor(plan, 22);
  EXPECT_LE(epsilonOf(spendingOf(plan, 22), 1e-3), 4);
  plan.privacy.noise = NoiseKind::None;
  EXPECT_EQ(epsilonOf(spendingOf(plan, 22), 1e-3), 0);
}

TEST(RdpAccountant, RefusesWhatIsNoMechanism) {
  EXPECT_THROW(subsampledGaussian(0, 0.1, 1), std::invalid_argument);
  EXPECT_THROW(subsampledGaussian(1, 0, 1), std::invalid_argument);
  EXPECT_THROW(subsampledGaussian(1, 1.5, 1), std::invalid_argument);
  EXPECT_THROW(epsilonOf(subsampledGaussian(1, 0.1, 1), 1), std::invalid_argument);
}

}  // namespace
}  // namespace fedpet::federation
