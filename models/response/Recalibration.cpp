#include "models/response/Recalibration.h"

#include <algorithm>
#include <cmath>

namespace fedpet::response {

Recalibration recalibrate(std::span<const HorizonOutcome> outcomes) {
  Recalibration r;
  for (int iteration = 0; iteration < 50; ++iteration) {
    double ga = 0, gb = 0, haa = 0, hab = 0, hbb = 0;
    for (const HorizonOutcome& o : outcomes) {
      const double eta = std::clamp(r.shift + r.slope * o.eta, -3.0, 20.0);
      const double p = std::clamp(probabilityOf(Link::LogLog, eta), 1e-9, 1 - 1e-9);
      const double derivative = p * std::exp(-eta), variance = p * (1 - p);
      const double score = o.weight * ((o.good ? 1 : 0) - p) * derivative / variance;
      const double information = o.weight * derivative * derivative / variance;
      ga += score, gb += score * o.eta;
      haa += information, hab += information * o.eta, hbb += information * o.eta * o.eta;
    }
    const double determinant = haa * hbb - hab * hab;
    if (!(determinant > 1e-12 * haa * hbb)) break;
    const double da = (hbb * ga - hab * gb) / determinant, db = (haa * gb - hab * ga) / determinant;
    r.shift += da, r.slope += db;
    if (std::abs(da) + std::abs(db) > 1e-10) continue;
    if (r.slope > 0) return r;
    break;
  }
  throw TrainingError(
      "the survival curve cannot be calibrated at a horizon: too few patients are followed "
      "beyond it, or the inputs say nothing about survival");
}

void apply(const Recalibration& r, BundleOutput& output) {
  output.intercept = r.shift + r.slope * output.intercept;
  for (double& coefficient : output.coefficients) coefficient *= r.slope;
  for (double& value : output.covariance.values) value *= r.slope * r.slope;
  if (output.betweenCentreSd) *output.betweenCentreSd *= r.slope;
}

}  // namespace fedpet::response
