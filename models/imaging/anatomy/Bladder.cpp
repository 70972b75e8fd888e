#include "models/imaging/Formatted.h"
#include "models/imaging/anatomy/Organs.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace fedpet::imaging::anatomy {
namespace {

// The hottest uptake in the middle of the pelvis, in a box that some landmark gives.
Found<Outline> bladderIn(const PatientGrid& grid, const BoxMm& box, double hot, double leastMax,
                         const std::function<bool(std::size_t)>& allowed) {
  const auto blobs = grid.blobs(box, [&](std::size_t v) {
    if (grid.suv(v) < hot || !allowed(v)) return false;
    const PointMm p = grid.pointMm(v);
    return p[1] <= grid.sectionAt(p[2]).centreY + 50;
  });
  const Blob* bladder = nullptr;
  for (const Blob& blob : blobs)
    if (blob.volumeMl >= 4 && blob.suvMax >= leastMax &&
        std::abs(blob.hottest[0] - grid.midlineX()) <= 40 &&
        (!bladder || blob.suvSum > bladder->suvSum))
      bladder = &blob;
  if (!bladder)
    return notFound(
        formatted("no uptake above SUV %.1f in the middle of the pelvis", std::max(hot, leastMax)));
  return Outline{grid.basinOf(bladder->voxels, box, hot), bladder->suvMax > 8 ? 0.85 : 0.6,
                 formatted("SUV >= %.1f (smoothed), downhill from the hottest place in the middle "
                           "of the pelvis",
                           hot)};
}

}  // namespace

Found<Outline> findBladder(const Landmarks& at) {
  if (at.grid.lowestZ() > at.dome - 260) return notFound("the pelvis is not in the field");
  return bladderIn(at.grid, {{at.mid - 70, -1e9, at.dome - 480}, {at.mid + 70, 1e9, at.dome - 230}},
                   hotSuv(at, 1.4, 3.0), 0, [&](std::size_t v) { return !at.used[v]; });
}

Found<Outline> findBladderAboveLegs(const PatientGrid& grid) {
  const auto legs = grid.legsPartZ();
  if (!legs)
    return notFound(
        "is looked for relative to the liver, which was not found, or to where the legs "
        "part, which is not in the field");
  auto bladder = bladderIn(
      grid, {{grid.midlineX() - 70, -1e9, *legs + 20}, {grid.midlineX() + 70, 1e9, *legs + 220}},
      3.0, 8.0, [](std::size_t) { return true; });
  if (bladder) bladder->confidence = 0.55;
  return bladder;
}

}  // namespace fedpet::imaging::anatomy
