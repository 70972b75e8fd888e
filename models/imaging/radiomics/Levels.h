// Discretised intensities of the region, as the histogram and the texture families see them.
// Internal to models/imaging/radiomics.
#pragma once

#include "models/imaging/radiomics/Region.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fedpet::imaging::ibsi {

// Matrices grow with the square of the number of levels. More than this is no discretisation.
inline constexpr int kMostLevels = 4096;

// Level of each voxel of region.intensities, from 1. An error says why there are none: a range of
// 0 or intensities that are no levels ("none" needs whole numbers from 1 on).
tl::expected<std::vector<int>, std::string> discretised(const Region& region,
                                                        const DiscretisationConfig& discretisation,
                                                        const RadiomicsConfig& config);

// The levels in space. A frame of `margin` empty voxels lets neighbours be looked up by offset.
struct LevelGrid {
  int margin = 1;
  Box box;  // with the frame
  std::array<std::ptrdiff_t, 3> stride{};
  std::vector<std::uint16_t> level;         // of the box; 0 outside the intensity mask
  std::vector<std::uint8_t> morphological;  // of the box
  std::vector<std::ptrdiff_t> voxels;       // offsets of the intensity mask, ascending
  std::vector<std::size_t> sliceEnds;       // into `voxels`: one after the last voxel of each slice
  int levels = 0;                           // Ng: the highest level that occurs
};
LevelGrid levelGrid(const Region& region, const std::vector<int>& levels, int margin);

}  // namespace fedpet::imaging::ibsi
