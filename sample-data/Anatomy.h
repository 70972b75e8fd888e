// Where organs are, for a patient of any size: landmarks of a person of 1.74 m, scaled.
#pragma once

#include <cstdint>
#include <string_view>

#include "sample-data/Canvas.h"
#include "sample-data/Phantom.h"

namespace fedpet::sample {

// Labels of Phantom::tissues. The first eight are Organ's, in its order.
enum class Tissue : std::uint16_t {
  Air, Brain, Heart, Liver, Spleen, LumbarMarrow, LeftKidney, RightKidney, Bladder,
  LeftLung, RightLung, Mediastinum, BloodVessel, OtherMarrow, Muscle, Fat, VisceralFat, Stomach,
  Bowel, OtherSoftTissue
};
inline constexpr int kTissueCount = static_cast<int>(Tissue::OtherSoftTissue) + 1;
std::string_view toString(Tissue);
inline std::uint16_t labelOf(Tissue t) { return static_cast<std::uint16_t>(t); }

// From the reference person's landmarks (mm, z from the sole, 1740 mm tall) to this patient.
class BodyFrame {
 public:
  explicit BodyFrame(const PhantomSpec&);
  PointMm at(double x, double y, double z) const { return {x * across_, y * across_, height(z)}; }
  double height(double z) const { return (z - kReferenceHeightMm) * along_; }
  double size(double mm) const { return mm * size_; }      // a length in no special direction
  double across(double mm) const { return mm * across_; }
  double along(double mm) const { return mm * along_; }
  // Thickness of the fat under the skin that gives the patient's weight; negative: little muscle.
  double fatMm() const { return fatMm_; }
  bool female() const { return female_; }

  Loft skin() const;        // of neck and trunk
  Loft muscleWall() const;  // inside the subcutaneous fat
  Loft cavity() const;      // inside ribs and abdominal wall
  // Height of the diaphragm above a point of the reference frame, in patient z.
  double diaphragmZ(double x, double y) const;
  // Centre line of the vertebral bodies, reference frame in, patient frame out.
  PointMm spineAt(double z) const;

 private:
  static constexpr double kReferenceHeightMm = 1740;
  Loft trunk(double widerMm, double deeperMm) const;
  double volumeMl(double fatMm) const;
  double across_, along_, size_, fatMm_ = 10;
  bool female_, armsUp_;
};

// Paints the healthy patient; the lesions come later.
void paintAnatomy(Canvas&, const PhantomSpec&, const BodyFrame&);

}  // namespace fedpet::sample
