#include "orthanc-plugin/training/Discrimination.h"

#include <cassert>
#include <limits>
#include <vector>

namespace fedpet::plugin {
namespace {

using Indices = std::span<const std::size_t>;

double aucOf(std::span<const double> scores, const std::vector<int>& labels, Indices patients) {
  std::vector<response::Scored> scored;
  scored.reserve(patients.size());
  for (const std::size_t i : patients) scored.push_back({scores[i], labels[i] == 1, 1});
  return response::areaUnderCurve(scored);
}

// The room's concordance wants a score that is high for those who live long.
double concordanceOf(std::span<const double> risks, const federation::Cohort& cohort,
                     Indices patients) {
  std::vector<double> scores;
  std::vector<FollowedTime> times;
  for (const std::size_t i : patients) {
    scores.push_back(-risks[i]);
    times.push_back({cohort.time[i], cohort.event[i] == 1});
  }
  return response::concordance(scores, times);
}

}  // namespace

response::Estimate discriminationOf(std::span<const double> scores,
                                    const federation::Cohort& cohort, int resamples,
                                    std::uint64_t seed) {
  assert(scores.size() == cohort.rows);
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (cohort.rows == 0) return {kNaN, kNaN, kNaN};
  return response::bootstrap(cohort.rows, resamples, seed, [&](Indices patients) {
    return cohort.label.empty() ? concordanceOf(scores, cohort, patients)
                                : aucOf(scores, cohort.label, patients);
  });
}

}  // namespace fedpet::plugin
