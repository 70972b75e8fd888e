#include "models/imaging/Formatted.h"
#include "models/imaging/anatomy/Organs.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace fedpet::imaging::anatomy {
namespace {

// Where the bladder's middle is expected, and how hot it must be to be urine.
struct Pelvis {
  BoxMm box;
  double expectedZ;
  double hot, leastMax;
};

// The largest uptake in the middle of the pelvis. Bowel that touches it has a peak of its own.
Found<Outline> bladderIn(const PatientGrid& grid, const Pelvis& pelvis,
                         const std::function<bool(std::size_t)>& allowed) {
  Voxels uptake;
  for (const Blob& blob : grid.blobs(pelvis.box, [&](std::size_t v) {
         if (grid.suv(v) < pelvis.hot || !allowed(v)) return false;
         const PointMm p = grid.pointMm(v);
         return p[1] <= grid.sectionAt(p[2]).centreY + 50;
       }))
    uptake.insert(uptake.end(), blob.voxels.begin(), blob.voxels.end());
  const auto fit = [&](const Blob& blob) {
    const double dz = (blob.centre[2] - pelvis.expectedZ) / 50;
    return blob.suvSum * std::exp(-0.5 * dz * dz);
  };
  const Blob* bladder = nullptr;
  const std::vector<Blob> basins = grid.basinsIn(uptake, 0.6);
  for (const Blob& blob : basins)
    if (blob.volumeMl >= 4 && blob.suvMax >= pelvis.leastMax &&
        std::abs(blob.hottest[0] - grid.midlineX()) <= 40 &&
        (!bladder || fit(blob) > fit(*bladder)))
      bladder = &blob;
  if (!bladder)
    return notFound(formatted("no uptake above SUV %.1f in the middle of the pelvis",
                              std::max(pelvis.hot, pelvis.leastMax)));
  Outline outline{bladder->voxels, bladder->suvMax > 8 ? 0.85 : 0.6,
                  formatted("SUV >= %.1f (smoothed), downhill from the hottest place in the middle "
                            "of the pelvis",
                            pelvis.hot)};
  if (std::abs(bladder->centre[2] - pelvis.expectedZ) > 75) outline.confidence *= 0.7;
  return outline;
}

// The middle of a usual bladder lies a hand's breadth above the place where the legs part.
constexpr double kAboveLegsMm = 110;

}  // namespace

Found<Outline> findBladder(const Landmarks& at) {
  if (at.grid.lowestZ() > at.dome - 260) return notFound("the pelvis is not in the field");
  const auto legs = at.grid.legsPartZ();
  const double expected = legs ? *legs + kAboveLegsMm : at.dome - 325;
  return bladderIn(at.grid,
                   {{{at.mid - 70, -1e9, at.dome - 480}, {at.mid + 70, 1e9, at.dome - 230}},
                    expected,
                    hotSuv(at, 1.4, 3.0),
                    0},
                   [&](std::size_t v) { return !at.used[v]; });
}

Found<Outline> findBladderAboveLegs(const PatientGrid& grid) {
  const auto legs = grid.legsPartZ();
  if (!legs)
    return notFound(
        "is looked for relative to the liver, which was not found, or to where the legs "
        "part, which is not in the field");
  auto bladder = bladderIn(
      grid,
      {{{grid.midlineX() - 70, -1e9, *legs + 20}, {grid.midlineX() + 70, 1e9, *legs + 220}},
       *legs + kAboveLegsMm,
       3.0,
       8.0},
      [](std::size_t) { return true; });
  if (bladder) bladder->confidence = 0.55;
  return bladder;
}

}  // namespace fedpet::imaging::anatomy
