// Where the voxels of a volume are in the patient: DICOM patient coordinates (LPS: x to the
// patient's left, y to the back, z to the head), millimetres.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

namespace fedpet {

using PointMm = std::array<double, 3>;

struct VolumeGeometry {
  std::array<int, 3> size{};            // columns (i), rows (j), slices (k)
  std::array<double, 3> spacingMm{};    // along i, j, k
  PointMm originMm{};                   // centre of voxel (0,0,0)
  std::array<double, 3> rowDirection{1, 0, 0};     // unit vector along i
  std::array<double, 3> columnDirection{0, 1, 0};  // unit vector along j
  std::array<double, 3> sliceDirection{0, 0, 1};   // unit vector along k

  std::size_t voxelCount() const {
    return static_cast<std::size_t>(size[0]) * static_cast<std::size_t>(size[1]) *
           static_cast<std::size_t>(size[2]);
  }
  std::size_t offset(int i, int j, int k) const {
    return (static_cast<std::size_t>(k) * static_cast<std::size_t>(size[1]) +
            static_cast<std::size_t>(j)) * static_cast<std::size_t>(size[0]) +
           static_cast<std::size_t>(i);
  }
  double voxelVolumeMl() const { return spacingMm[0] * spacingMm[1] * spacingMm[2] / 1000.0; }
  PointMm pointMm(double i, double j, double k) const {
    PointMm p = originMm;
    for (std::size_t a = 0; a < 3; ++a)
      p[a] += i * spacingMm[0] * rowDirection[a] + j * spacingMm[1] * columnDirection[a] +
              k * spacingMm[2] * sliceDirection[a];
    return p;
  }
};

inline double distanceMm(const PointMm& a, const PointMm& b) {
  return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

}  // namespace fedpet
