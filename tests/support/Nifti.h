// The one kind of NIfTI that the reference data has: a single .nii.gz, little endian, three
// dimensions, float or integer voxels. i fastest, as in VolumeGeometry.
#pragma once

#include <array>
#include <filesystem>
#include <vector>

namespace fedpet::testing {

struct NiftiVolume {
  std::array<int, 3> size{};
  std::array<double, 3> spacingMm{};
  std::vector<double> voxels;
  double at(int i, int j, int k) const {
    return voxels[(static_cast<std::size_t>(k) * static_cast<std::size_t>(size[1]) +
                   static_cast<std::size_t>(j)) *
                      static_cast<std::size_t>(size[0]) +
                  static_cast<std::size_t>(i)];
  }
};

NiftiVolume readNifti(const std::filesystem::path&);  // throws std::runtime_error

}  // namespace fedpet::testing
