#include "models/imaging/Formatted.h"
#include "models/imaging/anatomy/Organs.h"

#include <algorithm>
#include <cmath>

namespace fedpet::imaging::anatomy {
namespace {

// Where a kidney's middle should be, and how far off it may lie (one standard deviation).
struct Expected {
  PointMm middle{}, spread{};
  // 1 where it should be, falling off as a Gaussian.
  double fit(const PointMm& p) const {
    double squares = 0;
    for (std::size_t a = 0; a < 3; ++a) {
      const double off = (p[a] - middle[a]) / spread[a];
      squares += off * off;
    }
    return std::exp(-0.5 * squares);
  }
};

Expected expectedAt(const Landmarks& at, int side, double z, const Blob* other) {
  if (other)  // like its fellow: as far from the midline, as far back, about as high
    return {{2 * at.mid - other->centre[0], other->centre[1], other->centre[2]}, {18, 16, 28}};
  const Section& section = at.grid.sectionAt(z);
  const double y = section.centreY + 0.38 * (section.back - section.centreY);
  return {{at.mid + side * 60, y, at.dome - 130}, {25, 22, 45}};
}

// An adult kidney is 12 x 6 x 5 cm at most, and lies nearly upright.
bool insideKidney(const PointMm& p, const PointMm& middle, double shareOfSize) {
  const double dx = (p[0] - middle[0]) / 40, dy = (p[1] - middle[1]) / 38,
               dz = (p[2] - middle[2]) / 62;
  return dx * dx + dy * dy + dz * dz <= shareOfSize * shareOfSize;
}

// The middle of some uptake, each voxel by how well it fits and at most 2 x `hot`, so that a hot
// neighbour does not pull it away.
struct Middle {
  PointMm p{};
  double bestFit = 0;
};

Middle middleOf(const Landmarks& at, const std::vector<Blob>& basins, int side, double hot,
                const Blob* other) {
  Middle middle;
  double weight = 0;
  for (const Blob& basin : basins)
    for (std::size_t v : basin.voxels) {
      const PointMm p = at.grid.pointMm(v);
      const double fit = expectedAt(at, side, p[2], other).fit(p);
      const double w = fit * std::min(at.grid.suv(v), 2 * hot);
      middle.bestFit = std::max(middle.bestFit, fit);
      weight += w;
      for (std::size_t a = 0; a < 3; ++a) middle.p[a] += w * p[a];
    }
  for (double& m : middle.p) m /= std::max(weight, 1e-9);
  return middle;
}

// Bowel and metastases reach into the place of a kidney, but not with their middle and most of
// their volume.
bool belongsTo(const PatientGrid& grid, const Blob& basin, const PointMm& middle) {
  const auto inside = std::count_if(basin.voxels.begin(), basin.voxels.end(), [&](std::size_t v) {
    return insideKidney(grid.pointMm(v), middle, 1);
  });
  return insideKidney(basin.centre, middle, 0.85) && insideKidney(basin.hottest, middle, 1) &&
         static_cast<double>(inside) >= 0.7 * static_cast<double>(basin.voxels.size());
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

Found<Outline> findKidney(const Landmarks& at, int side, const Blob* other) {
  const PatientGrid& grid = at.grid;
  // Not above what a lesion would be by any rule, however much the liver takes up.
  const double hot = std::min(hotSuv(at, 1.3, 2.0), std::max(3.2, 1.15 * at.liverSuv));
  const double inner = at.mid + side * 18, outer = at.mid + side * 120;
  const BoxMm box{{std::min(inner, outer), -1e9, at.dome - 270},
                  {std::max(inner, outer), 1e9, at.dome - 45}};
  Voxels uptake;
  for (const Blob& blob : grid.blobs(box, [&](std::size_t v) {
         if (grid.suv(v) < hot || at.used[v]) return false;
         const PointMm p = grid.pointMm(v);
         const Section& section = grid.sectionAt(p[2]);
         return p[1] >= section.centreY - 25 && p[1] <= section.back - 20;
       }))
    uptake.insert(uptake.end(), blob.voxels.begin(), blob.voxels.end());
  const std::vector<Blob> all = grid.basinsIn(uptake, 0.7);
  Middle middle = middleOf(at, all, side, hot, other);
  if (middle.bestFit < 0.3)
    return notFound(formatted("no uptake above SUV %.1f beside the lumbar spine", hot));
  std::vector<Blob> kept;
  for (int round = 0; round < 2; ++round) {
    kept.clear();
    for (const Blob& basin : all)
      if (belongsTo(grid, basin, middle.p)) kept.push_back(basin);
    if (kept.empty()) break;
    middle = middleOf(at, kept, side, hot, other);
  }
  Outline outline;
  double strange = 0;  // uptake of others in the kidney's place
  for (const Blob& basin : all) {
    const bool own = std::any_of(kept.begin(), kept.end(), [&](const Blob& k) {
      return k.voxels.front() == basin.voxels.front();
    });
    for (std::size_t v : basin.voxels) {
      if (own && insideKidney(grid.pointMm(v), middle.p, 1))
        outline.voxels.push_back(v);
      else if (insideKidney(grid.pointMm(v), middle.p, 1.3))
        outline.foreign.push_back(v);  // within reach of growth
      strange += !own && insideKidney(grid.pointMm(v), middle.p, 1);
    }
  }
  std::sort(outline.voxels.begin(), outline.voxels.end());
  const Voxels pole = peaksOnUpperPole(grid, outline.voxels, middle.p, box);
  outline.voxels = without(outline.voxels, pole);
  outline.foreign.insert(outline.foreign.end(), pole.begin(), pole.end());
  std::sort(outline.foreign.begin(), outline.foreign.end());
  outline.foreign.erase(std::unique(outline.foreign.begin(), outline.foreign.end()),
                        outline.foreign.end());
  const double cellMl = grid.geometry().voxelVolumeMl();
  const double volume = static_cast<double>(outline.voxels.size()) * cellMl;
  if (volume < 2)
    return notFound(formatted("only %.1f ml above SUV %.1f beside the lumbar spine", volume, hot));
  outline.confidence = volume >= 40 ? 0.8 : 0.6;
  if (strange * cellMl > 0.3 * volume) outline.confidence *= 0.75;
  outline.definition = formatted(
      "SUV >= %.1f (smoothed) beside the lumbar spine, with renal pelvis, "
      "inside an ellipsoid of 80 x 76 x 124 mm, without what has its peak or most of its volume "
      "elsewhere",
      hot);
  return outline;
}

}  // namespace fedpet::imaging::anatomy
