#include "models/imaging/anatomy/Liver.h"

#include "models/imaging/Anatomy.h"
#include "models/imaging/Formatted.h"

#include <algorithm>
#include <cmath>
#include <optional>
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

std::optional<std::size_t> mostLiverLike(const PatientGrid& grid, std::optional<double> notNearZ) {
  constexpr double kTrunkCm2 = 300, kAwayMm = 130;
  const auto& size = grid.geometry().size;
  std::optional<std::size_t> best;
  double highest = -1e9;
  for (int k = 0; k < size[2]; k += 2) {
    const double z = grid.geometry().pointMm(0, 0, k)[2];
    if (grid.sectionAt(z).areaCm2 < kTrunkCm2) continue;
    if (notNearZ && std::abs(z - *notNearZ) < kAwayMm) continue;
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

// From the block's centre up to where neither it nor its surroundings look like liver any more; a
// tumour on the way is neither liver nor its end. Not towards the midline, where the heart rests on
// the liver and takes up no less than a faint one. The second highest of five places: a tumour over
// the dome lifts one.
double domeAbove(const PatientGrid& grid, const LiverBlock& block) {
  std::vector<double> tops;
  const double x = std::min(block.centre[0], grid.midlineX() - 50);
  for (const auto& [dx, dy] : {std::pair{0, 0}, {-25, 0}, {-40, 0}, {-15, -25}, {-15, 25}}) {
    tops.push_back(block.centre[2]);
    for (double z = block.centre[2]; z <= grid.highestZ(); z += grid.kSpacingMm) {
      const double suv = grid.discMean({x + dx, block.centre[1] + dy, z}, 20);
      if (suv < 0.7 * block.suv) break;
      if (suv <= 1.6 * block.suv) tops.back() = z;
    }
  }
  std::sort(tops.begin(), tops.end());
  return tops[tops.size() - 2];
}

enum class Above { Lung, Tissue, EndOfField };

Above aboveLiver(const PatientGrid& grid, const LiverBlock& block) {
  if (block.domeZ + 60 > grid.highestZ()) return Above::EndOfField;
  // The median of many places: a tumour in the lower lung must not hide the lung.
  std::vector<double> discs;
  const double x = std::min(block.centre[0], grid.midlineX() - 50);
  for (double up = 25; up <= 60; up += 5)
    for (double dx : {-30.0, 0.0, 30.0})
      for (double dy : {-40.0, 0.0, 40.0})
        discs.push_back(grid.discMean({x + dx, block.centre[1] + dy, block.domeZ + up}, 15));
  const auto middle = discs.begin() + static_cast<std::ptrdiff_t>(discs.size() / 2);
  std::nth_element(discs.begin(), middle, discs.end());
  return *middle < 0.7 * block.suv ? Above::Lung : Above::Tissue;
}

// How sure it is that a liver lies around this place.
std::optional<LiverBlock> blockAt(const PatientGrid& grid, std::size_t centre) {
  LiverBlock block;
  block.centre = grid.pointMm(centre);
  const PointMm c = block.centre;
  const double cube = grid.clippedCubeMean(centre, kLobeEdgeMm);
  // After insulin the muscles, which are the median, take up as much as the liver.
  const double tissueSuv = std::min(1.3 * grid.medianBodySuv(), 0.8 * cube);
  Voxels tissue;
  for (const Blob& blob :
       grid.blobs({{c[0] - 50, c[1] - 50, c[2] - 50}, {c[0] + 50, c[1] + 50, c[2] + 50}},
                  [&](std::size_t v) { return grid.suv(v) > tissueSuv; }))
    tissue.insert(tissue.end(), blob.voxels.begin(), blob.voxels.end());
  if (tissue.size() < 2000) return std::nullopt;  // 250 ml
  block.suv = medianSuv(grid, tissue);
  block.domeZ = domeAbove(grid, block);
  block.confidence = 0.95;
  const Above above = aboveLiver(grid, block);
  switch (above) {
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
  const bool filled = static_cast<double>(even.size()) >= 0.72 * cells;
  if (cube < 0.65 * grid.clipSuv() && !filled) block.confidence *= 0.4;
  // Thighs and buttocks are alike on both sides. A faint liver may have a spleen and a stomach on
  // the other side that take up as much, but it stands out from muscle and lies below a lung.
  if (grid.clippedCubeMean(mirrored(grid, centre), kLobeEdgeMm) > 0.85 * cube) {
    const bool standsOut = filled && above == Above::Lung && block.suv > 1.5 * grid.medianBodySuv();
    block.confidence *= standsOut ? 0.85 : 0.4;
  }
  if (block.suv < 1.0) block.confidence *= 0.7;
  if (c[2] - grid.lowestZ() < 45) block.confidence *= 0.7;  // most of a liver is below the field
  if (block.domeZ - block.centre[2] > 150) block.confidence *= 0.5;
  return block;
}

}  // namespace

Found<LiverBlock> findLiverBlock(const PatientGrid& grid) {
  // The likeliest place and the likeliest elsewhere: buttocks after insulin may come before a faint
  // liver, but nothing else than a liver lies as it does.
  std::optional<LiverBlock> block;
  std::optional<double> tried;
  for (int n = 0; n < 2; ++n) {
    const auto centre = mostLiverLike(grid, tried);
    if (!centre) break;
    tried = grid.pointMm(*centre)[2];
    const auto next = blockAt(grid, *centre);
    if (next && (!block || next->confidence > block->confidence)) block = next;
  }
  if (!block) return notFound("no large uptake on the right of the trunk");
  if (block->confidence < kLeastConfidence)
    return notFound(
        formatted("uptake of SUV %.1f on the right of the trunk, but not as a liver lies "
                  "below a lung (confidence %.2f)",
                  block->suv, block->confidence));
  return *block;
}

Found<EvenOrgan> findEvenLiver(const PatientGrid& grid, const LiverBlock& block) {
  const EvenRule rule{
      {{block.centre[0] - 110, -1e9, block.domeZ - 210}, {grid.midlineX() + 20, 1e9, block.domeZ}},
      std::max(0.8, 0.75 * block.suv),
      std::min(5.0, 1.3 * block.suv),
      0.2,
      2,
      {55, 45, 35, 25},
      [&](const Blob& core) {
        // Between metastases the largest even place may be beside the liver; after insulin it is
        // muscle.
        const double away = distanceMm(core.centre, block.centre) / 60;
        const double mean = core.suvSum / static_cast<double>(core.voxels.size());
        const double other = (mean / block.suv - 1) / 0.15;
        return std::exp(-0.5 * (away * away + other * other));
      }};
  auto liver = evenOrgan(grid, rule, [](std::size_t) { return true; });
  if (!liver) return notFound("no part of the liver takes up evenly");
  const double edge = liver->edgeMm;
  liver->confidence = block.confidence * (edge > 50 ? 1 : edge > 40 ? 0.9 : edge > 30 ? 0.8 : 0.65);
  if (liver->suv < 1.0 || liver->suv > 3.8 || liver->suv < 0.75 * block.suv)
    liver->confidence *= 0.7;
  return *liver;
}

}  // namespace fedpet::imaging::anatomy
