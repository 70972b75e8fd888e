// Trains the response model on a cohort: logistic regression for durable clinical benefit, Cox for
// progression-free and overall survival, all on the same standardised inputs. The survival outputs
// are recalibrated at each horizon (Recalibration.h).
//
// So that it works with whatever is known, each patient enters in several views: as recorded, with
// the PET numbers only, and with further inputs hidden at random (each patient's share drawn evenly
// from 0 to 1). What is hidden or unknown is filled in with its expectation given the rest, and an
// indicator per input says so. Everything follows from the records, the plan and its seed.
#pragma once

#include "models/response/ModelBundle.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace fedpet::response {

struct TrainingPlan {
  std::string modelName = "pet-response-synthetic-1", modelVersion = "1.0.0";
  std::string dataDescription;  // must be given: it is printed beside every number
  bool syntheticData = true;

  double benefitMonths = 6;                   // durable clinical benefit
  std::vector<double> pfsHorizonsMonths{12};  // not 6: that is durable clinical benefit
  std::vector<double> osHorizonsMonths{12, 24};

  double l2 = 10;          // on standardised inputs, in units of log-likelihood
  int randomViews = 2;     // besides the two fixed views
  std::uint64_t seed = 1;  // of the random views
  int maxIterations = 50;
  double gradientTolerance = 1e-9;        // per patient
  double outOfDistributionLevel = 0.995;  // share of the training patients to accept
  int minimumEvents = 40;                 // and as many patients without the event, per endpoint
  int threads = 2;                        // of LibTorch, for the whole process
};

class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  // `stage`: "DCB", "PFS", "OS". False stops the training, which then throws TrainingStopped.
  virtual bool onStep(const std::string& stage, const FitStep& step) = 0;
};

// Trains without evaluating. Throws TrainingError when the cohort is too small, an endpoint has too
// few events, or a fit does not converge.
ModelBundle trainResponseModel(std::span<const CohortRecord> records, const TrainingPlan& plan,
                               TrainingObserver& observer);

// The probability, known only to a generator, that patient `record` is free of the event of
// `endpoint` at the horizon.
using TrueProbability =
    std::function<double(std::size_t record, Endpoint endpoint, double horizonMonths)>;

struct EvaluationPlan {
  std::string dataDescription;  // "synthetic cohort, ..., not used in training"
  int resamples = 500;          // of the bootstrap
  std::uint64_t seed = 1;
  int bins = 10;
};

// Adds the metrics on patients that were not used in training to every output of `bundle`, for all
// scenarios. `truth` may be empty.
void evaluateBundle(ModelBundle& bundle, std::span<const CohortRecord> heldOut,
                    const TrueProbability& truth, const EvaluationPlan& plan);

}  // namespace fedpet::response
