#include "models/response/ResponseModel.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace fedpet::response {
namespace {

constexpr double kIntervalLevel = 0.9;

using RawInputs = std::vector<std::optional<double>>;

std::string shortNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string percent(double share) { return shortNumber(std::round(share * 100)) + " %"; }

// Variance of eta from the uncertainty of intercept and coefficients.
double parameterVariance(const BundleOutput& output, std::span<const double> design) {
  const Matrix& v = output.covariance;
  const auto entry = [&](std::size_t i) { return i == 0 ? 1.0 : design[i - 1]; };
  double sum = 0;
  for (std::size_t i = 0; i < v.rows; ++i)
    for (std::size_t j = 0; j < v.columns; ++j) sum += entry(i) * v(i, j) * entry(j);
  return sum;
}

// Variance of eta from the inputs that had to be filled in.
double imputationVariance(const BundleOutput& output,
                          const InputDistribution::Completed& completed) {
  double sum = 0;
  for (std::size_t i = 0; i < completed.unknown.size(); ++i)
    for (std::size_t j = 0; j < completed.unknown.size(); ++j)
      sum += output.coefficients[completed.unknown[i]] * completed.conditionalCovariance(i, j) *
             output.coefficients[completed.unknown[j]];
  return sum;
}

const Evaluation* evaluationFor(const BundleOutput& output, bool petOnly) {
  const InputScenario wanted = petOnly ? InputScenario::PetOnly : InputScenario::AsRecorded;
  for (const Evaluation& e : output.evaluations)
    if (e.scenario == wanted) return &e;
  return nullptr;
}

std::string calibrationNote(const ModelBundle& bundle, const BundleOutput& output, bool petOnly,
                            double probability) {
  std::string note;
  const Evaluation* e = evaluationFor(output, petOnly);
  if (e && !e->bins.empty()) {
    const auto nearest =
        std::min_element(e->bins.begin(), e->bins.end(), [&](const auto& a, const auto& b) {
          return std::abs(a.meanPredicted - probability) < std::abs(b.meanPredicted - probability);
        });
    note = "Held-out patients" + std::string(petOnly ? " with PET inputs only" : "") +
           " predicted near this value: mean predicted " + percent(nearest->meanPredicted) +
           ", observed " + percent(nearest->observed) + " (95 % interval " +
           percent(nearest->observedLower) + " to " + percent(nearest->observedUpper) +
           "). Calibration slope " + shortNumber(e->calibrationSlope.value) + " (ideal 1). ";
  }
  if (bundle.training.synthetic) note += "Trained and evaluated on synthetic data. ";
  note +=
      "Calibration at this centre is unknown. A positive contribution raises the probability of: " +
      output.event() + ".";
  return note;
}

// Shares of eta: value and indicator of one input together.
std::vector<double> sharesOf(const ModelBundle& bundle, const BundleOutput& output,
                             const InputDistribution::Completed& completed,
                             std::vector<double>& design) {
  const std::size_t p = bundle.inputs.size();
  design.assign(output.coefficients.size(), 0);
  std::vector<double> shares(p);
  std::size_t indicator = p;
  for (std::size_t i = 0; i < p; ++i) {
    design[i] = completed.z[i];
    shares[i] = output.coefficients[i] * design[i];
    if (!bundle.inputs[i].hasIndicator) continue;
    const bool unknown =
        std::find(completed.unknown.begin(), completed.unknown.end(), i) != completed.unknown.end();
    design[indicator] = unknown ? 1 : 0;
    shares[i] += output.coefficients[indicator] * design[indicator];
    ++indicator;
  }
  return shares;
}

std::string rangeText(const BundleInput& input, const InputSpec& spec, double value) {
  const std::string unit = spec.unit.front() == '{' ? "" : " " + std::string(spec.unit);
  if (!std::isfinite(value)) return input.name + " is not a finite number";
  const bool above = value > input.acceptedHigh;
  return input.name + " " + shortNumber(value) + unit + " is " + (above ? "above" : "below") +
         " the accepted range of " + shortNumber(input.acceptedLow) + " to " +
         shortNumber(input.acceptedHigh) + unit;
}

const Measurement* find(std::span<const Measurement> measurements, Quantity quantity) {
  for (const Measurement& m : measurements)
    if (m.quantity == quantity) return &m;
  return nullptr;
}

void require(bool condition, BundleProblem problem, const std::string& what) {
  if (!condition)
    throw BundleError(problem, "the model bundle is not usable: " + what +
                                   "; obtain the bundle again from where it was released");
}

bool allFinite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

void checkInput(const BundleInput& input) {
  const std::string name = "input " + input.name;
  require(findInput(input.name) != nullptr, BundleProblem::WrongContent,
          name + " is unknown to this software version");
  require(allFinite(std::array{input.mean, input.sd, input.trainingLow, input.trainingHigh,
                               input.acceptedLow, input.acceptedHigh, input.knownShare}),
          BundleProblem::NotFinite, name + " has a normalisation or range that is not finite");
  require(input.sd > 0, BundleProblem::WrongContent, name + " has a spread that is not above 0");
  require(input.acceptedLow <= input.acceptedHigh, BundleProblem::WrongContent,
          name + " has an empty accepted range");
}

void checkOutput(const ModelBundle& bundle, const BundleOutput& output) {
  const std::string name = "output " + output.id();
  const std::size_t count = bundle.coefficientCount();
  require(output.coefficients.size() == count, BundleProblem::WrongContent,
          name + " has " + std::to_string(output.coefficients.size()) + " coefficients, not " +
              std::to_string(count));
  require(output.covariance.rows == count + 1 && output.covariance.columns == count + 1 &&
              output.covariance.values.size() == (count + 1) * (count + 1),
          BundleProblem::WrongContent, name + " has a covariance of another size");
  require(std::isfinite(output.intercept) && allFinite(output.coefficients) &&
              allFinite(output.covariance.values) &&
              std::isfinite(output.betweenCentreSd.value_or(0)),
          BundleProblem::NotFinite, name + " holds a weight that is not finite");
  require(output.horizonMonths > 0 && output.horizonMonths <= 600, BundleProblem::WrongContent,
          name + " has an absurd horizon");
  require(output.intervalQuantile >= 1 && output.intervalQuantile <= 10,
          BundleProblem::WrongContent, name + " has an absurd interval");
  for (std::size_t i = 0; i <= count; ++i)
    require(output.covariance(i, i) >= 0, BundleProblem::WrongContent,
            name + " has a negative variance");
}

void checkBundle(const ModelBundle& bundle) {
  require(!bundle.inputs.empty() && !bundle.outputs.empty(), BundleProblem::WrongContent,
          "it has no input or no output");
  std::size_t measured = 0;
  bool hasRequired = false;
  for (const BundleInput& input : bundle.inputs) {
    checkInput(input);
    const InputSpec& spec = *findInput(input.name);
    measured += spec.measured ? 1 : 0;
    hasRequired = hasRequired || spec.required;
    require(std::count_if(bundle.inputs.begin(), bundle.inputs.end(),
                          [&](const BundleInput& other) { return other.name == input.name; }) == 1,
            BundleProblem::WrongContent, "input " + input.name + " occurs twice");
  }
  require(hasRequired, BundleProblem::WrongContent, "TMTV is not among its inputs");
  require(allFinite(bundle.inputCorrelation.values), BundleProblem::NotFinite,
          "its input correlations are not finite");
  require(bundle.inputCorrelation.rows == bundle.inputs.size(), BundleProblem::WrongContent,
          "its input correlations have another size");
  require(bundle.mahalanobisThresholds.size() == measured, BundleProblem::WrongContent,
          "it needs one distance threshold per continuous input");
  for (const double threshold : bundle.mahalanobisThresholds)
    require(std::isfinite(threshold) && threshold > 0, BundleProblem::NotFinite,
            "a distance threshold is not a positive number");
  for (const BundleOutput& output : bundle.outputs) checkOutput(bundle, output);
}

InputDistribution distributionOf(const ModelBundle& bundle) {
  try {
    return InputDistribution(bundle.inputCorrelation);
  } catch (const std::invalid_argument& error) {
    throw BundleError(BundleProblem::WrongContent, std::string("the model bundle is not usable: ") +
                                                       error.what() + "; obtain the bundle again");
  }
}

}  // namespace

