#include "models/response/Metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

namespace fedpet::response {
namespace {

TEST(AreaUnderCurve, IsTheShareOfRightlyOrderedPairs) {
  // Good: 0.8, 0.4; bad: 0.4, 0.2. Pairs: 0.8 wins twice, 0.4 ties once and wins once: 3.5 of 4.
  const std::vector<Scored> scored{{0.8, true}, {0.4, true}, {0.4, false}, {0.2, false}};
  EXPECT_DOUBLE_EQ(areaUnderCurve(scored), 0.875);
}

TEST(AreaUnderCurve, IsNotANumberWithoutBothOutcomes) {
  EXPECT_TRUE(std::isnan(areaUnderCurve(std::vector<Scored>{{0.8, true}, {0.4, true}})));
}

TEST(BrierScore, LeavesOutPatientsOfWeightZero) {
  const std::vector<Scored> scored{{0.9, true}, {0.2, false}, {0.5, true, 0}};
  EXPECT_NEAR(brierScore(scored), (0.01 + 0.04) / 2, 1e-12);
}

std::vector<Scored> group(double probability, int good, int bad) {
  std::vector<Scored> scored(static_cast<std::size_t>(good), {probability, true});
  scored.insert(scored.end(), static_cast<std::size_t>(bad), {probability, false});
  return scored;
}

TEST(CalibrationLine, FindsPredictionsThatAreTooExtreme) {
  // 30 % where 20 % was said and 70 % where 80 % was said: slope = ln(7/3) / ln(4), by hand.
  std::vector<Scored> scored = group(0.2, 30, 70);
  const std::vector<Scored> high = group(0.8, 70, 30);
  scored.insert(scored.end(), high.begin(), high.end());
  const CalibrationLine line = calibrationLine(scored);
  EXPECT_NEAR(line.slope, std::log(7.0 / 3) / std::log(4.0), 1e-9);
  EXPECT_NEAR(line.intercept, 0, 1e-9);
  EXPECT_NEAR(line.inTheLarge, 0, 1e-9);
}

TEST(CalibrationLine, FindsPredictionsThatAreTooLowOverall) {
  // Everybody got 0.5 and 3 of 4 did well: the shift is logit(0.75) = ln 3, but no slope exists.
  const std::vector<Scored> constant = group(0.5, 75, 25);
  EXPECT_TRUE(std::isnan(calibrationLine(constant).slope));
  std::vector<Scored> spread = constant;
  for (std::size_t i = 0; i < spread.size(); ++i) spread[i].probability += i % 2 ? 1e-3 : -1e-3;
  EXPECT_NEAR(calibrationLine(spread).inTheLarge, std::log(3.0), 1e-3);
}

TEST(CalibrationBins, HaveWilsonsInterval) {
  const auto bins = calibrationBins(group(0.4, 5, 5), 1);
  ASSERT_EQ(bins.size(), 1u);
  EXPECT_NEAR(bins[0].observed, 0.5, 1e-12);
  // Wilson 1927, 5 of 10: 0.2366 to 0.7634
  EXPECT_NEAR(bins[0].observedLower, 0.2366, 1e-4);
  EXPECT_NEAR(bins[0].observedUpper, 0.7634, 1e-4);
}

double concordanceByDefinition(std::span<const double> scores,
                               std::span<const FollowedTime> times) {
  double agreeing = 0, pairs = 0;
  for (std::size_t i = 0; i < times.size(); ++i)
    for (std::size_t j = 0; j < times.size(); ++j) {
      const bool outlived = times[j].months > times[i].months ||
                            (times[j].months == times[i].months && !times[j].eventObserved);
      if (!times[i].eventObserved || !outlived) continue;
      pairs += 1;
      agreeing += scores[j] > scores[i] ? 1 : scores[j] == scores[i] ? 0.5 : 0;
    }
  return agreeing / pairs;
}

TEST(Concordance, EqualsHarrellsDefinitionWithTiesInScoresAndTimes) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> scores;
    std::vector<FollowedTime> times;
    for (int i = 0; i < 60; ++i) {
      scores.push_back(static_cast<double>(random() % 12));
      times.push_back({static_cast<double>(random() % 15), random() % 3 != 0});
    }
    EXPECT_NEAR(concordance(scores, times), concordanceByDefinition(scores, times), 1e-12);
  }
}

TEST(CensoringWeights, GiveThoseWhoRemainTheWeightOfThoseWhoLeft) {
  const std::vector<FollowedTime> times{{1, true}, {2, false}, {3, true}, {4, false}};
  // By hand: after the censoring at 2, with three under observation, G = 2/3.
  const std::vector<double> expected{1, 0, 1.5, 1.5}, weights = censoringWeights(times, 3.5);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(weights[i], expected[i], 1e-12);
}

TEST(Bootstrap, HasTheWidthOfTheNormalIntervalOfAMean) {
  std::vector<double> values(400);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 2 ? 1 : 0;
  const auto mean = [&](std::span<const std::size_t> rows) {
    double sum = 0;
    for (const std::size_t r : rows) sum += values[r];
    return sum / static_cast<double>(rows.size());
  };
  const Estimate e = bootstrap(values.size(), 2000, 1, mean);
  EXPECT_DOUBLE_EQ(e.value, 0.5);
  EXPECT_NEAR(e.upper - e.lower, 2 * 1.96 * 0.5 / 20, 0.006);  // SD 0.5, 400 values
  EXPECT_EQ(e.lower, bootstrap(values.size(), 2000, 1, mean).lower);
}

}  // namespace
}  // namespace fedpet::response
