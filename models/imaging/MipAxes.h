// What the projections of models/imaging share: which index of a volume runs along the body, and
// how SUV and regions become pixels. For use inside this room.
#pragma once

#include "clinical/ResponseAssessment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace fedpet::imaging {

// Which index runs along a patient axis, and whether it runs against it.
struct AxisOf {
  std::size_t index = 0;
  bool reversed = false;
};

// For x, y and z in turn, the index axis that follows it best; each index is used once.
std::array<AxisOf, 3> axesOf(const VolumeGeometry& geometry);

// By label: 0 none, 1 lesion, 2 physiological, 3 reference.
std::vector<std::uint8_t> rolesByLabel(const std::vector<Region>& regions);

// Throws ImagingError.
void requireFit(const SuvVolume& volume, const LabelVolume& labels);

inline std::uint8_t brightness(float suv, double suvAtWhite) {
  if (!(suv > 0)) return 0;  // NaN as well
  return static_cast<std::uint8_t>(
      std::lround(std::min(1.0, static_cast<double>(suv) / suvAtWhite) * 255));
}

}  // namespace fedpet::imaging
