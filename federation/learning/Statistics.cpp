#include "federation/learning/Statistics.h"

#include "federation/learning/Layout.h"
#include "federation/learning/Phases.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace fedpet::federation {
namespace {

using Vector = std::vector<double>;
using nlohmann::json;

constexpr int kRefinements = 2;
constexpr double kReachSd = 4;
constexpr double kLargestCombatNumber = 100;  // of a standardised shift or a log scale

bool isSurvival(const Plan& plan) { return plan.endpoint.kind == EndpointKind::Survival; }
bool hasEndpoint(const Plan& plan) { return isSurvival(plan) || !plan.endpoint.column.empty(); }

Scaling scalingOf(const json& settings) { return scalingFromJson(settings.at("scaling")); }

Vector edgesOf(const Scaling& s, std::size_t c, int bins) {
  const double low = s.low[c], high = std::max(s.high[c], low + 1e-6);
  const double a = std::max(low, s.mean[c] - kReachSd * s.sd[c]);
  const double b = std::min(high, s.mean[c] + kReachSd * s.sd[c]);
  Vector edges{low};
  for (int k = 1; k < bins; ++k) edges.push_back(a + (b - a) * k / bins);
  edges.push_back(high);
  return edges;
}

// Bins are (a, b], the first one [a, b].
std::size_t binOf(const Vector& edges, double x) {
  const auto above = std::lower_bound(edges.begin() + 1, edges.end() - 1, x);
  return static_cast<std::size_t>(above - edges.begin()) - 1;
}

// Interval (a, b] of the curve's grid; timeBins for what lies beyond the horizon.
std::size_t timeBinOf(const Plan& plan, double t) {
  const double width = plan.statistics.timeHorizon / plan.statistics.timeBins;
  const double k = std::ceil(t / width - 1e-9) - 1;
  return static_cast<std::size_t>(
      std::clamp(k, 0.0, static_cast<double>(plan.statistics.timeBins)));
}

// --- the curve
// ------------------------------------------------------------------------------------

// Kaplan and Meier 1958, JASA 53:457, with Greenwood's variance.
json kaplanMeier(const Plan& plan, std::span<const double> events,
                 std::span<const double> censored) {
  double atRisk = 0, survival = 1, greenwood = 0;
  for (std::size_t k = 0; k < events.size(); ++k) atRisk += events[k] + censored[k];
  json curve = json::array();
  const double width = plan.statistics.timeHorizon / plan.statistics.timeBins;
  for (std::size_t k = 0; k + 1 < events.size() && atRisk > 0.5; ++k) {
    survival *= 1 - events[k] / atRisk;
    if (atRisk > events[k]) greenwood += events[k] / (atRisk * (atRisk - events[k]));
    curve.push_back({{"time", static_cast<double>(k + 1) * width},
                     {"atRisk", atRisk},
                     {"events", events[k]},
                     {"censored", censored[k]},
                     {"survival", survival},
                     {"standardError", survival * std::sqrt(greenwood)}});
    atRisk -= events[k] + censored[k];
  }
  return curve;
}

json medianOf(const json& curve) {
  for (const auto& point : curve)
    if (point.at("survival") <= 0.5) return point.at("time");
  return {};
}

// --- quantiles
// ------------------------------------------------------------------------------------

// Where a quantile is known to lie: `before` of the `present` patients are below `low`, and
// `inside` between `low` and `high`.
struct Bracket {
  double low = 0, high = 0, before = 0, inside = 0;
};
json toJson(const Bracket& b) { return {b.low, b.high, b.before, b.inside}; }
Bracket bracketFromJson(const json& j) { return {j.at(0), j.at(1), j.at(2), j.at(3)}; }

Bracket bracketIn(const Vector& edges, std::span<const double> counts, double before, double rank) {
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const bool last = k + 1 == counts.size();
    if (last || before + counts[k] >= rank) return {edges[k], edges[k + 1], before, counts[k]};
    before += counts[k];
  }
  return {};
}

double quantileIn(const Bracket& b, double rank) {
  return b.inside > 0
             ? b.low + (b.high - b.low) * std::clamp((rank - b.before) / b.inside, 0.0, 1.0)
             : b.low;
}

Vector partsOf(const Bracket& b, int bins) {
  Vector edges;
  for (int k = 0; k <= bins; ++k) edges.push_back(b.low + (b.high - b.low) * k / bins);
  return edges;
}

