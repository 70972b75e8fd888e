#include "models/imaging/radiomics/Levels.h"

#include "models/imaging/Formatted.h"

#include <algorithm>
#include <cmath>

namespace fedpet::imaging::ibsi {
namespace {

using Levels = tl::expected<std::vector<int>, std::string>;

Levels asTheyAre(const std::vector<double>& intensities) {
  std::vector<int> levels;
  levels.reserve(intensities.size());
  for (const double value : intensities) {
    if (value < 1 || value > 65535 || value != std::floor(value))
      return tl::unexpected<std::string>(
          "without discretisation, intensities must be whole numbers from 1 to 65535");
    levels.push_back(static_cast<int>(value));
  }
  return levels;
}

Levels byNumber(const std::vector<double>& intensities, int bins, double low, double high) {
  if (low == high)
    return tl::unexpected<std::string>(
        "all intensities of the region are equal: a fixed number of bins has no width");
  std::vector<int> levels;
  levels.reserve(intensities.size());
  for (const double value : intensities)
    levels.push_back(std::min(bins, static_cast<int>(bins * ((value - low) / (high - low))) + 1));
  return levels;
}

Levels bySize(const std::vector<double>& intensities, double size, double start, double high) {
  if ((high - start) / size >= 65535)
    return tl::unexpected(formatted("bins of %g give more than 65535 levels", size));
  std::vector<int> levels;
  levels.reserve(intensities.size());
  for (const double value : intensities)
    levels.push_back(static_cast<int>(std::floor((value - start) / size)) + 1);
  return levels;
}

}  // namespace

Levels discretised(const Region& region, const DiscretisationConfig& discretisation,
                   const RadiomicsConfig& config) {
  const std::vector<double>& intensities = region.intensities;
  const auto [low, high] = std::minmax_element(intensities.begin(), intensities.end());
  switch (discretisation.method) {
    case DiscretisationMethod::None:
      return asTheyAre(intensities);
    case DiscretisationMethod::FixedBinNumber:
      return byNumber(intensities, discretisation.binCount, *low, *high);
    case DiscretisationMethod::FixedBinSize:
      break;
  }
  const double size = discretisation.binSize;
  if (config.convention == RadiomicsConvention::PyRadiomics)  // bins begin at multiples of the size
    return bySize(intensities, size, std::floor(*low / size) * size, *high);
  return bySize(intensities, size, config.resegmentation.lowest.value_or(*low), *high);
}

LevelGrid levelGrid(const Region& region, const std::vector<int>& levels, int margin) {
  LevelGrid grid;
  grid.margin = margin;
  for (std::size_t a = 0; a < 3; ++a) grid.box.size[a] = region.box.size[a] + 2 * margin;
  grid.stride = {1, grid.box.size[0],
                 static_cast<std::ptrdiff_t>(grid.box.size[0]) * grid.box.size[1]};
  grid.level.resize(grid.box.count());
  grid.morphological.resize(grid.box.count());
  const auto placed = [&](const Voxel& v) {
    return grid.box.offset(v.i + margin, v.j + margin, v.k + margin);
  };
  for (const Voxel& v : region.morphologicalVoxels) grid.morphological[placed(v)] = 1;
  grid.voxels.reserve(levels.size());
  int slice = region.intensityVoxels.front().k;
  for (std::size_t v = 0; v < levels.size(); ++v) {
    const Voxel& voxel = region.intensityVoxels[v];
    if (voxel.k != slice) grid.sliceEnds.push_back(v);
    slice = voxel.k;
    const std::size_t at = placed(voxel);
    grid.level[at] = static_cast<std::uint16_t>(levels[v]);
    grid.voxels.push_back(static_cast<std::ptrdiff_t>(at));
    grid.levels = std::max(grid.levels, levels[v]);
  }
  grid.sliceEnds.push_back(levels.size());
  return grid;
}

}  // namespace fedpet::imaging::ibsi
