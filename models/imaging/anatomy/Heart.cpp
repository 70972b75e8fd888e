#include "models/imaging/Formatted.h"
#include "models/imaging/anatomy/Organs.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace fedpet::imaging::anatomy {

namespace {

// The left ventricle, even a large one, fits a ball of this radius around its middle.
constexpr double kHeartRadiusMm = 72;

// The middle of the uptake, each voxel by how well it fits the left ventricle's and at most
// 2 x `hot`.
PointMm middleOf(const Landmarks& at, const Blob& blob, double hot) {
  PointMm middle{};
  double weight = 0;
  for (std::size_t v : blob.voxels) {
    const PointMm p = at.grid.pointMm(v);
    const double dx = (p[0] - at.mid - 45) / 35, dz = (p[2] - at.dome - 10) / 35;
    const double w = std::exp(-0.5 * (dx * dx + dz * dz)) * std::min(at.grid.suv(v), 2 * hot);
    weight += w;
    for (std::size_t a = 0; a < 3; ++a) middle[a] += w * p[a];
  }
  for (double& m : middle) m /= std::max(weight, 1e-9);
  return middle;
}

// What is left of the blob when its neighbours are taken off: a stomach below, a tumour of the
// lung beside it. Each piece with a peak of its own goes to the side where its middle is.
Outline withoutNeighbours(const Landmarks& at, const Blob& blob, double hot) {
  const PatientGrid& grid = at.grid;
  const PointMm middle = middleOf(at, blob, hot);
  Outline outline;
  double beyond = 0;
  for (const Blob& basin : grid.basinsIn(blob.voxels, 0.92)) {
    // Near the middle it is the heart's even below the dome, of which the height is a guess.
    const double away = distanceMm(basin.centre, middle), up = basin.centre[2] - at.dome;
    const bool own = (away < 0.85 * kHeartRadiusMm && up > -30) || (away < 40 && up > -70);
    for (std::size_t v : basin.voxels) {
      if (own && distanceMm(grid.pointMm(v), middle) <= kHeartRadiusMm)
        outline.voxels.push_back(v);
      else
        outline.foreign.push_back(v), ++beyond;
    }
  }
  std::sort(outline.voxels.begin(), outline.voxels.end());
  std::sort(outline.foreign.begin(), outline.foreign.end());
  if (beyond > 0.15 * static_cast<double>(blob.voxels.size())) outline.confidence = -1;
  return outline;
}

// Left ventricle by a threshold, above a level.
std::optional<Outline> ventricle(const Landmarks& at, double hot, double lowestZ) {
  const PatientGrid& grid = at.grid;
  const BoxMm box{{at.mid - 40, -1e9, lowestZ}, {at.mid + 120, 1e9, at.dome + 110}};
  const auto blobs = grid.blobs(box, [&](std::size_t v) {
    if (grid.suv(v) < hot || at.used[v]) return false;
    const PointMm p = grid.pointMm(v);
    return p[1] <= grid.sectionAt(p[2]).centreY + 25;
  });
  for (const Blob& whole : blobs) {  // largest first
    if (whole.volumeMl < 35) break;
    Outline outline = withoutNeighbours(at, whole, hot);
    const double share = outline.confidence < 0 ? 0.7 : 1;
    if (outline.voxels.empty()) continue;
    const Blob blob = grid.blobOf(outline.voxels);
    // The left ventricle rests on the diaphragm; a tumour of its size mostly does not.
    const bool onDiaphragm = blob.extent.low[2] < at.dome + 15 && blob.centre[2] > at.dome - 40 &&
                             blob.centre[2] < at.dome + 55;
    if (!onDiaphragm || blob.centre[0] < at.mid + 5 || blob.volumeMl < 35) continue;
    outline.confidence = (blob.volumeMl > 80 ? 0.85 : 0.65) * share;
    outline.definition =
        formatted("SUV >= %.1f (smoothed) in the left chest on the diaphragm", hot);
    // Walls differ by a factor of two; a spot that is hotter still is a tumour beside the heart.
    if (blob.suvMax > 2.3 * medianSuv(grid, blob.voxels)) {
      const Voxels spot = grid.basinOf(blob.voxels, box, 0.5 * blob.suvMax);
      outline.voxels = without(outline.voxels, spot);
      outline.foreign.insert(outline.foreign.end(), spot.begin(), spot.end());
      std::sort(outline.foreign.begin(), outline.foreign.end());
      outline.confidence *= 0.7;
    }
    return outline;
  }
  return std::nullopt;
}

}  // namespace

Found<Outline> findHeart(const Landmarks& at) {
  const double hot = hotSuv(at, 1.25, 2.4);
  if (auto heart = ventricle(at, hot, at.dome - 70)) return *heart;
  // Above a liver of SUV 3 the myocardium may stand out from the lungs and not from the liver:
  // with a lower threshold, above the level where the liver's left lobe would be taken along.
  constexpr double kLower = 2.8;
  if (hot > kLower)
    if (auto heart = ventricle(at, kLower, at.dome - 30)) {
      heart->confidence *= 0.8;
      return *heart;
    }
  return notFound(
      formatted("no uptake above SUV %.1f of the size and in the place of a left "
                "ventricle: the myocardium takes up too little to be outlined",
                hot));
}

}  // namespace fedpet::imaging::anatomy