using Brackets = std::vector<std::vector<Bracket>>;  // per column, per quantile
json toJson(const Brackets& all) {
  json columns = json::array();
  for (const auto& column : all) {
    columns.push_back(json::array());
    for (const Bracket& b : column) columns.back().push_back(toJson(b));
  }
  return columns;
}
Brackets bracketsOf(const json& settings) {
  Brackets all;
  for (const auto& column : settings.at("brackets")) {
    all.emplace_back();
    for (const auto& b : column) all.back().push_back(bracketFromJson(b));
  }
  return all;
}

// --- what comes out
// -------------------------------------------------------------------------------

json columnJson(const Plan& plan, const Scaling& s, const json& settings, const Brackets& brackets,
                std::size_t c) {
  json quantiles = json::array();
  for (std::size_t q = 0; q < plan.statistics.quantiles.size(); ++q) {
    const double share = plan.statistics.quantiles[q];
    const Bracket& b = brackets[c][q];
    quantiles.push_back({{"share", share},
                         {"value", quantileIn(b, share * s.present[c])},
                         {"low", b.low},
                         {"high", b.high}});
  }
  const json& described = settings.at("described");
  return {{"name", columnsOf(plan)[c]},
          {"present", std::round(s.present[c])},
          {"missing", std::round(s.patients - s.present[c])},
          {"mean", s.mean[c]},
          {"variance", described.at("variance").at(c)},
          {"histogram",
           {{"edges", edgesOf(s, c, plan.statistics.histogramBins)},
            {"counts", described.at("counts").at(c)}}},
          {"quantiles", quantiles}};
}

Progress finished(const Plan& plan, const Progress& previous, const json& settings) {
  const Scaling scaling = scalingOf(settings);
  const Brackets brackets = bracketsOf(settings);
  const json& described = settings.at("described");
  json columns = json::array();
  for (std::size_t c = 0; c < scaling.columns(); ++c)
    columns.push_back(columnJson(plan, scaling, settings, brackets, c));
  json result{{"format", "fedpet-statistics"},
              {"version", 1},
              {"patients", std::round(scaling.patients)},
              {"columns", columns}};
  if (hasEndpoint(plan)) result["events"] = std::round(scaling.events);
  if (isSurvival(plan))
    result["kaplanMeier"] = {{"timeUnit", plan.endpoint.timeUnit},
                             {"median", medianOf(described.at("curve"))},
                             {"curve", described.at("curve")}};
  if (settings.contains("combat")) result["combat"] = settings.at("combat");
  Progress next = previous;
  next.outcome = Outcome{{}, result.dump()};
  return next;
}

Progress nextPhase(const Progress& progress, const char* phase, const json& settings,
                   int contributors) {
  Progress next;
  next.round = progress.round + 1;
  next.input.phase = phase;
  next.input.settingsJson = settings.dump();
  next.metricsJson = json{{"contributors", contributors}}.dump();
  return next;
}

Progress afterHistogram(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  const SumLayout layout = layoutOf(plan, progress.input);
  const Vector total = totalOf(layout, sum);
  const auto field = [&](std::string_view name) { return fieldOf(layout, std::span(total), name); };
  json settings = settingsOf(progress.input);
  const Scaling scaling = scalingOf(settings);
  const auto bins = static_cast<std::size_t>(plan.statistics.histogramBins);
  json counts = json::array(), variance = json::array(), within = json::array();
  Brackets brackets;
  for (std::size_t c = 0; c < scaling.columns(); ++c) {
    const auto column = field("counts").subspan(c * bins, bins);
    const double n = scaling.present[c], unit = std::pow(scaling.largest(c), 2);
    counts.push_back(copyOf(column));
    variance.push_back(n > 1.5 ? json(4 * field("squares")[c] * unit / (n - 1)) : json());
    within.push_back(std::sqrt(4 * field("within")[c] * unit / std::max(1.0, n)));
    brackets.emplace_back();
    for (const double q : plan.statistics.quantiles)
      brackets.back().push_back(
          bracketIn(edgesOf(scaling, c, plan.statistics.histogramBins), column, 0, q * n));
  }
  settings["described"] = {{"counts", counts}, {"variance", variance}, {"within", within}};
  if (isSurvival(plan))
    settings["described"]["curve"] = kaplanMeier(plan, field("events"), field("censored"));
  settings["brackets"] = toJson(brackets);
  settings["refinement"] = 1;
  if (!plan.statistics.quantiles.empty())
    return nextPhase(progress, phase::kQuantiles, settings, sum.contributors);
  const Progress next = nextPhase(progress, phase::kCombat, settings, sum.contributors);
  return plan.statistics.combat ? next : finished(plan, next, settings);
}

