// Cox gives every horizon the same coefficients. Where hazards are not proportional, as under
// immunotherapy, they are right for none of them: two numbers per horizon repair that.
#pragma once

#include "models/response/ModelBundle.h"

#include <span>

namespace fedpet::response {

struct HorizonOutcome {
  double eta = 0;  // of Link::LogLog, before recalibration
  bool good = false;
  double weight = 1;  // inverse probability of not being censored; 0 leaves the patient out
};

struct Recalibration {
  double shift = 0, slope = 1;  // eta becomes shift + slope * eta
};

// Maximum likelihood of the binary outcomes with the log-log link, by Fisher scoring. Throws
// TrainingError when it does not converge or the slope is not above 0.
Recalibration recalibrate(std::span<const HorizonOutcome> outcomes);

// Applies it to intercept, coefficients and their covariance. The error of the two numbers, small
// beside that of the coefficients, is left out.
void apply(const Recalibration&, BundleOutput&);

}  // namespace fedpet::response
