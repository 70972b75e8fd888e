// How much of a small sphere's uptake a scanner shows: recovery coefficients (RC) of the NEMA image
// quality phantom, from the blur of the scanner and back.
//
// RC max: the hottest voxel of a sphere over its true activity. RC mean: the mean of the voxels
// above half way between the background and that voxel (EARL's VOI A50), over the same. Both at
// EARL's contrast of 10:1, here for a sphere that is blurred without noise:
//   u(r) = 1/2 [erf((R-r)/(s sqrt 2)) + erf((R+r)/(s sqrt 2))]
//          - s/(r sqrt(2 pi)) [exp(-(R-r)^2/(2 s^2)) - exp(-(R+r)^2/(2 s^2))]
// is a unit sphere of radius R after a Gaussian of standard deviation s (the convolution integral
// in spherical coordinates; at r = 0 its limit).
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace fedpet::imaging {

// The blur of a scanner with its reconstruction, as seen in the image: a Gaussian, and for
// reconstructions that model resolution the overshoot at edges, (1 + e) G(s) - e G(s sqrt 2).
struct EffectivePsf {
  double fwhmMm = 0;
  double edgeEnhancement = 0;  // e, 0: none
};

struct SphereRecovery {
  double diameterMm = 0;
  double max = 0, mean = 0;
};
// After one more Gaussian of `filterFwhmMm`, which adds to both parts in quadrature.
SphereRecovery recoveryOf(double diameterMm, const EffectivePsf&, double filterFwhmMm = 0);

struct RecoveryLimits {
  double diameterMm, meanLow, meanHigh, maxLow, maxHigh;
};
// EARL FDG-PET/CT accreditation specifications, standards 1, January 2017 (earl.eanm.org), largest
// sphere first. There is no table for standards 2: its limits were not found in a citable source,
// so a scanner of that class says its own recovery coefficients.
std::span<const RecoveryLimits> earl1Limits();

// As an accreditation report says them, of the spheres of earl1Limits().
struct MeasuredRecovery {
  double diameterMm = 0;
  std::optional<double> max, mean;
};
bool isWithinEarl1(std::span<const MeasuredRecovery>);

struct PsfFit {
  EffectivePsf psf;
  double rms = 0;  // of measured minus modelled recovery
};
// The blur whose recovery is nearest to the measured, each difference in units of half the width of
// EARL-1's limits. Needs at least four numbers of at least three spheres.
PsfFit effectivePsfOf(std::span<const MeasuredRecovery>);
// Above it no blurred sphere looks like the numbers: they are of another phantom or contrast, or
// the calibration is off. EARL's own limits are 0.06 to 0.13 about their middle.
inline constexpr double kLargestFitRms = 0.1;

// FWHM of the plain Gaussian blur in the middle of EARL-1's limits.
double earl1FwhmMm();
// The Gaussian that brings a scanner nearest to the middle of EARL-1's limits; for a plain Gaussian
// blur it is sqrt(earl1FwhmMm()^2 - own^2). 0 when only sharpening would.
double filterToEarl1FwhmMm(const EffectivePsf&);
// A narrower filter does nothing that could be seen in voxels of some millimetres.
inline constexpr double kNarrowestFilterMm = 1.0;

}  // namespace fedpet::imaging
