#include "models/imaging/Anatomy.h"
#include "models/imaging/Formatted.h"
#include "models/imaging/anatomy/Organs.h"

#include <algorithm>
#include <cmath>

namespace fedpet::imaging::anatomy {

Found<EvenOrgan> findSpleen(const Landmarks& at) {
  const PatientGrid& grid = at.grid;
  const double least = std::max(0.5 * at.liverSuv, 1.25 * grid.medianBodySuv());
  const EvenRule rule{{{at.mid + 40, -1e9, at.dome - 130}, {at.mid + 190, 1e9, at.dome + 15}},
                      least,
                      1.55 * at.liverSuv,
                      0.2,
                      1,
                      {35, 25},
                      [&](const Blob& core) {
                        // Beside the stomach and above the left kidney, against the ribs.
                        const double dx = (core.centre[0] - at.mid - 95) / 25;
                        const double dz = (core.centre[2] - at.dome + 60) / 35;
                        return std::exp(-0.5 * (dx * dx + dz * dz));
                      }};
  auto spleen = evenOrgan(grid, rule, [&](std::size_t v) {
    const PointMm p = grid.pointMm(v);
    return !at.used[v] && p[1] >= grid.sectionAt(p[2]).centreY - 20;
  });
  if (!spleen) return notFound("no even uptake at the back of the left upper abdomen");
  if (spleen->region.volumeMl < 30)
    return notFound(
        formatted("the even uptake on the left has only %.0f ml", spleen->region.volumeMl));
  spleen->confidence = spleen->edgeMm > 30 ? 0.85 : 0.7;
  const Voxels rim = where(grid.around(spleen->region.voxels, 15), [&](std::size_t v) {
    return !std::binary_search(spleen->region.voxels.begin(), spleen->region.voxels.end(), v);
  });
  if (meanSuv(grid, rim) > 0.8 * spleen->suv) spleen->confidence *= 0.6;
  if (spleen->region.centre[0] < at.mid + 55) spleen->confidence *= 0.7;
  if (spleen->confidence < kLeastConfidence)
    return notFound(
        formatted("an uptake of SUV %.1f at the left does not stand out (confidence %.2f)",
                  spleen->suv, spleen->confidence));
  return *spleen;
}

}  // namespace fedpet::imaging::anatomy
