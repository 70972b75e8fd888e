#include "models/response/BundleManifest.h"

#include "models/response/ModelInputs.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <limits>

namespace fedpet::response {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "fedpet-response-bundle";
constexpr int kSchemaVersion = 1;
constexpr std::size_t kMostItems =
    1000;  // of any list: a hostile manifest must not fill the memory

constexpr std::array kProblems{"NotFound",     "Unreadable", "UnsupportedVersion", "WrongHash",
                               "WrongContent", "NotFinite",  "NotEvaluated",       "NotWritable"};
constexpr std::array kLinks{"logit", "loglog"};
constexpr std::array kScenarios{"as recorded", "PET only"};

// ---- writing -----------------------------------------------------------------------------------

Json toJson(const Estimate& e) {
  return {{"value", e.value}, {"lower", e.lower}, {"upper", e.upper}};
}

template <typename T>
Json orNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json toJson(const BundleInput& input) {
  const InputSpec& spec = *findInput(input.name);
  return {{"name", input.name},
          {"meaning", spec.meaning},
          {"unit", spec.unit},
          {"source", spec.fromPet ? "PET" : "clinical"},
          {"required", spec.required},
          {"transform", toString(spec.transform)},
          {"mean", input.mean},
          {"sd", input.sd},
          {"trainingRange", {input.trainingLow, input.trainingHigh}},
          {"acceptedRange", {input.acceptedLow, input.acceptedHigh}},
          {"knownShare", input.knownShare},
          {"unknownIndicator", input.hasIndicator}};
}

Json toJson(const CalibrationBin& bin) {
  return {{"patients", bin.patients},
          {"meanPredicted", bin.meanPredicted},
          {"observed", bin.observed},
          {"observedRange95", {bin.observedLower, bin.observedUpper}}};
}

Json toJson(const Evaluation& e) {
  Json bins = Json::array();
  for (const CalibrationBin& bin : e.bins) bins.push_back(toJson(bin));
  return {{"inputs", toString(e.scenario)},
          {"data", e.data},
          {"patients", e.patients},
          {"events", e.events},
          {"refused", e.refused},
          {"auc", toJson(e.auc)},
          {"oracleAuc", orNull(e.oracleAuc)},
          {"concordance", e.concordance ? toJson(*e.concordance) : Json(nullptr)},
          {"oracleConcordance", orNull(e.oracleConcordance)},
          {"brier", toJson(e.brier)},
          {"oracleBrier", orNull(e.oracleBrier)},
          {"brierOfPrevalence", e.brierOfPrevalence},
          {"calibrationInTheLarge", toJson(e.calibrationInTheLarge)},
          {"calibrationSlope", toJson(e.calibrationSlope)},
          {"truthInsideInterval", orNull(e.truthInsideInterval)},
          {"calibrationCurve", std::move(bins)}};
}

Json toJson(const BundleOutput& output) {
  Json evaluations = Json::array();
  for (const Evaluation& e : output.evaluations) evaluations.push_back(toJson(e));
  return {{"id", output.id()},
          {"endpoint", toString(output.endpoint)},
          {"horizonMonths", output.horizonMonths},
          {"event", output.event()},
          {"link", toString(output.link)},
          {"betweenCentreSd", orNull(output.betweenCentreSd)},
          {"intervalQuantile", output.intervalQuantile},
          {"trainingPatients", output.trainingPatients},
          {"trainingEvents", output.trainingEvents},
          {"evaluations", std::move(evaluations)}};
}

Json toJson(const TrainingRecord& t) {
  return {{"data", t.data},
          {"synthetic", t.synthetic},
          {"patients", t.patients},
          {"centres", t.centres},
          {"excludedWithoutTmtv", t.excludedWithoutTmtv},
          {"implausibleValues", t.implausibleValues},
          {"seed", t.seed},
          {"l2", t.l2},
          {"maskedViews", t.maskedViews}};
}

// ---- reading -----------------------------------------------------------------------------------

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw BundleError(BundleProblem::WrongContent,
                    std::string(kManifestFile) + ": " + where + " " + what +
                        "; obtain the bundle again from where it was released");
}

