#include "sample-data/Anatomy.h"

#include <cmath>
#include <stdexcept>

#include "sample-data/StableRandom.h"

namespace fedpet::sample {
namespace {

constexpr double kSuperellipseArea = 3.381;  // area / (rx ry) for exponent 2.5

// Mass of what the trunk's sections leave out of the field of view (legs below mid-thigh), and of
// what they do not model (head, arms), as fractions of body weight; Dempster's segment masses,
// rounded: head 0.069, both arms 0.10, both legs below mid-thigh 0.20.
constexpr double kTrunkAndThighShare = 1 - 0.069 - 0.10 - 0.20;

double legRadius(double z) { return 62 + 20 * (z - 640) / 240; }  // lean thigh at reference z

}  // namespace

std::string_view toString(Tissue tissue) {
  switch (tissue) {
    case Tissue::Air: return "Air";
    case Tissue::Brain: return "Brain";
    case Tissue::Heart: return "Heart";
    case Tissue::Liver: return "Liver";
    case Tissue::Spleen: return "Spleen";
    case Tissue::LumbarMarrow: return "Lumbar marrow";
    case Tissue::LeftKidney: return "Left kidney";
    case Tissue::RightKidney: return "Right kidney";
    case Tissue::Bladder: return "Bladder";
    case Tissue::LeftLung: return "Left lung";
    case Tissue::RightLung: return "Right lung";
    case Tissue::Mediastinum: return "Mediastinum";
    case Tissue::BloodVessel: return "Blood vessel";
    case Tissue::OtherMarrow: return "Other bone marrow";
    case Tissue::Muscle: return "Muscle";
    case Tissue::Fat: return "Subcutaneous fat";
    case Tissue::VisceralFat: return "Visceral fat";
    case Tissue::Stomach: return "Stomach";
    case Tissue::Bowel: return "Bowel";
    case Tissue::OtherSoftTissue: return "Other soft tissue";
  }
  return "Air";
}

BodyFrame::BodyFrame(const PhantomSpec& spec)
    : across_(std::sqrt(spec.heightM / 1.74) * (spec.sex == "F" ? 0.95 : 1.0)),
      along_(spec.heightM / 1.74), size_(std::cbrt(across_ * across_ * along_)),
      female_(spec.sex == "F"), armsUp_(spec.armsUp) {
  const double wantedMl = spec.weightKg * 1000 * kTrunkAndThighShare;
  double low = -35, high = 160;
  if (volumeMl(low) > wantedMl || volumeMl(high) < wantedMl)
    throw std::invalid_argument("no adult body of this height has this weight");
  for (int n = 0; n < 40; ++n) {
    fatMm_ = (low + high) / 2;
    (volumeMl(fatMm_) < wantedMl ? low : high) = fatMm_;
  }
}

// Lean surface (muscle) of the reference person; fat comes on top.
Loft BodyFrame::trunk(double widerMm, double deeperMm) const {
  struct Lean {
    double z, rx, ry, cy;
  };
  static constexpr Lean kLean[] = {
      {806, 136, 82, 12}, {832, 148, 90, 12}, {870, 160, 95, 12},  {920, 157, 97, 10},
      {980, 146, 94, 8},  {1050, 130, 90, 5}, {1120, 134, 95, 3},  {1195, 144, 101, 2},
      {1265, 150, 104, 2}, {1330, 157, 101, 4}, {1385, 160, 92, 8}, {1425, 138, 80, 12},
      {1452, 92, 66, 14}, {1478, 58, 56, 14},  {1510, 52, 54, 10}, {1570, 50, 54, 4}};
  const double belly = std::max(0.0, widerMm - 12);
  Loft loft;
  for (const Lean& lean : kLean) {
    const double sexWidth = female_ ? (lean.z > 1200 ? 0.95 : (lean.z < 1000 ? 1.07 : 0.98)) : 1.0;
    const double shoulders = armsUp_ && lean.z > 1400 && lean.z < 1450 ? 0.94 : 1.0;
    // Less fat on the neck; more at the front of the belly, which also shifts the centre forward.
    const double share = lean.z > 1440 ? 0.4 : 1.0;
    const double front = belly * 0.45 * std::exp(-std::pow((lean.z - 1060) / 110, 2));
    loft.sections.push_back({height(lean.z), 0, across(lean.cy) - front,
                             across(lean.rx * sexWidth * shoulders) + share * widerMm,
                             across(lean.ry) + share * deeperMm + front});
  }
  return loft;
}

Loft BodyFrame::skin() const { return trunk(fatMm_, 0.75 * fatMm_); }

Loft BodyFrame::muscleWall() const {
  // Even the leanest keeps some millimetres of skin and fat; muscle shrinks with it.
  const double skinMm = std::clamp(4 + 0.85 * fatMm_, 4.0, 80.0);
  return trunk(fatMm_ - skinMm, 0.75 * (fatMm_ - skinMm));
}

Loft BodyFrame::cavity() const {
  struct Inner {
    double z, rx, ry, cy;
  };
  static constexpr Inner kInner[] = {
      {862, 36, 34, 16},   {885, 58, 48, 12},   {930, 84, 62, 8},    {980, 104, 66, 2},
      {1040, 110, 66, -4}, {1110, 119, 76, -2}, {1170, 126, 84, 3},  {1230, 127, 86, 4},
      {1290, 124, 84, 5},  {1350, 114, 77, 9},  {1395, 96, 66, 14},  {1425, 74, 50, 20},
      {1446, 48, 34, 24},  {1462, 26, 18, 26}};
  const double belly = std::clamp(fatMm_ - 8, 0.0, 60.0);
  const double sexWidth = female_ ? 0.96 : 1.0;
  Loft loft;
  for (const Inner& in : kInner) {
    const double front = 0.55 * belly * std::exp(-std::pow((in.z - 1060) / 90, 2));
    loft.sections.push_back({height(in.z), 0, across(in.cy) - front,
                             across(in.rx * sexWidth) + 0.5 * front, across(in.ry) + front});
  }
  return loft;
}

double BodyFrame::diaphragmZ(double x, double y) const {
  const double side = x < 0 ? -66 : 64, top = x < 0 ? 1228 : 1208;
  const double dx = (x / across_ - side) / 100, dy = (y / across_ + 10) / 100;
  // The recess behind and at the sides reaches far down; the middle is held up by the heart.
  const double outward = x < 0 ? -dx : dx;
  const double slope = outward > 0 ? 1.35 : 0.45;
  return height(top - 70 * (slope * dx * dx + (dy > 0 ? 1.15 : 0.6) * dy * dy));
}

PointMm BodyFrame::spineAt(double z) const {
  // Lordosis of the loins and neck, kyphosis of the chest and sacrum: y of the bodies' centres.
  static constexpr double kZ[] = {880, 930, 975, 1040, 1100, 1160, 1240, 1320, 1400, 1460, 1530, 1580};
  static constexpr double kY[] = {66, 72, 50, 30, 32, 42, 56, 60, 50, 34, 20, 16};
  constexpr int kCount = static_cast<int>(std::size(kZ));
  int n = 1;
  while (n + 1 < kCount && kZ[n] < z) ++n;
  const double t = std::clamp((z - kZ[n - 1]) / (kZ[n] - kZ[n - 1]), 0.0, 1.0);
  const double s = t * t * (3 - 2 * t) * 0.5 + t * 0.5;
  return at(0, kY[n - 1] + s * (kY[n] - kY[n - 1]), z);
}

double BodyFrame::volumeMl(double fatMm) const {
  const Loft outer = trunk(fatMm, 0.75 * fatMm);
  double mm3 = 0;
  constexpr double kStep = 10;
  for (double z = 820; z < 1500; z += kStep) {
    const Loft::Section s = outer.at(height(z));
    mm3 += kSuperellipseArea * s.rx * s.ry * along(kStep);
  }
  for (double z = 690; z < 820; z += kStep) {
    const double r = across(legRadius(z)) + 0.55 * fatMm;
    mm3 += 2 * 3.1416 * r * r * along(kStep);
  }
  return mm3 / 1000 - 1.5 * 1000;  // most of the lungs' 4.5 l is air, but lungs also weigh 1 kg
}

namespace {

// Everything that paints one region takes this: what to paint on, with, and the patient's dice.
struct Painter {
  Canvas& canvas;
  const PhantomSpec& spec;
  const BodyFrame& frame;
  const TissueUptake& uptake;
  StableRandom random;

