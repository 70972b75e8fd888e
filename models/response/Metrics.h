// How good predicted probabilities are, on patients that the model has not seen. No LibTorch.
//
// Probabilities are of the *good* outcome (free of the event). A weight of 0 leaves a patient out;
// with censored outcomes the weights are inverse probabilities of not being censored.
#pragma once

#include "clinical/CohortRecord.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace fedpet::response {

struct Scored {
  double probability = 0;  // predicted, of the good outcome
  bool good = false;       // what happened
  double weight = 1;
};

struct Estimate {
  double value = 0, lower = 0, upper = 0;  // 95 % percentile bootstrap over patients
};

struct CalibrationBin {
  double patients = 0;  // sum of weights
  double meanPredicted = 0, observed = 0;
  double observedLower = 0, observedUpper = 1;  // 95 %, Wilson
};

struct CalibrationLine {
  double inTheLarge = 0;  // logit shift that makes the mean right, slope held at 1; 0 is ideal
  double intercept = 0, slope = 1;  // logit(observed) = intercept + slope * logit(predicted)
};

// Area under the ROC curve; ties count half. NaN when one outcome is absent.
double areaUnderCurve(std::span<const Scored>);
// Mean squared error of the probability.
double brierScore(std::span<const Scored>);
// Brier score of everybody getting the observed share: what a model must beat.
double brierOfPrevalence(std::span<const Scored>);
// Cox 1958, Biometrika 45:562. NaN when one outcome is absent or all predictions are equal.
CalibrationLine calibrationLine(std::span<const Scored>);
// `count` bins of equally many patients, from low to high prediction.
std::vector<CalibrationBin> calibrationBins(std::span<const Scored>, int count);

// Harrell's C: share of comparable pairs in which the one who lives longer has the higher score;
// equal scores count half (Harrell 1982, JAMA 247:2543). NaN without a comparable pair.
double concordance(std::span<const double> scores, std::span<const FollowedTime> times);

// Weights for the status at one horizon: 0 for those censored before it, otherwise one over the
// Kaplan-Meier probability of still being under observation (Graf 1999, Stat Med 18:2529).
std::vector<double> censoringWeights(std::span<const FollowedTime> times, double horizonMonths);

// Percentile interval of `metric` over resampled patients; `metric` gets the indices drawn. The
// same seed gives the same interval on every platform. NaN resamples are left out.
Estimate bootstrap(std::size_t patients, int resamples, std::uint64_t seed,
                   const std::function<double(std::span<const std::size_t>)>& metric);

}  // namespace fedpet::response
