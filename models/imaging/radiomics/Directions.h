// Directions between neighbours, and which aggregations a configuration asks for. Internal to
// models/imaging/radiomics.
#pragma once

#include "models/imaging/radiomics/Levels.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::imaging::ibsi {

// One of each pair of opposite directions: 4 in a slice, 13 in a volume.
inline std::vector<std::array<int, 3>> directions(bool inSlice) {
  std::vector<std::array<int, 3>> found;
  for (int k = inSlice ? 0 : -1; k <= (inSlice ? 0 : 1); ++k)
    for (int j = -1; j <= 1; ++j)
      for (int i = -1; i <= 1; ++i)
        if (k > 0 || (k == 0 && (j > 0 || (j == 0 && i > 0)))) found.push_back({i, j, k});
  return found;
}

// All neighbours within a Chebyshev distance, as offsets into the grid.
inline std::vector<std::ptrdiff_t> neighbourhood(const LevelGrid& grid, int distance,
                                                 bool inSlice) {
  std::vector<std::ptrdiff_t> found;
  const int depth = inSlice ? 0 : distance;
  for (int k = -depth; k <= depth; ++k)
    for (int j = -distance; j <= distance; ++j)
      for (int i = -distance; i <= distance; ++i)
        if (i != 0 || j != 0 || k != 0)
          found.push_back(i * grid.stride[0] + j * grid.stride[1] + k * grid.stride[2]);
  return found;
}

inline std::ptrdiff_t offsetOf(const std::array<int, 3>& direction, const LevelGrid& grid) {
  return direction[0] * grid.stride[0] + direction[1] * grid.stride[1] +
         direction[2] * grid.stride[2];
}

inline bool asksFor(const RadiomicsConfig& config, Aggregation aggregation) {
  return std::find(config.aggregations.begin(), config.aggregations.end(), aggregation) !=
         config.aggregations.end();
}

// For families without directions.
enum class Dimension { Flat, FlatMerged, Volume };  // 2D, 2.5D, 3D
inline std::string_view toString(Dimension dimension) {
  return dimension == Dimension::Flat ? "2D" : dimension == Dimension::FlatMerged ? "2_5D" : "3D";
}
inline std::vector<Dimension> dimensionsOf(const RadiomicsConfig& config) {
  std::vector<Dimension> dimensions;
  const auto either = [&](Aggregation a, Aggregation b) {
    return asksFor(config, a) || asksFor(config, b);
  };
  if (either(Aggregation::Averaged2D, Aggregation::SliceMerged2D))
    dimensions.push_back(Dimension::Flat);
  if (either(Aggregation::DirectionMerged25D, Aggregation::Merged25D))
    dimensions.push_back(Dimension::FlatMerged);
  if (either(Aggregation::Averaged3D, Aggregation::Merged3D))
    dimensions.push_back(Dimension::Volume);
  return dimensions;
}

}  // namespace fedpet::imaging::ibsi
