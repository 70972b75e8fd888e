// Image operations on plain volumes. ITK does the work where it has it (resampling, smoothing)
// and is not seen here. ITK's own connected components know 6 and 26 neighbours only, so the
// 18-neighbour components that the autoPET metrics ask for are ours.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "clinical/SuvVolume.h"

namespace fedpet::imaging {

// One byte a voxel: 0 or 1, in the order of SuvVolume::suvBw.
using Mask = std::vector<std::uint8_t>;

// From an offset to (i, j, k) and back.
class VoxelIndex {
 public:
  explicit VoxelIndex(const VolumeGeometry& geometry)
      : size_(geometry.size),
        row_(static_cast<std::size_t>(geometry.size[0])),
        slice_(row_ * static_cast<std::size_t>(geometry.size[1])) {}
  std::array<int, 3> operator()(std::size_t offset) const {
    return {static_cast<int>(offset % row_), static_cast<int>(offset % slice_ / row_),
            static_cast<int>(offset / slice_)};
  }
  bool contains(const std::array<int, 3>& at) const {
    return at[0] >= 0 && at[1] >= 0 && at[2] >= 0 && at[0] < size_[0] && at[1] < size_[1] &&
           at[2] < size_[2];
  }
  std::size_t offset(const std::array<int, 3>& at) const {
    return static_cast<std::size_t>(at[2]) * slice_ + static_cast<std::size_t>(at[1]) * row_ +
           static_cast<std::size_t>(at[0]);
  }

 private:
  std::array<int, 3> size_;
  std::size_t row_, slice_;
};

// Neighbours share a face (6), a face or an edge (18), a face, an edge or a corner (26).
enum class Connectivity { Faces6 = 6, Edges18 = 18, Corners26 = 26 };

// The index steps to the neighbours of a voxel.
std::vector<std::array<int, 3>> neighbourSteps(Connectivity);

// The connected components of a mask as ascending voxel offsets, largest first, equal sizes by
// their first voxel. `mask.size()` is geometry.voxelCount().
std::vector<std::vector<std::size_t>> components(const Mask& mask, const VolumeGeometry& geometry,
                                                 Connectivity connectivity);

// The same for voxels given as ascending offsets, without a mask of the whole volume.
std::vector<std::vector<std::size_t>> componentsOf(const std::vector<std::size_t>& voxels,
                                                   const VolumeGeometry& geometry,
                                                   Connectivity connectivity);

// The same field of view on cubes of `spacingMm`, axes along LPS (i to the left, j to the back,
// k to the head); linear interpolation, averaged first where the source is much finer.
// Outside the source it is 0. Throws ImagingError for a direction matrix that is none.
SuvVolume resampledAlongPatientAxes(const SuvVolume& volume, double spacingMm);

// Gaussian smoothing with the given full width at half maximum.
SuvVolume smoothed(const SuvVolume& volume, double fwhmMm);

// Every axial slice's background that does not reach the border of the slice becomes foreground.
void fillHolesSliceWise(Mask& mask, const VolumeGeometry& geometry);

// Distance of every voxel's centre to the nearest foreground voxel's centre; 0 in the foreground.
// Needs at least one foreground voxel.
std::vector<float> distanceMapMm(const Mask& mask, const VolumeGeometry& geometry);

// Every voxel that a ball of `radiusMm` centred on a foreground voxel reaches.
Mask dilated(const Mask& mask, const VolumeGeometry& geometry, double radiusMm);

}  // namespace fedpet::imaging
