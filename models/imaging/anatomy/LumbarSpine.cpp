#include "models/imaging/Formatted.h"
#include "models/imaging/anatomy/Organs.h"

#include <algorithm>
#include <cmath>

namespace fedpet::imaging::anatomy {
namespace {

SpineLine straightLine(const PatientGrid& grid, const PointMm& top, double lengthMm, double dx,
                       double upperY, double lowerY, double radiusMm) {
  SpineLine line;
  for (double down = 0; down <= lengthMm; down += grid.kSpacingMm) {
    const double t = down / lengthMm;
    const PointMm p{top[0] + dx, top[1] + upperY + t * (lowerY - upperY), top[2] - down};
    line.points.push_back(p);
    line.uptake.push_back(grid.discMean(p, radiusMm));
    line.suv += line.uptake.back();
    line.muscleSuv += 0.5 * (grid.discMean({p[0] - 35, p[1] + 38, p[2]}, 9) +
                             grid.discMean({p[0] + 35, p[1] + 38, p[2]}, 9));
  }
  line.suv /= static_cast<double>(line.points.size());
  line.muscleSuv /= static_cast<double>(line.points.size());
  return line;
}

// The straight line near `top` along which discs of nearly a vertebral body's size take up most:
// the great vessels beside it are as bright, but thinner.
SpineLine brightestLine(const PatientGrid& grid, const PointMm& top, double lengthMm) {
  SpineLine best;
  double highest = 0;
  for (double dx = -10; dx <= 10; dx += 5)
    for (double upper = -10; upper <= 10; upper += 5)
      for (double lower = -15; lower <= 15; lower += 5) {
        const SpineLine line = straightLine(grid, top, lengthMm, dx, upper, lower, 16);
        // Nearer to where it is expected counts: 10 mm off costs 10 %.
        const double score =
            line.suv * (1 - 0.001 * (dx * dx + 0.5 * (upper * upper + lower * lower)));
        if (score > highest) highest = score, best = line;
      }
  for (std::size_t n = 0; n < best.points.size(); ++n)
    best.uptake[n] = grid.discMean(best.points[n], 12);
  return best;
}

}  // namespace

Found<SpineLine> findLumbarSpine(const Landmarks& at, const std::vector<Blob>& kidneys) {
  // L1 begins about 90 mm below the dome of the liver in quiet breathing; the middle of the
  // kidneys lies at L1/L2. The stretch below stays inside L1 to L5 with a vertebra to spare.
  double level = at.dome - 125, mid = at.mid;
  const Section& section = at.grid.sectionAt(level);
  double y = section.centreY + 0.28 * (section.back - section.centreY);
  // Kidneys that lie as a pair does; else one of them is bowel or tumour in part.
  if (kidneys.size() == 2 && std::abs(kidneys[0].centre[2] - kidneys[1].centre[2]) < 45 &&
      std::abs(kidneys[0].centre[1] - kidneys[1].centre[1]) < 25 &&
      std::abs(kidneys[0].centre[0] + kidneys[1].centre[0] - 2 * at.mid) < 30) {
    level = 0.5 * (kidneys[0].centre[2] + kidneys[1].centre[2]);
    mid = 0.5 * (kidneys[0].centre[0] + kidneys[1].centre[0]);
    y = 0.5 * (kidneys[0].centre[1] + kidneys[1].centre[1]) - 8;
  }
  constexpr double kLengthMm = 80;
  if (at.grid.lowestZ() > level - kLengthMm - 10)
    return notFound("the lumbar spine is not in the field");
  const SpineLine line = brightestLine(at.grid, {mid, y, level}, kLengthMm);
  if (line.suv < 1.15 * line.muscleSuv)
    return notFound(
        formatted("the lumbar column (SUV %.2f) does not stand out from the muscle "
                  "beside it (SUV %.2f)",
                  line.suv, line.muscleSuv));
  return line;
}

}  // namespace fedpet::imaging::anatomy
