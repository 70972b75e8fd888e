#include "models/imaging/Formatted.h"
#include "models/imaging/anatomy/Organs.h"

#include <algorithm>
#include <cmath>

namespace fedpet::imaging::anatomy {
namespace {

// How well a place fits a kidney's middle: 1 where it should be, falling off as a Gaussian.
double kidneyPrior(const Landmarks& at, const PointMm& p, int side) {
  const Section& section = at.grid.sectionAt(p[2]);
  const double dx = (p[0] - at.mid - side * 60) / 25;
  const double dy = (p[1] - section.centreY - 0.38 * (section.back - section.centreY)) / 22;
  const double dz = (p[2] - at.dome + 130) / 45;
  return std::exp(-0.5 * (dx * dx + dy * dy + dz * dz));
}

// Adrenal metastases sit on the kidney's upper pole, where only the uppermost calyx may be hot as
// well. A peak that far up, well above the rest of the kidney, is taken out: a false lesion is
// seen by the reader, a swallowed one is not.
Voxels peaksOnUpperPole(const PatientGrid& grid, const Voxels& kidney, const PointMm& middle,
                        const BoxMm& box) {
  if (kidney.size() < 8) return {};
  const double least = std::max(4.0, 1.4 * medianSuv(grid, kidney));
  const Voxels high = where(kidney, [&](std::size_t v) {
    return grid.pointMm(v)[2] > middle[2] + 36 && grid.suv(v) >= least;
  });
  if (high.empty()) return {};
  // The slope may lead to a peak beyond the outline, or back down into the kidney.
  const Voxels slope = grid.basinOf(high, box, 0.5 * grid.blobOf(high).suvMax);
  const Blob peak = grid.blobOf(slope);
  if (peak.hottest[2] < middle[2] + 36) return {};
  return grid.basinOf(slope, box, 0.5 * peak.suvMax);
}

}  // namespace

Found<Outline> findKidney(const Landmarks& at, int side) {
  const PatientGrid& grid = at.grid;
  const double hot = hotSuv(at, 1.3, 2.0);
  const double inner = at.mid + side * 18, outer = at.mid + side * 120;
  const BoxMm box{{std::min(inner, outer), -1e9, at.dome - 270},
                  {std::max(inner, outer), 1e9, at.dome - 45}};
  const auto blobs = grid.blobs(box, [&](std::size_t v) {
    if (grid.suv(v) < hot || at.used[v]) return false;
    const PointMm p = grid.pointMm(v);
    const Section& section = grid.sectionAt(p[2]);
    return p[1] >= section.centreY - 25 && p[1] <= section.back - 20;
  });
  // The middle of the uptake, each voxel by how well it fits and at most 2 x `hot`, so that a hot
  // neighbour does not pull it away.
  double weight = 0, best = 0;
  PointMm middle{};
  for (const Blob& blob : blobs)
    for (std::size_t v : blob.voxels) {
      const PointMm p = grid.pointMm(v);
      const double prior = kidneyPrior(at, p, side), w = prior * std::min(grid.suv(v), 2 * hot);
      best = std::max(best, prior);
      weight += w;
      for (std::size_t a = 0; a < 3; ++a) middle[a] += w * p[a];
    }
  if (best < 0.3)
    return notFound(formatted("no uptake above SUV %.1f beside the lumbar spine", hot));
  for (double& m : middle) m /= weight;
  // An adult kidney is 12 x 6 x 5 cm at most, and lies nearly upright.
  Outline outline;
  for (const Blob& blob : blobs)
    for (std::size_t v : blob.voxels) {
      const PointMm p = grid.pointMm(v);
      const double dx = (p[0] - middle[0]) / 40, dy = (p[1] - middle[1]) / 38,
                   dz = (p[2] - middle[2]) / 62;
      if (dx * dx + dy * dy + dz * dz <= 1) outline.voxels.push_back(v);
    }
  std::sort(outline.voxels.begin(), outline.voxels.end());
  outline.foreign = peaksOnUpperPole(grid, outline.voxels, middle, box);
  outline.voxels = without(outline.voxels, outline.foreign);
  const double volume =
      static_cast<double>(outline.voxels.size()) * grid.geometry().voxelVolumeMl();
  if (volume < 2)
    return notFound(formatted("only %.1f ml above SUV %.1f beside the lumbar spine", volume, hot));
  outline.confidence = volume >= 40 ? 0.8 : 0.6;
  outline.definition = formatted(
      "SUV >= %.1f (smoothed) beside the lumbar spine, with renal pelvis, "
      "inside an ellipsoid of 80 x 76 x 124 mm",
      hot);
  return outline;
}

}  // namespace fedpet::imaging::anatomy
