#include "federation/plan/Plan.h"

#include "federation/wire/Cbor.h"
#include "federation/wire/Messages.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace fedpet::federation {
namespace {

using nlohmann::json;

constexpr Names<TaskKind, 4> kTasks{{{TaskKind::Train, "train"},
                                     {TaskKind::Newton, "newton"},
                                     {TaskKind::Statistics, "statistics"},
                                     {TaskKind::Evaluate, "evaluate"}}};
constexpr Names<Strategy, 6> kStrategies{{{Strategy::FedAvg, "fedavg"},
                                          {Strategy::FedProx, "fedprox"},
                                          {Strategy::Scaffold, "scaffold"},
                                          {Strategy::FedAdam, "fedadam"},
                                          {Strategy::FedYogi, "fedyogi"},
                                          {Strategy::FedAdagrad, "fedadagrad"}}};
constexpr Names<Masking, 3> kMaskings{
    {{Masking::None, "none"}, {Masking::Ring64, "ring64"}, {Masking::Ring32, "ring32"}}};
constexpr Names<RobustRule, 3> kRules{{{RobustRule::None, "none"},
                                       {RobustRule::Median, "median"},
                                       {RobustRule::TrimmedMean, "trimmed-mean"}}};
constexpr Names<EndpointKind, 2> kEndpoints{
    {{EndpointKind::Binary, "binary"}, {EndpointKind::Survival, "survival"}}};
constexpr Names<NoiseKind, 3> kNoises{{{NoiseKind::None, "none"},
                                       {NoiseKind::Local, "local"},
                                       {NoiseKind::Distributed, "distributed"}}};

// One list of members for reading and writing, so that the two cannot differ. A Writer fills a JSON
// object; a Loader takes from one, and leaves the default where a person has left a member out.
class Writer {
 public:
  json out = json::object();
  void text(const char* name, std::string& value, std::size_t) { out[name] = value; }
  void laterText(const char* name, std::string& value, std::size_t) {
    if (!value.empty()) out[name] = value;
  }
  void whole(const char* name, int& value, int, int) { out[name] = value; }
  void number(const char* name, double& value, double, double) { out[name] = value; }
  void flag(const char* name, bool& value) { out[name] = value; }
  void seed(const char* name, std::uint64_t& value) { out[name] = value; }
  void seconds(const char* name, std::chrono::seconds& value) { out[name] = value.count(); }
  void numbers(const char* name, std::vector<double>& values, double, double, std::size_t) {
    out[name] = values;
  }
  void texts(const char* name, std::vector<std::string>& values, std::size_t) {
    out[name] = values;
  }
  void wholes(const char* name, std::vector<int>& values, int, int, std::size_t) {
    out[name] = values;
  }
  template <typename Enum, std::size_t N>
  void choice(const char* name, Enum& value, const Names<Enum, N>& names) {
    out[name] = nameOf(value, names);
  }
  template <typename T, typename Members>
  void part(const char* name, T& value, Members members) {
    Writer inner;
    members(inner, value);
    out[name] = std::move(inner.out);
  }
  template <typename T, typename Members>
  void parts(const char* name, std::vector<T>& values, Members members) {
    out[name] = json::array();
    for (T& value : values) {
      Writer inner;
      members(inner, value);
      out[name].push_back(std::move(inner.out));
    }
  }
};

class Loader {
 public:
  Loader(const json& object, std::string what, bool complete)
      : in_(object, what), what_(std::move(what)), complete_(complete) {}
  void finish() const { in_.finish(); }
  void requireVersion() {
    if (wanted("v")) in_.requireVersion(Plan::kVersion);
  }
  void text(const char* name, std::string& value, std::size_t most) {
    if (wanted(name)) value = in_.text(name, most);
  }
  // Came later: absent is empty, so that the bytes of older plans stay theirs.
  void laterText(const char* name, std::string& value, std::size_t most) {
    if (!in_.has(name)) return;
    value = in_.text(name, most);
    if (complete_ && value.empty()) in_.refuse(name, "left out when it is empty");
  }
  void whole(const char* name, int& value, int least, int most) {
    if (wanted(name)) value = static_cast<int>(in_.integer(name, least, most));
  }
  void number(const char* name, double& value, double least, double most) {
    if (wanted(name)) value = in_.number(name, least, most);
  }
  void flag(const char* name, bool& value) {
    if (wanted(name)) value = in_.boolean(name);
  }
  void seed(const char* name, std::uint64_t& value) {
    if (wanted(name)) value = static_cast<std::uint64_t>(in_.integer(name, 0, INT64_MAX));
  }
  void seconds(const char* name, std::chrono::seconds& value) {
    if (wanted(name)) value = std::chrono::seconds(in_.integer(name, 1, 90 * 86'400));
  }
  void numbers(const char* name, std::vector<double>& values, double least, double most,
               std::size_t count) {
    if (!wanted(name)) return;
    values.clear();
    for (const json& v : in_.list(name, count)) {
      if (!v.is_number() || !(v.get<double>() >= least && v.get<double>() <= most))
        in_.refuse(name, "numbers from " + json(least).dump() + " to " + json(most).dump());
      values.push_back(v.get<double>());
    }
  }
  void texts(const char* name, std::vector<std::string>& values, std::size_t count) {
    if (!wanted(name)) return;
    values.clear();
    for (const json& v : in_.list(name, count)) {
      if (!v.is_string() || v.get_ref<const std::string&>().size() > 200)
        in_.refuse(name, "texts of at most 200 bytes");
      values.push_back(v.get<std::string>());
    }
  }
  void wholes(const char* name, std::vector<int>& values, int least, int most, std::size_t count) {
    if (!wanted(name)) return;
    values.clear();
    for (const json& v : in_.list(name, count)) {
      if (!v.is_number_integer() || v.get<double>() < least || v.get<double>() > most)
        in_.refuse(name,
                   "whole numbers from " + std::to_string(least) + " to " + std::to_string(most));
      values.push_back(v.get<int>());
    }
  }
  template <typename Enum, std::size_t N>
  void choice(const char* name, Enum& value, const Names<Enum, N>& names) {
    if (wanted(name)) value = in_.choice(name, names);
  }
  template <typename T, typename Members>
  void part(const char* name, T& value, Members members) {
    if (!wanted(name)) return;
    Loader inner(in_.map(name, 100), what_ + "." + name, complete_);
    members(inner, value);
    inner.finish();
  }
  template <typename T, typename Members>
  void parts(const char* name, std::vector<T>& values, Members members) {
    if (!wanted(name)) return;
    values.clear();
    for (const json& entry : in_.list(name, 1'000)) {
      Loader inner(entry, what_ + "." + name, complete_);
      T value;
      members(inner, value);
      inner.finish();
      values.push_back(std::move(value));
    }
  }

 private:
  // On the wire every member is there: two programs never differ in a default.
  bool wanted(const char* name) const { return complete_ || in_.has(name); }
  Reader in_;
  std::string what_;
  bool complete_;
};

constexpr double kHuge = 1e12;

struct PlanMembers {
  template <typename Io>
  static void feature(Io& io, Feature& f) {
    io.text("name", f.name, 100);
    io.text("unit", f.unit, 50);
    io.texts("categories", f.categories, 1'000);
    io.laterText("reference", f.reference, 200);
  }
  template <typename Io>
  static void endpoint(Io& io, PlanEndpoint& e) {
    io.choice("kind", e.kind, kEndpoints);
    io.text("column", e.column, 100);
    io.text("timeColumn", e.timeColumn, 100);
    io.text("eventColumn", e.eventColumn, 100);
    io.text("timeUnit", e.timeUnit, 50);
  }
  template <typename Io>
  static void model(Io& io, ModelPlan& m) {
    io.text("architecture", m.architecture, 50);
    io.wholes("hiddenUnits", m.hiddenUnits, 1, 100'000, 20);
  }
  template <typename Io>
  static void training(Io& io, TrainingTerms& t) {
    io.choice("strategy", t.strategy, kStrategies);
    io.whole("rounds", t.rounds, 1, 100'000);
    io.whole("localSteps", t.localSteps, 1, 1'000'000);
    io.whole("batchSize", t.batchSize, 1, 1'000'000);
    io.number("clientLearningRate", t.clientLearningRate, 0, 1e6);
    io.number("serverLearningRate", t.serverLearningRate, 0, 1e6);
    io.number("beta1", t.beta1, 0, 1);
    io.number("beta2", t.beta2, 0, 1);
    io.number("tau", t.tau, 0, 1e6);
    io.number("proximalMu", t.proximalMu, 0, 1e6);
    io.number("l2", t.l2, 0, kHuge);
    io.flag("weightedByPatients", t.weightedByPatients);
    io.number("updateNormBound", t.updateNormBound, 0, kHuge);
    io.choice("robust", t.robust, kRules);
    io.number("trimmedShare", t.trimmedShare, 0, 0.5);
    io.whole("groups", t.groups, 1, 1'000);
  }
  template <typename Io>
  static void newton(Io& io, NewtonTerms& n) {
    io.whole("maxIterations", n.maxIterations, 1, 10'000);
    io.number("tolerance", n.tolerance, 0, 1);
    io.number("l2", n.l2, 0, kHuge);
    io.flag("stratifiedBySite", n.stratifiedBySite);
    io.number("timeResolution", n.timeResolution, 0, kHuge);
  }
  template <typename Io>
  static void statistics(Io& io, StatisticsTerms& s) {
    io.whole("histogramBins", s.histogramBins, 2, 10'000);
    io.numbers("quantiles", s.quantiles, 0, 1, 1'000);
    io.whole("timeBins", s.timeBins, 1, 100'000);
    io.number("timeHorizon", s.timeHorizon, 0, kHuge);
    io.flag("combat", s.combat);
  }
  template <typename Io>
  static void evaluation(Io& io, EvaluationTerms& e) {
    io.text("modelSha256", e.modelSha256, 64);
    io.whole("scoreBins", e.scoreBins, 2, 100'000);
    io.whole("timeBins", e.timeBins, 1, 100'000);
    io.number("horizon", e.horizon, 0, kHuge);
    io.numbers("decisionThresholds", e.decisionThresholds, 0, 1, 1'000);
    io.flag("perSite", e.perSite);
  }
  template <typename Io>
  static void privacy(Io& io, PrivacyTerms& p) {
    io.choice("noise", p.noise, kNoises);
    io.number("clipNorm", p.clipNorm, 0, kHuge);
    io.number("noiseMultiplier", p.noiseMultiplier, 0, 1e6);
    io.number("sampleRate", p.sampleRate, 0, 1);
    io.number("epsilon", p.epsilon, 0, 1e6);
    io.number("delta", p.delta, 0, 1);
  }
  template <typename Io>
  static void plan(Io& io, Plan& p) {
    io.text("title", p.title, 200);
    io.text("purpose", p.purpose, 100);
    io.choice("task", p.task, kTasks);
    io.part("model", p.model, [](auto& i, auto& v) { model(i, v); });
    io.parts("features", p.features, [](auto& i, auto& v) { feature(i, v); });
    io.part("endpoint", p.endpoint, [](auto& i, auto& v) { endpoint(i, v); });
    io.part("training", p.training, [](auto& i, auto& v) { training(i, v); });
    io.part("newton", p.newton, [](auto& i, auto& v) { newton(i, v); });
    io.part("statistics", p.statistics, [](auto& i, auto& v) { statistics(i, v); });
    io.part("evaluation", p.evaluation, [](auto& i, auto& v) { evaluation(i, v); });
    io.part("privacy", p.privacy, [](auto& i, auto& v) { privacy(i, v); });
    io.choice("masking", p.masking, kMaskings);
    io.whole("quorum", p.quorum, 1, kMaxSites);
    io.number("thresholdShare", p.thresholdShare, 0, 1);
    io.whole("minimumPatients", p.minimumPatients, 1, 1'000'000'000);
    io.whole("maximumPatients", p.maximumPatients, 1, 1'000'000'000);
    io.seconds("stepTimeoutSeconds", p.stepTimeout);
    io.seconds("trainingTimeoutSeconds", p.trainingTimeout);
    io.seed("seed", p.seed);
  }
};

json toJson(const Plan& plan) {
  Writer writer;
  Plan copy = plan;
  PlanMembers::plan(writer, copy);
  writer.out["v"] = Plan::kVersion;
  return writer.out;
}

Plan fromJson(const json& object, bool complete) {
  Loader loader(object, "plan", complete);
  loader.requireVersion();
  Plan plan;
  PlanMembers::plan(loader, plan);
  loader.finish();
  return plan;
}

class Faults {
 public:
  void require(bool holds, const char* sentence) {
    if (!holds) found.emplace_back(sentence);
  }
  std::vector<std::string> found;
};

void checkReference(const Plan& plan, const Feature& feature, Faults& f) {
  const auto& all = feature.categories;
  const std::string where = "features: \"" + feature.name + "\": ";
  if (!feature.reference.empty() &&
      (all.empty() || std::find(all.begin(), all.end(), feature.reference) != all.end()))
    f.found.push_back(where +
                      "its reference is a category that is not in \"categories\", next to " +
                      "others that are");
  // The columns of all categories add up to 1, which is the intercept, or what Cox's likelihood
  // does not see.
  if (plan.task != TaskKind::Newton || plan.newton.l2 > 0 || all.empty() ||
      !feature.reference.empty())
    return;
  f.found.push_back(
      where +
      "a regression without newton.l2 needs a reference category, or it has no single "
      "solution: " +
      (all.size() == 1 ? "name the category that gets no column in \"reference\""
                       : "move one category, for example \"" + all.front() +
                             "\", from \"categories\" to \"reference\""));
}

void checkFeatures(const Plan& plan, Faults& f) {
  std::set<std::string> names;
  for (const Feature& feature : plan.features) {
    f.require(!feature.name.empty(), "features: one has no name");
    if (!names.insert(feature.name).second)
      f.found.push_back("features: \"" + feature.name + "\" is there twice");
    const std::set<std::string> categories(feature.categories.begin(), feature.categories.end());
    f.require(categories.size() == feature.categories.size(),
              "features: a category is there twice");
    checkReference(plan, feature, f);
  }
  const PlanEndpoint& e = plan.endpoint;
  if (e.kind == EndpointKind::Binary) {
    f.require(!e.column.empty() || plan.task == TaskKind::Statistics,
              "endpoint.column: the column with 0 or 1 must be named");
    f.require(!names.contains(e.column), "endpoint.column: is also a feature");
  } else {
    f.require(!e.timeColumn.empty() && !e.eventColumn.empty(),
              "endpoint.timeColumn and endpoint.eventColumn must be named");
    f.require(!names.contains(e.timeColumn) && !names.contains(e.eventColumn),
              "endpoint: its time or event column is also a feature");
  }
}

void checkTraining(const Plan& plan, Faults& f) {
  const TrainingTerms& t = plan.training;
  f.require(t.clientLearningRate > 0, "training.clientLearningRate must be above 0");
  f.require(t.serverLearningRate > 0, "training.serverLearningRate must be above 0");
  f.require(t.updateNormBound > 0, "training.updateNormBound must be above 0");
  f.require(t.beta1 < 1 && t.beta2 < 1, "training.beta1 and beta2 must be below 1");
  f.require(t.robust == RobustRule::None || plan.masking == Masking::None,
            "training.robust: a median needs single updates, which masking hides; use "
            "training.groups, or masking \"none\"");
  f.require(t.robust == RobustRule::None || t.groups == 1,
            "training.robust and training.groups exclude each other");
  f.require(t.strategy != Strategy::FedProx || t.proximalMu > 0,
            "training.proximalMu must be above 0 for fedprox");
  f.require(plan.model.architecture == "linear" || plan.model.architecture == "mlp",
            "model.architecture must be \"linear\" or \"mlp\"");
  f.require((plan.model.architecture == "mlp") == !plan.model.hiddenUnits.empty(),
            "model.hiddenUnits belongs to \"mlp\" and to nothing else");
}

void checkPrivacy(const Plan& plan, Faults& f) {
  const PrivacyTerms& p = plan.privacy;
  if (p.noise == NoiseKind::None) return;
  f.require(plan.task == TaskKind::Train,
            "privacy.noise: only training adds noise; leave it out of this task");
  f.require(p.epsilon > 0 && p.delta > 0 && p.delta < 1,
            "privacy.epsilon and privacy.delta must be above 0, delta below 1");
  f.require(p.noiseMultiplier > 0, "privacy.noiseMultiplier must be above 0");
  f.require(p.clipNorm > 0, "privacy.clipNorm must be above 0");
  f.require(p.sampleRate > 0, "privacy.sampleRate must be above 0");
  f.require(p.noise != NoiseKind::Distributed || plan.masking != Masking::None,
            "privacy.noise \"distributed\" hides a site's update only together with masking");
  f.require(p.noise != NoiseKind::Distributed || plan.training.localSteps == 1,
            "privacy.noise \"distributed\" needs training.localSteps 1: the noise is complete only "
            "in the sum");
}

}  // namespace

std::vector<std::string> faultsOf(const Plan& plan) {
  Faults f;
  f.require(!plan.title.empty(), "title: must say what this is for");
  f.require(!plan.purpose.empty(), "purpose: must be given, sites decide by it");
  f.require(!plan.features.empty() || plan.task == TaskKind::Statistics,
            "features: there must be at least one");
  f.require(plan.minimumPatients <= plan.maximumPatients,
            "minimumPatients is above maximumPatients");
  f.require(plan.masking == Masking::None || plan.quorum >= 3,
            "quorum: a masked sum is opened for three sites or more");
  f.require(plan.thresholdShare > 2.0 / 3.0 - 0.001 && plan.thresholdShare <= 1,
            "thresholdShare must be above two thirds, so that the sites cannot be shown two "
            "different lists");
  checkFeatures(plan, f);
  if (plan.task == TaskKind::Train) checkTraining(plan, f);
  if (plan.task == TaskKind::Evaluate)
    f.require(isHashHex(plan.evaluation.modelSha256),
              "evaluation.modelSha256: must be the hash of the model's blob");
  if (plan.task == TaskKind::Newton && plan.endpoint.kind == EndpointKind::Survival &&
      !plan.newton.stratifiedBySite)
    f.require(plan.masking == Masking::None || plan.newton.timeResolution > 0,
              "newton.timeResolution must be above 0: under masking the sites share a grid of "
              "times, not their event times");
  checkPrivacy(plan, f);
  return f.found;
}

Bytes encode(const Plan& plan) { return toCbor(toJson(plan)); }

Plan decodePlan(ByteView cbor) { return fromJson(fromCbor(cbor, kMaxMessageBytes), true); }

Plan planFromJson(std::string_view text) {
  const json object = json::parse(text, nullptr, false, true);
  if (object.is_discarded())
    throw WireError(WireError::Kind::Malformed, "the plan is not JSON; check brackets and commas");
  return fromJson(object, false);
}

std::string toReadableJson(const Plan& plan) { return toJson(plan).dump(2); }

std::string_view toString(TaskKind kind) { return nameOf(kind, kTasks); }
std::string_view toString(Strategy strategy) { return nameOf(strategy, kStrategies); }
std::string_view toString(Masking masking) { return nameOf(masking, kMaskings); }

}  // namespace fedpet::federation
