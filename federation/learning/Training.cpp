#include "federation/learning/Training.h"

#include "federation/learning/Layout.h"
#include "federation/learning/Phases.h"
#include "federation/learning/TabularModel.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace fedpet::federation {
namespace {

constexpr double kLargestLoss = 100;  // of one patient; a larger one is told as this

using Vector = std::vector<double>;

double norm(const Vector& v) {
  return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
}

void scaleDownTo(double bound, Vector& v) {
  const double length = norm(v);
  if (!std::isfinite(length)) throw std::invalid_argument("training diverged: lower its rate");
  if (length > bound)
    for (double& x : v) x *= bound / length;
}

bool withNoise(const Plan& plan) { return plan.privacy.noise != NoiseKind::None; }
bool sumsGradients(const Plan& plan) { return plan.privacy.noise == NoiseKind::Distributed; }
bool isAdaptive(const Plan& plan) {
  const Strategy strategy = plan.training.strategy;
  return strategy == Strategy::FedAdam || strategy == Strategy::FedYogi ||
         strategy == Strategy::FedAdagrad;
}
bool isScaffold(const Plan& plan) { return plan.training.strategy == Strategy::Scaffold; }

// What a site may weigh at most. With noise all weigh the same: a weight would tell of a patient.
double largestWeight(const Plan& plan) {
  return plan.training.weightedByPatients && !withNoise(plan) ? plan.maximumPatients : 1;
}

// Of what one step of SCAFFOLD's variate can be: the mean gradient of a round is (x - y) / (K eta).
double variateBound(const Plan& plan) {
  return 2 * plan.training.updateNormBound /
         (std::max(1, plan.training.localSteps) * plan.training.clientLearningRate);
}

std::size_t inputsOf(const Scaling& scaling) {
  return scaling.columns() + scaling.indicated.size();
}

Scaling scalingOf(const RoundInput& input) {
  return scalingFromJson(settingsOf(input).at("scaling"));
}

// --- the server's step -------------------------------------------------------------------------

struct Server {
  Vector x, m, v, c;
  double heaviest = 0;  // SCAFFOLD: the largest total weight of a round so far
};

nlohmann::json toJson(const Server& s) {
  return {{"x", packed(s.x)},
          {"m", packed(s.m)},
          {"v", packed(s.v)},
          {"c", packed(s.c)},
          {"heaviest", s.heaviest}};
}
Server serverFromJson(const nlohmann::json& j) {
  return {unpacked(j.at("x")), unpacked(j.at("m")), unpacked(j.at("v")), unpacked(j.at("c")),
          j.at("heaviest")};
}

void adaptiveStep(const TrainingTerms& t, const Vector& delta, Server& s) {
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    const double d = delta[i], square = d * d;
    s.m[i] = t.beta1 * s.m[i] + (1 - t.beta1) * d;
    if (t.strategy == Strategy::FedAdagrad)
      s.v[i] += square;
    else if (t.strategy == Strategy::FedAdam)
      s.v[i] = t.beta2 * s.v[i] + (1 - t.beta2) * square;
    else if (s.v[i] != square)  // FedYogi
      s.v[i] -= (1 - t.beta2) * square * (s.v[i] > square ? 1 : -1);
    s.x[i] += t.serverLearningRate * s.m[i] / (std::sqrt(s.v[i]) + t.tau);
  }
}

void serverStep(const TrainingTerms& t, const Vector& delta, Server& s) {
  switch (t.strategy) {
    case Strategy::FedAvg:
    case Strategy::FedProx:
    case Strategy::Scaffold:
      for (std::size_t i = 0; i < s.x.size(); ++i) s.x[i] += t.serverLearningRate * delta[i];
      return;
    case Strategy::FedAdam:
    case Strategy::FedYogi:
    case Strategy::FedAdagrad:
      adaptiveStep(t, delta, s);
      return;
  }
}

// --- the mean update of a round ----------------------------------------------------------------

// Sum of updates over the sum of weights. Throws std::domain_error when nothing weighs.
Vector meanOf(const SumLayout& layout, const Vector& sum, std::string_view field) {
  const double weight = fieldOf(layout, std::span(sum), "weight")[0];
  if (!(weight > 0)) throw std::domain_error("no site contributed a patient to this round");
  Vector mean = copyOf(fieldOf(layout, std::span(sum), field));
  for (double& x : mean) x /= weight;
  return mean;
}

