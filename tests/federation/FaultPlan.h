// What the processes of a fault test compute: a plan and a table for each site, known to all.
#pragma once

#include "federation/learning/LocalSums.h"
#include "tests/federation/SomeCohort.h"

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

}  // namespace fedpet::federation::testing
