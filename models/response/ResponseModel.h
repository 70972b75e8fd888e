// The response model in use: measurements and covariates in, probabilities or refusals out.
//
// What the interval means. It is for the probability itself, not for the patient's outcome, at the
// level of `Probability::intervalLevel` and symmetric on the scale of the link:
//   variance of eta = x' V x           uncertainty of the parameters (inverse observed information)
//                   + b' S b           unknown inputs: S is their covariance given the known ones
//                   + tau^2 (1 + 1/k)  centres differ: spread of the intercept between k centres
// times the t quantile of BundleOutput::intervalQuantile, so it says where the probability would
// lie for a patient like this at a new centre, had the unknown inputs been measured and the
// parameters been known.
//
// Unknown inputs are filled in with their expectation given the known ones, and an indicator says
// so to the model, which was trained with inputs hidden at random. A contribution without a value
// is such a filled-in input.
//
// Refusals (all outputs alike; no number is given):
//   NoLesion           TMTV is 0, was refused with NoLesion, or no lesion was counted
//   InputMissing       TMTV was refused for another reason, or was not measured
//   OutOfDistribution  a known input lies outside its accepted range, or the known continuous
//                      inputs together are further from the training data than its calibrated limit
#pragma once

#include "models/response/InputDistribution.h"
#include "models/response/ModelBundle.h"
#include "models/response/ModelInputs.h"

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace fedpet::response {

// Immutable and safe to share between threads.
class ResponseModel {
 public:
  // Throws BundleError.
  static std::shared_ptr<const ResponseModel> load(const std::filesystem::path& directory);

  // Throws BundleError (WrongContent, NotFinite) when the parts do not fit together.
  explicit ResponseModel(ModelBundle bundle);

  ModelIdentity identity() const { return bundle_.identity(); }
  const ModelBundle& bundle() const { return bundle_; }

  // One prediction per output, in the bundle's order; observationUid is left to the caller. With a
  // result, the contributions have one entry per input and sum, with the output's intercept, to
  // etaOf(link, probability).
  std::vector<ResponsePrediction> predict(const ResponseInputs& inputs) const;

 private:
  std::optional<Refusal> refusalFor(const ResponseInputs&,
                                    const std::vector<std::optional<double>>& raw,
                                    const PetMeasures&) const;
  std::optional<Refusal> outOfDistribution(const std::vector<std::optional<double>>& raw) const;
  ResponsePrediction predictOutput(const BundleOutput&,
                                   const std::vector<std::optional<double>>& raw,
                                   const InputDistribution::Completed&, bool petOnly) const;

  ModelBundle bundle_;
  std::vector<const InputSpec*> specs_;  // of bundle_.inputs
  InputDistribution distribution_;
};

}  // namespace fedpet::response
