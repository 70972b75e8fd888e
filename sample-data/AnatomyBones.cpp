#include "sample-data/AnatomyPainter.h"

#include <algorithm>
#include <cmath>

namespace fedpet::sample {

void paintSpine(Painter& p) {
  const BodyFrame& f = p.frame;
  const TissueUptake& u = p.uptake;
  struct Level {
    double bottom, height, disc, rx, ry;
    bool lumbar;
  };
  std::vector<Level> levels;
  double z = 978;
  for (int n = 0; n < 5; ++n, z += 36) levels.push_back({z, 28, 8, 25, 17, true});
  for (int n = 0; n < 12; ++n) {
    const double h = 26.5 - n * 0.75;
    levels.push_back({z, h - 5, 5, 20 - n * 0.5, 16 - n * 0.3, false});
    z += h;
  }
  for (int n = 0; n < 7; ++n, z += 16.5) levels.push_back({z, 12, 4.5, 13, 9, false});
  for (const Level& level : levels) {
    const double middle = level.bottom + level.height / 2;
    const PointMm centre = f.spineAt(middle);
    const double half = f.along(level.height / 2), rx = f.across(level.rx), ry = f.across(level.ry);
    const BoxMm box{{centre[0] - rx, centre[1] - ry, centre[2] - half},
                    {centre[0] + rx, centre[1] + ry, centre[2] + half}};
    // Disc below the body: cartilage, cold.
    const double below = half + f.along(level.disc);
    p.paint(implicit({{box.low[0], box.low[1], centre[2] - below}, box.high},
                     [=](const PointMm& q) {
                       const double r =
                           std::hypot((q[0] - centre[0]) / rx, (q[1] - centre[1]) / ry);
                       const double dz = q[2] - centre[2];
                       return std::min({(1 - r) * std::min(rx, ry), half - dz, dz + below});
                     }),
            Tissue::OtherSoftTissue, 0.55 * u.marrow);
    const double suv = u.marrow * (level.lumbar ? 1.0 : (middle > 1480 ? 0.85 : 0.98));
    p.paint(
        implicit(box,
                 [=](const PointMm& q) {
                   const double r = std::hypot((q[0] - centre[0]) / rx, (q[1] - centre[1]) / ry);
                   return std::min((1 - r) * std::min(rx, ry), half - std::abs(q[2] - centre[2]));
                 }),
        level.lumbar ? Tissue::LumbarMarrow : Tissue::OtherMarrow, suv);
    // Arch and spinous process behind the canal; cord in the canal.
    const double back = level.ry + (middle > 1480 ? 22 : 30);
    p.paint(Ellipsoid{{centre[0], centre[1] + f.across(back), centre[2] - f.along(6)},
                      {f.across(5), f.across(13), f.along(9)},
                      {}},
            Tissue::OtherMarrow, 0.7 * u.marrow);
    for (const int side : {-1, 1})
      p.paint(Ellipsoid{{centre[0] + side * f.across(20), centre[1] + f.across(level.ry + 9),
                         centre[2]},
                        {f.across(9), f.across(6), f.along(7)},
                        {}},
              Tissue::OtherMarrow, 0.65 * u.marrow);
  }
  for (double low = 1130; low < 1580; low += 15) {
    PointMm a = f.spineAt(low), b = f.spineAt(low + 15);
    a[1] += f.across(low > 1450 ? 17 : 25);
    b[1] += f.across(low > 1450 ? 17 : 25);
    const bool swelling = low > 1460 || (low > 1140 && low < 1190);
    p.paint(Capsule{a, b, f.size(5), f.size(5)}, Tissue::OtherSoftTissue,
            (swelling ? 1.15 : 0.85) * u.bloodPool);
  }
}

void paintOtherBones(Painter& p) {
  const BodyFrame& f = p.frame;
  const double marrow = p.uptake.marrow;
  p.paint(p.ball(0, 66, 934, 44, 17, 46), Tissue::OtherMarrow, 0.85 * marrow);  // sacrum
  for (const int side : {-1, 1}) {
    const PointMm blade{side * 0.55, 0.83, 0.1};
    p.paint(p.ball(side * 84, 34, 1000, 56, 12, 52, blade), Tissue::OtherMarrow, 0.85 * marrow);
    p.paint(p.ball(side * 88, 12, 922, 30, 28, 30), Tissue::OtherMarrow, 0.55 * marrow);
    p.paint(p.rod({side * 62.0, -14, 908}, {side * 14.0, -50, 890}, 10, 10), Tissue::OtherMarrow,
            0.55 * marrow);  // pubis
    p.paint(p.rod({side * 66.0, 24, 890}, {side * 44.0, 30, 838}, 14, 12), Tissue::OtherMarrow,
            0.55 * marrow);  // ischium
    p.paint(p.ball(side * 91, 6, 910, 23, 23, 23), Tissue::OtherMarrow, 0.42 * marrow);
    p.paint(p.rod({side * 96.0, 6, 906}, {side * 130.0, 14, 876}, 15, 16), Tissue::OtherMarrow,
            0.42 * marrow);
    p.paint(p.rod({side * 126.0, 14, 870}, {side * 98.0, 4, 600}, 16, 13), Tissue::OtherSoftTissue,
            p.uptake.boneCortex);
    p.paint(p.rod({side * 126.0, 14, 870}, {side * 98.0, 4, 600}, 9, 7), Tissue::OtherSoftTissue,
            0.3 * marrow);
    p.paintInside(p.rod({side * 18.0, -62, 1428}, {side * 132.0, 6, 1440}, 7, 7),
                  Tissue::OtherMarrow,
                  0.6 * marrow);  // clavicle
    p.paintInside(p.rod({side * 128.0, 52, 1410}, {side * 92.0, 88, 1300}, 8, 5),
                  Tissue::OtherMarrow,
                  0.6 * marrow);  // scapula
  }
  const Loft cavity = f.cavity();
  const Loft::Section upper = cavity.at(f.height(1400)), low = cavity.at(f.height(1250));
  p.paintInside(Capsule{{0, upper.cy - upper.ry - 7, f.height(1405)},
                        {0, low.cy - low.ry - 7, f.height(1250)},
                        f.size(9),
                        f.size(8)},
                Tissue::OtherMarrow, 0.85 * marrow);
  // Ribs: bands around the chest that fall towards the front.
  BoxMm box = cavity.bounds();
  for (std::size_t a = 0; a < 2; ++a) {
    box.low[a] -= 14;
    box.high[a] += 14;
  }
  box.low[2] = f.height(1130);
  box.high[2] = f.height(1425);
  const double pitch = f.along(25.5), start = f.height(1150);
  p.canvas.paint(
      implicit(box,
               [&](const PointMm& q) {
                 const double shell = 4.5 - std::abs(cavity.insideMm(q) + 6);
                 if (shell < -4) return -10.0;
                 const double fall = 0.42 * (q[1] - f.across(50));
                 const double turns = (q[2] - fall - start) / pitch;
                 const double band = 6.0 - std::abs(turns - std::round(turns)) * pitch;
                 return std::min(shell, band);
               }),
      labelOf(Tissue::OtherMarrow), [&](const PointMm&) { return 0.6 * marrow; },
      [](std::uint16_t there) { return there == labelOf(Tissue::Muscle); });
}

}  // namespace fedpet::sample
