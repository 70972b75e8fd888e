#include "federation/learning/Standardisation.h"

#include "federation/learning/Layout.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace fedpet::federation {
namespace {

constexpr int kLevelOfOne = 20;
// With noise: a standard deviation below this share of the largest value is not believed.
constexpr double kSmallestNoisyShare = 0.1;

// Columns of which a feature consists: [first, first + count).
struct ColumnRange {
  std::size_t first, count;
};
std::vector<ColumnRange> rangesOf(const Plan& plan) {
  std::vector<ColumnRange> ranges;
  std::size_t first = 0;
  for (const Feature& feature : plan.features) {
    ranges.push_back({first, std::max<std::size_t>(1, feature.categories.size())});
    first += ranges.back().count;
  }
  return ranges;
}

bool isSurvival(const Plan& plan) { return plan.endpoint.kind == EndpointKind::Survival; }

double endpointEvents(const Cohort& cohort) {
  const std::vector<int>& flags = cohort.label.empty() ? cohort.event : cohort.label;
  return static_cast<double>(std::count(flags.begin(), flags.end(), 1));
}

double clamped(const Scaling& scaling, std::size_t column, double value) {
  return std::clamp(value, scaling.low[column], scaling.high[column]);
}

// The highest level that holds somebody; with noise, that surely does, and one more for those whom
// the noise hides. -1: nobody.
int highestLevel(const double* counts, double noiseSd) {
  const double threshold = noiseSd > 0 ? 3 * noiseSd : 0.5;
  for (int level = kMagnitudeLevels - 1; level >= 0; --level)
    if (counts[level] > threshold)
      return noiseSd > 0 ? std::min(level + 1, kMagnitudeLevels - 1) : level;
  return -1;
}

}  // namespace

int magnitudeLevelOf(double value) {
  int exponent = 0;
  const double fraction = std::frexp(std::abs(value), &exponent);
  if (fraction == 0) return 0;
  const int level = exponent - (fraction == 0.5 ? 1 : 0) + kLevelOfOne;
  if (level >= kMagnitudeLevels)
    throw std::invalid_argument("a value is beyond 2^40: state it in a larger unit");
  return std::max(0, level);
}

double largestOfLevel(int level) { return std::ldexp(1.0, level - kLevelOfOne); }

nlohmann::json toJson(const Scaling& s) {
  return {{"patients", s.patients},
          {"events", s.events},
          {"present", s.present},
          {"low", s.low},
          {"high", s.high},
          {"mean", s.mean},
          {"sd", s.sd},
          {"indicated", s.indicated},
          {"largestTime", s.largestTime},
          {"meanTime", s.meanTime}};
}

Scaling scalingFromJson(const nlohmann::json& j) {
  Scaling s;
  j.at("patients").get_to(s.patients);
  j.at("events").get_to(s.events);
  j.at("present").get_to(s.present);
  j.at("low").get_to(s.low);
  j.at("high").get_to(s.high);
  j.at("mean").get_to(s.mean);
  j.at("sd").get_to(s.sd);
  j.at("indicated").get_to(s.indicated);
  j.at("largestTime").get_to(s.largestTime);
  j.at("meanTime").get_to(s.meanTime);
  const std::size_t n = s.low.size();
  const auto isColumn = [&](int c) { return c >= 0 && static_cast<std::size_t>(c) < n; };
  if (s.high.size() != n || s.present.size() != n || (!s.mean.empty() && s.mean.size() != n) ||
      s.sd.size() != s.mean.size() ||
      !std::all_of(s.indicated.begin(), s.indicated.end(), isColumn))
    throw std::invalid_argument("the features' scales do not belong together");
  for (const double sd : s.sd)
    if (!(sd > 0)) throw std::invalid_argument("a standard deviation is not above 0");
  return s;
}

std::vector<std::string> designNames(const Plan& plan, const Scaling& scaling) {
  const std::vector<std::string> columns = columnsOf(plan);
  std::vector<std::string> names = columns;
  for (const int column : scaling.indicated) {
    std::string feature = columns.at(static_cast<std::size_t>(column));
    const std::vector<ColumnRange> ranges = rangesOf(plan);
    for (std::size_t f = 0; f < ranges.size(); ++f)
      if (ranges[f].first == static_cast<std::size_t>(column)) feature = plan.features[f].name;
    names.push_back(feature + " missing");
  }
  return names;
}

