// The IBSI's digital phantom (reference manual, figure "Exploded view of the test volume"): 5 x 4 x
// 4 voxels of 2 mm, small enough to stand here.
#pragma once

#include "clinical/Geometry.h"

#include <array>
#include <cstdint>
#include <vector>

namespace fedpet::testing {

struct DigitalPhantom {
  VolumeGeometry geometry;
  std::vector<float> image;
  std::vector<std::uint8_t> mask;
};

inline DigitalPhantom digitalPhantom() {
  DigitalPhantom phantom;
  phantom.geometry.size = {5, 4, 4};
  phantom.geometry.spacingMm = {2, 2, 2};
  phantom.image = {
      1, 4, 4, 1, 1, 1, 4, 6, 1, 1, 4, 1, 6, 4, 1, 4, 4, 6, 4, 1,  // k = 0
      1, 4, 4, 1, 1, 1, 1, 6, 1, 1, 1, 1, 3, 1, 1, 4, 4, 6, 1, 1,  // k = 1
      1, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 6, 1, 1,  // k = 2
      1, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 6, 1, 1,  // k = 3
  };
  phantom.mask.assign(80, 1);
  for (const int outside : {30, 43, 44, 52, 63, 64})
    phantom.mask[static_cast<std::size_t>(outside)] = 0;
  return phantom;
}

}  // namespace fedpet::testing
