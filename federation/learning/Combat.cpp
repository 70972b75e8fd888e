#include "federation/learning/Statistics.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace fedpet::federation {
namespace {

using Vector = std::vector<double>;

constexpr int kMostIterations = 1000;
constexpr double kTolerance = 1e-4;  // relative, as in the authors' own program

struct Moments {
  double mean = 0, variance = 0;  // n - 1
};
Moments momentsOf(const Vector& v) {
  Moments m;
  for (const double x : v) m.mean += x / static_cast<double>(v.size());
  for (const double x : v) m.variance += (x - m.mean) * (x - m.mean);
  m.variance /= std::max<double>(1, static_cast<double>(v.size()) - 1);
  return m;
}

Vector standardised(const Cohort& cohort, std::size_t column, double mean, double sd) {
  Vector z;
  for (std::size_t r = 0; r < cohort.rows; ++r)
    if (!std::isnan(cohort.at(r, column))) z.push_back((cohort.at(r, column) - mean) / sd);
  return z;
}

// Normal prior of the shift, inverse gamma prior of the scale; both by moments over columns.
struct Priors {
  double shiftMean, shiftVariance, shape, rate;
};

// Equations (3) of section 3.2, each in turn until they stand still.
void shrink(const Vector& z, const Priors& p, double& shift, double& scale) {
  const auto n = static_cast<double>(z.size());
  const double raw = shift;
  for (int i = 0; i < kMostIterations; ++i) {
    const double nextShift =
        (p.shiftVariance * n * raw + scale * p.shiftMean) / (p.shiftVariance * n + scale);
    double squares = 0;
    for (const double x : z) squares += (x - nextShift) * (x - nextShift);
    const double nextScale = (0.5 * squares + p.rate) / (n / 2 + p.shape - 1);
    const double change = std::max(std::abs(nextShift - shift) / std::max(1e-12, std::abs(shift)),
                                   std::abs(nextScale - scale) / scale);
    shift = nextShift;
    scale = nextScale;
    if (change < kTolerance) return;
  }
}

}  // namespace

CombatSite combatOfSite(const Cohort& cohort, const Vector& mean, const Vector& sd) {
  const std::size_t columns = cohort.names.size();
  if (mean.size() != columns || sd.size() != columns)
    throw std::invalid_argument("ComBat's means are not those of the table's columns");
  CombatSite site;
  Vector knownShifts, knownScales;
  std::vector<Vector> z;
  for (std::size_t c = 0; c < columns; ++c) {
    z.push_back(standardised(cohort, c, mean[c], sd[c]));
    const Moments m = z[c].size() > 1 ? momentsOf(z[c]) : Moments{0, 1};
    site.rawShift.push_back(m.mean);
    site.rawScale.push_back(m.variance > 0 ? m.variance : 1);
    if (z[c].size() < 2 || m.variance <= 0) continue;
    knownShifts.push_back(m.mean);
    knownScales.push_back(m.variance);
  }
  site.shift = site.rawShift;
  site.scale = site.rawScale;
  // One column says nothing of a prior over columns.
  if (knownShifts.size() < 2) return site;
  const Moments shifts = momentsOf(knownShifts), scales = momentsOf(knownScales);
  if (!(shifts.variance > 0 && scales.variance > 0)) return site;
  const double ratio = scales.mean * scales.mean / scales.variance;
  const Priors priors{shifts.mean, shifts.variance, ratio + 2, scales.mean * (ratio + 1)};
  for (std::size_t c = 0; c < columns; ++c)
    if (z[c].size() > 1) shrink(z[c], priors, site.shift[c], site.scale[c]);
  return site;
}

Cohort combatAdjusted(const Cohort& cohort, const CombatSite& site, const Vector& mean,
                      const Vector& sd) {
  Cohort adjusted = cohort;
  const std::size_t columns = cohort.names.size();
  for (std::size_t i = 0; i < adjusted.features.size(); ++i) {
    const std::size_t c = i % columns;
    const double z = (adjusted.features[i] - mean.at(c)) / sd.at(c);
    adjusted.features[i] = (z - site.shift.at(c)) / std::sqrt(site.scale.at(c)) * sd[c] + mean[c];
  }
  return adjusted;
}

}  // namespace fedpet::federation
