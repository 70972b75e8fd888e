// One round of any task is one sum: every site computes a vector of numbers from its own patients
// and the round's input, and the coordinator learns the sum of these vectors, nothing else.
#pragma once

#include "federation/plan/Plan.h"

#include <tl/expected.hpp>

#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace fedpet::federation {

// What is sent to the sites at the start of a round: the model, or the points to evaluate at.
struct RoundInput {
  std::vector<double> values;
  bool singlePrecision = false;     // travels as float32 (models) instead of float64
  std::string phase;                // what to do with them: "train", "newton", "moments", ...
  std::string settingsJson = "{}";  // small facts of this phase: bin edges, iteration
};
Bytes encode(const RoundInput&);
RoundInput decodeRoundInput(ByteView);  // throws WireError

// How the vector is made up. |x| <= bound for every element, so that a fixed-point sum over all
// sites cannot overflow (secagg/FixedPoint.h).
struct SumField {
  std::string name;
  std::size_t length = 0;
  double bound = 0;
};
struct SumLayout {
  std::vector<SumField> fields;
  std::size_t length() const;
  // Where field `name` begins. Throws std::out_of_range.
  std::size_t offsetOf(std::string_view name) const;
};
// The same at the coordinator and at every site, so that neither has to trust the other's.
SumLayout layoutOf(const Plan&, const RoundInput&);

// --- the site's half ---------------------------------------------------------------------------

struct LocalResult {
  std::vector<double> values;      // by the layout
  std::string metricsJson = "{}";  // told in the clear; only what the plan asks for
};
using CannotTakePart = std::string;  // a sentence with the reason: told to the coordinator as code

// patients() is also asked while compute() goes on in another thread.
class LocalTrainer {
 public:
  virtual ~LocalTrainer() = default;
  // Patients with the plan's endpoint and features, on whom it would train.
  virtual tl::expected<int, CannotTakePart> patients(const Plan&) = 0;
  // Deterministic in (plan, round number, input, data), so that a repeat after a crash gives the
  // same bytes and the privacy budget is spent once. Clipping and noise are done in here.
  virtual tl::expected<LocalResult, CannotTakePart> compute(
      const Plan&, int roundNumber, const RoundInput&, int contributorsAtLeast,
      const std::function<void(int percent)>& progress, std::stop_token) = 0;
};

// --- the coordinator's half --------------------------------------------------------------------

struct RoundSum {
  std::vector<double> values;  // by the layout
  int contributors = 0;
  // Only with RobustRule and without masking: each site's own vector.
  std::vector<std::vector<double>> single;
  // With TrainingTerms::groups > 1: the sum of each group and how many are in it.
  std::vector<std::pair<std::vector<double>, int>> groupSums;
  std::vector<std::pair<std::string, std::string>> metricsJson;  // (site, JSON)
};

// A released result: parameters of a model, or figures.
struct Outcome {
  std::vector<double> values;
  std::string resultJson;  // model description or the figures, for people and programs
};

struct Progress {
  Bytes state;  // opaque, durable between rounds
  int round = 1;
  RoundInput input;                // of the next round
  std::optional<Outcome> outcome;  // set: it is finished, `input` is meaningless
  std::string metricsJson = "{}";  // of the round just finished: loss, step size, ...
};

// Pure functions: a restart repeats them from `state`. Throw std::invalid_argument for a plan with
// faults and std::domain_error when the numbers allow no step (a singular Hessian); what() says
// why.
Progress begin(const Plan&);
Progress proceed(const Plan&, const Progress&, const RoundSum&);

// A released model as the blob that EvaluationTerms::modelSha256 names: an encoded RoundInput of
// phase "model" with the outcome's parameters and description.
RoundInput modelBlobOf(const Outcome&);
// begin() of a plan of TaskKind::Evaluate, which begin() itself refuses: it needs that blob.
Progress beginEvaluation(const Plan&, const RoundInput& modelBlob);

}  // namespace fedpet::federation