Vector robustMean(const Plan& plan, const std::vector<Vector>& means) {
  return plan.training.robust == RobustRule::TrimmedMean
             ? trimmedMean(means, plan.training.trimmedShare)
             : coordinateMedian(means);
}

Vector meanUpdate(const Plan& plan, const SumLayout& layout, const RoundSum& sum,
                  const Vector& total, std::string_view field) {
  std::vector<Vector> means;
  if (plan.training.robust != RobustRule::None)
    for (const Vector& one : sum.single) means.push_back(meanOf(layout, one, field));
  if (means.empty())
    for (const auto& [values, count] : sum.groupSums)
      means.push_back(meanOf(layout, values, field));
  // One group is the plain sum; of several, the median hides one that lies.
  return means.size() > 1 ? robustMean(plan, means) : meanOf(layout, total, field);
}

RoundInput inputFrom(const Plan& plan, const Server& server, const Scaling& scaling) {
  RoundInput input;
  input.phase = phase::kTrain;
  input.singlePrecision = true;
  input.values = server.x;
  if (isScaffold(plan)) input.values.insert(input.values.end(), server.c.begin(), server.c.end());
  input.settingsJson = nlohmann::json{{"scaling", toJson(scaling)}}.dump();
  return input;
}

// Distributed noise: the sum of clipped gradients over the expected number of sampled patients is
// an unbiased mean gradient; one SGD step on it is the update.
Vector updateFromGradients(const Plan& plan, const SumLayout& layout, const Vector& total,
                           const Scaling& scaling, const Server& server) {
  Vector delta = copyOf(fieldOf(layout, std::span(total), "gradient"));
  const double expected = plan.privacy.sampleRate * std::max(1.0, scaling.patients);
  for (std::size_t i = 0; i < delta.size(); ++i)
    delta[i] =
        -plan.training.clientLearningRate * (delta[i] / expected + plan.training.l2 * server.x[i]);
  return delta;
}

void scaffoldStep(const Plan& plan, const SumLayout& layout, const RoundSum& sum,
                  const Vector& total, Server& server) {
  // c moves by |S| / N of the mean change; N is not known, so the heaviest round stands for it.
  const double weight = fieldOf(layout, std::span(total), "weight")[0];
  server.heaviest = std::max(server.heaviest, weight);
  const Vector change = meanUpdate(plan, layout, sum, total, "variate");
  for (std::size_t i = 0; i < server.c.size(); ++i)
    server.c[i] += change[i] * weight / server.heaviest;
}

}  // namespace

Vector coordinateMedian(const std::vector<Vector>& vectors) { return trimmedMean(vectors, 0.5); }

Vector trimmedMean(const std::vector<Vector>& vectors, double trimmedShare) {
  if (vectors.empty()) throw std::invalid_argument("there is nothing to take a mean of");
  const std::size_t n = vectors.size();
  const auto trimmed =
      std::min((n - 1) / 2, static_cast<std::size_t>(std::floor(std::clamp(trimmedShare, 0.0, 0.5) *
                                                                static_cast<double>(n))));
  Vector result(vectors.front().size()), column(n);
  for (std::size_t i = 0; i < result.size(); ++i) {
    for (std::size_t k = 0; k < n; ++k) column[k] = vectors[k].at(i);
    std::sort(column.begin(), column.end());
    const auto first = column.begin() + static_cast<std::ptrdiff_t>(trimmed);
    const auto last = column.end() - static_cast<std::ptrdiff_t>(trimmed);
    result[i] = std::accumulate(first, last, 0.0) / static_cast<double>(last - first);
  }
  return result;
}

void requireTraining(const Plan& plan) {
  parameterBlocks(plan, columnsOf(plan).size());  // throws for an unknown architecture
  if (!sumsGradients(plan)) return;
  if (isScaffold(plan))
    throw std::invalid_argument(
        "SCAFFOLD corrects several local steps, distributed noise allows one: take another "
        "strategy");
  if (plan.training.localSteps != 1)
    throw std::invalid_argument("distributed noise needs training.localSteps 1");
  if (plan.training.groups != 1)
    throw std::invalid_argument(
        "distributed noise is complete in the sum of all sites only: set training.groups to 1");
}

