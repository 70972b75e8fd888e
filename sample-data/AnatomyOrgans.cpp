#include "sample-data/AnatomyPainter.h"

#include <algorithm>
#include <cmath>

namespace fedpet::sample {

// Grey matter as a folded rind, deep nuclei, cold ventricles.
void paintBrain(Painter& p) {
  const TissueUptake& u = p.uptake;
  Canvas& canvas = p.canvas;
  const Ellipsoid brain = p.ball(0, 2, 1663, 66, 84, 60);
  const SmoothField folds(canvas.geometry, 11, p.spec.seed, "brain folds");
  p.paint(p.ball(0, 2, 1663, 70, 89, 65), Tissue::OtherSoftTissue, 0.6);
  canvas.forEachIn(brain.bounds(), [&](const VoxelVisit& v) {
    const double depth = brain.insideMm(v.p), part = canvas.coverage(depth);
    if (part <= 0) return;
    const double fold = folds.at(v.i, v.j, v.k);
    // 0 in white matter, 1 in the rind; the folds carry grey matter inwards and fluid outwards.
    const double middle = std::abs(v.p[0]);
    const double rind = std::min(depth, middle > 1 ? middle + 2 : 2.0) - 11 - 6 * fold;
    const double grey = 1 / (1 + std::exp(rind / 2.2));
    double suv = u.whiteMatter + (u.greyMatter - u.whiteMatter) * grey;
    if (middle < 2) suv *= 0.6;
    suv *= 1 - 0.10 * std::clamp(-fold - 0.8, 0.0, 1.5);
    float& there = canvas.suv[v.offset];
    there += static_cast<float>(part * (suv - there));
    if (part >= 0.5) canvas.labels[v.offset] = labelOf(Tissue::Brain);
  });
  for (const int side : {-1, 1}) {
    p.paint(p.ball(side * 11, 8, 1662, 8, 14, 9), Tissue::Brain, 0.95 * u.greyMatter);  // thalamus
    p.paint(p.ball(side * 24, -14, 1664, 7, 20, 10), Tissue::Brain,
            1.05 * u.greyMatter);                                       // striatum
    p.paint(p.ball(side * 10, 0, 1682, 6, 32, 8), Tissue::Brain, 0.9);  // lateral ventricle
  }
  for (const int side : {-1, 1})
    p.paint(p.ball(side * 25, 48, 1610, 29, 28, 22), Tissue::Brain, u.cerebellum);
  p.paint(p.ball(0, 44, 1616, 11, 24, 16), Tissue::Brain, 0.85 * u.cerebellum);
  p.paint(p.rod({0, 16, 1640}, {0, 24, 1590}, 13, 8), Tissue::Brain, 0.62 * u.cerebellum);
}

void paintChest(Painter& p) {
  const BodyFrame& f = p.frame;
  const TissueUptake& u = p.uptake;
  const Loft cavity = f.cavity();
  // Above the diaphragm the cavity holds lungs and, between them, the mediastinum.
  BoxMm box = cavity.bounds();
  box.low[2] = f.height(1090);
  p.canvas.paint(
      implicit(box,
               [&](const PointMm& q) {
                 return std::min(cavity.insideMm(q), q[2] - f.diaphragmZ(q[0], q[1]));
               }),
      labelOf(Tissue::Mediastinum), [&](const PointMm&) { return 0.8 * u.bloodPool; },
      [](std::uint16_t) { return true; });
  for (const int side : {-1, 1}) {
    const auto lung = implicit(box, [&f, &cavity, side](const PointMm& q) {
      const double y = q[1] / f.across(1);
      const double halfWidth = f.across(y < -40 ? 14 : (y > 25 ? 27 : 14 + 13 * (y + 40) / 65));
      const double wall = std::min(cavity.insideMm(q) - 2, q[2] - f.diaphragmZ(q[0], q[1]) - 2);
      return std::min(wall, side * q[0] - halfWidth);
    });
    p.canvas.paint(
        lung, labelOf(side > 0 ? Tissue::LeftLung : Tissue::RightLung),
        [&](const PointMm& q) {  // the dependent, lower lung holds more blood
          return u.lung * (1 + 0.3 * q[1] / 90 - 0.25 * (q[2] - f.height(1290)) / 130);
        },
        [](std::uint16_t) { return true; });
  }
}

void paintHeartAndVessels(Painter& p) {
  const TissueUptake& u = p.uptake;
  const double blood = u.bloodPool;
  const PointMm axis{0.72, -0.55, -0.42};
  p.paint(p.ball(8, -26, 1252, 56, 44, 50), Tissue::Heart, blood);
  p.paint(p.ball(-18, -34, 1246, 34, 30, 42), Tissue::Heart, blood);
  // Left ventricle: open towards the atrium, so the shell is cut at its base.
  const Ellipsoid outer = p.ball(38, -32, 1240, 54, 35, 35, axis),
                  inner = outer.shrunkBy(p.frame.size(11));
  const PointMm centre = outer.centre;
  const double base = -p.frame.size(26);
  auto alongAxis = [&](const PointMm& q) {
    double s = 0;
    for (std::size_t a = 0; a < 3; ++a) s += (q[a] - centre[a]) * outer.orientation.u[a];
    return s;
  };
  p.canvas.paint(
      implicit(outer.bounds(),
               [&](const PointMm& q) { return std::min(outer.insideMm(q), alongAxis(q) - base); }),
      labelOf(Tissue::Heart),
      [&](const PointMm& q) {  // apical thinning, and a septum fainter than the free wall
        const double septum = q[0] < centre[0] ? 0.85 : 1.0;
        return u.myocardium * septum * (1 - 0.15 * std::max(0.0, alongAxis(q)) / 50);
      },
      [](std::uint16_t) { return true; });
  p.paint(inner, Tissue::Heart, blood);
  const std::vector<PointMm> aorta{{6, -24, 1275}, {-8, -30, 1315}, {-6, -18, 1348}, {6, 4, 1364},
                                   {18, 26, 1352}, {23, 38, 1320},  {22, 34, 1250},  {18, 28, 1180},
                                   {10, 14, 1120}, {6, 4, 1050}};
  p.tube(aorta, 15, 9, Tissue::BloodVessel, blood);
  for (const int side : {-1, 1})
    p.tube({{4, 4, 1050},
            {side * 26.0, 12, 1000},
            {side * 50.0, 2, 950},
            {side * 72.0, -38, 890},
            {side * 80.0, -30, 780},
            {side * 82.0, -10, 600}},
           8, 5, Tissue::BloodVessel, 0.92 * blood);
  p.tube({{-20, -10, 1240}, {-24, 8, 1180}, {-18, 10, 1110}, {-14, 8, 1050}}, 11, 10,
         Tissue::BloodVessel, blood);
  p.tube({{-26, -14, 1280}, {-26, -12, 1350}, {-30, -8, 1410}}, 10, 8, Tissue::BloodVessel, blood);
  p.tube({{4, -20, 1292}, {14, -8, 1318}, {40, 4, 1316}}, 12, 8, Tissue::BloodVessel, blood);
  p.tube({{8, -10, 1314}, {-40, 4, 1306}}, 10, 7, Tissue::BloodVessel, blood);
  p.tube({{0, 4, 1372}, {24, 10, 1338}}, 7, 5, Tissue::Mediastinum, 0.4);  // main bronchi
  p.tube({{0, 4, 1372}, {-24, 10, 1332}}, 7, 5, Tissue::Mediastinum, 0.4);
  p.tube({{4, 26, 1400}, {8, 28, 1300}, {14, 18, 1215}}, 6, 6, Tissue::Mediastinum, 1.15 * blood);
}

void paintUpperAbdomen(Painter& p) {
  const BodyFrame& f = p.frame;
  const TissueUptake& u = p.uptake;
  const Loft cavity = f.cavity();
  const Ellipsoid right = p.ball(-60, 4, 1150, 80, 86, 100),
                  left = p.ball(12, -46, 1176, 68, 32, 40);
  BoxMm box = right.bounds();
  box.high[0] = left.bounds().high[0];
  box.low[1] = std::min(box.low[1], left.bounds().low[1]);
  const double tilt = p.jitter(0.06) + 0.72, lower = 1052 + p.jitter(14);
  p.paint(
      implicit(
          box,
          [&](const PointMm& q) {
            const double x = q[0] / f.across(1);
            const double edge = (q[2] - f.height(lower + tilt * (x + 120))) / std::hypot(1.0, tilt);
            const double lobes = std::max(std::min(right.insideMm(q), edge), left.insideMm(q));
            return std::min({lobes, cavity.insideMm(q) - 3, f.diaphragmZ(q[0], q[1]) - 4 - q[2]});
          }),
      Tissue::Liver, u.liver);
  p.paint(p.ball(-48, -48, 1100, 14, 15, 28), Tissue::VisceralFat, 0.7);              // gallbladder
  p.paint(p.rod({-34, -20, 1140}, {-14, -2, 1128}, 9, 7), Tissue::BloodVessel, 1.5);  // porta
  const double spleenSize = std::cbrt(p.random.logNormalWithin(1, 0.3, 0.5, 2.2));
  const Ellipsoid spleen =
      p.ball(92, 36, 1157, 60 * spleenSize, 31 * spleenSize, 50 * spleenSize, {-0.35, 0.8, 0.45});
  p.paint(implicit(spleen.bounds(),
                   [&](const PointMm& q) {
                     return std::min({spleen.insideMm(q), cavity.insideMm(q) - 3,
                                      f.diaphragmZ(q[0], q[1]) - 4 - q[2]});
                   }),
          Tissue::Spleen, u.spleen);
  // Stomach: a wall around food and air.
  const std::vector<PointMm> stomach{{38, -12, 1186}, {50, -26, 1160}, {54, -44, 1122},
                                     {36, -54, 1096}, {6, -50, 1094},  {-18, -38, 1104}};
  p.tube(stomach, 29, 15, Tissue::Stomach, u.stomach);
  p.tube(stomach, 21, 6, Tissue::Stomach, 0.55 * u.stomach);
  p.tube({{-14, -20, 1106}, {10, -14, 1112}, {40, -2, 1126}, {72, 18, 1140}}, 12, 9,
         Tissue::OtherSoftTissue, u.pancreas);
  p.tube({{-18, -36, 1104}, {-34, -14, 1100}, {-34, 0, 1060}, {-10, 0, 1046}, {14, -4, 1050}}, 12,
         11, Tissue::Bowel, 1.1 * u.bowel);
}

void paintKidneys(Painter& p) {
  const BodyFrame& f = p.frame;
  const TissueUptake& u = p.uptake;
  for (const int side : {-1, 1}) {
    const Tissue tissue = side > 0 ? Tissue::LeftKidney : Tissue::RightKidney;
    const double z = (side > 0 ? 1100 : 1090) + p.jitter(8), x = side * (60 + p.jitter(3));
    const double y = 44, size = std::cbrt(p.random.logNormalWithin(1, 0.2, 0.6, 1.5));
    const PointMm axis{side * -0.25, -0.08, 1.0};
    // Long axis first; the orientation puts the other two level.
    auto along = [&](double dx, double dy, double dz, double a, double b, double c) {
      return Ellipsoid{f.at(x + dx, y + dy, z + dz),
                       {f.size(a * size), f.size(b * size), f.size(c * size)},
                       Orientation::along(axis)};
    };
    p.paint(along(0, 0, 0, 61, 32, 33), Tissue::VisceralFat, u.visceralFat);
    p.paint(along(0, 0, 0, 55, 26, 27), tissue, u.kidneyCortex);
    p.paint(along(side * -8, -2, 0, 34, 12, 14), tissue, 0.75 * u.kidneyCortex);
    const double pelvis = u.renalPelvis * p.random.uniform(0.6, 1.3);
    p.paint(along(side * -14, -4, 0, 14, 7, 9), tissue, pelvis);
    for (const double dz : {-26.0, -13.0, 0.0, 13.0, 26.0})
      if (p.random.happens(0.8))
        p.paint(along(side * -3, p.jitter(5), dz, 6, 5, 6), tissue,
                pelvis * p.random.uniform(0.35, 0.95));
    // The ureter empties in waves: only stretches of it are hot.
    PointMm from{side * 42.0, 34, z - 22};
    const PointMm path[] = {{side * 36.0, 24, 1040},
                            {side * 32.0, 14, 1000},
                            {side * 40.0, 20, 960},
                            {side * 30.0, 20, 928}};
    for (const PointMm& to : path) {
      if (p.random.happens(0.4)) {
        const double a = p.random.uniform(0, 0.6), b = a + p.random.uniform(0.2, 0.4);
        PointMm start, end;
        for (std::size_t c = 0; c < 3; ++c) {
          start[c] = from[c] + a * (to[c] - from[c]);
          end[c] = from[c] + b * (to[c] - from[c]);
        }
        p.paintInside(p.rod(start, end, 2.6, 2.6), Tissue::OtherSoftTissue,
                      u.renalPelvis * p.random.uniform(0.3, 0.9));
      }
      from = to;
    }
  }
}

void paintBowelAndPelvis(Painter& p) {
  const TissueUptake& u = p.uptake;
  const double general = p.spec.metforminBowel ? 4.0 : 1.0;
  // Small bowel: a thread that wanders through the belly.
  PointMm at{20, -30, 1048};
  double heading = 0;
  for (int n = 0; n < 46; ++n) {
    heading += p.random.uniform(-1.2, 1.2);
    PointMm to{at[0] + 26 * std::cos(heading), at[1] + p.jitter(9), at[2] + 16 * std::sin(heading)};
    to[0] = std::clamp(to[0], -74.0, 78.0);
    to[1] = std::clamp(to[1], -48.0, 8.0);
    to[2] = std::clamp(to[2], 952.0, 1068.0);
    if (to[0] == -74.0 || to[0] == 78.0 || to[2] == 952.0 || to[2] == 1068.0) heading += 1.9;
    const double suv = u.bowel * p.random.uniform(0.65, 1.25) * (1 + (general - 1) * 0.6);
    p.paintInside(p.rod(at, to, 11.5, 11.5), Tissue::Bowel, suv);
    at = to;
  }
  // Large bowel, each stretch with its own mood; some are avid without any disease.
  const std::vector<PointMm> colon{
      {-78, -14, 972},  {-92, -8, 1004}, {-96, 0, 1036},  {-88, -22, 1066}, {-58, -54, 1062},
      {-22, -62, 1044}, {18, -62, 1046}, {58, -48, 1074}, {90, 2, 1112},    {100, 14, 1076},
      {100, 12, 1030},  {92, 6, 990},    {62, 0, 966},    {30, 6, 976},     {4, 30, 962},
      {0, 50, 930},     {0, 56, 890}};
  for (std::size_t n = 1; n < colon.size(); ++n) {
    double suv = u.bowel * p.random.uniform(0.7, 1.3) * general;
    if (p.random.happens(0.13)) suv = std::max(suv, u.bowelFocus * p.random.uniform(0.6, 1.1));
    const double radius = n < 5 ? 20 : (n < 13 ? 16 : 14);
    p.paintInside(p.rod(colon[n - 1], colon[n], radius, radius), Tissue::Bowel, suv);
    if (p.random.happens(0.5))  // gas and stool
      p.paintInside(p.rod(colon[n - 1], colon[n], radius * 0.55, radius * 0.55), Tissue::Bowel,
                    0.5 * suv);
  }
  const double drawn = p.random.logNormalWithin(1, 0.45, 0.35, 2.4);  // also when it is not used
  const double fill = std::cbrt(p.spec.bladderFill.value_or(drawn));
  if (p.frame.female())
    p.paintInside(p.ball(0, 14, 936, 24, 22, 26), Tissue::OtherSoftTissue, 1.4);
  else
    p.paintInside(p.ball(0, 8, 876, 20, 16, 17), Tissue::OtherSoftTissue, 1.4);
  p.paintInside(p.ball(0, -22, 896 + 20 * fill, 40 * fill, 33 * fill, 27 * fill), Tissue::Bladder,
                u.bladder);
  if (!p.frame.female()) {
    p.paint(p.ball(0, -62, 802, 34, 30, 30), Tissue::Muscle, 0.8);
    for (const int side : {-1, 1})
      p.paint(p.ball(side * 17, -68, 798, 12, 14, 19), Tissue::OtherSoftTissue, u.testis);
  }
}

}  // namespace fedpet::sample
