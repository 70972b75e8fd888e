// Smooth random field: independent normal numbers on a coarse lattice, interpolated by cubic
// B-splines. Bends the organs (as displacement) and gives tissue its texture.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "clinical/Geometry.h"

namespace fedpet::sample {

class SmoothField {
 public:
  // Mean 0 and SD 1 (over many lattice cells) on this grid, which must be axis-aligned.
  SmoothField(const VolumeGeometry&, double latticeMm, std::uint64_t seed, std::string_view stream);
  // Values at voxels (i0 .. i0+count-1, j, k).
  void row(int i0, int count, int j, int k, float* out) const;
  float at(int i, int j, int k) const {
    float value = 0;
    row(i, 1, j, k, &value);
    return value;
  }

 private:
  struct Tap {
    int first;
    std::array<float, 4> weight;
  };
  std::array<std::vector<Tap>, 3> taps_;  // one per voxel index along each axis
  std::array<int, 3> nodes_{};
  std::vector<float> lattice_;
};

}  // namespace fedpet::sample