Progress afterQuantiles(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  const SumLayout layout = layoutOf(plan, progress.input);
  const Vector total = totalOf(layout, sum);
  const auto counts = fieldOf(layout, std::span(total), "counts");
  json settings = settingsOf(progress.input);
  const Scaling scaling = scalingOf(settings);
  Brackets brackets = bracketsOf(settings);
  const auto bins = static_cast<std::size_t>(plan.statistics.histogramBins);
  std::size_t at = 0;
  for (std::size_t c = 0; c < brackets.size(); ++c)
    for (std::size_t q = 0; q < brackets[c].size(); ++q, at += bins) {
      Bracket& b = brackets[c][q];
      if (b.inside < kFewestInBin) continue;
      const Bracket finer =
          bracketIn(partsOf(b, plan.statistics.histogramBins), counts.subspan(at, bins), b.before,
                    plan.statistics.quantiles[q] * scaling.present[c]);
      b = finer;
    }
  settings["brackets"] = toJson(brackets);
  const int done = settings.at("refinement");
  settings["refinement"] = done + 1;
  if (done < kRefinements)
    return nextPhase(progress, phase::kQuantiles, settings, sum.contributors);
  const Progress next = nextPhase(progress, phase::kCombat, settings, sum.contributors);
  return plan.statistics.combat ? next : finished(plan, next, settings);
}

// Mean and standard deviation over sites.
json spreadOf(double sum, double squares, double sites) {
  const double mean = sum / sites;
  return {{"mean", mean},
          {"sd", sites > 1 ? std::sqrt(std::max(0.0, squares - sites * mean * mean) / (sites - 1))
                           : 0.0}};
}

Progress afterCombat(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  const SumLayout layout = layoutOf(plan, progress.input);
  const Vector total = totalOf(layout, sum);
  const auto field = [&](std::string_view name) { return fieldOf(layout, std::span(total), name); };
  json settings = settingsOf(progress.input);
  const double sites = std::max(1.0, std::round(field("sites")[0]));
  json columns = json::array();
  const Scaling scaling = scalingOf(settings);
  for (std::size_t c = 0; c < scaling.columns(); ++c)
    columns.push_back(
        {{"name", columnsOf(plan)[c]},
         {"mean", scaling.mean[c]},
         {"sd", settings.at("described").at("within").at(c)},
         {"siteShift", spreadOf(field("shift")[c], field("shiftSquares")[c], sites)},
         {"siteLogScale", spreadOf(field("logScale")[c], field("logScaleSquares")[c], sites)}});
  settings["combat"] = {{"sites", sites}, {"columns", columns}};
  return finished(plan, nextPhase(progress, phase::kCombat, settings, sum.contributors), settings);
}

double withinOr1(const json& settings, std::size_t c) {
  const double within = settings.at("described").at("within").at(c);
  return within > 0 ? within : 1;
}

}  // namespace

// --- layouts
// --------------------------------------------------------------------------------------

SumLayout histogramLayout(const Plan& plan, const RoundInput& input) {
  const std::size_t columns = scalingOf(settingsOf(input)).columns();
  const double n = plan.maximumPatients;
  const auto bins = static_cast<std::size_t>(std::max(1, plan.statistics.histogramBins));
  SumLayout layout{{{"counts", columns * bins, n},
                    // of half the distance from the mean, in units of the largest value: at most 1
                    {"squares", columns, n},
                    {"within", columns, n}}};
  if (isSurvival(plan)) {
    const auto times = static_cast<std::size_t>(std::max(1, plan.statistics.timeBins)) + 1;
    layout.fields.push_back({"events", times, n});
    layout.fields.push_back({"censored", times, n});
  }
  return layout;
}

SumLayout quantilesLayout(const Plan& plan, const RoundInput& input) {
  const std::size_t columns = scalingOf(settingsOf(input)).columns();
  const auto bins = static_cast<std::size_t>(std::max(1, plan.statistics.histogramBins));
  return {{{"counts", columns * plan.statistics.quantiles.size() * bins,
            static_cast<double>(plan.maximumPatients)}}};
}

