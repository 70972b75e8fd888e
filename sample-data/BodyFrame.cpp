#include "sample-data/Anatomy.h"
#include "sample-data/AnatomyPainter.h"

#include <cmath>
#include <stdexcept>

namespace fedpet::sample {
namespace {

constexpr double kSuperellipseArea = 3.381;  // area / (rx ry) for exponent 2.5

// Mass of what the trunk's sections leave out of the field of view (legs below mid-thigh), and of
// what they do not model (head, arms), as fractions of body weight; Dempster's segment masses,
// rounded: head 0.069, both arms 0.10, both legs below mid-thigh 0.20.
constexpr double kTrunkAndThighShare = 1 - 0.069 - 0.10 - 0.20;

}  // namespace

std::string_view toString(Tissue tissue) {
  switch (tissue) {
    case Tissue::Air:
      return "Air";
    case Tissue::Brain:
      return "Brain";
    case Tissue::Heart:
      return "Heart";
    case Tissue::Liver:
      return "Liver";
    case Tissue::Spleen:
      return "Spleen";
    case Tissue::LumbarMarrow:
      return "Lumbar marrow";
    case Tissue::LeftKidney:
      return "Left kidney";
    case Tissue::RightKidney:
      return "Right kidney";
    case Tissue::Bladder:
      return "Bladder";
    case Tissue::LeftLung:
      return "Left lung";
    case Tissue::RightLung:
      return "Right lung";
    case Tissue::Mediastinum:
      return "Mediastinum";
    case Tissue::BloodVessel:
      return "Blood vessel";
    case Tissue::OtherMarrow:
      return "Other bone marrow";
    case Tissue::Muscle:
      return "Muscle";
    case Tissue::Fat:
      return "Subcutaneous fat";
    case Tissue::VisceralFat:
      return "Visceral fat";
    case Tissue::Stomach:
      return "Stomach";
    case Tissue::Bowel:
      return "Bowel";
    case Tissue::OtherSoftTissue:
      return "Other soft tissue";
  }
  return "Air";
}

BodyFrame::BodyFrame(const PhantomSpec& spec)
    : across_(std::sqrt(spec.heightM / 1.74) * (spec.sex == "F" ? 0.95 : 1.0)),
      along_(spec.heightM / 1.74),
      size_(std::cbrt(across_ * across_ * along_)),
      female_(spec.sex == "F"),
      armsUp_(spec.armsUp) {
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
      {806, 136, 82, 12},  {832, 148, 90, 12},  {870, 160, 95, 12}, {920, 157, 97, 10},
      {980, 146, 94, 8},   {1050, 130, 90, 5},  {1120, 134, 95, 3}, {1195, 144, 101, 2},
      {1265, 150, 104, 2}, {1330, 157, 101, 4}, {1385, 160, 92, 8}, {1425, 138, 80, 12},
      {1452, 92, 66, 14},  {1478, 58, 56, 14},  {1510, 52, 54, 10}, {1570, 50, 54, 4}};
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
  static constexpr Inner kInner[] = {{862, 36, 34, 16},  {885, 58, 48, 12},   {930, 84, 62, 8},
                                     {980, 104, 66, 2},  {1040, 110, 66, -4}, {1110, 119, 76, -2},
                                     {1170, 126, 84, 3}, {1230, 127, 86, 4},  {1290, 124, 84, 5},
                                     {1350, 114, 77, 9}, {1395, 96, 66, 14},  {1425, 74, 50, 20},
                                     {1446, 48, 34, 24}, {1462, 26, 18, 26}};
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
  static constexpr double kZ[] = {880,  930,  975,  1040, 1100, 1160,
                                  1240, 1320, 1400, 1460, 1530, 1580};
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

}  // namespace fedpet::sample
