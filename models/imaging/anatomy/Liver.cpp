#include "models/imaging/anatomy/Liver.h"

#include "models/imaging/Anatomy.h"
#include "models/imaging/Formatted.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fedpet::imaging::anatomy {
namespace {

std::size_t mirrored(const PatientGrid& grid, std::size_t at) {
  const VoxelIndex index(grid.geometry());
  const double x = 2 * grid.midlineX() - grid.pointMm(at)[0];
  auto there = index(at);
  const double column = std::round((x - grid.geometry().originMm[0]) / grid.kSpacingMm);
  there[0] = static_cast<int>(std::clamp(column, 0.0, grid.geometry().size[0] - 1.0));
  return index.offset(there);
}

// Where a cube the size of a right lobe takes up most, less half of what its mirror image does.
// Single hot spots are clipped, so that a tumour does not weigh more than a liver.
constexpr double kLobeEdgeMm = 110;

std::size_t mostLiverLike(const PatientGrid& grid) {
  constexpr double kTrunkCm2 = 300;
  const auto& size = grid.geometry().size;
  std::size_t best = 0;
  double highest = -1e9;
  for (int k = 0; k < size[2]; k += 2) {
    const double z = grid.geometry().pointMm(0, 0, k)[2];
    if (grid.sectionAt(z).areaCm2 < kTrunkCm2) continue;
    for (int j = 0; j < size[1]; j += 2)
      for (int i = 0; i < size[0]; i += 2) {
        const std::size_t at = grid.geometry().offset(i, j, k);
        if (!grid.isBody(at) || grid.pointMm(at)[0] > grid.midlineX() - 20) continue;
        const double score = grid.clippedCubeMean(at, kLobeEdgeMm) -
                             0.5 * grid.clippedCubeMean(mirrored(grid, at), kLobeEdgeMm);
        if (score > highest) highest = score, best = at;
      }
  }
  return best;
}

// From the block's centre up to where neither it nor its surroundings look like liver any more. Not
// towards the midline, where the heart rests on the liver.
double domeAbove(const PatientGrid& grid, const LiverBlock& block) {
  double dome = block.centre[2];
  for (const auto& [dx, dy] : {std::pair{0, 0}, {-25, 0}, {-40, 0}, {-15, -25}, {-15, 25}}) {
    double z = block.centre[2];
    while (z <= grid.highestZ() &&
           grid.discMean({block.centre[0] + dx, block.centre[1] + dy, z}, 20) >= 0.7 * block.suv)
      z += grid.kSpacingMm;
    dome = std::max(dome, z - grid.kSpacingMm);
  }
  return dome;
}

enum class Above { Lung, Tissue, EndOfField };

Above aboveLiver(const PatientGrid& grid, const LiverBlock& block) {
  if (block.domeZ + 60 > grid.highestZ()) return Above::EndOfField;
  // The median of many places: a tumour in the lower lung must not hide the lung.
  std::vector<double> discs;
  for (double up = 25; up <= 60; up += 5)
    for (double dx : {-40.0, 0.0, 40.0})
      for (double dy : {-40.0, 0.0, 40.0})
        discs.push_back(
            grid.discMean({block.centre[0] + dx, block.centre[1] + dy, block.domeZ + up}, 15));
  const auto middle = discs.begin() + static_cast<std::ptrdiff_t>(discs.size() / 2);
  std::nth_element(discs.begin(), middle, discs.end());
  return *middle < 0.7 * block.suv ? Above::Lung : Above::Tissue;
}

}  // namespace

Found<LiverBlock> findLiverBlock(const PatientGrid& grid) {
  const std::size_t centre = mostLiverLike(grid);
  LiverBlock block;
  block.centre = grid.pointMm(centre);
  const PointMm c = block.centre;
  Voxels tissue;
  for (const Blob& blob :
       grid.blobs({{c[0] - 50, c[1] - 50, c[2] - 50}, {c[0] + 50, c[1] + 50, c[2] + 50}},
                  [&](std::size_t v) { return grid.suv(v) > 1.3 * grid.medianBodySuv(); }))
    tissue.insert(tissue.end(), blob.voxels.begin(), blob.voxels.end());
  if (tissue.size() < 2000)  // 250 ml
    return notFound("no large uptake on the right of the trunk");
  block.suv = medianSuv(grid, tissue);
  block.domeZ = domeAbove(grid, block);
  block.confidence = 0.95;
  const double cube = grid.clippedCubeMean(centre, kLobeEdgeMm);
  switch (aboveLiver(grid, block)) {
    case Above::Lung:
      break;
    case Above::EndOfField:
      block.confidence *= 0.75;
      break;
    // A lung full of tumour is possible, where the liver itself is beyond doubt.
    case Above::Tissue:
      block.confidence *= cube > 0.8 * grid.clipSuv() ? 0.6 : 0.4;
      break;
  }
  // A liver fills the cube, whether it takes up much or little; pelvis, thighs and shoulders have
  // hot spots among muscle and fat, and the same on the other side.
  const auto even = where(tissue, [&](std::size_t v) { return grid.suv(v) >= 0.7 * block.suv; });
  const double cells = std::pow(100 / grid.kSpacingMm + 1, 3);
  if (cube < 0.65 * grid.clipSuv() && static_cast<double>(even.size()) < 0.72 * cells)
    block.confidence *= 0.4;
  if (grid.clippedCubeMean(mirrored(grid, centre), kLobeEdgeMm) > 0.85 * cube)
    block.confidence *= 0.5;
  if (block.suv < 1.0) block.confidence *= 0.7;
  if (c[2] - grid.lowestZ() < 45) block.confidence *= 0.7;  // most of a liver is below the field
  if (block.domeZ - block.centre[2] > 150) block.confidence *= 0.5;
  if (block.confidence < kLeastConfidence)
    return notFound(
        formatted("uptake of SUV %.1f on the right of the trunk, but not as a liver lies "
                  "below a lung (confidence %.2f)",
                  block.suv, block.confidence));
  return block;
}

Found<EvenOrgan> findEvenLiver(const PatientGrid& grid, const LiverBlock& block) {
  const EvenRule rule{
      {{block.centre[0] - 110, -1e9, block.domeZ - 210}, {grid.midlineX() + 20, 1e9, block.domeZ}},
      std::max(0.9, 0.55 * block.suv),
      std::min(5.0, 1.5 * block.suv),
      0.2,
      2,
      {55, 45, 35, 25},
      {}};
  auto liver = evenOrgan(grid, rule, [](std::size_t) { return true; });
  if (!liver) return notFound("no part of the liver takes up evenly");
  const double edge = liver->edgeMm;
  liver->confidence = block.confidence * (edge > 50 ? 1 : edge > 40 ? 0.9 : edge > 30 ? 0.8 : 0.65);
  if (liver->suv < 1.0 || liver->suv > 3.8 || liver->suv < 0.75 * block.suv)
    liver->confidence *= 0.7;
  return *liver;
}

}  // namespace fedpet::imaging::anatomy