// A member of the manifest and the path to it, for messages.
class Node {
 public:
  Node(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  Node operator[](const char* key) const {
    if (!json_.is_object()) fail(path_, "is not an object");
    const auto member = json_.find(key);
    const std::string path = path_.empty() ? key : path_ + "." + key;
    if (member == json_.end()) fail(path, "is missing");
    return {*member, path};
  }
  std::vector<Node> items() const {
    if (!json_.is_array()) fail(path_, "is not a list");
    if (json_.size() > kMostItems) fail(path_, "has too many items");
    std::vector<Node> nodes;
    for (std::size_t i = 0; i < json_.size(); ++i)
      nodes.emplace_back(json_[i], path_ + "[" + std::to_string(i) + "]");
    return nodes;
  }
  bool isNull() const { return json_.is_null(); }
  double number() const {
    if (!json_.is_number()) fail(path_, "is not a number");
    return json_.get<double>();
  }
  double numberOrNaN() const {  // JSON has no NaN: a metric that does not exist is null
    return isNull() ? std::numeric_limits<double>::quiet_NaN() : number();
  }
  int count() const {
    const double value = number();
    if (!(value >= 0 && value <= 1e9) || value != std::floor(value)) fail(path_, "is not a count");
    return static_cast<int>(value);
  }
  std::uint64_t seed() const {
    if (!json_.is_number_unsigned()) fail(path_, "is not a seed");
    return json_.get<std::uint64_t>();
  }
  bool yesNo() const {
    if (!json_.is_boolean()) fail(path_, "is neither true nor false");
    return json_.get<bool>();
  }
  std::string text() const {
    if (!json_.is_string()) fail(path_, "is not a text");
    return json_.get<std::string>();
  }
  template <std::size_t N>
  std::size_t oneOf(const std::array<const char*, N>& names) const {
    const std::string name = text();
    for (std::size_t i = 0; i < N; ++i)
      if (name == names[i]) return i;
    fail(path_, "is '" + name.substr(0, 40) + "', which this software does not know");
  }
  std::pair<double, double> range() const {
    const std::vector<Node> ends = items();
    if (ends.size() != 2) fail(path_, "is not a pair");
    return {ends[0].number(), ends[1].number()};
  }
  const std::string& path() const { return path_; }

 private:
  const Json& json_;
  std::string path_;
};

Estimate estimateFrom(const Node& node) {
  return {node["value"].numberOrNaN(), node["lower"].numberOrNaN(), node["upper"].numberOrNaN()};
}

std::optional<double> optionalNumber(const Node& node) {
  if (node.isNull()) return std::nullopt;
  return node.number();
}

BundleInput inputFrom(const Node& node) {
  BundleInput input;
  input.name = node["name"].text();
  const InputSpec* spec = findInput(input.name);
  if (!spec)
    fail(node.path(), "is an input that this software does not know: " + input.name.substr(0, 40));
  // A bundle made with another rule or unit for the same name must not be read as ours.
  if (node["unit"].text() != spec->unit) fail(node.path(), "has another unit than this software");
  if (node["transform"].text() != toString(spec->transform))
    fail(node.path(), "has another transform than this software");
  input.mean = node["mean"].number();
  input.sd = node["sd"].number();
  std::tie(input.trainingLow, input.trainingHigh) = node["trainingRange"].range();
  std::tie(input.acceptedLow, input.acceptedHigh) = node["acceptedRange"].range();
  input.knownShare = node["knownShare"].number();
  input.hasIndicator = node["unknownIndicator"].yesNo();
  return input;
}

CalibrationBin binFrom(const Node& node) {
  CalibrationBin bin;
  bin.patients = node["patients"].number();
  bin.meanPredicted = node["meanPredicted"].number();
  bin.observed = node["observed"].number();
  std::tie(bin.observedLower, bin.observedUpper) = node["observedRange95"].range();
  return bin;
}

Evaluation evaluationFrom(const Node& node) {
  Evaluation e;
  e.scenario = static_cast<InputScenario>(node["inputs"].oneOf(kScenarios));
  e.data = node["data"].text();
  e.patients = node["patients"].count();
  e.events = node["events"].count();
  e.refused = node["refused"].count();
  e.auc = estimateFrom(node["auc"]);
  e.oracleAuc = optionalNumber(node["oracleAuc"]);
  if (!node["concordance"].isNull()) e.concordance = estimateFrom(node["concordance"]);
  e.oracleConcordance = optionalNumber(node["oracleConcordance"]);
  e.brier = estimateFrom(node["brier"]);
  e.oracleBrier = optionalNumber(node["oracleBrier"]);
  e.brierOfPrevalence = node["brierOfPrevalence"].numberOrNaN();
  e.calibrationInTheLarge = estimateFrom(node["calibrationInTheLarge"]);
  e.calibrationSlope = estimateFrom(node["calibrationSlope"]);
  e.truthInsideInterval = optionalNumber(node["truthInsideInterval"]);
  for (const Node& bin : node["calibrationCurve"].items()) e.bins.push_back(binFrom(bin));
  return e;
}

Endpoint endpointFrom(const Node& node) {
  try {
    return endpointFromString(node.text());
  } catch (const std::invalid_argument&) {
    fail(node.path(), "is an endpoint that this software does not know");
  }
}

BundleOutput outputFrom(const Node& node) {
  BundleOutput output;
  output.endpoint = endpointFrom(node["endpoint"]);
  output.horizonMonths = node["horizonMonths"].number();
  output.link = static_cast<Link>(node["link"].oneOf(kLinks));
  output.betweenCentreSd = optionalNumber(node["betweenCentreSd"]);
  output.intervalQuantile = node["intervalQuantile"].number();
  output.trainingPatients = node["trainingPatients"].count();
  output.trainingEvents = node["trainingEvents"].count();
  for (const Node& e : node["evaluations"].items()) output.evaluations.push_back(evaluationFrom(e));
  // A text that contradicts the numbers would put the wrong direction beside a probability.
  if (node["event"].text() != output.event())
    fail(node.path(), "has an event that does not fit its endpoint");
  return output;
}

TrainingRecord trainingFrom(const Node& node) {
  TrainingRecord t;
  t.data = node["data"].text();
  t.synthetic = node["synthetic"].yesNo();
  t.patients = node["patients"].count();
  t.centres = node["centres"].count();
  t.excludedWithoutTmtv = node["excludedWithoutTmtv"].count();
  t.implausibleValues = node["implausibleValues"].count();
  t.seed = node["seed"].seed();
  t.l2 = node["l2"].number();
  t.maskedViews = node["maskedViews"].count();
  return t;
}

void checkSchema(const Node& root) {
  if (root["schema"].text() != kSchema) fail("schema", "does not name a response model bundle");
  const int version = root["schemaVersion"].count();
  if (version != kSchemaVersion)
    throw BundleError(BundleProblem::UnsupportedVersion,
                      std::string(kManifestFile) + ": schemaVersion is " + std::to_string(version) +
                          ", this software reads " + std::to_string(kSchemaVersion) +
                          "; install a bundle or a software version that fits");
}

std::string formatMonths(double months) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", months);
  return text;
}

}  // namespace

