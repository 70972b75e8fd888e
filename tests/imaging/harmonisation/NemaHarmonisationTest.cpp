// A sharp scanner before the outside judge: filtered by its own recovery coefficients, it must fall
// within the limits that EARL published for standards 1.
#include "models/imaging/harmonisation/Harmonise.h"
#include "sample-data/NemaPhantom.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace fedpet::imaging {
namespace {

using sample::NemaPhantom;
using sample::NemaSphere;

struct Recovery {
  double mean = 0, max = 0;
};
// A50: voxels above (maximum + background) / 2, near the sphere.
Recovery recoveryIn(const NemaPhantom& phantom, const NemaSphere& sphere) {
  const VolumeGeometry& g = phantom.image.geometry;
  std::vector<double> nearby;
  for (int k = 0; k < g.size[2]; ++k)
    for (int j = 0; j < g.size[1]; ++j)
      for (int i = 0; i < g.size[0]; ++i)
        if (distanceMm(g.pointMm(i, j, k), sphere.centreMm) < sphere.diameterMm / 2 + 6)
          nearby.push_back(static_cast<double>(phantom.image.suvBw[g.offset(i, j, k)]));
  const double max = *std::max_element(nearby.begin(), nearby.end());
  std::erase_if(nearby, [&](double v) { return v < (max + phantom.backgroundActivity) / 2; });
  const double sum = std::accumulate(nearby.begin(), nearby.end(), 0.0);
  return {sum / static_cast<double>(nearby.size()) / phantom.sphereActivity,
          max / phantom.sphereActivity};
}

std::vector<NemaPhantom> scansOf(int scannerClass) {
  sample::ScannerSpec scanner = sample::scannerOfClass(scannerClass);
  scanner.liverNoiseCov = 0.05;  // accreditation scans are long
  constexpr PointMm kShifts[] = {{0, 0, 0}, {1.3, -0.9, 1.7}, {-1.9, 1.1, 0.6}};
  std::vector<NemaPhantom> scans;
  for (const PointMm& shift : kShifts)
    scans.push_back(sample::nemaImageQuality(scanner, scans.size(), 10, shift));
  return scans;
}

std::vector<MeasuredRecovery> recoveryIn(const std::vector<NemaPhantom>& scans) {
  std::vector<MeasuredRecovery> average;
  for (const RecoveryLimits& limits : earl1Limits()) {
    MeasuredRecovery r{limits.diameterMm, 0, 0};
    for (const NemaPhantom& scan : scans)
      for (const NemaSphere& sphere : scan.spheres)
        if (sphere.diameterMm == limits.diameterMm) {
          const Recovery one = recoveryIn(scan, sphere);
          *r.max += one.max / static_cast<double>(scans.size());
          *r.mean += one.mean / static_cast<double>(scans.size());
        }
    average.push_back(r);
  }
  return average;
}

TEST(NemaHarmonisation, BringsASharpScannerWithinTheLimitsOfEarl1) {
  std::vector<NemaPhantom> scans = scansOf(2);
  ScannerProfile sharp{"sharp", {{"station", "SYNPET3"}}, "EARL-2", recoveryIn(scans), {}};
  ASSERT_FALSE(isWithinEarl1(sharp.recovery)) << "the test needs a scanner outside the limits";
  PetSeries series;
  series.stationName = "SYNPET3";
  for (NemaPhantom& scan : scans) {
    const Harmonisation done = harmonise(scan.image, series, {{sharp}, "EARL-1", {}});
    ASSERT_TRUE(done.filterFwhmMm) << done.statement;
    EXPECT_GT(*done.filterFwhmMm, 4);
    EXPECT_LT(*done.filterFwhmMm, 9);
  }
  const auto after = recoveryIn(scans);
  for (std::size_t n = 0; n < after.size(); ++n) {
    const RecoveryLimits& limits = earl1Limits()[n];
    EXPECT_GE(*after[n].mean, limits.meanLow) << limits.diameterMm << " mm";
    EXPECT_LE(*after[n].mean, limits.meanHigh) << limits.diameterMm << " mm";
    EXPECT_GE(*after[n].max, limits.maxLow) << limits.diameterMm << " mm";
    EXPECT_LE(*after[n].max, limits.maxHigh) << limits.diameterMm << " mm";
  }
}

// Two scanners measure the same lesions alike after it, which is what it is for.
TEST(NemaHarmonisation, BringsTwoScannersNearerToEachOtherInEverySphere) {
  std::vector<NemaPhantom> sharp = scansOf(2);
  const auto coarse = recoveryIn(scansOf(0)), before = recoveryIn(sharp);
  const ScannerProfile profile{"sharp", {{"station", "S"}}, "EARL-2", before, {}};
  PetSeries series;
  series.stationName = "S";
  for (NemaPhantom& scan : sharp) harmonise(scan.image, series, {{profile}, "EARL-1", {}});
  const auto after = recoveryIn(sharp);
  for (std::size_t n = 0; n < coarse.size(); ++n) {
    EXPECT_LT(std::abs(*after[n].mean - *coarse[n].mean), 0.05) << coarse[n].diameterMm;
    if (coarse[n].diameterMm > 17) continue;  // the large ones differ by noise alone
    EXPECT_LT(std::abs(*after[n].max - *coarse[n].max),
              std::abs(*before[n].max - *coarse[n].max) / 2)
        << coarse[n].diameterMm;
  }
}

TEST(NemaHarmonisation, LeavesScannersThatAreWithinTheLimitsAsTheyAre) {
  for (const int scannerClass : {0, 1}) {
    const ScannerProfile profile{
        "own", {{"station", "S"}}, "", recoveryIn(scansOf(scannerClass)), {}};
    EXPECT_FALSE(planToEarl1(profile).fwhmMm) << planToEarl1(profile).reason;
  }
}

}  // namespace
}  // namespace fedpet::imaging