std::shared_ptr<const ResponseModel> ResponseModel::load(const std::filesystem::path& directory) {
  return std::make_shared<const ResponseModel>(readBundle(directory));
}

ResponseModel::ResponseModel(ModelBundle bundle) : bundle_(std::move(bundle)) {
  checkBundle(bundle_);
  for (const BundleInput& input : bundle_.inputs) specs_.push_back(findInput(input.name));
  distribution_ = distributionOf(bundle_);
}

std::vector<ResponsePrediction> ResponseModel::predict(const ResponseInputs& inputs) const {
  const PetMeasures pet = petMeasuresOf(inputs.wholeBody);
  RawInputs raw;
  bool petOnly = true;
  for (const InputSpec* spec : specs_) {
    raw.push_back(spec->value(pet, inputs.clinical));
    if (!spec->fromPet && raw.back()) petOnly = false;
  }
  std::vector<ResponsePrediction> predictions;
  if (const auto refusal = refusalFor(inputs, raw, pet)) {
    for (const BundleOutput& output : bundle_.outputs)
      predictions.push_back({output.endpoint,
                             output.horizonMonths,
                             output.event(),
                             tl::unexpected(*refusal),
                             {},
                             {},
                             {}});
    return predictions;
  }
  StandardisedInputs z(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i)
    if (raw[i])
      z[i] = (specs_[i]->transformed(*raw[i]) - bundle_.inputs[i].mean) / bundle_.inputs[i].sd;
  const InputDistribution::Completed completed = distribution_.complete(z);
  for (const BundleOutput& output : bundle_.outputs)
    predictions.push_back(predictOutput(output, raw, completed, petOnly));
  return predictions;
}