SumLayout combatLayout(const Plan&, const RoundInput& input) {
  const std::size_t columns = scalingOf(settingsOf(input)).columns();
  const double most = kLargestCombatNumber;
  return {{{"sites", 1, 1},
           {"shift", columns, most},
           {"shiftSquares", columns, most * most},
           {"logScale", columns, most},
           {"logScaleSquares", columns, most * most}}};
}

// --- the coordinator
// ------------------------------------------------------------------------------

Progress beginStatistics(const Plan&, Progress progress, const Scaling& scaling) {
  progress.input = {};
  progress.input.phase = phase::kHistogram;
  progress.input.settingsJson = json{{"scaling", toJson(scaling)}}.dump();
  return progress;
}

Progress proceedStatistics(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  if (progress.input.phase == phase::kHistogram) return afterHistogram(plan, progress, sum);
  if (progress.input.phase == phase::kQuantiles) return afterQuantiles(plan, progress, sum);
  return afterCombat(plan, progress, sum);
}

// --- a site
// ---------------------------------------------------------------------------------------

Vector histogramSums(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  const SumLayout layout = layoutOf(plan, input);
  Vector values(layout.length());
  const auto field = [&](std::string_view name) {
    return fieldOf(layout, std::span(values), name);
  };
  const Scaling s = scalingOf(settingsOf(input));
  requireInside(plan, s, cohort);
  const auto bins = static_cast<std::size_t>(plan.statistics.histogramBins);
  for (std::size_t c = 0; c < cohort.names.size(); ++c) {
    const Vector edges = edgesOf(s, c, plan.statistics.histogramBins);
    double n = 0, own = 0, ownSquares = 0;
    for (std::size_t r = 0; r < cohort.rows; ++r) {
      const double x = cohort.at(r, c);
      if (std::isnan(x)) continue;
      const double u = (x - s.mean[c]) / (2 * s.largest(c));
      field("counts")[c * bins + binOf(edges, x)] += 1;
      field("squares")[c] += u * u;
      n += 1, own += u, ownSquares += u * u;
    }
    if (n > 0) field("within")[c] = std::max(0.0, ownSquares - own * own / n);
  }
  for (std::size_t r = 0; r < cohort.time.size(); ++r)
    field(cohort.event[r] == 1 ? "events" : "censored")[timeBinOf(plan, cohort.time[r])] += 1;
  return values;
}

Vector quantileSums(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  Vector values(layoutOf(plan, input).length());
  const Brackets brackets = bracketsOf(settingsOf(input));
  const auto bins = static_cast<std::size_t>(plan.statistics.histogramBins);
  std::size_t at = 0;
  for (std::size_t c = 0; c < brackets.size(); ++c)
    for (const Bracket& b : brackets[c]) {
      const Vector edges = partsOf(b, plan.statistics.histogramBins);
      // The lower edge belongs to the bin only where nothing lies below it.
      for (std::size_t r = 0; b.inside >= kFewestInBin && r < cohort.rows; ++r)
        if (const double x = cohort.at(r, c);
            x <= b.high && (x > b.low || (x == b.low && b.before == 0)))
          values.at(at + binOf(edges, x)) += 1;
      at += bins;
    }
  return values;
}

Vector combatSums(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  const SumLayout layout = layoutOf(plan, input);
  Vector values(layout.length());
  const auto field = [&](std::string_view name) {
    return fieldOf(layout, std::span(values), name);
  };
  const json settings = settingsOf(input);
  const Scaling s = scalingOf(settings);
  Vector sd;
  for (std::size_t c = 0; c < s.columns(); ++c) sd.push_back(withinOr1(settings, c));
  const CombatSite site = combatOfSite(cohort, s.mean, sd);
  field("sites")[0] = 1;
  for (std::size_t c = 0; c < s.columns(); ++c) {
    const double shift = std::clamp(site.rawShift[c], -kLargestCombatNumber, kLargestCombatNumber);
    const double logScale =
        std::clamp(std::log(site.rawScale[c]) / 2, -kLargestCombatNumber, kLargestCombatNumber);
    field("shift")[c] = shift;
    field("shiftSquares")[c] = shift * shift;
    field("logScale")[c] = logScale;
    field("logScaleSquares")[c] = logScale * logScale;
  }
  return values;
}

}  // namespace fedpet::federation