std::string_view toString(BundleProblem p) { return kProblems.at(static_cast<std::size_t>(p)); }
std::string_view toString(Link link) { return kLinks.at(static_cast<std::size_t>(link)); }
std::string_view toString(InputScenario s) { return kScenarios.at(static_cast<std::size_t>(s)); }

double probabilityOf(Link link, double eta) {
  return link == Link::Logit ? 1 / (1 + std::exp(-eta)) : std::exp(-std::exp(-eta));
}

double etaOf(Link link, double probability) {
  return link == Link::Logit ? std::log(probability / (1 - probability))
                             : -std::log(-std::log(probability));
}

std::string BundleOutput::id() const {
  return std::string(toString(endpoint)) + "-" + formatMonths(horizonMonths);
}

std::string BundleOutput::event() const {
  const std::string months = formatMonths(horizonMonths);
  switch (endpoint) {
    case Endpoint::DurableClinicalBenefit:
      return "durable clinical benefit: no progression or death within " + months + " months";
    case Endpoint::ProgressionFreeSurvival:
      return "no progression or death within " + months + " months";
    case Endpoint::OverallSurvival:
      return "alive at " + months + " months";
  }
  throw std::invalid_argument("endpoint outside its table");
}

std::size_t ModelBundle::coefficientCount() const {
  std::size_t count = inputs.size();
  for (const BundleInput& input : inputs) count += input.hasIndicator ? 1 : 0;
  return count;
}

