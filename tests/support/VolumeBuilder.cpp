#include "tests/support/VolumeBuilder.h"

#include <algorithm>

namespace fedpet::testing {

VolumeBuilder& VolumeBuilder::size(int columns, int rows, int slices) {
  volume_.geometry.size = {columns, rows, slices};
  volume_.suvBw.assign(volume_.geometry.voxelCount(), background_);
  return *this;
}

VolumeBuilder& VolumeBuilder::spacingMm(double alongI, double alongJ, double alongK) {
  volume_.geometry.spacingMm = {alongI, alongJ, alongK};
  return *this;
}

VolumeBuilder& VolumeBuilder::originMm(const PointMm& centreOfFirstVoxel) {
  volume_.geometry.originMm = centreOfFirstVoxel;
  return *this;
}

VolumeBuilder& VolumeBuilder::directions(const std::array<double, 3>& row,
                                         const std::array<double, 3>& column,
                                         const std::array<double, 3>& slice) {
  volume_.geometry.rowDirection = row;
  volume_.geometry.columnDirection = column;
  volume_.geometry.sliceDirection = slice;
  return *this;
}

VolumeBuilder& VolumeBuilder::background(float suv) {
  background_ = suv;
  std::fill(volume_.suvBw.begin(), volume_.suvBw.end(), suv);
  return *this;
}

VolumeBuilder& VolumeBuilder::voxel(int i, int j, int k, float suv) {
  volume_.suvBw.at(volume_.geometry.offset(i, j, k)) = suv;
  return *this;
}

VolumeBuilder& VolumeBuilder::box(std::array<int, 3> first, std::array<int, 3> last, float suv) {
  for (int k = first[2]; k <= last[2]; ++k)
    for (int j = first[1]; j <= last[1]; ++j)
      for (int i = first[0]; i <= last[0]; ++i) voxel(i, j, k, suv);
  return *this;
}

VolumeBuilder& VolumeBuilder::sphere(const PointMm& centreMm, double radiusMm, float suv) {
  return ellipsoid(centreMm, {radiusMm, radiusMm, radiusMm}, suv);
}

VolumeBuilder& VolumeBuilder::ellipsoid(const PointMm& centreMm,
                                        const std::array<double, 3>& radiiMm, float suv) {
  const VolumeGeometry& geometry = volume_.geometry;
  for (int k = 0; k < geometry.size[2]; ++k)
    for (int j = 0; j < geometry.size[1]; ++j)
      for (int i = 0; i < geometry.size[0]; ++i) {
        const PointMm p = geometry.pointMm(i, j, k);
        double sum = 0;
        for (std::size_t a = 0; a < 3; ++a) {
          const double scaled = (p[a] - centreMm[a]) / radiiMm[a];
          sum += scaled * scaled;
        }
        if (sum <= 1) voxel(i, j, k, suv);
      }
  return *this;
}

VolumeBuilder aVolume() { return VolumeBuilder().spacingMm(4, 4, 4).size(20, 20, 20); }

}  // namespace fedpet::testing