std::optional<Refusal> ResponseModel::refusalFor(const ResponseInputs& inputs, const RawInputs& raw,
                                                 const PetMeasures& pet) const {
  const Measurement* tmtv = find(inputs.wholeBody, Quantity::Tmtv);
  const bool refusedForNoLesion =
      tmtv && !tmtv->value && tmtv->value.error().code == RefusalCode::NoLesion;
  if (refusedForNoLesion || pet.lesionCount == 0 || pet.tmtvMl == 0.0)
    return Refusal{
        RefusalCode::NoLesion,
        "no tumour was measured; the model was trained on patients with measurable tumour"};
  if (!tmtv) return Refusal{RefusalCode::InputMissing, "TMTV was not measured"};
  if (!tmtv->value) {
    const Refusal& why = tmtv->value.error();
    return Refusal{RefusalCode::InputMissing,
                   "TMTV was refused (" + std::string(toString(why.code)) +
                       (why.detail.empty() ? "" : ": " + why.detail) + ")"};
  }
  return outOfDistribution(raw);
}

std::optional<Refusal> ResponseModel::outOfDistribution(const RawInputs& raw) const {
  std::string outside;
  StandardisedInputs z(raw.size());
  std::vector<std::size_t> measured;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (specs_[i]->measured) measured.push_back(i);
    if (!raw[i]) continue;
    const BundleInput& input = bundle_.inputs[i];
    if (!(*raw[i] >= input.acceptedLow && *raw[i] <= input.acceptedHigh))
      outside += (outside.empty() ? "" : "; ") + rangeText(input, *specs_[i], *raw[i]);
    else
      z[i] = (specs_[i]->transformed(*raw[i]) - input.mean) / input.sd;
  }
  if (!outside.empty()) return Refusal{RefusalCode::OutOfDistribution, outside};
  const auto known = static_cast<std::size_t>(std::count_if(
      measured.begin(), measured.end(), [&](std::size_t i) { return z[i].has_value(); }));
  if (known == 0) return std::nullopt;
  const double distance = distribution_.mahalanobisSquared(z, measured);
  const double limit = bundle_.mahalanobisThresholds[known - 1];
  if (distance <= limit) return std::nullopt;
  return Refusal{
      RefusalCode::OutOfDistribution,
      "the combination of inputs is unlike the training data: squared Mahalanobis distance " +
          shortNumber(distance) + " over " + std::to_string(known) + " inputs, accepted up to " +
          shortNumber(limit)};
}

ResponsePrediction ResponseModel::predictOutput(const BundleOutput& output, const RawInputs& raw,
                                                const InputDistribution::Completed& completed,
                                                bool petOnly) const {
  std::vector<double> design;
  const std::vector<double> shares = sharesOf(bundle_, output, completed, design);
  ResponsePrediction prediction{
      output.endpoint, output.horizonMonths, output.event(), {}, {}, {}, {}};
  double eta = output.intercept;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    eta += shares[i];
    prediction.contributions.push_back(
        {bundle_.inputs[i].name, raw[i], std::string(specs_[i]->unit), shares[i]});
  }
  const double tau = output.betweenCentreSd.value_or(0);
  const double centres = std::max(1, bundle_.training.centres);
  const double variance = parameterVariance(output, design) +
                          imputationVariance(output, completed) + tau * tau * (1 + 1 / centres);
  const double half = output.intervalQuantile * std::sqrt(std::max(0.0, variance));
  prediction.result =
      Probability{probabilityOf(output.link, eta), probabilityOf(output.link, eta - half),
                  probabilityOf(output.link, eta + half), kIntervalLevel};
  prediction.calibrationNote =
      calibrationNote(bundle_, output, petOnly, prediction.result->probability);
  return prediction;
}

}  // namespace fedpet::response
