// A training plan: what a consortium wants to compute, as data. It contains no code and no path.
// Sites approve the hash of its signed document (docs/wire-format.md).
#pragma once

#include "federation/crypto/Bytes.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::federation {

enum class TaskKind {
  Train,       // rounds of local training and a server optimiser
  Newton,      // exact logistic or Cox regression on summed gradients and Hessians
  Statistics,  // counts, means, variances, histograms, quantiles, Kaplan-Meier, ComBat
  Evaluate,    // a given model on every site: AUC, C-index, calibration, decision curves
};
enum class Strategy { FedAvg, FedProx, Scaffold, FedAdam, FedYogi, FedAdagrad };
enum class Masking { None, Ring64, Ring32 };          // secure aggregation and its word
enum class RobustRule { None, Median, TrimmedMean };  // on single updates: Masking::None only
enum class EndpointKind { Binary, Survival };
enum class NoiseKind { None, Local, Distributed };  // who adds up to the full noise

struct Feature {
  std::string name, unit;               // unit in UCUM; empty: none
  std::vector<std::string> categories;  // not empty: one-hot, in this order
  // One more category, which has no column: all columns are 0. A regression without a penalty
  // cannot do without one. Empty: none, and any other text is a missing value.
  std::string reference = {};
};

struct PlanEndpoint {
  EndpointKind kind = EndpointKind::Binary;
  std::string column;                   // Binary: 0 or 1
  std::string timeColumn, eventColumn;  // Survival: months (or any unit), 0 or 1
  std::string timeUnit = "mo";
};

struct ModelPlan {
  std::string architecture = "linear";  // "linear", "mlp"
  std::vector<int> hiddenUnits;         // of "mlp"
};

struct TrainingTerms {
  Strategy strategy = Strategy::FedAvg;
  int rounds = 10;
  int localSteps = 10;  // minibatches of a site in one round
  int batchSize = 8;    // with noise: the expected size of Poisson samples
  double clientLearningRate = 0.1, serverLearningRate = 1.0;
  double beta1 = 0.9, beta2 = 0.99, tau = 1e-3;  // adaptive servers (Reddi 2021, arXiv 2003.00295)
  double proximalMu = 0.0;                       // FedProx (Li 2020, arXiv 1812.06127)
  double l2 = 0.0;
  bool weightedByPatients = true;
  double updateNormBound = 10.0;  // L2; a larger update is scaled down at the site
  RobustRule robust = RobustRule::None;
  double trimmedShare = 0.1;  // on each side
  int groups = 1;             // of sites whose sums are opened separately, each of at least 3
};

struct NewtonTerms {
  int maxIterations = 25;
  double tolerance = 1e-9;  // on the largest change of a coefficient
  double l2 = 0.0;
  // Survival: one baseline hazard for all sites (event times are shared, rounded to this) or one
  // per site (stratified Cox: no time leaves a site).
  bool stratifiedBySite = true;
  double timeResolution = 0;  // in the endpoint's unit; 0: exact event times
};

struct StatisticsTerms {
  int histogramBins = 32;
  std::vector<double> quantiles{0.05, 0.25, 0.5, 0.75, 0.95};
  int timeBins = 60;        // of the Kaplan-Meier curve
  double timeHorizon = 60;  // in the endpoint's unit
  bool combat = false;      // per-site location and scale parameters (Johnson 2007)
};

struct EvaluationTerms {
  std::string modelSha256;  // the blob with the parameters
  int scoreBins = 200, timeBins = 60;
  double horizon = 12;  // Survival: probability at this time
  std::vector<double> decisionThresholds{0.1, 0.2, 0.3, 0.4, 0.5};
  bool perSite = true;  // every site's own figures are told, not only the sum
};

// Record-level (epsilon, delta) for every patient, add-or-remove neighbours.
struct PrivacyTerms {
  NoiseKind noise = NoiseKind::None;
  double clipNorm = 1.0;              // of one patient's gradient
  double noiseMultiplier = 0.0;       // standard deviation / clipNorm
  double sampleRate = 0.1;            // Poisson; Train only
  double epsilon = 0.0, delta = 0.0;  // what the whole plan may spend at one site
};

struct Plan {
  static constexpr int kVersion = 1;
  std::string title;
  std::string
      purpose;  // matched against the site's allowed purposes: "research", "evaluation", ...
  TaskKind task = TaskKind::Train;
  ModelPlan model;
  std::vector<Feature> features;
  PlanEndpoint endpoint;
  TrainingTerms training;
  NewtonTerms newton;
  StatisticsTerms statistics;
  EvaluationTerms evaluation;
  PrivacyTerms privacy;
  Masking masking = Masking::Ring64;
  int quorum = 3;                 // sites that must contribute to a round
  double thresholdShare = 0.667;  // Shamir: t = max(floor(2n/3) + 1, ceil(share * n))
  int minimumPatients = 10;       // of a site
  int maximumPatients = 100'000;  // of a site: bounds what one site can weigh
  std::chrono::seconds stepTimeout{3600}, trainingTimeout{24 * 3600};
  std::uint64_t seed = 1;
};

// Every fault of a plan at once, in words for the person who wrote it; empty: it can be run.
std::vector<std::string> faultsOf(const Plan&);

Bytes encode(const Plan&);
Plan decodePlan(ByteView cbor);            // throws WireError
Plan planFromJson(std::string_view json);  // for people; unknown members are refused
std::string toReadableJson(const Plan&);

std::string_view toString(TaskKind);
std::string_view toString(Strategy);
std::string_view toString(Masking);

}  // namespace fedpet::federation
