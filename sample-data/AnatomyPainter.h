// The painters of the regions of a healthy body, and what they have in common. For paintAnatomy().
#pragma once

#include "sample-data/Anatomy.h"
#include "sample-data/StableRandom.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fedpet::sample {

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
    canvas.paint(
        shape, labelOf(tissue), [suv](const PointMm&) { return suv; },
        [](std::uint16_t there) { return there != labelOf(Tissue::Air); });
  }
  Ellipsoid ball(double x, double y, double z, double rx, double ry, double rz,
                 PointMm axis = {1, 0, 0}) const {
    return {frame.at(x, y, z),
            {frame.across(rx), frame.across(ry), frame.along(rz)},
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

// Radius of a lean thigh at height z of the reference frame.
inline double legRadius(double z) { return 62 + 20 * (z - 640) / 240; }

// Each draws from the patient's dice: another order is another patient.
void paintLegs(Painter& p);
void paintArms(Painter& p);
void paintTrunk(Painter& p);
void paintDeepMuscles(Painter& p);
void paintHead(Painter& p);
void paintBrain(Painter& p);
void paintChest(Painter& p);
void paintHeartAndVessels(Painter& p);
void paintUpperAbdomen(Painter& p);
void paintBowelAndPelvis(Painter& p);
void paintKidneys(Painter& p);
void paintSpine(Painter& p);
void paintOtherBones(Painter& p);
void paintBrownFat(Painter& p);

}  // namespace fedpet::sample