std::vector<double> designBounds(const Scaling& scaling) {
  std::vector<double> bounds;
  for (std::size_t c = 0; c < scaling.columns(); ++c)
    bounds.push_back(std::max(std::abs(scaling.low[c] - scaling.mean[c]),
                              std::abs(scaling.high[c] - scaling.mean[c])) /
                     scaling.sd[c]);
  bounds.insert(bounds.end(), scaling.indicated.size(), 1.0);
  return bounds;
}

Design designOf(const Plan& plan, const Scaling& scaling, const Cohort& cohort) {
  const std::size_t columns = cohort.names.size();
  if (scaling.columns() != columns || scaling.mean.size() != columns)
    throw std::invalid_argument("the model's columns are not those of the plan");
  const bool noise = plan.privacy.noise != NoiseKind::None;
  Design design;
  design.rows = cohort.rows;
  design.columns = columns + scaling.indicated.size();
  design.values.assign(design.rows * design.columns, 0.0);
  for (std::size_t r = 0; r < cohort.rows; ++r) {
    double* row = design.values.data() + r * design.columns;
    for (std::size_t c = 0; c < columns; ++c)
      if (const double x = cohort.at(r, c); !std::isnan(x))
        row[c] = ((noise ? clamped(scaling, c, x) : x) - scaling.mean[c]) / scaling.sd[c];
    for (std::size_t k = 0; k < scaling.indicated.size(); ++k)
      row[columns + k] =
          std::isnan(cohort.at(r, static_cast<std::size_t>(scaling.indicated[k]))) ? 1 : 0;
  }
  return design;
}

void requireInside(const Plan& plan, const Scaling& scaling, const Cohort& cohort) {
  if (plan.privacy.noise != NoiseKind::None) return;
  for (std::size_t i = 0; i < cohort.features.size(); ++i) {
    const std::size_t c = i % cohort.names.size();
    if (cohort.features[i] < scaling.low.at(c) || cohort.features[i] > scaling.high.at(c))
      throw std::invalid_argument("a value of column " + cohort.names[c] +
                                  " lies outside what the first round said: the table was changed");
  }
}

SumLayout magnitudesLayout(const Plan& plan) {
  const std::size_t columns = columnsOf(plan).size();
  const double n = plan.maximumPatients;
  SumLayout layout{{{"patients", 1, n},
                    {"events", 1, n},
                    {"present", columns, n},
                    {"negative", columns * kMagnitudeLevels, n},
                    {"positive", columns * kMagnitudeLevels, n}}};
  if (isSurvival(plan)) layout.fields.push_back({"time", kMagnitudeLevels, n});
  return layout;
}

std::vector<double> magnitudesOf(const Plan& plan, const Cohort& cohort) {
  const SumLayout layout = magnitudesLayout(plan);
  std::vector<double> sums(layout.length());
  sums[layout.offsetOf("patients")] = static_cast<double>(cohort.rows);
  sums[layout.offsetOf("events")] = endpointEvents(cohort);
  const std::size_t present = layout.offsetOf("present"), negative = layout.offsetOf("negative"),
                    positive = layout.offsetOf("positive");
  for (std::size_t r = 0; r < cohort.rows; ++r)
    for (std::size_t c = 0; c < cohort.names.size(); ++c) {
      const double x = cohort.at(r, c);
      if (std::isnan(x)) continue;
      sums[present + c] += 1;
      sums[(x < 0 ? negative : positive) + c * kMagnitudeLevels +
           static_cast<std::size_t>(magnitudeLevelOf(x))] += 1;
    }
  if (isSurvival(plan))
    for (const double t : cohort.time)
      sums[layout.offsetOf("time") + static_cast<std::size_t>(magnitudeLevelOf(t))] += 1;
  return sums;
}

