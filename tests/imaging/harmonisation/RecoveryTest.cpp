#include "models/imaging/harmonisation/Recovery.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fedpet::imaging {
namespace {

// In the middle of a sphere of radius 2 sigma stands the share of a normal point cloud within 2
// sigma: chi squared with 3 degrees of freedom below 4, 0.738536. RC max = (1 + 9 * 0.738536) / 10.
TEST(Recovery, OfTheMaximumIsTheShareOfTheBlurWithinTheSphere) {
  const double sigma = 8 / 2.3548200450309493;
  EXPECT_NEAR(recoveryOf(4 * sigma, {8, 0}).max, 0.764682, 1e-4);
}

// Numeric integration with 20,000 shells by an independent script (numpy, scipy.special.erf).
TEST(Recovery, OfTheMeanIsTakenWithinTheBackgroundAdaptedHalfContour) {
  EXPECT_NEAR(recoveryOf(10, {8, 0}).mean, 0.379424, 5e-4);
  EXPECT_NEAR(recoveryOf(37, {8, 0}).mean, 0.836442, 5e-4);
  const SphereRecovery sharp = recoveryOf(10, {6.6, 0.6});
  EXPECT_NEAR(sharp.mean, 0.595976, 5e-4);
  EXPECT_NEAR(sharp.max, 0.832501, 5e-4);
}

TEST(Recovery, IsThatOfOneWiderGaussianAfterAFilter) {
  for (const RecoveryLimits& sphere : earl1Limits()) {
    const SphereRecovery filtered = recoveryOf(sphere.diameterMm, {6, 0}, 4.5);
    const SphereRecovery once = recoveryOf(sphere.diameterMm, {7.5, 0});
    EXPECT_NEAR(filtered.max, once.max, 1e-12);
    EXPECT_NEAR(filtered.mean, once.mean, 1e-12);
  }
}

TEST(Recovery, OvershootsTheTruthOnlyWithEdgeEnhancement) {
  EXPECT_LE(recoveryOf(22, {6, 0}).max, 1.0);
  EXPECT_GT(recoveryOf(22, {6, 0.6}).max, 1.02);
}

TEST(Recovery, OfAPlainGaussianCanMeetEveryLimitOfEarl1) {
  std::vector<MeasuredRecovery> measured;
  for (const RecoveryLimits& sphere : earl1Limits()) {
    const SphereRecovery r = recoveryOf(sphere.diameterMm, {earl1FwhmMm(), 0});
    measured.push_back({sphere.diameterMm, r.max, r.mean});
  }
  EXPECT_TRUE(isWithinEarl1(measured));
  measured.back().max = 0.58;  // 10 mm: 0.34 to 0.57
  EXPECT_FALSE(isWithinEarl1(measured));
}

std::vector<MeasuredRecovery> recoveryOfScanner(const EffectivePsf& psf) {
  std::vector<MeasuredRecovery> measured;
  for (const RecoveryLimits& sphere : earl1Limits()) {
    const SphereRecovery r = recoveryOf(sphere.diameterMm, psf);
    measured.push_back({sphere.diameterMm, r.max, r.mean});
  }
  return measured;
}

TEST(EffectivePsf, IsFoundBackFromItsRecovery) {
  for (const EffectivePsf truth : {EffectivePsf{4.5, 0}, {5.5, 0.9}, {6.6, 0.6}, {9, 0}}) {
    const PsfFit fit = effectivePsfOf(recoveryOfScanner(truth));
    EXPECT_NEAR(fit.psf.fwhmMm, truth.fwhmMm, 0.03);
    EXPECT_NEAR(fit.psf.edgeEnhancement, truth.edgeEnhancement, 0.02);
    EXPECT_LT(fit.rms, 1e-3);
  }
}

TEST(EffectivePsf, FitsNoSphereToNumbersOfAnotherContrast) {
  // Contrast recovery (Q_H of NEMA NU 2) of a coarse scanner, entered as recovery coefficients.
  const PsfFit fit = effectivePsfOf(std::vector<MeasuredRecovery>{
      {37, 0.95, 0.30}, {22, 0.40, 0.70}, {17, 0.95, 0.20}, {10, 0.10, 0.50}});
  EXPECT_GT(fit.rms, kLargestFitRms);
}

TEST(FilterToEarl1, AddsInQuadratureToAPlainGaussian) {
  const double target = earl1FwhmMm();
  for (const double own : {4.0, 5.5, 7.0})
    EXPECT_NEAR(filterToEarl1FwhmMm({own, 0}), std::sqrt(target * target - own * own), 0.02) << own;
}

TEST(FilterToEarl1, NeverSharpens) {
  EXPECT_EQ(filterToEarl1FwhmMm({earl1FwhmMm() + 0.01, 0}), 0);
  EXPECT_EQ(filterToEarl1FwhmMm({12, 0}), 0);
}

}  // namespace
}  // namespace fedpet::imaging
