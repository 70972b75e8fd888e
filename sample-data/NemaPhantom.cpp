#include "sample-data/NemaPhantom.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sample-data/ScannerChain.h"

namespace fedpet::sample {
namespace {

// Share of a voxel inside a sphere, from 6x6x6 points: exact enough for the smallest sphere.
double sphereShare(const VolumeGeometry& g, const PointMm& voxel, const NemaSphere& sphere) {
  const double reach = std::hypot(g.spacingMm[0], g.spacingMm[1], g.spacingMm[2]) / 2;
  const double r = sphere.diameterMm / 2, distance = distanceMm(voxel, sphere.centreMm);
  if (distance > r + reach) return 0;
  if (distance < r - reach) return 1;
  constexpr int kPoints = 6;
  int inside = 0;
  for (int c = 0; c < kPoints; ++c)
    for (int b = 0; b < kPoints; ++b)
      for (int a = 0; a < kPoints; ++a) {
        const PointMm p{voxel[0] + ((a + 0.5) / kPoints - 0.5) * g.spacingMm[0],
                        voxel[1] + ((b + 0.5) / kPoints - 0.5) * g.spacingMm[1],
                        voxel[2] + ((c + 0.5) / kPoints - 0.5) * g.spacingMm[2]};
        inside += distanceMm(p, sphere.centreMm) <= r;
      }
  return static_cast<double>(inside) / (kPoints * kPoints * kPoints);
}

}  // namespace

NemaPhantom nemaImageQuality(const ScannerSpec& scanner, std::uint64_t seed, double contrast,
                             PointMm shiftMm) {
  NemaPhantom phantom;
  phantom.sphereActivity = contrast * phantom.backgroundActivity;
  VolumeGeometry g;
  constexpr double kLengthMm = 180;
  g.size = {scanner.matrix, scanner.matrix,
            static_cast<int>(std::ceil(kLengthMm / scanner.voxelMm[2]))};
  g.spacingMm = scanner.voxelMm;
  for (std::size_t a = 0; a < 3; ++a)
    g.originMm[a] = -0.5 * (g.size[a] - 1) * g.spacingMm[a];
  constexpr double kDiameters[] = {10, 13, 17, 22, 28, 37}, kCircleRadiusMm = 57.2;
  for (std::size_t n = 0; n < std::size(kDiameters); ++n) {
    const double angle = static_cast<double>(n) * std::numbers::pi / 3;
    phantom.spheres.push_back({kDiameters[n],
                               {kCircleRadiusMm * std::cos(angle) + shiftMm[0],
                                kCircleRadiusMm * std::sin(angle) + shiftMm[1], shiftMm[2]},
                               static_cast<std::uint16_t>(n + 1)});
  }
  phantom.truth = {g, std::vector<float>(g.voxelCount(), 0.0f)};
  phantom.regions = {g, std::vector<std::uint16_t>(g.voxelCount(), 0)};
  for (int k = 0; k < g.size[2]; ++k)
    for (int j = 0; j < g.size[1]; ++j)
      for (int i = 0; i < g.size[0]; ++i) {
        const PointMm p = g.pointMm(i, j, k);
        const double x = p[0] - shiftMm[0], y = p[1] - shiftMm[1];
        // Torso: 300 x 230 mm; lung insert: a cold cylinder of 50 mm in its middle.
        const bool torso = std::pow(std::abs(x) / 150, 2.5) + std::pow(std::abs(y) / 115, 2.5) < 1;
        const bool insert = std::hypot(x, y) < 25;
        double activity = torso && !insert ? phantom.backgroundActivity : 0;
        std::uint16_t label = activity > 0 ? kNemaBackground : std::uint16_t{0};
        for (const NemaSphere& sphere : phantom.spheres)
          if (const double share = sphereShare(g, p, sphere); share > 0) {
            activity += share * (phantom.sphereActivity - activity);
            label = share >= 0.5 ? sphere.label : std::uint16_t{0};
          }
        const std::size_t n = g.offset(i, j, k);
        phantom.truth.suvBw[n] = static_cast<float>(activity);
        phantom.regions.labels[n] = label;
      }
  const NoiseReference reference{phantom.backgroundActivity, 0};
  phantom.image = {g, measure(phantom.truth.suvBw, g, scanner, reference, seed)};
  return phantom;
}

}  // namespace fedpet::sample
