#include "federation/learning/Evaluation.h"

#include "federation/learning/Layout.h"
#include "federation/learning/Phases.h"
#include "federation/learning/TabularModel.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <stdexcept>

namespace fedpet::federation {
namespace {

using Vector = std::vector<double>;
using Numbers = std::span<const double>;
using nlohmann::json;

constexpr double kLargestScore = 50;  // a larger one is told as this
constexpr int kHorizons = 5;
constexpr int kCalibrationBins = 10;
constexpr double kFewestInCalibrationBin = 10;

bool isSurvival(const Plan& plan) { return plan.endpoint.kind == EndpointKind::Survival; }
std::size_t scoreBins(const Plan& plan) {
  return static_cast<std::size_t>(std::max(2, plan.evaluation.scoreBins));
}
std::size_t binsOfHorizon(const Plan& plan) {
  return static_cast<std::size_t>(std::max(1, plan.evaluation.timeBins / kHorizons));
}
std::size_t timeBins(const Plan& plan) { return kHorizons * binsOfHorizon(plan) + 1; }

// Interval (a, b] of the grid; the last one is all beyond.
std::size_t timeBinOf(const Plan& plan, double t) {
  const double width = plan.evaluation.horizon / static_cast<double>(binsOfHorizon(plan));
  return static_cast<std::size_t>(
      std::clamp(std::ceil(t / width - 1e-9) - 1, 0.0, static_cast<double>(timeBins(plan) - 1)));
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }
double logit(double p) {
  const double q = std::clamp(p, 1e-12, 1 - 1e-12);
  return std::log(q / (1 - q));
}

std::size_t scoreBinOf(const Plan& plan, const json& moments, double score) {
  const double z = (score - moments.at("mean").get<double>()) / moments.at("sd").get<double>();
  // Cauchy's distribution function: skewed scores still get bins of their own far out, where the
  // normal one would put them all into the last.
  const double rank = 0.5 + std::atan(z) / std::numbers::pi;
  const auto bins = static_cast<double>(scoreBins(plan));
  return static_cast<std::size_t>(std::clamp(std::floor(rank * bins), 0.0, bins - 1));
}

double sumOf(Numbers v) { return std::accumulate(v.begin(), v.end(), 0.0); }

// Groups of neighbouring score bins with about equally many patients: [first, last).
std::vector<std::pair<std::size_t, std::size_t>> equalGroups(const Vector& patients) {
  const double all = sumOf(patients);
  const int wanted =
      std::clamp(static_cast<int>(all / kFewestInCalibrationBin), 1, kCalibrationBins);
  std::vector<std::pair<std::size_t, std::size_t>> groups;
  double seen = 0, begun = 0;
  std::size_t first = 0;
  for (std::size_t b = 0; b < patients.size(); ++b) {
    seen += patients[b];
    const bool full =
        seen - begun > 0 && seen >= all * (static_cast<double>(groups.size()) + 1) / wanted - 1e-9;
    if (!full && b + 1 < patients.size()) continue;
    if (seen > begun) groups.push_back({first, b + 1});
    first = b + 1;
    begun = seen;
  }
  return groups;
}

// --- binary
// ---------------------------------------------------------------------------------------

struct BinarySums {
  Numbers positive, negative, probability, truePositive, falsePositive;
  double squaredError = 0;
};

json areaUnderCurve(const BinarySums& s) {
  const double positives = sumOf(s.positive), negatives = sumOf(s.negative);
  if (positives < 0.5 || negatives < 0.5) return {{"value", nullptr}};
  double below = 0, wins = 0, ties = 0;
  for (std::size_t b = 0; b < s.positive.size(); ++b) {
    wins += s.positive[b] * below;
    ties += s.positive[b] * s.negative[b];
    below += s.negative[b];
  }
  const double pairs = positives * negatives;
  return {{"value", (wins + ties / 2) / pairs}, {"tiedShare", ties / pairs}};
}

// Maximum-likelihood shift, and line, of logit(observed) on logit(predicted), one step of Newton
// after the other.
json calibrationLine(const BinarySums& s) {
  if (sumOf(s.positive) < 0.5 || sumOf(s.negative) < 0.5) return nullptr;
  const auto fit = [&](bool withSlope) {
    double a = 0, b = 1;
    for (int i = 0; i < 50; ++i) {
      double g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0;
      for (std::size_t k = 0; k < s.positive.size(); ++k) {
        const double n = s.positive[k] + s.negative[k];
        if (n < 0.5) continue;
        const double x = logit(s.probability[k] / n), p = logistic(a + b * x);
        const double residual = s.positive[k] - n * p, w = n * p * (1 - p);
        g0 += residual, g1 += residual * x, h00 += w, h01 += w * x, h11 += w * x * x;
      }
      const double determinant = withSlope ? h00 * h11 - h01 * h01 : h00;
      if (!(determinant > 1e-9 * h00 * (withSlope ? h11 : 1)))
        return std::pair<double, double>(NAN, NAN);
      const double da = withSlope ? (h11 * g0 - h01 * g1) / determinant : g0 / h00;
      const double db = withSlope ? (h00 * g1 - h01 * g0) / determinant : 0;
      a += std::clamp(da, -2.0, 2.0), b += std::clamp(db, -2.0, 2.0);
      if (std::abs(da) + std::abs(db) < 1e-10) break;
    }
    return std::pair<double, double>(a, b);
  };
  const auto [intercept, slope] = fit(true);
  return {{"inTheLarge", finiteOrNull(fit(false).first)},
          {"intercept", finiteOrNull(intercept)},
          {"slope", finiteOrNull(slope)}};
}

json calibrationBins(const BinarySums& s) {
  Vector patients;
  for (std::size_t b = 0; b < s.positive.size(); ++b)
    patients.push_back(s.positive[b] + s.negative[b]);
  json bins = json::array();
  for (const auto& [first, last] : equalGroups(patients)) {
    const std::size_t length = last - first;
    const double n = sumOf(Numbers(patients).subspan(first, length));
    bins.push_back({{"patients", std::round(n)},
                    {"predicted", sumOf(s.probability.subspan(first, length)) / n},
                    {"observed", sumOf(s.positive.subspan(first, length)) / n}});
  }
  return bins;
}

json netBenefit(double threshold, double treatedEvents, double treatedOthers, double events,
                double patients) {
  const double odds = threshold / (1 - threshold);
  return {{"threshold", threshold},
          {"netBenefit", (treatedEvents - treatedOthers * odds) / patients},
          {"treatAll", (events - (patients - events) * odds) / patients}};
}

json binaryFigures(const Plan& plan, const BinarySums& s) {
  const double events = sumOf(s.positive), patients = events + sumOf(s.negative);
  json figures{{"patients", std::round(patients)}, {"events", std::round(events)}};
  if (patients < 0.5) return figures;
  json curve = json::array();
  for (std::size_t k = 0; k < plan.evaluation.decisionThresholds.size(); ++k)
    curve.push_back(netBenefit(plan.evaluation.decisionThresholds[k], s.truePositive[k],
                               s.falsePositive[k], events, patients));
  const double prevalence = events / patients;
  figures["auc"] = areaUnderCurve(s);
  figures["brier"] = s.squaredError / patients;
  figures["brierOfPrevalence"] = prevalence * (1 - prevalence);
  figures["calibration"] = {{"line", calibrationLine(s)}, {"bins", calibrationBins(s)}};
  figures["decisionCurve"] = curve;
  return figures;
}

// --- survival
// -------------------------------------------------------------------------------------

// Counts by score bin and time bin, and the mean score of each score bin.
struct SurvivalSums {
  std::size_t scores, times;
  Numbers events, censored;
  Vector meanScore;
  double eventsAt(std::size_t b, std::size_t k) const { return events[b * times + k]; }
  double leaving(std::size_t b, std::size_t k) const {
    return events[b * times + k] + censored[b * times + k];
  }
};

Vector patientsByScore(const SurvivalSums& s) {
  Vector n(s.scores);
  for (std::size_t b = 0; b < s.scores; ++b)
    for (std::size_t k = 0; k < s.times; ++k) n[b] += s.leaving(b, k);
  return n;
}

// Kaplan-Meier of the event, or of censoring, after each interval, of some score bins.
Vector survivalCurve(const SurvivalSums& s, std::size_t first, std::size_t last, bool ofCensoring) {
  Vector events(s.times), others(s.times);
  for (std::size_t b = first; b < last; ++b)
    for (std::size_t k = 0; k < s.times; ++k) {
      events[k] += s.eventsAt(b, k);
      others[k] += s.leaving(b, k) - s.eventsAt(b, k);
    }
  double atRisk = sumOf(events) + sumOf(others), survival = 1;
  Vector curve;
  for (std::size_t k = 0; k < s.times; ++k) {
    // Censorings come after the events of their interval.
    const double base = ofCensoring ? atRisk - events[k] : atRisk;
    const double leave = ofCensoring ? others[k] : events[k];
    if (base > 0.5) survival *= 1 - leave / base;
    curve.push_back(survival);
    atRisk -= events[k] + others[k];
  }
  return curve;
}

json concordance(const SurvivalSums& s) {
  // From the last interval back: who is still there, by score, when somebody's event comes.
  Vector later(s.scores);
  double wins = 0, ties = 0, pairs = 0;
  for (std::size_t k = s.times; k-- > 0;) {
    for (std::size_t b = 0; b < s.scores; ++b) later[b] += s.leaving(b, k) - s.eventsAt(b, k);
    const double all = sumOf(later);
    double below = 0;
    // What lies beyond the grid has no order: its events are compared with nobody.
    for (std::size_t b = 0; b < s.scores && k + 1 < s.times; ++b) {
      wins += s.eventsAt(b, k) * below;
      ties += s.eventsAt(b, k) * later[b];
      pairs += s.eventsAt(b, k) * all;
      below += later[b];
    }
    for (std::size_t b = 0; b < s.scores; ++b) later[b] += s.eventsAt(b, k);
  }
  if (pairs < 0.5) return {{"value", nullptr}};
  return {{"value", (wins + ties / 2) / pairs}, {"tiedShare", ties / pairs}};
}

// Slope of a Cox regression on the score (Breslow's ties), and the cumulative hazard at the horizon
// for slope 1.
struct HazardFit {
  double slope = NAN, cumulativeHazard = 0;
};
HazardFit fitHazard(const SurvivalSums& s, std::size_t horizonBins) {
  const auto sums = [&](double slope, bool toHorizon, double& gradient, double& information) {
    Vector atRisk = patientsByScore(s);
    double hazard = 0;
    gradient = information = 0;
    for (std::size_t k = 0; k + 1 < s.times && (!toHorizon || k < horizonBins); ++k) {
      double s0 = 0, s1 = 0, s2 = 0, d = 0, dx = 0;
      for (std::size_t b = 0; b < s.scores; ++b) {
        const double x = s.meanScore[b], w = atRisk[b] * std::exp(slope * x);
        s0 += w, s1 += w * x, s2 += w * x * x;
        d += s.eventsAt(b, k), dx += s.eventsAt(b, k) * x;
        atRisk[b] -= s.leaving(b, k);
      }
      if (d < 0.5) continue;
      hazard += d / s0;
      gradient += dx - d * s1 / s0;
      information += d * (s2 / s0 - (s1 / s0) * (s1 / s0));
    }
    return hazard;
  };
  HazardFit fit;
  double gradient = 0, information = 0, slope = 1;
  fit.cumulativeHazard = sums(1, true, gradient, information);
  for (int i = 0; i < 50; ++i) {
    sums(slope, false, gradient, information);
    if (!(information > 1e-9)) return fit;
    const double change = std::clamp(gradient / information, -1.0, 1.0);
    slope += change;
    if (std::abs(change) < 1e-10) break;
  }
  fit.slope = slope;
  return fit;
}

double brierAtHorizon(const SurvivalSums& s, const Vector& predicted, std::size_t horizonBins) {
  const Vector censoring = survivalCurve(s, 0, s.scores, true);
  double sum = 0, patients = 0;
  for (std::size_t b = 0; b < s.scores; ++b)
    for (std::size_t k = 0; k < s.times; ++k) {
      patients += s.leaving(b, k);
      // Just before the interval's end nobody of it is censored yet.
      const double before = k == 0 ? 1 : censoring[k - 1];
      if (k < horizonBins && before > 0)
        sum += s.eventsAt(b, k) / before * std::pow(1 - predicted[b], 2);
      if (k >= horizonBins && censoring[horizonBins - 1] > 0)
        sum += s.leaving(b, k) / censoring[horizonBins - 1] * std::pow(predicted[b], 2);
    }
  return sum / patients;
}

json survivalDecisionCurve(const Plan& plan, const SurvivalSums& s, const Vector& predicted,
                           const Vector& patients, std::size_t horizonBins) {
  const double all = sumOf(patients);
  const double eventShare = 1 - survivalCurve(s, 0, s.scores, false)[horizonBins - 1];
  json curve = json::array();
  for (const double threshold : plan.evaluation.decisionThresholds) {
    // Predictions rise with the score: those treated are the bins from one on.
    std::size_t first = 0;
    while (first < s.scores && predicted[first] < threshold) ++first;
    const double treated = sumOf(Numbers(patients).subspan(first));
    const double share =
        treated > 0.5 ? 1 - survivalCurve(s, first, s.scores, false)[horizonBins - 1] : 0;
    curve.push_back(
        netBenefit(threshold, treated * share, treated * (1 - share), all * eventShare, all));
  }
  return curve;
}

json survivalFigures(const Plan& plan, const SurvivalSums& s) {
  const Vector patients = patientsByScore(s);
  const double all = sumOf(patients);
  json figures{{"patients", std::round(all)}, {"events", std::round(sumOf(s.events))}};
  if (all < 0.5) return figures;
  const std::size_t horizonBins = binsOfHorizon(plan);
  const HazardFit fit = fitHazard(s, horizonBins);
  Vector predicted;
  for (const double score : s.meanScore)
    predicted.push_back(1 - std::exp(-fit.cumulativeHazard * std::exp(score)));
  json bins = json::array();
  for (const auto& [first, last] : equalGroups(patients)) {
    double sum = 0, n = 0;
    for (std::size_t b = first; b < last; ++b) sum += patients[b] * predicted[b], n += patients[b];
    bins.push_back({{"patients", std::round(n)},
                    {"predicted", sum / n},
                    {"observed", 1 - survivalCurve(s, first, last, false)[horizonBins - 1]}});
  }
  figures["cIndex"] = concordance(s);
  figures["horizon"] = plan.evaluation.horizon;
  figures["brier"] = brierAtHorizon(s, predicted, horizonBins);
  figures["calibration"] = {{"slope", finiteOrNull(fit.slope)}, {"bins", bins}};
  figures["decisionCurve"] = survivalDecisionCurve(plan, s, predicted, patients, horizonBins);
  return figures;
}

Vector scoresOfSite(const Plan&, const RoundInput& input, const Cohort& cohort) {
  const DescribedModel model = modelFromDescription(settingsOf(input).at("model"));
  return scoresOf(model.plan, input.values, designOf(model.plan, model.scaling, cohort));
}

double clampedScore(double score) { return std::clamp(score, -kLargestScore, kLargestScore); }

}  // namespace

json evaluationFigures(const Plan& plan, const RoundInput& input, const Vector& sums) {
  const SumLayout layout = layoutOf(plan, input);
  const auto field = [&](std::string_view name) { return fieldOf(layout, Numbers(sums), name); };
  if (!isSurvival(plan))
    return binaryFigures(
        plan, {field("positive"), field("negative"), field("probability"), field("truePositive"),
               field("falsePositive"), field("squaredError")[0]});
  SurvivalSums s{scoreBins(plan), timeBins(plan), field("events"), field("censored"), {}};
  const Vector patients = patientsByScore(s);
  double last = -kLargestScore;
  for (std::size_t b = 0; b < s.scores; ++b)  // an empty bin weighs nothing, and keeps the order
    s.meanScore.push_back(last = patients[b] > 0.5 ? field("score")[b] / patients[b] : last);
  return survivalFigures(plan, s);
}

// --- layouts
// --------------------------------------------------------------------------------------

SumLayout scoreMomentsLayout(const Plan& plan, const RoundInput&) {
  const double n = plan.maximumPatients;
  return {{{"patients", 1, n},
           {"sum", 1, n * kLargestScore},
           {"squares", 1, n * kLargestScore * kLargestScore}}};
}

SumLayout evaluateLayout(const Plan& plan, const RoundInput&) {
  const double n = plan.maximumPatients;
  const std::size_t bins = scoreBins(plan);
  if (isSurvival(plan))
    return {{{"events", bins * timeBins(plan), n},
             {"censored", bins * timeBins(plan), n},
             {"score", bins, n * kLargestScore}}};
  const std::size_t thresholds = plan.evaluation.decisionThresholds.size();
  return {{{"positive", bins, n},
           {"negative", bins, n},
           {"probability", bins, n},
           {"squaredError", 1, n},
           {"truePositive", thresholds, n},
           {"falsePositive", thresholds, n}}};
}

// --- the coordinator
// ------------------------------------------------------------------------------

RoundInput modelBlobOf(const Outcome& outcome) {
  RoundInput blob;
  blob.values = outcome.values;
  blob.phase = "model";
  blob.settingsJson = outcome.resultJson;
  return blob;
}

Progress beginEvaluation(const Plan& plan, const RoundInput& modelBlob) {
  if (modelBlob.phase != "model")
    throw std::invalid_argument("the blob of evaluation.modelSha256 holds no model");
  const json description = settingsOf(modelBlob);
  const DescribedModel model = modelFromDescription(description);
  if (columnsOf(model.plan) != columnsOf(plan))
    throw std::invalid_argument("the model's features are not those of the plan");
  if (model.plan.endpoint.kind != plan.endpoint.kind)
    throw std::invalid_argument("the model's endpoint is of another kind than the plan's");
  if (modelBlob.values.size() !=
      parameterCount(model.plan, designNames(model.plan, model.scaling).size()))
    throw std::invalid_argument(
        "the model's parameters are more or fewer than its description says");
  if (plan.privacy.noise != NoiseKind::None)
    throw std::invalid_argument("an evaluation adds no noise: set privacy.noise to none");
  Progress progress;
  progress.input.values = modelBlob.values;
  progress.input.phase = phase::kScoreMoments;
  progress.input.settingsJson = json{{"model", description}}.dump();
  return progress;
}

namespace {

Progress afterScoreMoments(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  const SumLayout layout = layoutOf(plan, progress.input);
  const Vector total = totalOf(layout, sum);
  if (total[0] < 0.5) throw std::domain_error("no site has a patient");
  const double mean = total[1] / total[0];
  const double variance = total[2] / total[0] - mean * mean;
  json settings = settingsOf(progress.input);
  settings["moments"] = {{"mean", mean}, {"sd", std::sqrt(std::max(1e-12, variance))}};
  Progress next;
  next.round = progress.round + 1;
  next.input = progress.input;
  next.input.phase = phase::kEvaluate;
  next.input.settingsJson = settings.dump();
  return next;
}

}  // namespace

Progress proceedEvaluation(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  if (progress.input.phase == phase::kScoreMoments) return afterScoreMoments(plan, progress, sum);
  json sites = json::array();
  for (const auto& [site, text] : sum.metricsJson) {
    json told = json::parse(text, nullptr, false);
    if (!plan.evaluation.perSite || !told.is_object() || told.empty()) continue;
    told["site"] = site;
    sites.push_back(told);
  }
  const json all =
      evaluationFigures(plan, progress.input, totalOf(layoutOf(plan, progress.input), sum));
  Progress next = progress;
  next.round = progress.round + 1;
  next.metricsJson = json{{"contributors", sum.contributors}}.dump();
  next.outcome = Outcome{{},
                         json{{"format", "fedpet-evaluation"},
                              {"version", 1},
                              {"model", plan.evaluation.modelSha256},
                              {"all", all},
                              {"sites", sites}}
                             .dump()};
  return next;
}

// --- a site
// ---------------------------------------------------------------------------------------

Vector scoreMoments(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  Vector values{static_cast<double>(cohort.rows), 0, 0};
  for (const double raw : scoresOfSite(plan, input, cohort)) {
    const double score = clampedScore(raw);
    values[1] += score;
    values[2] += score * score;
  }
  return values;
}

LocalResult evaluateSums(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  const SumLayout layout = layoutOf(plan, input);
  const json moments = settingsOf(input).at("moments");
  LocalResult result{Vector(layout.length()), "{}"};
  const auto field = [&](std::string_view name) {
    return fieldOf(layout, std::span(result.values), name);
  };
  const Vector scores = scoresOfSite(plan, input, cohort);
  const auto& thresholds = plan.evaluation.decisionThresholds;
  for (std::size_t r = 0; r < cohort.rows; ++r) {
    const double score = clampedScore(scores[r]);
    const std::size_t b = scoreBinOf(plan, moments, score);
    if (isSurvival(plan)) {
      const std::size_t k = timeBinOf(plan, cohort.time[r]);
      field(cohort.event[r] == 1 ? "events" : "censored")[b * timeBins(plan) + k] += 1;
      field("score")[b] += score;
      continue;
    }
    const double p = logistic(score);
    const bool positive = cohort.label[r] == 1;
    field(positive ? "positive" : "negative")[b] += 1;
    field("probability")[b] += p;
    field("squaredError")[0] += std::pow((positive ? 1 : 0) - p, 2);
    for (std::size_t t = 0; t < thresholds.size(); ++t)
      if (p >= thresholds[t]) field(positive ? "truePositive" : "falsePositive")[t] += 1;
  }
  if (plan.evaluation.perSite)
    result.metricsJson = evaluationFigures(plan, input, result.values).dump();
  return result;
}

}  // namespace fedpet::federation
