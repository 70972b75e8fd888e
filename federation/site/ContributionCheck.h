// What a trainer hands over is checked before anything of it may leave, whatever the trainer
// promised.
#pragma once

#include "federation/learning/Task.h"

#include <stdexcept>

namespace fedpet::federation {

struct UnfitContribution : std::runtime_error {  // names the field, never a value
  using std::runtime_error::runtime_error;
};

// Length and finite numbers by the layout; scales the field "update" down to the plan's norm bound
// (L2, times the site's "weight"); then every |x| must be within its field's bound. Throws
// UnfitContribution. True: something was scaled down.
bool makeFit(std::vector<double>& values, const Plan&, const SumLayout&);

}  // namespace fedpet::federation
