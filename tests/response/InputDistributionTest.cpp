#include "models/response/InputDistribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace fedpet::response {
namespace {

Matrix pair(double rho) {
  Matrix m(2, 2);
  m.values = {1, rho, rho, 1};
  return m;
}

TEST(InputDistribution, FillsInTheConditionalMeanOfABivariateNormal) {
  const InputDistribution distribution(pair(0.6));
  const auto c = distribution.complete({2.0, std::nullopt});
  // E(z2 | z1) = rho z1, var = 1 - rho^2
  EXPECT_NEAR(c.z[1], 1.2, 1e-12);
  EXPECT_NEAR(c.conditionalCovariance(0, 0), 0.64, 1e-12);
  EXPECT_EQ(c.unknown, std::vector<std::size_t>{1});
}

TEST(InputDistribution, FillsInTheMeanWhenNothingIsKnown) {
  const auto c = InputDistribution(pair(0.6)).complete({std::nullopt, std::nullopt});
  EXPECT_EQ(c.z, (std::vector<double>{0, 0}));
  EXPECT_NEAR(c.conditionalCovariance(0, 1), 0.6, 1e-12);
}

TEST(InputDistribution, FindsAnUnusualCombinationOfUsualValues) {
  const InputDistribution distribution(pair(0.6));
  const std::vector<std::size_t> both{0, 1};
  // (z1^2 - 2 rho z1 z2 + z2^2) / (1 - rho^2)
  EXPECT_NEAR(distribution.mahalanobisSquared({1.0, 1.0}, both), 1.25, 1e-12);
  EXPECT_NEAR(distribution.mahalanobisSquared({1.0, -1.0}, both), 5.0, 1e-12);
  EXPECT_NEAR(distribution.mahalanobisSquared({1.0, std::nullopt}, both), 1.0, 1e-12);
  EXPECT_EQ(distribution.mahalanobisSquared({std::nullopt, std::nullopt}, both), 0);
}

TEST(InputDistribution, EstimatesCorrelationsFromPairsKnownTogether) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::vector<StandardisedInputs> patients;
  for (int i = 0; i < 20000; ++i) {
    const double a = normal(random), b = 0.5 * a + std::sqrt(0.75) * normal(random);
    patients.push_back({a, random() % 4 ? std::optional(b) : std::nullopt});
  }
  EXPECT_NEAR(InputDistribution::estimate(patients).correlation()(0, 1), 0.5, 0.02);
}

TEST(InputDistribution, StaysPositiveDefiniteWhenOneInputCopiesAnother) {
  std::vector<StandardisedInputs> patients;
  for (int i = -10; i <= 10; ++i) patients.push_back({i / 6.0, i / 6.0});
  EXPECT_NO_THROW(InputDistribution::estimate(patients).complete({1.0, std::nullopt}));
}

TEST(InputDistribution, RefusesAMatrixThatIsNoCorrelation) {
  EXPECT_THROW(InputDistribution(pair(1.2)), std::invalid_argument);
  EXPECT_THROW(InputDistribution(pair(NAN)), std::invalid_argument);
  EXPECT_THROW(InputDistribution(Matrix(2, 3)), std::invalid_argument);
}

TEST(ChiSquareQuantile, EqualsThePublishedTable) {
  // Abramowitz and Stegun, table 26.8
  EXPECT_NEAR(chiSquareQuantile(0.95, 1), 3.84146, 1e-5);
  EXPECT_NEAR(chiSquareQuantile(0.95, 10), 18.3070, 1e-4);
  EXPECT_NEAR(chiSquareQuantile(0.995, 4), 14.8603, 1e-4);
}

}  // namespace
}  // namespace fedpet::response
