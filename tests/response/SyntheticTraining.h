// The way from the synthetic cohort to an evaluated bundle, as the shipped one was made.
#pragma once

#include "models/response/Training.h"
#include "sample-data/SyntheticCohort.h"

namespace fedpet::response {

class SilentObserver : public TrainingObserver {
 public:
  bool onStep(const std::string&, const FitStep&) override { return true; }
};

inline TrueProbability truthOf(const sample::SyntheticCohort& cohort) {
  return [&cohort](std::size_t record, Endpoint endpoint, double months) {
    const sample::SyntheticTruth& truth = cohort.truth[record];
    return endpoint == Endpoint::OverallSurvival ? sample::trueOsProbability(truth, months)
                                                 : sample::truePfsProbability(truth, months);
  };
}

inline ModelBundle trainOn(const sample::SyntheticCohort& cohort, TrainingPlan plan = {}) {
  plan.dataDescription = cohort.description();
  SilentObserver observer;
  return trainResponseModel(cohort.records, plan, observer);
}

inline void evaluateOn(ModelBundle& bundle, const sample::SyntheticCohort& fresh, int resamples) {
  EvaluationPlan plan;
  plan.dataDescription = fresh.description() + ", not used in training";
  plan.resamples = resamples;
  evaluateBundle(bundle, fresh.records, truthOf(fresh), plan);
}

}  // namespace fedpet::response
