// The joint distribution of the standardised inputs in the training data, as a normal with mean 0,
// SD 1 and one correlation matrix. It fills in what is unknown from what is known, says how much
// that guess may be off, and measures how unusual a patient is.
#pragma once

#include "models/response/Fit.h"

#include <optional>
#include <span>
#include <vector>

namespace fedpet::response {

using StandardisedInputs = std::vector<std::optional<double>>;  // nullopt: unknown

class InputDistribution {
 public:
  InputDistribution() = default;
  // Throws std::invalid_argument when the matrix is not square, symmetric and positive definite.
  explicit InputDistribution(Matrix correlation);

  // Correlations of the pairs known together, pulled towards 0 just as far as is needed to be
  // positive definite (at least by 1 %). Columns without two known values count as independent.
  static InputDistribution estimate(std::span<const StandardisedInputs> patients);

  struct Completed {
    std::vector<double> z;             // known values as given, the others as expected given them
    std::vector<std::size_t> unknown;  // positions that were filled in
    Matrix conditionalCovariance;      // of the unknown given the known, in that order
  };
  Completed complete(const StandardisedInputs& z) const;

  // Squared Mahalanobis distance of the known values among `positions`; 0 when none is known.
  double mahalanobisSquared(const StandardisedInputs& z,
                            std::span<const std::size_t> positions) const;

  const Matrix& correlation() const { return correlation_; }

 private:
  Matrix correlation_;
};

// x with P(chi-square of `degreesOfFreedom` <= x) = level; relative accuracy 1e-9.
double chiSquareQuantile(double level, int degreesOfFreedom);

}  // namespace fedpet::response
