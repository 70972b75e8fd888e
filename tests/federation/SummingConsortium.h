// A consortium in memory for tests of the procedures: every site computes, the sums are added up,
// and nothing is on a wire. Sums go through fixed point with the layout's bounds, as on the wire,
// so that a dishonest bound fails here.
#pragma once

#include "federation/learning/LocalSums.h"
#include "federation/learning/Task.h"
#include "federation/learning/Training.h"
#include "federation/secagg/FixedPoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace fedpet::federation {

struct RoundTrace {
  std::string phase, metricsJson;
};
struct ConsortiumRun {
  Outcome outcome;
  std::vector<RoundTrace> rounds;
};

// The sum of real vectors as the wire makes it.
inline std::vector<double> sumOf(const SumLayout& layout,
                                 const std::vector<std::vector<double>>& all, Masking masking) {
  const FixedPoint fixed(layout, static_cast<int>(all.size()), masking);
  std::vector<std::uint64_t> total(layout.length());
  for (const auto& values : all) {
    const auto words = fixed.encode(values);
    for (std::size_t i = 0; i < words.size(); ++i) total[i] += words[i];
  }
  if (fixed.wordBytes() == 4)
    for (auto& word : total) word &= 0xFFFFFFFFU;
  return fixed.decode(total);
}

using SiteComputation =
    std::function<LocalResult(std::size_t site, int round, const RoundInput& input)>;

inline ConsortiumRun runConsortium(const Plan& plan, Progress progress, std::size_t sites,
                                   const SiteComputation& compute) {
  ConsortiumRun run;
  while (!progress.outcome) {
    const SumLayout layout = layoutOf(plan, progress.input);
    std::vector<std::vector<double>> all;
    RoundSum sum;
    for (std::size_t s = 0; s < sites; ++s) {
      const LocalResult result = compute(s, progress.round, progress.input);
      all.push_back(result.values);
      sum.metricsJson.push_back({"site-" + std::to_string(s), result.metricsJson});
    }
    sum.contributors = static_cast<int>(sites);
    sum.values = sumOf(layout, all, plan.masking);
    if (plan.training.robust != RobustRule::None) sum.single = all;
    const std::string phase = progress.input.phase;
    progress = proceed(plan, progress, sum);
    run.rounds.push_back({phase, progress.metricsJson});
    if (run.rounds.size() > 1000) throw std::logic_error("the procedure does not end");
  }
  run.outcome = *progress.outcome;
  return run;
}

inline LocalResult sumsOrThrow(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  auto result = localSums(plan, input, cohort);
  if (!result) throw std::runtime_error(result.error());
  return *result;
}

// Sums only: Newton, Statistics.
inline ConsortiumRun runOnSums(const Plan& plan, const std::vector<Cohort>& cohorts) {
  return runConsortium(plan, begin(plan), cohorts.size(),
                       [&](std::size_t s, int, const RoundInput& input) {
                         return sumsOrThrow(plan, input, cohorts[s]);
                       });
}

inline Cohort joined(const std::vector<Cohort>& cohorts) {
  Cohort all;
  all.names = cohorts.front().names;
  for (const Cohort& c : cohorts) {
    all.rows += c.rows;
    all.features.insert(all.features.end(), c.features.begin(), c.features.end());
    all.label.insert(all.label.end(), c.label.begin(), c.label.end());
    all.time.insert(all.time.end(), c.time.begin(), c.time.end());
    all.event.insert(all.event.end(), c.event.begin(), c.event.end());
  }
  return all;
}

// Columns of very different size: age in years (mean 64), volume in ml (skewed), a marker, sex.
inline Plan smallPlan(TaskKind task, EndpointKind endpoint) {
  Plan plan;
  plan.title = "test";
  plan.purpose = "research";
  plan.task = task;
  plan.features = {{"age", "a", {}}, {"volume", "mL", {}}, {"marker", "", {}}, {"sex", "", {"f"}}};
  plan.endpoint.kind = endpoint;
  plan.endpoint.column = endpoint == EndpointKind::Binary ? "benefit" : "";
  if (endpoint == EndpointKind::Survival) {
    plan.endpoint.timeColumn = "months";
    plan.endpoint.eventColumn = "progression";
  }
  plan.minimumPatients = 5;
  return plan;
}

// Sites differ in their mix and their baseline; `missing`: share of markers that is not known.
inline std::vector<Cohort> smallConsortium(const Plan& plan, std::size_t sites, std::size_t rows,
                                           double missing = 0, std::uint64_t seed = 3) {
  std::mt19937_64 random(seed);
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1.0p-53; };
  const auto normal = [&] {
    return std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307 * uniform());
  };
  std::vector<Cohort> cohorts;
  for (std::size_t s = 0; s < sites; ++s) {
    Cohort c;
    c.names = {"age", "volume", "marker", "sex=f"};
    c.rows = rows + 7 * s;
    for (std::size_t r = 0; r < c.rows; ++r) {
      const double age = 60 + static_cast<double>(s) + 9 * normal();
      const double volume = std::exp(4 + 0.8 * normal());
      const double marker = 0.02 * normal() - 0.01;
      const double female = uniform() < 0.4 ? 1 : 0;
      c.features.insert(c.features.end(),
                        {age, volume, uniform() < missing ? NAN : marker, female});
      const double risk = 0.04 * (age - 62) + 0.5 * (std::log(volume) - 4) - 20 * marker -
                          0.4 * female + 0.1 * static_cast<double>(s);
      if (plan.endpoint.kind == EndpointKind::Binary) {
        c.label.push_back(uniform() < 1 / (1 + std::exp(-risk)) ? 1 : 0);
      } else {
        const double time = 12 * -std::log(uniform()) / std::exp(risk), end = 36 * uniform();
        c.time.push_back(std::ceil(10 * std::min(time, end)) / 10);
        c.event.push_back(time <= end ? 1 : 0);
      }
    }
    cohorts.push_back(c);
  }
  return cohorts;
}

}  // namespace fedpet::federation
