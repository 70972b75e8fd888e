#include "federation/site/ContributionCheck.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace fedpet::federation {
namespace {

std::span<double> partOf(std::vector<double>& values, const SumLayout& layout,
                         std::string_view name) {
  for (const SumField& field : layout.fields)
    if (field.name == name) return std::span(values).subspan(layout.offsetOf(name), field.length);
  return {};
}

// Robust against overflow of the squares: a hostile trainer's numbers may be large.
double lengthOf(std::span<const double> vector) {
  double largest = 0;
  for (const double x : vector) largest = std::max(largest, std::abs(x));
  if (largest == 0) return 0;
  if (largest > 1e-140 && largest < 1e140) {  // no square of what counts leaves the range
    double sums[4] = {};                      // four chains, for the compiler and the processor
    for (std::size_t i = 0; i < vector.size(); ++i) sums[i % 4] += vector[i] * vector[i];
    return std::sqrt((sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
  double sum = 0;
  for (const double x : vector) sum += (x / largest) * (x / largest);
  return largest * std::sqrt(sum);
}

bool boundUpdate(std::vector<double>& values, const Plan& plan, const SumLayout& layout) {
  const auto update = partOf(values, layout, "update");
  if (plan.task != TaskKind::Train || update.empty()) return false;
  const auto weight = partOf(values, layout, "weight");
  const double most =
      plan.training.updateNormBound * (weight.size() == 1 ? std::max(0.0, weight[0]) : 1.0);
  // An update that is as long as allowed may be a rounding longer.
  const double length = lengthOf(update);
  if (length <= most * (1 + 1e-12)) return false;
  for (double& x : update) x = x / length * most;
  return true;
}

}  // namespace

bool makeFit(std::vector<double>& values, const Plan& plan, const SumLayout& layout) {
  if (values.size() != layout.length())
    throw UnfitContribution("the contribution has " + std::to_string(values.size()) +
                            " numbers, the plan's layout " + std::to_string(layout.length()));
  if (!std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); }))
    throw UnfitContribution("the contribution holds a number that is not finite");
  const bool scaled = boundUpdate(values, plan, layout);
  for (const SumField& field : layout.fields)
    for (const double x : partOf(values, layout, field.name))
      if (std::abs(x) > field.bound)
        throw UnfitContribution("the contribution leaves the bound of field \"" + field.name +
                                "\"");
  return scaled;
}

}  // namespace fedpet::federation
