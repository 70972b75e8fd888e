#include "sample-data/AnatomyPainter.h"

#include <algorithm>

namespace fedpet::sample {
namespace {

void paintLimb(Painter& p, PointMm a, PointMm b, double ra, double rb, double boneRadius) {
  const double fat = std::clamp(p.frame.fatMm(), -12.0, 60.0);
  const double skin = std::clamp(3 + 0.5 * fat, 3.0, 30.0);
  Capsule limb = p.rod(a, b, ra, rb);
  limb.fromRadius += 0.4 * fat;
  limb.toRadius += 0.35 * fat;
  p.paint(limb, Tissue::Fat, p.uptake.fat);
  limb.fromRadius -= skin;
  limb.toRadius -= skin;
  p.paint(limb, Tissue::Muscle, p.uptake.muscle);
  p.paint(p.rod(a, b, boneRadius, boneRadius), Tissue::OtherSoftTissue, p.uptake.boneCortex);
  p.paint(p.rod(a, b, boneRadius * 0.55, boneRadius * 0.55), Tissue::OtherSoftTissue,
          p.uptake.fat * 1.2);
}

}  // namespace

void paintArms(Painter& p) {
  for (const int side : {-1, 1}) {
    const double wide = p.frame.fatMm() * 0.7 / p.frame.across(1);
    const double dx = p.jitter(8), dz = p.jitter(12);
    const PointMm shoulder{side * (158 + wide), 14, 1412};
    if (p.spec.armsUp) {
      const PointMm elbow{side * (206 + wide * 0.7 + dx), 22, 1668 + dz};
      const PointMm hand{side * (30 + dx), -25, 1850 + dz};
      paintLimb(p, shoulder, elbow, 50, 38, 11);
      paintLimb(p, elbow, hand, 38, 27, 9);
    } else {
      const PointMm elbow{side * (206 + wide * 1.2 + dx), 34, 1125 + dz};
      const PointMm wrist{side * (196 + wide + dx), 0, 885 + dz};
      const PointMm hand{side * (180 + wide), -20, 800 + dz};
      paintLimb(p, shoulder, elbow, 50, 38, 11);
      paintLimb(p, elbow, wrist, 38, 26, 9);
      paintLimb(p, wrist, hand, 26, 20, 6);
    }
    p.paint(p.ball(side * (150 + wide), 14, 1412, 56, 54, 50), Tissue::Muscle, p.uptake.muscle);
    p.paint(p.ball(side * (150 + wide), 16, 1410, 23, 23, 23), Tissue::OtherMarrow,
            0.62 * p.uptake.marrow);
  }
}

void paintLegs(Painter& p) {
  const double fat = p.frame.fatMm();
  for (const int side : {-1, 1}) {
    auto leg = [&](double insetMm) {
      Loft loft;
      for (double z = 600; z <= 905; z += 61) {
        const double r = p.frame.across(legRadius(z)) + 0.55 * fat - insetMm;
        const double cx = p.frame.across(side * (80 - (z - 640) * 0.01)) + side * 0.45 * fat;
        loft.sections.push_back({p.frame.height(z), cx, p.frame.across(8), r, 1.04 * r});
      }
      return loft;
    };
    p.paint(leg(0), Tissue::Fat, p.uptake.fat);
    p.paint(leg(std::clamp(6 + 0.5 * fat, 5.0, 45.0)), Tissue::Muscle, 0.9 * p.uptake.muscle);
  }
}

void paintTrunk(Painter& p) {
  p.paint(p.frame.skin(), Tissue::Fat, p.uptake.fat);
  p.paint(p.frame.muscleWall(), Tissue::Muscle, p.uptake.muscle);
  p.paint(p.frame.cavity(), Tissue::VisceralFat, p.uptake.visceralFat);
  if (p.frame.female())
    for (const int side : {-1, 1}) {
      const double size = 1 + std::clamp(p.frame.fatMm(), -10.0, 40.0) / 60;
      const PointMm front = p.frame.at(side * 78, 0, 1262);
      const Loft::Section chest = p.frame.skin().at(front[2]);
      const Ellipsoid breast{
          {front[0], chest.cy - 0.86 * chest.ry, front[2]},
          {p.frame.size(58 * size), p.frame.size(46 * size), p.frame.size(56 * size)},
          {}};
      p.canvas.paint(
          breast, labelOf(Tissue::Fat), [&](const PointMm&) { return 0.38; },
          [](std::uint16_t there) {
            return there == labelOf(Tissue::Air) || there == labelOf(Tissue::Fat);
          });
    }
}

void paintDeepMuscles(Painter& p) {
  for (const int side : {-1, 1}) {
    p.paintInside(p.rod({side * 34.0, 34, 1120}, {side * 48.0, 26, 1020}, 10, 20), Tissue::Muscle,
                  p.uptake.muscle);  // psoas
    p.paintInside(p.rod({side * 48.0, 26, 1020}, {side * 84.0, -22, 900}, 20, 15), Tissue::Muscle,
                  p.uptake.muscle);
  }
}

void paintHead(Painter& p) {
  const TissueUptake& u = p.uptake;
  p.paint(p.ball(0, 2, 1652, 77, 97, 88), Tissue::OtherSoftTissue, 0.55);
  p.paint(p.ball(0, -30, 1592, 62, 74, 78), Tissue::OtherSoftTissue, 0.75);
  p.paint(p.ball(0, 8, 1520, 54, 60, 70), Tissue::Muscle, 1.1 * u.muscle);
  // Mouth and throat: tongue, soft palate, tonsils, salivary glands, larynx.
  p.paint(p.ball(0, -58, 1556, 26, 30, 18), Tissue::OtherSoftTissue, 1.3);
  p.paint(p.ball(0, -36, 1590, 34, 26, 14), Tissue::Air, 0.25);
  p.paint(p.rod({0, -14, 1585}, {0, -12, 1500}, 8, 7), Tissue::OtherSoftTissue, 0.3);
  for (const int side : {-1, 1}) {
    p.paint(p.ball(side * 17, -18, 1552, 6, 8, 11), Tissue::OtherSoftTissue, u.tonsil);
    p.paint(p.ball(side * 55, 2, 1565, 11, 17, 22), Tissue::OtherSoftTissue, 0.85 * u.salivary);
    p.paint(p.ball(side * 29, -32, 1532, 9, 14, 10), Tissue::OtherSoftTissue, u.salivary);
    p.paint(p.ball(side * 32, -72, 1622, 12, 13, 12), Tissue::OtherSoftTissue, 0.5);
    p.paint(p.ball(side * 32, -58, 1622, 9, 12, 8), Tissue::OtherSoftTissue, 2.2);
    p.paint(p.ball(side * 17, -16, 1462, 9, 9, 20), Tissue::OtherSoftTissue, u.thyroid);
    p.paint(p.ball(side * 6, -24, 1490, 3, 8, 5), Tissue::OtherSoftTissue, 2.1);
    p.paint(p.rod({side * 26.0, -2, 1440}, {side * 30.0, -6, 1545}, 6, 5), Tissue::BloodVessel,
            u.bloodPool);
  }
  p.paint(p.rod({0, -14, 1495}, {0, 8, 1370}, 8, 8), Tissue::OtherSoftTissue, 0.35);  // trachea
}

void paintBrownFat(Painter& p) {
  const double suv = p.uptake.brownFat;
  for (const int side : {-1, 1}) {
    const PointMm chain[] = {{side * 48.0, 22, 1500},
                             {side * 60.0, 20, 1474},
                             {side * 84.0, 14, 1452},
                             {side * 112.0, 8, 1440}};
    for (std::size_t n = 1; n < std::size(chain); ++n)
      p.paintInside(p.rod(chain[n - 1], chain[n], p.random.uniform(5, 9), p.random.uniform(4, 8)),
                    Tissue::Fat, suv * p.random.uniform(0.5, 1.2));
    for (double z = 1240; z < 1420; z += 25)
      if (p.random.happens(0.8)) {
        const PointMm spine = p.frame.spineAt(z);
        p.paintInside(
            Ellipsoid{
                {side * p.frame.across(31), spine[1] + p.frame.across(8), spine[2]}, {6, 6, 6}, {}},
            Tissue::Fat, suv * p.random.uniform(0.3, 0.8));
      }
  }
}

}  // namespace fedpet::sample
