#include "federation/learning/Table.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace fedpet::federation {
namespace {

void require(bool good, const std::string& sentence) {
  if (!good) throw std::invalid_argument(sentence);
}

bool allBinary(const std::vector<int>& values) {
  return std::all_of(values.begin(), values.end(), [](int v) { return v == 0 || v == 1; });
}

}  // namespace

std::vector<std::string> columnsOf(const Plan& plan) {
  std::vector<std::string> columns;
  for (const Feature& feature : plan.features) {
    if (feature.categories.empty()) columns.push_back(feature.name);
    for (const std::string& category : feature.categories)
      columns.push_back(feature.name + "=" + category);
  }
  return columns;
}

void requireFits(const Cohort& cohort, const Plan& plan) {
  require(cohort.names == columnsOf(plan), "the table's columns are not those of the plan");
  require(cohort.features.size() == cohort.rows * cohort.names.size(),
          "the table has more or fewer numbers than its rows and columns say");
  for (std::size_t i = 0; i < cohort.features.size(); ++i)
    require(!std::isinf(cohort.features[i]),
            "column " + cohort.names[i % cohort.names.size()] + " holds an infinite number");
  // Statistics can do without an endpoint.
  if (plan.task == TaskKind::Statistics && cohort.label.empty() && cohort.time.empty()) return;
  if (plan.endpoint.kind == EndpointKind::Binary) {
    require(cohort.label.size() == cohort.rows, "not every patient has the endpoint");
    require(allBinary(cohort.label), "the endpoint must be 0 or 1");
    return;
  }
  require(cohort.time.size() == cohort.rows && cohort.event.size() == cohort.rows,
          "not every patient has a follow-up time and an event");
  require(allBinary(cohort.event), "the event must be 0 or 1");
  for (const double t : cohort.time)
    require(std::isfinite(t) && t >= 0, "a follow-up time is negative or not a number");
}

}  // namespace fedpet::federation
