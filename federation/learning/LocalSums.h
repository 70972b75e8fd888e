// What a site computes in every phase but "train" (Training.h), from its table alone.
#pragma once

#include "federation/learning/Table.h"
#include "federation/learning/Task.h"

#include <functional>

namespace fedpet::federation {

// The vector by layoutOf(), without noise. CannotTakePart: the table does not fit the plan or the
// round, or has fewer patients than the plan's minimum or more than its maximum.
tl::expected<LocalResult, CannotTakePart> localSums(const Plan&, const RoundInput&, const Cohort&);

// Throws std::invalid_argument when the table has fewer patients than the plan's minimum or more
// than its maximum.
void requirePatients(const Plan&, const Cohort&);

// Adds the site's share of the noise (Phases.h); nothing without noise. `standardNormal` must be a
// secret of the site: SecretRandom.h.
void addNoise(const Plan&, const RoundInput&, int contributorsAtLeast,
              const std::function<double()>& standardNormal, std::vector<double>& values);

}  // namespace fedpet::federation
