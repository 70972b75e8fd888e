#include "federation/privacy/RdpAccountant.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

namespace fedpet::federation {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double logAdd(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == -kInfinity ? a : a + std::log1p(std::exp(b - a));
}

// ln(e^a - e^b), a > b. Rounding may bring them together; then nothing is left.
double logSubtract(double a, double b) {
  if (b == -kInfinity) return a;
  return a <= b ? -kInfinity : a + std::log1p(-std::exp(b - a));
}

// erfc() is 0 beyond 27: from 20 on, its asymptotic series (Abramowitz and Stegun 7.1.23), of which
// six terms leave less than 1e-12.
double logErfc(double x) {
  if (x < 20) return std::log(std::erfc(x));
  double term = 1, series = 1;
  for (int n = 1; n <= 6; ++n) series += (term *= -(2 * n - 1) / (2 * x * x));
  return -x * x - std::log(x) - 0.5 * std::log(std::numbers::pi) + std::log(series);
}

// ln A_alpha of Mironov 2019, section 3.3: a finite binomial sum for an integer alpha ...
double logMomentOfIntegerOrder(double q, double sigma, int alpha) {
  double sum = -kInfinity;
  for (int i = 0; i <= alpha; ++i) {
    const double logBinomial =
        std::lgamma(alpha + 1.0) - std::lgamma(i + 1.0) - std::lgamma(alpha - i + 1.0);
    sum = logAdd(sum, logBinomial + i * std::log(q) + (alpha - i) * std::log1p(-q) +
                          (i * i - i) / (2 * sigma * sigma));
  }
  return sum;
}

// ... and two series, for the integrals left and right of z0, for another. Both are summed until
// their terms are below e^-30 of the sum, which is at least about 1.
double logMomentOfFractionalOrder(double q, double sigma, double alpha) {
  const double z0 = sigma * sigma * std::log(1 / q - 1) + 0.5;
  const double root = std::numbers::sqrt2 * sigma;
  double left = -kInfinity, right = -kInfinity, logBinomial = 0;
  bool positive = true;
  for (int i = 0; i < 1'000'000; ++i) {
    const double j = alpha - i;
    const double l = logBinomial + i * std::log(q) + j * std::log1p(-q) +
                     (double(i) * i - i) / (2 * sigma * sigma) + std::log(0.5) +
                     logErfc((i - z0) / root);
    const double r = logBinomial + j * std::log(q) + i * std::log1p(-q) +
                     (j * j - j) / (2 * sigma * sigma) + std::log(0.5) + logErfc((z0 - j) / root);
    left = positive ? logAdd(left, l) : logSubtract(left, l);
    right = positive ? logAdd(right, r) : logSubtract(right, r);
    if (std::max(l, r) < -30) break;
    logBinomial += std::log(std::abs(j)) - std::log(i + 1.0);
    if (j < 0) positive = !positive;
  }
  return logAdd(left, right);
}

double renyiDivergence(double q, double sigma, double alpha) {
  if (q == 1) return alpha / (2 * sigma * sigma);
  const double moment = alpha == std::floor(alpha)
                            ? logMomentOfIntegerOrder(q, sigma, static_cast<int>(alpha))
                            : logMomentOfFractionalOrder(q, sigma, alpha);
  return std::max(0.0, moment / (alpha - 1));
}

constexpr double kLargestMultiplier = 1000;

// The smallest argument of a falling cost that is at most `epsilon`, to 1e-4 of it, from above.
template <typename Cost>
double smallestMultiplier(double epsilon, Cost cost) {
  if (!(cost(kLargestMultiplier) <= epsilon))
    throw std::invalid_argument(
        "no noise multiplier below 1000 keeps to this epsilon: allow a larger epsilon or delta, or "
        "fewer steps");
  double low = 0.01, high = kLargestMultiplier;
  while (high > low * 1.0001) {
    const double middle = std::sqrt(low * high);
    (cost(middle) <= epsilon ? high : low) = middle;
  }
  return high;
}

void requireBudget(double epsilon, double delta) {
  if (!(epsilon > 0) || !(delta > 0 && delta < 1))
    throw std::invalid_argument("epsilon must be above 0, and delta between 0 and 1");
}

}  // namespace

