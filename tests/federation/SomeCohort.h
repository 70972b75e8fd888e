// A site's patients for the tests of a round: one feature, one binary outcome, 20 + seed of them.
#pragma once

#include "federation/learning/Table.h"

#include <random>

namespace fedpet::federation::testing {

inline Cohort someCohort(const Plan& plan, unsigned seed) {
  std::mt19937 random(seed);
  Cohort cohort;
  cohort.names = columnsOf(plan);
  cohort.rows = 20 + seed;
  for (std::size_t row = 0; row < cohort.rows; ++row) {
    const double age = 40 + static_cast<double>(random() % 400) / 10;
    cohort.features.push_back(age);
    cohort.label.push_back(age + static_cast<double>(random() % 300) / 10 > 75 ? 1 : 0);
  }
  return cohort;
}

}  // namespace fedpet::federation::testing
