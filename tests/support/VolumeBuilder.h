// SUV volumes of simple shapes for the tests of models/imaging. A shape fills the voxels whose
// centre it contains, so that volumes can be counted by hand.
#pragma once

#include <array>

#include "clinical/SuvVolume.h"

namespace fedpet::testing {

class VolumeBuilder {
 public:
  VolumeBuilder& size(int columns, int rows, int slices);
  VolumeBuilder& spacingMm(double alongI, double alongJ, double alongK);
  VolumeBuilder& originMm(const PointMm& centreOfFirstVoxel);
  // Columns of the direction matrix: along i, j and k, in LPS.
  VolumeBuilder& directions(const std::array<double, 3>& row, const std::array<double, 3>& column,
                            const std::array<double, 3>& slice);
  VolumeBuilder& background(float suv);
  // The geometry must be set before the first shape. Later shapes paint over earlier ones.
  VolumeBuilder& voxel(int i, int j, int k, float suv);
  VolumeBuilder& box(std::array<int, 3> first, std::array<int, 3> last, float suv);  // inclusive
  VolumeBuilder& sphere(const PointMm& centreMm, double radiusMm, float suv);
  VolumeBuilder& ellipsoid(const PointMm& centreMm, const std::array<double, 3>& radiiMm, float suv);
  SuvVolume build() const { return volume_; }
  operator SuvVolume() const { return volume_; }  // NOLINT: a builder stands for what it builds

 private:
  SuvVolume volume_;
  float background_ = 0;
};

// 20 x 20 x 20 voxels of 4 mm, first voxel at (0, 0, 0), axes along LPS, SUV 0.
VolumeBuilder aVolume();


}  // namespace fedpet::testing
