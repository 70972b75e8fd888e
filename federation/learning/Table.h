// A site's patients as a table of numbers: what a reader of CSV files or of the ledger fills, and
// what every computation of a site starts from.
#pragma once

#include "federation/plan/Plan.h"

#include <cstddef>
#include <string>
#include <vector>

namespace fedpet::federation {

// One row a patient. Patients without the plan's endpoint are left out by whoever fills it.
struct Cohort {
  std::vector<std::string> names;  // of the columns, as columnsOf(plan) gives them
  std::size_t rows = 0;
  // rows x names.size(), row by row, in the feature's own unit. NaN: missing. A feature with
  // categories has one column of 0 or 1 for each; an absent category is NaN in all of them.
  std::vector<double> features;
  std::vector<int> label;  // Binary: 0 or 1; empty for Survival
  // Survival: follow-up in the plan's time unit, 1 = event, 0 = censored; empty for Binary
  std::vector<double> time;
  std::vector<int> event;

  double at(std::size_t row, std::size_t column) const {
    return features[row * names.size() + column];
  }
};

// One column for a feature that is a number, "name=category" for each category of another.
std::vector<std::string> columnsOf(const Plan&);

// Throws std::invalid_argument with a sentence when the table is not one of this plan: other
// columns, lengths that differ, infinite numbers, a label that is not 0 or 1, a negative time.
void requireFits(const Cohort&, const Plan&);

}  // namespace fedpet::federation
