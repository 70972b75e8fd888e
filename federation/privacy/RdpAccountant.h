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

// What `rounds` rounds of the plan cost one site's patients, with `contributorsAtLeast` sites that
// share the noise when it is distributed (a dropped site's share is missing from the sum).
RdpSpending spendingOf(const Plan&, int rounds);

}  // namespace fedpet::federation