  std::uint16_t label(Tissue t) const { return labelOf(t); }
  template <typename Shape>
  void paint(const Shape& shape, Tissue tissue, double suv) {
    canvas.paint(shape, labelOf(tissue), suv);
  }
  // Over everything but air: for shapes that must not leave the patient.
  template <typename Shape>
  void paintInside(const Shape& shape, Tissue tissue, double suv) {
    canvas.paint(shape, labelOf(tissue), [suv](const PointMm&) { return suv; },
                 [](std::uint16_t there) { return there != labelOf(Tissue::Air); });
  }
  Ellipsoid ball(double x, double y, double z, double rx, double ry, double rz,
                 PointMm axis = {1, 0, 0}) const {
    return {frame.at(x, y, z), {frame.across(rx), frame.across(ry), frame.along(rz)},
            Orientation::along(axis)};
  }
  Capsule rod(PointMm a, PointMm b, double ra, double rb) const {
    return {frame.at(a[0], a[1], a[2]), frame.at(b[0], b[1], b[2]), frame.size(ra), frame.size(rb)};
  }
  // A tube through points of the reference frame.
  void tube(const std::vector<PointMm>& path, double r0, double r1, Tissue tissue, double suv) {
    for (std::size_t n = 1; n < path.size(); ++n) {
      const double ta = static_cast<double>(n - 1) / static_cast<double>(path.size() - 1);
      const double tb = static_cast<double>(n) / static_cast<double>(path.size() - 1);
      paintInside(rod(path[n - 1], path[n], r0 + ta * (r1 - r0), r0 + tb * (r1 - r0)), tissue, suv);
    }
  }
  double jitter(double sd) { return random.normalWithin(0, sd, -2.5 * sd, 2.5 * sd); }
};

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
      const Ellipsoid breast{{front[0], chest.cy - 0.86 * chest.ry, front[2]},
                             {p.frame.size(58 * size), p.frame.size(46 * size), p.frame.size(56 * size)},
                             {}};
      p.canvas.paint(breast, labelOf(Tissue::Fat), [&](const PointMm&) { return 0.38; },
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
    p.paint(p.ball(side * 11, 8, 1662, 8, 14, 9), Tissue::Brain, 0.95 * u.greyMatter);   // thalamus
    p.paint(p.ball(side * 24, -14, 1664, 7, 20, 10), Tissue::Brain, 1.05 * u.greyMatter);  // striatum
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
  p.canvas.paint(implicit(box, [&](const PointMm& q) {
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
    p.canvas.paint(lung, labelOf(side > 0 ? Tissue::LeftLung : Tissue::RightLung),
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
  const Ellipsoid outer = p.ball(38, -32, 1240, 54, 35, 35, axis), inner = outer.shrunkBy(p.frame.size(11));
  const PointMm centre = outer.centre;
  const double base = -p.frame.size(26);
  auto alongAxis = [&](const PointMm& q) {
    double s = 0;
    for (std::size_t a = 0; a < 3; ++a) s += (q[a] - centre[a]) * outer.orientation.u[a];
    return s;
  };
  p.canvas.paint(implicit(outer.bounds(), [&](const PointMm& q) {
                   return std::min(outer.insideMm(q), alongAxis(q) - base);
                 }),
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
    p.tube({{4, 4, 1050}, {side * 26.0, 12, 1000}, {side * 50.0, 2, 950}, {side * 72.0, -38, 890},
            {side * 80.0, -30, 780}, {side * 82.0, -10, 600}},
           8, 5, Tissue::BloodVessel, 0.92 * blood);
  p.tube({{-20, -10, 1240}, {-24, 8, 1180}, {-18, 10, 1110}, {-14, 8, 1050}}, 11, 10,
         Tissue::BloodVessel, blood);
  p.tube({{-26, -14, 1280}, {-26, -12, 1350}, {-30, -8, 1410}}, 10, 8, Tissue::BloodVessel, blood);
  p.tube({{4, -20, 1292}, {14, -8, 1318}, {40, 4, 1316}}, 12, 8, Tissue::BloodVessel, blood);
  p.tube({{8, -10, 1314}, {-40, 4, 1306}}, 10, 7, Tissue::BloodVessel, blood);
  p.tube({{0, 4, 1372}, {24, 10, 1338}}, 7, 5, Tissue::Mediastinum, 0.4);   // main bronchi
  p.tube({{0, 4, 1372}, {-24, 10, 1332}}, 7, 5, Tissue::Mediastinum, 0.4);
  p.tube({{4, 26, 1400}, {8, 28, 1300}, {14, 18, 1215}}, 6, 6, Tissue::Mediastinum, 1.15 * blood);
}

void paintUpperAbdomen(Painter& p) {
  const BodyFrame& f = p.frame;
  const TissueUptake& u = p.uptake;
  const Loft cavity = f.cavity();
  const Ellipsoid right = p.ball(-60, 4, 1150, 80, 86, 100), left = p.ball(12, -46, 1176, 68, 32, 40);
  BoxMm box = right.bounds();
  box.high[0] = left.bounds().high[0];
  box.low[1] = std::min(box.low[1], left.bounds().low[1]);
  const double tilt = p.jitter(0.06) + 0.72, lower = 1052 + p.jitter(14);
  p.paint(implicit(box, [&](const PointMm& q) {
            const double x = q[0] / f.across(1);
            const double edge = (q[2] - f.height(lower + tilt * (x + 120))) / std::hypot(1.0, tilt);
            const double lobes = std::max(std::min(right.insideMm(q), edge), left.insideMm(q));
            return std::min({lobes, cavity.insideMm(q) - 3, f.diaphragmZ(q[0], q[1]) - 4 - q[2]});
          }),
          Tissue::Liver, u.liver);
  p.paint(p.ball(-48, -48, 1100, 14, 15, 28), Tissue::VisceralFat, 0.7);  // gallbladder
  p.paint(p.rod({-34, -20, 1140}, {-14, -2, 1128}, 9, 7), Tissue::BloodVessel, 1.5);  // porta
  const double spleenSize = std::cbrt(p.random.logNormalWithin(1, 0.3, 0.5, 2.2));
  const Ellipsoid spleen = p.ball(92, 36, 1157, 60 * spleenSize, 31 * spleenSize, 50 * spleenSize,
                                  {-0.35, 0.8, 0.45});
  p.paint(implicit(spleen.bounds(), [&](const PointMm& q) {
            return std::min({spleen.insideMm(q), cavity.insideMm(q) - 3,
                             f.diaphragmZ(q[0], q[1]) - 4 - q[2]});
          }),
          Tissue::Spleen, u.spleen);
  // Stomach: a wall around food and air.
  const std::vector<PointMm> stomach{{38, -12, 1186}, {50, -26, 1160}, {54, -44, 1122},
                                     {36, -54, 1096}, {6, -50, 1094}, {-18, -38, 1104}};
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
    const PointMm path[] = {{side * 36.0, 24, 1040}, {side * 32.0, 14, 1000},
                            {side * 40.0, 20, 960}, {side * 30.0, 20, 928}};
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
  const std::vector<PointMm> colon{{-78, -14, 972}, {-92, -8, 1004}, {-96, 0, 1036}, {-88, -22, 1066},
                                   {-58, -54, 1062}, {-22, -62, 1044}, {18, -62, 1046}, {58, -48, 1074},
                                   {90, 2, 1112},    {100, 14, 1076},  {100, 12, 1030}, {92, 6, 990},
                                   {62, 0, 966},     {30, 6, 976},     {4, 30, 962},    {0, 50, 930},
                                   {0, 56, 890}};
  for (std::size_t n = 1; n < colon.size(); ++n) {
    double suv = u.bowel * p.random.uniform(0.7, 1.3) * general;
    if (p.random.happens(0.13)) suv = std::max(suv, u.bowelFocus * p.random.uniform(0.6, 1.1));
    const double radius = n < 5 ? 20 : (n < 13 ? 16 : 14);
    p.paintInside(p.rod(colon[n - 1], colon[n], radius, radius), Tissue::Bowel, suv);
    if (p.random.happens(0.5))  // gas and stool
      p.paintInside(p.rod(colon[n - 1], colon[n], radius * 0.55, radius * 0.55), Tissue::Bowel,
                    0.5 * suv);
  }
  const double fill = std::cbrt(p.random.logNormalWithin(1, 0.45, 0.35, 2.4));
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
                       const double r = std::hypot((q[0] - centre[0]) / rx, (q[1] - centre[1]) / ry);
                       const double dz = q[2] - centre[2];
                       return std::min({(1 - r) * std::min(rx, ry), half - dz, dz + below});
                     }),
            Tissue::OtherSoftTissue, 0.55 * u.marrow);
    const double suv = u.marrow * (level.lumbar ? 1.0 : (middle > 1480 ? 0.85 : 0.98));
    p.paint(implicit(box, [=](const PointMm& q) {
              const double r = std::hypot((q[0] - centre[0]) / rx, (q[1] - centre[1]) / ry);
              return std::min((1 - r) * std::min(rx, ry), half - std::abs(q[2] - centre[2]));
            }),
            level.lumbar ? Tissue::LumbarMarrow : Tissue::OtherMarrow, suv);
    // Arch and spinous process behind the canal; cord in the canal.
    const double back = level.ry + (middle > 1480 ? 22 : 30);
    p.paint(Ellipsoid{{centre[0], centre[1] + f.across(back), centre[2] - f.along(6)},
                      {f.across(5), f.across(13), f.along(9)}, {}},
            Tissue::OtherMarrow, 0.7 * u.marrow);
    for (const int side : {-1, 1})
      p.paint(Ellipsoid{{centre[0] + side * f.across(20), centre[1] + f.across(level.ry + 9), centre[2]},
                        {f.across(9), f.across(6), f.along(7)}, {}},
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
    p.paintInside(p.rod({side * 18.0, -62, 1428}, {side * 132.0, 6, 1440}, 7, 7), Tissue::OtherMarrow,
                  0.6 * marrow);  // clavicle
    p.paintInside(p.rod({side * 128.0, 52, 1410}, {side * 92.0, 88, 1300}, 8, 5), Tissue::OtherMarrow,
                  0.6 * marrow);  // scapula
  }
  const Loft cavity = f.cavity();
  const Loft::Section upper = cavity.at(f.height(1400)), low = cavity.at(f.height(1250));
  p.paintInside(Capsule{{0, upper.cy - upper.ry - 7, f.height(1405)},
                        {0, low.cy - low.ry - 7, f.height(1250)}, f.size(9), f.size(8)},
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
  p.canvas.paint(implicit(box, [&](const PointMm& q) {
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

void paintBrownFat(Painter& p) {
  const double suv = p.uptake.brownFat;
  for (const int side : {-1, 1}) {
    const PointMm chain[] = {{side * 48.0, 22, 1500}, {side * 60.0, 20, 1474}, {side * 84.0, 14, 1452},
                             {side * 112.0, 8, 1440}};
    for (std::size_t n = 1; n < std::size(chain); ++n)
      p.paintInside(p.rod(chain[n - 1], chain[n], p.random.uniform(5, 9), p.random.uniform(4, 8)),
                    Tissue::Fat, suv * p.random.uniform(0.5, 1.2));
    for (double z = 1240; z < 1420; z += 25)
      if (p.random.happens(0.8)) {
        const PointMm spine = p.frame.spineAt(z);
        p.paintInside(Ellipsoid{{side * p.frame.across(31), spine[1] + p.frame.across(8), spine[2]},
                                {6, 6, 6}, {}},
                      Tissue::Fat, suv * p.random.uniform(0.3, 0.8));
      }
  }
}

}  // namespace

void paintAnatomy(Canvas& canvas, const PhantomSpec& spec, const BodyFrame& frame) {
  Painter p{canvas, spec, frame, spec.uptake, StableRandom(spec.seed, "anatomy")};
  paintLegs(p);
  paintArms(p);
  paintTrunk(p);
  paintHead(p);
  paintBrain(p);
  paintChest(p);
  paintDeepMuscles(p);
  paintOtherBones(p);
  paintSpine(p);
  paintHeartAndVessels(p);
  paintUpperAbdomen(p);
  paintBowelAndPelvis(p);
  paintKidneys(p);
  if (spec.brownFat) paintBrownFat(p);
}

}  // namespace fedpet::sample