const std::vector<double>& rdpOrders() {
  static const std::vector<double> orders = [] {
    std::vector<double> all;
    for (int x = 1; x < 100; ++x) all.push_back(1 + x / 10.0);
    for (int x = 12; x < 64; ++x) all.push_back(x);
    return all;
  }();
  return orders;
}

RdpSpending& RdpSpending::operator+=(const RdpSpending& other) {
  perOrder.resize(rdpOrders().size());
  for (std::size_t i = 0; i < other.perOrder.size(); ++i) perOrder[i] += other.perOrder[i];
  return *this;
}

RdpSpending subsampledGaussian(double noiseMultiplier, double sampleRate, int steps) {
  if (!(noiseMultiplier > 0) || !(sampleRate > 0 && sampleRate <= 1) || steps < 0)
    throw std::invalid_argument(
        "the noise multiplier must be above 0, the sample rate above 0 and at most 1, and the "
        "steps "
        "not negative");
  RdpSpending spending;
  for (const double order : rdpOrders())
    spending.perOrder.push_back(steps * renyiDivergence(sampleRate, noiseMultiplier, order));
  return spending;
}

double epsilonOf(const RdpSpending& spending, double delta) {
  requireBudget(1, delta);
  const bool nothing = std::all_of(spending.perOrder.begin(), spending.perOrder.end(),
                                   [](double r) { return r == 0; });
  if (nothing) return 0;
  double epsilon = kInfinity;
  for (std::size_t i = 0; i < spending.perOrder.size(); ++i) {
    const double a = rdpOrders()[i];
    epsilon = std::min(epsilon, spending.perOrder[i] - (std::log(delta) + std::log(a)) / (a - 1) +
                                    std::log((a - 1) / a));
  }
  return std::max(0.0, epsilon);
}

double noiseMultiplierFor(double epsilon, double delta, double sampleRate, int steps) {
  requireBudget(epsilon, delta);
  return smallestMultiplier(epsilon, [&](double multiplier) {
    return epsilonOf(subsampledGaussian(multiplier, sampleRate, steps), delta);
  });
}

double noiseMultiplierFor(Plan plan, int rounds) {
  requireBudget(plan.privacy.epsilon, plan.privacy.delta);
  return smallestMultiplier(plan.privacy.epsilon, [&](double multiplier) {
    plan.privacy.noiseMultiplier = multiplier;
    return epsilonOf(spendingOf(plan, rounds), plan.privacy.delta);
  });
}

double preparationMultiplier(const Plan& plan) {
  const int steps =
      plan.training.rounds *
      (plan.privacy.noise == NoiseKind::Local ? std::max(1, plan.training.localSteps) : 1);
  return 3 * plan.privacy.noiseMultiplier /
         (plan.privacy.sampleRate * std::sqrt(static_cast<double>(std::max(1, steps))));
}

RdpSpending spendingOf(const Plan& plan, int rounds) {
  RdpSpending total;
  total.perOrder.resize(rdpOrders().size());
  if (plan.privacy.noise == NoiseKind::None || rounds <= 0) return total;
  if (plan.task != TaskKind::Train)
    return subsampledGaussian(plan.privacy.noiseMultiplier, 1, rounds);
  const int preparing = std::min(rounds, kPreparationRounds);
  total += subsampledGaussian(preparationMultiplier(plan), 1, preparing);
  const int stepsOfARound =
      plan.privacy.noise == NoiseKind::Local ? std::max(1, plan.training.localSteps) : 1;
  total += subsampledGaussian(plan.privacy.noiseMultiplier, plan.privacy.sampleRate,
                              (rounds - preparing) * stepsOfARound);
  return total;
}

}  // namespace fedpet::federation