ModelIdentity ModelBundle::identity() const {
  return {name, version, weightsSha256, training.data, training.synthetic};
}

std::string manifestText(const ModelBundle& bundle) {
  Json inputs = Json::array(), outputs = Json::array();
  for (const BundleInput& input : bundle.inputs) inputs.push_back(toJson(input));
  for (const BundleOutput& output : bundle.outputs) outputs.push_back(toJson(output));
  const Json manifest{
      {"schema", kSchema},
      {"schemaVersion", kSchemaVersion},
      {"name", bundle.name},
      {"version", bundle.version},
      {"softwareVersion", bundle.softwareVersion},
      {"licence", bundle.licence},
      {"researchUseOnly", true},
      {"intendedUse", bundle.intendedUse},
      {"limits", bundle.limits},
      {"training", toJson(bundle.training)},
      {"inputs", std::move(inputs)},
      {"outOfDistribution",
       {{"method",
         "squared Mahalanobis distance of the known continuous inputs; chi-square quantiles "
         "stretched to the training data, by number of known inputs"},
        {"level", bundle.outOfDistributionLevel},
        {"thresholds", bundle.mahalanobisThresholds}}},
      {"outputs", std::move(outputs)},
      {"weights",
       {{"file", kWeightsFile},
        {"format", "torch pickle: dictionary of float64 tensors"},
        {"sha256", bundle.weightsSha256}}}};
  return manifest.dump(1) + "\n";
}

ModelBundle bundleFromManifest(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded())
    throw BundleError(
        BundleProblem::Unreadable,
        std::string(kManifestFile) + " is not complete JSON; obtain the bundle again");
  const Node root(json, "");
  if (!json.is_object()) fail("the document", "is not an object");
  checkSchema(root);
  ModelBundle bundle;
  bundle.name = root["name"].text();
  bundle.version = root["version"].text();
  bundle.softwareVersion = root["softwareVersion"].text();
  bundle.licence = root["licence"].text();
  if (!root["researchUseOnly"].yesNo())
    fail("researchUseOnly", "is false: this software is for research only");
  bundle.intendedUse = root["intendedUse"].text();
  for (const Node& limit : root["limits"].items()) bundle.limits.push_back(limit.text());
  bundle.training = trainingFrom(root["training"]);
  for (const Node& input : root["inputs"].items()) bundle.inputs.push_back(inputFrom(input));
  const Node ood = root["outOfDistribution"];
  bundle.outOfDistributionLevel = ood["level"].number();
  for (const Node& threshold : ood["thresholds"].items())
    bundle.mahalanobisThresholds.push_back(threshold.number());
  for (const Node& output : root["outputs"].items()) bundle.outputs.push_back(outputFrom(output));
  const Node weights = root["weights"];
  if (weights["file"].text() != kWeightsFile)
    fail("weights.file", "is not " + std::string(kWeightsFile));
  bundle.weightsSha256 = weights["sha256"].text();
  return bundle;
}

}  // namespace fedpet::response
