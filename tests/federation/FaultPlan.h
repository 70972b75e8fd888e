// What the processes of a fault test compute: a plan and a table for each site, known to all.
#pragma once

#include "federation/learning/LocalSums.h"

#include <random>

namespace fedpet::federation::testing {

// An exact logistic regression with one feature, over a few masked rounds.
inline Plan faultPlan() {
  Plan plan;
  plan.title = "Does age matter?";
  plan.purpose = "research";
  plan.task = TaskKind::Newton;
  plan.features = {{"age", "a", {}}};
  plan.endpoint.column = "response";
  plan.quorum = 3;
  plan.minimumPatients = 1;
  plan.maximumPatients = 1000;
  plan.stepTimeout = plan.trainingTimeout = std::chrono::seconds(120);
  plan.newton.l2 = 0.01;
  plan.newton.tolerance = 0.1;  // how exactly is not the question here
  return plan;
}

inline Cohort faultCohort(const Plan& plan, unsigned seed) {
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