SumLayout trainLayout(const Plan& plan, const RoundInput& input) {
  const std::size_t length = parameterCount(plan, inputsOf(scalingOf(input)));
  if (input.values.size() != length * (isScaffold(plan) ? 2 : 1))
    throw std::invalid_argument("the model has another number of parameters than its architecture");
  if (sumsGradients(plan))
    return {{{"gradient", length,
              plan.privacy.clipNorm *
                  (plan.maximumPatients + kLargestNoise * plan.privacy.noiseMultiplier)}}};
  const double weight = largestWeight(plan);
  SumLayout layout{
      {{"weight", 1, weight}, {"update", length, weight * plan.training.updateNormBound}}};
  if (!withNoise(plan)) layout.fields.push_back({"loss", 1, weight * kLargestLoss});
  if (isScaffold(plan))  // the difference of two variates
    layout.fields.push_back({"variate", length, 2 * weight * variateBound(plan)});
  return layout;
}

Progress beginTraining(const Plan& plan, Progress progress, const Scaling& scaling) {
  Server server;
  server.x = initialParameters(plan, scaling);
  const std::size_t n = server.x.size();
  if (isAdaptive(plan)) {  // the state is written to disk in every round
    server.m.assign(n, 0.0);
    server.v.assign(n, plan.training.tau * plan.training.tau);
  }
  if (isScaffold(plan)) server.c.assign(n, 0.0);
  progress.state =
      stateFrom({{"server", toJson(server)}, {"trained", 0}, {"losses", nlohmann::json::array()}});
  progress.input = inputFrom(plan, server, scaling);
  return progress;
}

Progress proceedTraining(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  nlohmann::json state = stateOf(progress);
  Server server = serverFromJson(state.at("server"));
  const Scaling scaling = scalingOf(progress.input);
  const SumLayout layout = layoutOf(plan, progress.input);
  const Vector total = totalOf(layout, sum);

  nlohmann::json metrics{{"contributors", sum.contributors}};
  Vector delta;
  if (sumsGradients(plan)) {
    delta = updateFromGradients(plan, layout, total, scaling, server);
  } else {
    delta = meanUpdate(plan, layout, sum, total, "update");
    const double weight = fieldOf(layout, std::span(total), "weight")[0];
    if (!withNoise(plan)) metrics["loss"] = fieldOf(layout, std::span(total), "loss")[0] / weight;
    if (largestWeight(plan) > 1) metrics["patients"] = std::round(weight);
  }
  metrics["updateNorm"] = norm(delta);
  serverStep(plan.training, delta, server);
  if (isScaffold(plan)) scaffoldStep(plan, layout, sum, total, server);
  if (!std::isfinite(norm(server.x)))
    throw std::domain_error("training diverged: lower the client's or the server's learning rate");

  const int trained = state.at("trained").get<int>() + 1;
  nlohmann::json losses = state.at("losses");
  losses.push_back(metrics.contains("loss") ? metrics["loss"] : nlohmann::json());
  Progress next;
  next.round = progress.round + 1;
  next.metricsJson = metrics.dump();
  next.state = stateFrom({{"server", toJson(server)}, {"trained", trained}, {"losses", losses}});
  next.input = inputFrom(plan, server, scaling);
  if (trained >= plan.training.rounds) {
    nlohmann::json result = describeModel(plan, scaling);
    result["rounds"] = trained;
    if (!withNoise(plan)) result["trainingLoss"] = losses;
    next.outcome = Outcome{server.x, result.dump()};
  }
  return next;
}

// --- a site --------------------------------------------------------------------------------------

