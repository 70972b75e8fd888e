// Maximum-likelihood fits of the two linear models, with an L2 penalty, by damped Newton steps on
// LibTorch tensors. Plain types outside, so that only Fit.cpp sees LibTorch.
//
// A fit takes one or more *views* of the same patients: equal rows, equal outcomes, but different
// inputs hidden (see Training.h). The log-likelihood is the mean over the views, so every patient
// counts once. The covariance is the inverse of the penalised observed information; because the
// views of one patient are averaged, it errs on the wide side.
#pragma once

#include "clinical/CohortRecord.h"

#include <cstddef>
#include <functional>
#include <span>
#include <stdexcept>
#include <vector>

namespace fedpet::response {

struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;  // row by row

  Matrix() = default;
  Matrix(std::size_t r, std::size_t c) : rows(r), columns(c), values(r * c) {}
  double& operator()(std::size_t r, std::size_t c) { return values[r * columns + c]; }
  double operator()(std::size_t r, std::size_t c) const { return values[r * columns + c]; }
  std::span<const double> row(std::size_t r) const {
    return {values.data() + r * columns, columns};
  }
};

// The data or the plan do not allow a fit; what() says what to change.
struct TrainingError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// The observer asked to stop.
struct TrainingStopped : TrainingError {
  TrainingStopped() : TrainingError("training was stopped") {}
};

struct FitStep {
  int iteration = 0;  // from 1
  double penalisedLogLikelihood = 0;
  double largestGradient = 0;  // per patient, absolute
};

struct FitControl {
  double l2 = 0;  // penalty l2/2 * sum of squared coefficients; the intercept is free
  int maxIterations = 50;
  double gradientTolerance = 1e-9;             // on FitStep::largestGradient
  std::function<bool(const FitStep&)> onStep;  // false stops with TrainingStopped; may be empty
};

// Sets LibTorch's thread count for the whole process; its default is 1 on some machines.
void setComputeThreads(int threads);

struct LogisticFit {
  double intercept = 0;
  std::vector<double> coefficients;
  Matrix covariance;         // of (intercept, coefficients)
  double logLikelihood = 0;  // without the penalty
  int iterations = 0;
};

// logit P(y = 1) = intercept + coefficients . x. Inputs should be standardised. Throws
// TrainingError when sizes differ, when one class is absent, or when it does not converge
// (separated classes).
LogisticFit fitLogistic(std::span<const Matrix> views, const std::vector<bool>& outcomes,
                        const FitControl& control);

// Breslow's cumulative baseline hazard H0 at one horizon, for x = 0, with what the delta method
// needs.
struct BaselineHazard {
  double logCumulativeHazard = 0;           // ln H0(t)
  double logVarianceGivenCoefficients = 0;  // sum of d / S0^2 over H0^2
  std::vector<double> logGradient;  // d ln H0 / d coefficients = minus the mean covariates at risk
};

struct HazardStep {
  double months = 0, cumulativeHazard = 0;  // from `months` on
};

struct CoxFit {
  std::vector<double> coefficients;  // log-hazard
  Matrix covariance;
  double logLikelihood = 0;  // partial, without the penalty
  int iterations = 0;
  std::vector<BaselineHazard> baselines;  // in the order of the horizons asked for
  std::vector<HazardStep> baseline;       // Breslow's whole curve for x = 0, ascending
};

// Cox's partial likelihood with Efron's treatment of ties (Efron 1977, JASA 72:557).
// Throws TrainingError when no event precedes a horizon.
CoxFit fitCox(std::span<const Matrix> views, std::span<const FollowedTime> times,
              std::span<const double> horizonsMonths, const FitControl& control);

}  // namespace fedpet::response
