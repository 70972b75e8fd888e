#include "models/imaging/Formatted.h"
#include "models/imaging/anatomy/Organs.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace fedpet::imaging::anatomy {
namespace {

bool inHead(const PatientGrid& grid, const Blob& blob, double z) {
  const Section& head = grid.sectionAt(z);
  return head.areaCm2 > 60 && head.areaCm2 < 420 && blob.extent.low[0] >= head.rightmost - 5 &&
         blob.extent.high[0] <= head.leftmost + 5 && std::abs(blob.centre[0] - head.centreX) < 70;
}

// A whole brain stands out by its size. Raised arms may reach higher than the head.
std::optional<Outline> wholeBrain(const PatientGrid& grid) {
  for (double hot : {3.5, 2.5}) {
    const BoxMm box{{-1e9, -1e9, grid.highestZ() - 450}, {1e9, 1e9, 1e9}};
    for (const Blob& blob : grid.blobs(box, [&](std::size_t v) { return grid.suv(v) >= hot; })) {
      if (blob.volumeMl < 500) break;
      const double height = blob.extent.high[2] - blob.extent.low[2];
      if (blob.volumeMl < 2500 && height > 80 && height < 220 && inHead(grid, blob, blob.centre[2]))
        return Outline{blob.voxels, 0.95, formatted("SUV >= %.1f (smoothed) in the head", hot)};
    }
  }
  return std::nullopt;
}

// A brain that the field cuts off: several parts that reach the upper end of the field.
std::optional<Outline> lowerBrain(const PatientGrid& grid) {
  if (!grid.cutAtTop()) return std::nullopt;
  constexpr double kHot = 3.5;
  const double top = grid.highestZ();
  Outline outline;
  for (const Blob& blob : grid.blobs({{-1e9, -1e9, top - 90}, {1e9, 1e9, 1e9}},
                                     [&](std::size_t v) { return grid.suv(v) >= kHot; }))
    if (blob.extent.high[2] > top - 12 && inHead(grid, blob, top - 5))
      outline.voxels.insert(outline.voxels.end(), blob.voxels.begin(), blob.voxels.end());
  if (outline.voxels.empty()) return std::nullopt;
  std::sort(outline.voxels.begin(), outline.voxels.end());
  const Blob brain = grid.blobOf(outline.voxels);
  const double height = brain.extent.high[2] - brain.extent.low[2] + grid.kSpacingMm;
  const bool wide = brain.volumeMl * 10 / height > 18;  // mean area in cm2: more than a node's
  if (!wide || std::abs(brain.centre[0] - grid.sectionAt(top - 5).centreX) > 30)
    return std::nullopt;
  outline.confidence = 0.65;
  outline.definition =
      formatted("SUV >= %.1f (smoothed) in the head; the field cuts the brain", kHot);
  return outline;
}

}  // namespace

Found<Outline> findBrain(const PatientGrid& grid) {
  if (auto whole = wholeBrain(grid)) return *whole;
  if (auto lower = lowerBrain(grid)) return *lower;
  return notFound(grid.cutAtTop() ? "the upper end of the field shows no uptake like a brain's"
                                  : "no uptake of a brain's size in the head");
}

}  // namespace fedpet::imaging::anatomy
