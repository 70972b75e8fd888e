#include "models/imaging/Formatted.h"
#include "models/imaging/anatomy/Organs.h"

#include <algorithm>

namespace fedpet::imaging::anatomy {

Found<Outline> findHeart(const Landmarks& at) {
  const PatientGrid& grid = at.grid;
  const double hot = hotSuv(at, 1.25, 2.4);
  const BoxMm box{{at.mid - 40, -1e9, at.dome - 70}, {at.mid + 120, 1e9, at.dome + 110}};
  const auto blobs = grid.blobs(box, [&](std::size_t v) {
    if (grid.suv(v) < hot || at.used[v]) return false;
    const PointMm p = grid.pointMm(v);
    return p[1] <= grid.sectionAt(p[2]).centreY + 25;
  });
  for (const Blob& blob : blobs) {  // largest first
    if (blob.volumeMl < 35) break;
    // The left ventricle rests on the diaphragm; a tumour of its size mostly does not.
    const bool onDiaphragm = blob.extent.low[2] < at.dome + 15 && blob.centre[2] > at.dome - 40 &&
                             blob.centre[2] < at.dome + 55;
    if (!onDiaphragm || blob.centre[0] < at.mid + 5 || blob.volumeMl > 900) continue;
    // Walls differ by a factor of two; a spot that is hotter still is a tumour beside the heart.
    Outline outline{blob.voxels, blob.volumeMl > 80 ? 0.85 : 0.65,
                    formatted("SUV >= %.1f (smoothed) in the left chest on the diaphragm", hot)};
    if (blob.suvMax > 2.3 * medianSuv(grid, blob.voxels)) {
      outline.foreign = grid.basinOf(blob.voxels, box, 0.5 * blob.suvMax);
      outline.voxels = without(outline.voxels, outline.foreign);
      outline.confidence *= 0.7;
    }
    return outline;
  }
  return notFound(
      formatted("no uptake above SUV %.1f of the size and in the place of a left "
                "ventricle: the myocardium takes up too little to be outlined",
                hot));
}

}  // namespace fedpet::imaging::anatomy
