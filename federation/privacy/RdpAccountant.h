// What noise costs: Renyi differential privacy of the Poisson-subsampled Gaussian mechanism
// (Mironov, Talwar, Zhang 2019, arXiv 1908.10530, integer and fractional orders) and its conversion
// to (epsilon, delta) (Balle et al. 2020, arXiv 1905.09982, theorem 21; as Opacus does).
#pragma once

#include "federation/plan/Plan.h"

#include <vector>

namespace fedpet::federation {

const std::vector<double>& rdpOrders();  // Opacus' default orders

struct RdpSpending {
  std::vector<double> perOrder;  // by rdpOrders(); sums over mechanisms
  RdpSpending& operator+=(const RdpSpending&);
};

// `steps` releases, each on a Poisson sample. noiseMultiplier > 0, 0 < sampleRate <= 1.
RdpSpending subsampledGaussian(double noiseMultiplier, double sampleRate, int steps);
double epsilonOf(const RdpSpending&, double delta);

// The smallest multiplier with which `steps` steps stay within epsilon. Throws
// std::invalid_argument when none below 1000 does.
double noiseMultiplierFor(double epsilon, double delta, double sampleRate, int steps);

// A plan of training spends its first rounds on what the features' scales are (learning/Task.h):
// every patient takes part in them, so they have a noise multiplier of their own. Their cost comes
// to a fifth to a quarter of that of all training steps.
inline constexpr int kPreparationRounds = 2;
double preparationMultiplier(const Plan&);

// What the first `rounds` rounds of the plan cost one site's patients. Distributed noise is made so
// that `contributorsAtLeast` sites (learning/Task.h) add up to all of it: a round opened with fewer
// costs more and must not be opened.
RdpSpending spendingOf(const Plan&, int rounds);

// The smallest PrivacyTerms::noiseMultiplier with which `rounds` rounds of the plan stay within its
// own epsilon and delta. Throws std::invalid_argument when none below 1000 does.
double noiseMultiplierFor(Plan, int rounds);

}  // namespace fedpet::federation
