// A response model as it is kept and handed over: a directory with
//   manifest.json   what it is, for people and programs (schema below, version 1)
//   weights.pt      named float64 tensors, as torch::pickle_save writes them (Python: torch.load)
// The manifest holds the SHA-256 of weights.pt. Unknown members of the manifest are ignored, so
// that a signature and further facts can be added without a new schema version.
//
// The model is a set of outputs, each the probability of one good outcome by one horizon:
//   eta = intercept + sum of coefficients x inputs,   probability = inverse link(eta)
// so that a positive share always speaks for the good outcome.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "models/response/Fit.h"
#include "models/response/Metrics.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fedpet::response {

enum class BundleProblem {
  NotFound,            // the directory or one of its two files is missing
  Unreadable,          // not the file format it should be, truncated, or far too large
  UnsupportedVersion,  // another schema, or a later version of it
  WrongHash,           // weights.pt is not the file that the manifest describes
  WrongContent,        // a member is missing, has another type or contradicts another
  NotFinite,           // a weight or a normalisation is NaN or infinite
  NotEvaluated,        // no metrics on held-out patients: such a model is not handed over
  NotWritable,
};
std::string_view toString(BundleProblem);

// what() names the file, what is wrong and what to do.
struct BundleError : std::runtime_error {
  BundleError(BundleProblem p, const std::string& text) : std::runtime_error(text), problem(p) {}
  BundleProblem problem;
};

enum class Link {
  Logit,   // eta = ln(p / (1 - p)): logistic regression
  LogLog,  // eta = -ln(-ln p): Cox; eta falls by the log-hazard
};
std::string_view toString(Link);
double probabilityOf(Link, double eta);
double etaOf(Link, double probability);

struct BundleInput {
  std::string name;         // of modelInputs()
  double mean = 0, sd = 1;  // of the transformed value: z = (transform(value) - mean) / sd
  double trainingLow = 0, trainingHigh = 0;  // in the input's unit
  double acceptedLow = 0, acceptedHigh = 0;  // outside: OutOfDistribution
  double knownShare = 1;                     // of the training patients
  bool hasIndicator = false;                 // one more coefficient, for "unknown"
};

// Which inputs the patients of an evaluation had.
enum class InputScenario { AsRecorded, PetOnly };
std::string_view toString(InputScenario);

struct Evaluation {
  InputScenario scenario = InputScenario::AsRecorded;
  std::string data;              // "synthetic cohort, 4000 patients, seed 1, not used in training"
  int patients = 0, events = 0;  // evaluable at the horizon; events: progression or death
  int refused = 0;               // out of distribution or without TMTV
  Estimate auc, brier, calibrationInTheLarge, calibrationSlope;
  std::optional<Estimate> concordance;  // survival endpoints, over the whole follow-up
  double brierOfPrevalence = 0;         // of predicting the mean for everybody
  std::vector<CalibrationBin> bins;
  // Of the true probabilities, where a generator knows them: no model can honestly do better.
  std::optional<double> oracleAuc, oracleBrier, oracleConcordance;
  std::optional<double> truthInsideInterval;  // share of the true probabilities
};

struct BundleOutput {
  Endpoint endpoint = Endpoint::DurableClinicalBenefit;
  double horizonMonths = 6;
  Link link = Link::Logit;
  double intercept = 0;
  // One per input, then one per input with an indicator, both in the order of the inputs.
  std::vector<double> coefficients;
  Matrix covariance;  // of (intercept, coefficients)
  // SD of the intercept between centres (DerSimonian and Laird); nullopt with fewer than 4 centres.
  std::optional<double> betweenCentreSd;
  // Half width of the 90 % interval in standard errors: Student's t with centres - 2 degrees of
  // freedom, for the spread is known from few centres (Higgins 2009, J R Stat Soc A 172:137).
  double intervalQuantile = 1.6448536269514722;
  int trainingPatients = 0, trainingEvents = 0;
  std::vector<Evaluation> evaluations;

  std::string id() const;  // "DCB-6": also the prefix of its tensors
  // The good outcome in words: "alive at 12 months".
  std::string event() const;
};

struct TrainingRecord {  // how it was made
  std::string data;      // "synthetic cohort, 4000 patients, 8 centres, seed 20261124"
  bool synthetic = true;
  int patients = 0, centres = 0;
  int excludedWithoutTmtv = 0, implausibleValues = 0;
  std::uint64_t seed = 0;
  double l2 = 0;
  int maskedViews = 0;
};

struct ModelBundle {
  std::string name, version;
  std::string softwareVersion;
  std::string licence, intendedUse;
  std::vector<std::string> limits;
  TrainingRecord training;
  std::vector<BundleInput> inputs;
  Matrix inputCorrelation;            // of the standardised inputs
  double outOfDistributionLevel = 0;  // share of training patients inside the threshold
  // Largest accepted squared Mahalanobis distance when 1, 2, ... continuous inputs are known.
  std::vector<double> mahalanobisThresholds;
  std::vector<BundleOutput> outputs;
  std::string weightsSha256;  // set by writeBundle and readBundle

  std::size_t coefficientCount() const;  // of each output
  ModelIdentity identity() const;
};

// Creates the directory if need be and replaces its two files; sets nothing in `bundle` but
// weightsSha256 in the returned copy. Throws BundleError.
ModelBundle writeBundle(const ModelBundle& bundle, const std::filesystem::path& directory);

// Checks schema, hash, names, shapes and finiteness. Throws BundleError.
ModelBundle readBundle(const std::filesystem::path& directory);

}  // namespace fedpet::response
