#include "models/imaging/harmonisation/Recovery.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace fedpet::imaging {
namespace {

const double kFwhmPerSigma = 2 * std::sqrt(2 * std::numbers::ln2);
constexpr double kContrast = 10;  // sphere over background

constexpr std::array kEarl1{
    RecoveryLimits{37, 0.76, 0.89, 0.95, 1.16}, RecoveryLimits{28, 0.72, 0.85, 0.91, 1.13},
    RecoveryLimits{22, 0.63, 0.78, 0.83, 1.09}, RecoveryLimits{17, 0.57, 0.73, 0.73, 1.01},
    RecoveryLimits{13, 0.44, 0.60, 0.59, 0.85}, RecoveryLimits{10, 0.27, 0.43, 0.34, 0.57}};

// u(r) of the header.
double blurredSphere(double r, double radius, double sigma) {
  const double inner = (radius - r) / sigma, outer = (radius + r) / sigma;
  const double share =
      0.5 * (std::erf(inner / std::numbers::sqrt2) + std::erf(outer / std::numbers::sqrt2));
  const double edge = std::exp(-inner * inner / 2) - std::exp(-outer * outer / 2);
  return share - sigma / (r * std::sqrt(2 * std::numbers::pi)) * edge;
}

// Golden section: the place of the minimum of a function with one valley.
template <typename Function>
double minimumOf(Function&& f, double low, double high, double tolerance) {
  constexpr double kGolden = 0.6180339887498949;
  double a = high - kGolden * (high - low), b = low + kGolden * (high - low);
  double atA = f(a), atB = f(b);
  while (high - low > tolerance) {
    if (atA < atB) {
      high = b, b = a, atB = atA;
      atA = f(a = high - kGolden * (high - low));
    } else {
      low = a, a = b, atA = atB;
      atB = f(b = low + kGolden * (high - low));
    }
  }
  return (low + high) / 2;
}

const RecoveryLimits* limitsOf(double diameterMm) {
  const auto found = std::find_if(kEarl1.begin(), kEarl1.end(), [&](const RecoveryLimits& limits) {
    return std::abs(limits.diameterMm - diameterMm) < 0.01;
  });
  return found == kEarl1.end() ? nullptr : &*found;
}

double square(double x) { return x * x; }

// Squared distance in half widths of the limits.
double distance2(const MeasuredRecovery& measured, const SphereRecovery& modelled,
                 const RecoveryLimits& limits) {
  double sum = 0;
  if (measured.max)
    sum += square(2 * (*measured.max - modelled.max) / (limits.maxHigh - limits.maxLow));
  if (measured.mean)
    sum += square(2 * (*measured.mean - modelled.mean) / (limits.meanHigh - limits.meanLow));
  return sum;
}

double distance2(std::span<const MeasuredRecovery> measured, const EffectivePsf& psf,
                 double filterFwhmMm) {
  double sum = 0;
  for (const MeasuredRecovery& m : measured)
    if (const RecoveryLimits* limits = limitsOf(m.diameterMm))
      sum += distance2(m, recoveryOf(m.diameterMm, psf, filterFwhmMm), *limits);
  return sum;
}

std::vector<MeasuredRecovery> middleOfEarl1() {
  std::vector<MeasuredRecovery> middle;
  for (const RecoveryLimits& l : kEarl1)
    middle.push_back({l.diameterMm, (l.maxLow + l.maxHigh) / 2, (l.meanLow + l.meanHigh) / 2});
  return middle;
}

}  // namespace

SphereRecovery recoveryOf(double diameterMm, const EffectivePsf& psf, double filterFwhmMm) {
  const double radius = diameterMm / 2, e = psf.edgeEnhancement;
  const double narrow = std::hypot(psf.fwhmMm, filterFwhmMm) / kFwhmPerSigma;
  const double wide = std::sqrt(2 * square(psf.fwhmMm) + square(filterFwhmMm)) / kFwhmPerSigma;
  // Midpoints of shells, out to where less than half is left.
  constexpr std::size_t kShells = 128;
  const double reach = radius + 2 * narrow, step = reach / kShells;
  std::array<double, kShells> profile;
  double max = 0;
  for (std::size_t n = 0; n < kShells; ++n) {
    const double r = (static_cast<double>(n) + 0.5) * step;
    profile[n] = blurredSphere(r, radius, narrow);
    if (e > 0) profile[n] = (1 + e) * profile[n] - e * blurredSphere(r, radius, wide);
    max = std::max(max, profile[n]);
  }
  double sum = 0, volume = 0;
  for (std::size_t n = 0; n + 1 < kShells; ++n) {
    // The share of a shell above half of the maximum, so that the mean follows the blur smoothly.
    const double slope = std::max(std::abs(profile[n + 1] - profile[n]), 1e-12);
    const double share = std::clamp(0.5 + (profile[n] - max / 2) / slope, 0.0, 1.0);
    const double shell = square((static_cast<double>(n) + 0.5) * step) * share;
    sum += shell * profile[n];
    volume += shell;
  }
  const auto recovered = [](double share) { return (1 + (kContrast - 1) * share) / kContrast; };
  return {diameterMm, recovered(max), recovered(sum / volume)};
}

std::span<const RecoveryLimits> earl1Limits() { return kEarl1; }

bool isWithinEarl1(std::span<const MeasuredRecovery> measured) {
  return std::all_of(measured.begin(), measured.end(), [](const MeasuredRecovery& m) {
    const RecoveryLimits* l = limitsOf(m.diameterMm);
    return l != nullptr && (!m.max || (*m.max >= l->maxLow && *m.max <= l->maxHigh)) &&
           (!m.mean || (*m.mean >= l->meanLow && *m.mean <= l->meanHigh));
  });
}

PsfFit effectivePsfOf(std::span<const MeasuredRecovery> measured) {
  const auto enhancementFor = [&](double fwhmMm) {
    return minimumOf([&](double e) { return distance2(measured, {fwhmMm, e}, 0); }, 0, 2, 1e-3);
  };
  PsfFit fit;
  fit.psf.fwhmMm = minimumOf(
      [&](double fwhmMm) {
        return distance2(measured, {fwhmMm, enhancementFor(fwhmMm)}, 0);
      },
      2, 20, 5e-3);
  fit.psf.edgeEnhancement = enhancementFor(fit.psf.fwhmMm);
  if (fit.psf.edgeEnhancement < 2e-3) fit.psf.edgeEnhancement = 0;
  double count = 0;
  for (const MeasuredRecovery& m : measured) {
    const SphereRecovery modelled = recoveryOf(m.diameterMm, fit.psf);
    if (m.max) fit.rms += square(*m.max - modelled.max), ++count;
    if (m.mean) fit.rms += square(*m.mean - modelled.mean), ++count;
  }
  fit.rms = count > 0 ? std::sqrt(fit.rms / count) : 0;
  return fit;
}

double earl1FwhmMm() {
  static const double fwhmMm = [] {
    const auto middle = middleOfEarl1();
    return minimumOf([&](double own) { return distance2(middle, {own, 0}, 0); }, 4, 14, 1e-4);
  }();
  return fwhmMm;
}

double filterToEarl1FwhmMm(const EffectivePsf& psf) {
  static const auto middle = middleOfEarl1();
  const double fwhmMm =
      minimumOf([&](double filter) { return distance2(middle, psf, filter); }, 0, 14, 1e-3);
  return fwhmMm < kNarrowestFilterMm ? 0 : fwhmMm;
}

}  // namespace fedpet::imaging
