#include "models/imaging/Anatomy.h"
#include "models/imaging/Formatted.h"
#include "models/imaging/anatomy/Organs.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fedpet::imaging::anatomy {
namespace {

// Behind the heart the descending aorta runs before and to the left of the spine, and the left lung
// lies beside and behind it: an even column with a dark side. Marrow is as bright, but has no lung
// at this distance; the heart has, but it is not even and lies in front.
constexpr double kSearchedMm = 40;  // the reference is its middle 20 mm
constexpr double kWallMm = 18;      // from the axis to where the lung has begun
constexpr double kDiscMm = 6;
constexpr double kMostVariation = 0.05;
constexpr double kLeastContrast = 0.28;

// One straight piece of a candidate vessel, from bottom to top.
struct Piece {
  std::vector<PointMm> points;
  double suv = 0, variation = 0;  // variation: SD / mean over the levels
  double lungSuv = 0;             // beside and behind it, on the brightest level
  double contrast = -1;           // of the vessel with the lung, less for unevenness
};

Piece pieceBetween(const PatientGrid& grid, const PointMm& low, const PointMm& high) {
  Piece piece;
  std::vector<double> discs;
  for (double up = 0; up <= kSearchedMm; up += grid.kSpacingMm) {
    const double t = up / kSearchedMm, slant = 0.75 * kWallMm;
    const PointMm p{low[0] + t * (high[0] - low[0]), low[1] + t * (high[1] - low[1]), low[2] + up};
    piece.points.push_back(p);
    discs.push_back(grid.discMean(p, kDiscMm));
    piece.lungSuv = std::max({piece.lungSuv, grid.discMean({p[0] + kWallMm, p[1], p[2]}, 4),
                              grid.discMean({p[0] + slant, p[1] + slant, p[2]}, 4)});
  }
  const auto count = static_cast<double>(discs.size());
  for (double one : discs) piece.suv += one / count;
  if (piece.suv <= 0) return piece;
  double squares = 0;
  for (double one : discs) squares += (one - piece.suv) * (one - piece.suv);
  piece.variation = std::sqrt(squares / (count - 1)) / piece.suv;
  piece.contrast = 1 - piece.lungSuv / piece.suv - 2 * piece.variation;
  return piece;
}

// Of all pieces near where the vessel runs at this level, the one that stands out most.
void searchLevel(const Landmarks& at, double z, double mostSuv, Piece& best) {
  const Section& section = at.grid.sectionAt(z + kSearchedMm / 2);
  if (section.areaCm2 <= 0 || z + kSearchedMm > at.grid.highestZ()) return;
  for (double x = at.mid + 12; x <= at.mid + 36; x += 4)
    for (double y = section.centreY + 15; y <= section.centreY + 45; y += 5)
      for (double dx : {-6.0, 0.0, 6.0})
        for (double dy : {-8.0, 0.0, 8.0}) {
          Piece piece = pieceBetween(at.grid, {x, y, z}, {x + dx, y + dy, z + kSearchedMm});
          if (piece.suv <= mostSuv && piece.contrast > best.contrast) best = std::move(piece);
        }
}

}  // namespace

Found<BloodPool> findBloodPool(const Landmarks& at) {
  // Blood takes up less than the liver after an hour (Wahl 2009); what is hotter is myocardium or
  // tumour. The second limit is for a liver full of metastases.
  const double mostSuv = std::min(1.3 * at.liverSuv, 2.8);
  Piece best;
  for (double z = at.dome - 25; z <= at.dome + 55; z += 10) searchLevel(at, z, mostSuv, best);
  if (best.contrast < kLeastContrast || best.variation > kMostVariation)
    return notFound(
        best.points.empty()
            ? std::string("the chest above the liver is not in the field")
            : formatted("no even column stands out from the left lung (best: SUV %.2f beside %.2f, "
                        "variation %.0f %%)",
                        best.suv, best.lungSuv, 100 * best.variation));
  BloodPool pool;
  pool.points.assign(best.points.begin() + 2, best.points.end() - 2);
  pool.confidence = 0.45 + 0.3 * std::clamp((best.contrast - kLeastContrast) / 0.3, 0.0, 1.0);
  return pool;
}

}  // namespace fedpet::imaging::anatomy
