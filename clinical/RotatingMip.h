// The patient turning about the body axis, as maximum intensity projections: what a physician looks
// at first in a whole-body PET. Plain pictures, from which report and DICOM draw theirs.
#pragma once

#include "clinical/Geometry.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

namespace fedpet {

// One view. Row 0 is the head; arrays are width x height, rows from the top.
struct MipFrame {
  // Where the viewer stands: 0 in front, 90 at the patient's left, 180 behind, 270 at the right.
  double angleDegrees = 0;
  std::vector<std::uint8_t> suv;     // 0..255, linear in SUV
  std::vector<std::uint8_t> role;    // 0 none, 1 lesion, 2 physiological, 3 reference
  std::vector<std::uint16_t> label;  // Region::label of that region; 0 none
};

struct RotatingMip {
  int width = 0, height = 0;
  double pixelMm = 0;      // square pixels
  double suvAtWhite = 10;  // SUV shown at 255
  // Patient coordinates of the upper edge's middle: on the axis of rotation.
  PointMm topOfAxisMm{};
  std::vector<MipFrame> frames;  // evenly spaced from 0 degrees on
};

// Where a point of the patient is in a view, in pixels from the picture's upper left corner.
inline std::array<double, 2> projected(const RotatingMip& mip, double angleDegrees,
                                       const PointMm& point) {
  const double angle = angleDegrees * std::numbers::pi / 180;
  const double across = (point[0] - mip.topOfAxisMm[0]) * std::cos(angle) +
                        (point[1] - mip.topOfAxisMm[1]) * std::sin(angle);
  return {across / mip.pixelMm + mip.width / 2.0, (mip.topOfAxisMm[2] - point[2]) / mip.pixelMm};
}

// The same as pictures to be played, with everything written on them: what a viewer shows that
// knows nothing of regions.
struct CineLoop {
  int width = 0, height = 0;
  double pixelMm = 0;  // of the patient
  double frameSeconds = 0.1;
  std::string description;                        // how it was made, for the header
  std::vector<std::vector<std::uint8_t>> frames;  // grey, 0 black, width x height each
};

}  // namespace fedpet