TrainingCall trainingCallOf(const Plan& plan, const RoundInput& input, int roundNumber,
                            const Cohort& cohort, const Vector& ownVariate,
                            int contributorsAtLeast) {
  requireFits(cohort, plan);
  const TrainingTerms& t = plan.training;
  const Scaling scaling = scalingOf(input);
  const SumLayout layout = layoutOf(plan, input);
  const std::size_t length = layout.fields.at(sumsGradients(plan) ? 0 : 1).length;
  const auto middle = input.values.begin() + static_cast<std::ptrdiff_t>(length);

  TrainingCall call;
  call.architecture = plan.model.architecture;
  call.hiddenUnits = plan.model.hiddenUnits;
  call.survival = plan.endpoint.kind == EndpointKind::Survival;
  call.timeIntervals = timeIntervalsOf(plan);
  call.design = designOf(plan, scaling, cohort);
  call.label = cohort.label;
  call.time = cohort.time;
  call.event = cohort.event;
  call.start = {input.values.begin(), middle};
  call.steps = sumsGradients(plan) ? 1 : t.localSteps;
  call.batchSize = t.batchSize;
  call.learningRate = t.clientLearningRate;
  call.proximalMu = t.strategy == Strategy::FedProx ? t.proximalMu : 0;
  call.l2 = t.l2;
  if (call.timeIntervals > 0) {
    call.timeIntervalEnds = timeIntervalEnds();
    for (double& time : call.time) time /= scaling.meanTime;
  }
  if (isScaffold(plan)) {
    call.serverVariate = {middle, input.values.end()};
    call.ownVariate = ownVariate.empty() ? Vector(length) : ownVariate;
    if (call.ownVariate.size() != length)
      throw std::invalid_argument("the site's control variate belongs to another model");
  }
  if (withNoise(plan)) {
    call.clipped = true;
    call.clipNorm = plan.privacy.clipNorm;
    call.sampleRate = plan.privacy.sampleRate;
    call.gradientSumOnly = sumsGradients(plan);
    call.noiseSd = plan.privacy.clipNorm * plan.privacy.noiseMultiplier;
    if (sumsGradients(plan))
      call.noiseSd /= std::sqrt(static_cast<double>(std::max(1, contributorsAtLeast)));
  }
  call.seed = plan.seed * 0x9E3779B97F4A7C15U + static_cast<std::uint64_t>(roundNumber);
  return call;
}

namespace {

Vector boundedUpdate(const Plan& plan, const TrainingCall& call, const TrainingAnswer& answer) {
  Vector update = answer.parameters;
  if (update.size() != call.start.size())
    throw std::invalid_argument("the trainer gave another number of parameters");
  for (std::size_t i = 0; i < update.size(); ++i) update[i] -= call.start[i];
  scaleDownTo(plan.training.updateNormBound, update);
  return update;
}

}  // namespace

Vector newVariateOf(const Plan& plan, const TrainingCall& call, const TrainingAnswer& answer) {
  Vector variate = boundedUpdate(plan, call, answer);
  const double steps = call.steps * call.learningRate;
  for (std::size_t i = 0; i < variate.size(); ++i)
    variate[i] = call.ownVariate[i] - call.serverVariate[i] - variate[i] / steps;
  scaleDownTo(variateBound(plan), variate);
  return variate;
}

Vector trainVectorOf(const Plan& plan, const RoundInput& input, const TrainingCall& call,
                     const TrainingAnswer& answer) {
  const SumLayout layout = layoutOf(plan, input);
  Vector values(layout.length());
  const auto put = [&](std::string_view name, const Vector& from, double factor) {
    const auto field = fieldOf(layout, std::span(values), name);
    if (from.size() != field.size())
      throw std::invalid_argument("the trainer gave another number of parameters");
    for (std::size_t i = 0; i < from.size(); ++i) field[i] = factor * from[i];
  };
  if (sumsGradients(plan)) {
    put("gradient", answer.gradientSum, 1);
    return values;
  }
  const double weight =
      largestWeight(plan) > 1
          ? std::min<double>(plan.maximumPatients, static_cast<double>(call.design.rows))
          : 1;
  put("weight", {weight}, 1);
  put("update", boundedUpdate(plan, call, answer), weight);
  if (!withNoise(plan))
    put("loss", {std::clamp(answer.meanLoss, -kLargestLoss, kLargestLoss)}, weight);
  if (isScaffold(plan)) {
    Vector change = newVariateOf(plan, call, answer);
    for (std::size_t i = 0; i < change.size(); ++i) change[i] -= call.ownVariate[i];
    put("variate", change, weight);
  }
  return values;
}

}  // namespace fedpet::federation