Scaling scalingFromMagnitudes(const Plan& plan, const std::vector<double>& sum, double noiseSd) {
  const SumLayout layout = magnitudesLayout(plan);
  const auto field = [&](std::string_view name) { return fieldOf(layout, std::span(sum), name); };
  const std::vector<std::string> columns = columnsOf(plan);
  const auto negative = field("negative"), positive = field("positive");
  Scaling scaling;
  scaling.patients = field("patients")[0];
  scaling.events = field("events")[0];
  scaling.present = copyOf(field("present"));
  if (!(scaling.patients > 3 * noiseSd))
    throw std::domain_error(
        noiseSd > 0 ? "the noise hides how many patients there are: allow a larger epsilon"
                    : "no site has a patient");
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const int below = highestLevel(&negative[c * kMagnitudeLevels], noiseSd);
    const int above = highestLevel(&positive[c * kMagnitudeLevels], noiseSd);
    if (below < 0 && above < 0)
      throw std::domain_error("column " + columns[c] +
                              (noiseSd > 0 ? ": the noise hides all values; allow a larger epsilon"
                                           : " is missing for all patients"));
    scaling.low.push_back(below < 0 ? 0 : -largestOfLevel(below));
    scaling.high.push_back(above < 0 ? 0 : largestOfLevel(above));
  }
  // With noise a handful of missing values cannot be told from none.
  const double fewest = noiseSd > 0 ? std::max(3 * noiseSd, 0.01 * scaling.patients) : 0.5;
  for (const ColumnRange& range : rangesOf(plan))
    if (scaling.patients - scaling.present[range.first] > fewest)
      scaling.indicated.push_back(static_cast<int>(range.first));
  if (isSurvival(plan)) {
    const auto time = field("time");
    scaling.largestTime = largestOfLevel(std::max(0, highestLevel(time.data(), noiseSd)));
  }
  return scaling;
}

SumLayout momentsLayout(const Plan& plan) {
  const std::size_t columns = columnsOf(plan).size();
  const double n = plan.maximumPatients;
  SumLayout layout{{{"patients", 1, n},
                    {"events", 1, n},
                    {"count", columns, n},
                    {"sum", columns, n},                          // of x / largest
                    {"squares", columns, n}}};                    // of its square
  if (isSurvival(plan)) layout.fields.push_back({"time", 1, n});  // of t / largestTime
  return layout;
}

std::vector<double> momentsOf(const Plan& plan, const Scaling& scaling, const Cohort& cohort) {
  requireInside(plan, scaling, cohort);
  const SumLayout layout = momentsLayout(plan);
  std::vector<double> sums(layout.length());
  sums[layout.offsetOf("patients")] = static_cast<double>(cohort.rows);
  sums[layout.offsetOf("events")] = endpointEvents(cohort);
  const std::size_t count = layout.offsetOf("count"), sum = layout.offsetOf("sum"),
                    squares = layout.offsetOf("squares");
  for (std::size_t r = 0; r < cohort.rows; ++r)
    for (std::size_t c = 0; c < cohort.names.size(); ++c) {
      if (std::isnan(cohort.at(r, c))) continue;
      const double u = clamped(scaling, c, cohort.at(r, c)) / scaling.largest(c);
      sums[count + c] += 1;
      sums[sum + c] += u;
      sums[squares + c] += u * u;
    }
  if (isSurvival(plan))
    for (const double t : cohort.time)
      sums[layout.offsetOf("time")] += std::min(1.0, t / scaling.largestTime);
  return sums;
}

Scaling scalingFromMoments(const Plan& plan, Scaling scaling, const std::vector<double>& sum,
                           double noiseSd) {
  const SumLayout layout = momentsLayout(plan);
  const auto field = [&](std::string_view name) { return fieldOf(layout, std::span(sum), name); };
  const auto count = field("count"), first = field("sum"), second = field("squares");
  scaling.patients = field("patients")[0];
  scaling.events = field("events")[0];
  scaling.present = copyOf(count);
  scaling.mean.clear();
  scaling.sd.clear();
  for (std::size_t c = 0; c < count.size(); ++c) {
    if (!(count[c] > (noiseSd > 0 ? 3 * noiseSd : 0.5)))
      throw std::domain_error("too few patients have column " + columnsOf(plan)[c]);
    const double largest = scaling.largest(c), mean = first[c] / count[c];
    double variance = (second[c] - count[c] * mean * mean) / std::max(1.0, count[c] - 1);
    if (noiseSd > 0)
      variance = std::clamp(variance, kSmallestNoisyShare * kSmallestNoisyShare, 1.0);
    scaling.mean.push_back(std::clamp(largest * mean, scaling.low[c], scaling.high[c]));
    // A column that is the same for all has no scale; 1 leaves it at 0 everywhere.
    scaling.sd.push_back(variance > 1e-12 ? largest * std::sqrt(variance) : 1);
  }
  if (isSurvival(plan))
    scaling.meanTime =
        scaling.largestTime * std::clamp(field("time")[0] / scaling.patients, 1e-6, 1.0);
  return scaling;
}

}  // namespace fedpet::federation
