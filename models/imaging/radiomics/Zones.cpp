// Zones: neighbouring voxels of one level (GLSZM by their size, GLDZM by their distance to the
// region's border), and neighbourhoods (NGTDM, NGLDM).
#include "models/imaging/radiomics/Directions.h"
#include "models/imaging/radiomics/LevelMatrix.h"
#include "models/imaging/radiomics/Texture.h"

#include <cmath>
#include <cstdlib>

namespace fedpet::imaging::ibsi {
namespace {

// One list of cells for each slice of the intensity mask, or one for the volume, with its voxels.
struct Part {
  std::vector<LevelCell> cells;
  double voxels = 0;
};

// As the dimension has it: averaged over the parts, or of all of them together.
LevelMatrixValues valuesOf(const std::vector<Part>& parts, Dimension dimension) {
  if (dimension == Dimension::Flat) {
    Averages<kLevelMatrixFeatures> average;
    for (const Part& part : parts) average.add(featuresOf(part.cells, part.voxels));
    return average.mean();
  }
  Part all;
  for (const Part& part : parts) {
    all.cells.insert(all.cells.end(), part.cells.begin(), part.cells.end());
    all.voxels += part.voxels;
  }
  return featuresOf(std::move(all.cells), all.voxels);
}

// Ends of the parts in grid.voxels.
std::vector<std::size_t> partEnds(const LevelGrid& grid, Dimension dimension) {
  if (dimension == Dimension::Volume) return {grid.voxels.size()};
  return grid.sliceEnds;
}

// --- zones -------------------------------------------------------------------------------------

// Steps along the grid's edges to the border of the morphological mask, where it is 1; Manhattan,
// in the slice or in the volume. Two sweeps give this distance exactly.
std::vector<std::uint16_t> borderDistance(const LevelGrid& grid, bool inSlice) {
  constexpr std::uint16_t kFar = 60000;
  std::vector<std::uint16_t> distance(grid.level.size());
  for (std::size_t v = 0; v < distance.size(); ++v) distance[v] = grid.morphological[v] ? kFar : 0;
  const std::size_t axes = inSlice ? 2 : 3;
  const auto sweep = [&](std::size_t v, std::ptrdiff_t sign) {
    if (distance[v] == 0) return;
    for (std::size_t a = 0; a < axes; ++a) {
      const auto neighbour =
          static_cast<std::size_t>(static_cast<std::ptrdiff_t>(v) + sign * grid.stride[a]);
      distance[v] =
          std::min<std::uint16_t>(distance[v], static_cast<std::uint16_t>(distance[neighbour] + 1));
    }
  };
  for (std::size_t v = 0; v < distance.size(); ++v) sweep(v, -1);
  for (std::size_t v = distance.size(); v-- > 0;) sweep(v, 1);
  return distance;
}

// j is the size of each zone, or its least distance when `distance` is given.
std::vector<Part> zonesOf(const LevelGrid& grid, Dimension dimension,
                          const std::vector<std::uint16_t>* distance) {
  const auto neighbours = neighbourhood(grid, 1, dimension != Dimension::Volume);
  std::vector<std::uint16_t> open = grid.level;  // 0 once a voxel has its zone
  std::vector<Part> parts;
  std::vector<std::ptrdiff_t> zone;
  std::size_t first = 0;
  for (const std::size_t last : partEnds(grid, dimension)) {
    Part part;
    part.voxels = static_cast<double>(last - first);
    for (std::size_t v = first; v < last; ++v) {
      const auto seed = static_cast<std::size_t>(grid.voxels[v]);
      const std::uint16_t level = open[seed];
      if (level == 0) continue;
      zone.assign(1, grid.voxels[v]);
      open[seed] = 0;
      int nearest = 65535;
      for (std::size_t z = 0; z < zone.size(); ++z) {
        if (distance != nullptr)
          nearest = std::min<int>(nearest, (*distance)[static_cast<std::size_t>(zone[z])]);
        for (const std::ptrdiff_t step : neighbours) {
          std::uint16_t& other = open[static_cast<std::size_t>(zone[z] + step)];
          if (other != level) continue;
          other = 0;
          zone.push_back(zone[z] + step);
        }
      }
      part.cells.push_back(
          {level, distance != nullptr ? nearest : static_cast<int>(zone.size()), 1});
    }
    parts.push_back(std::move(part));
    first = last;
  }
  return parts;
}

// --- neighbourhoods ----------------------------------------------------------------------------

// Of each level: its voxels with at least one neighbour, and the sum of their differences from
// their neighbourhood's mean.
struct ToneDifferences {
  std::vector<double> voxels, differences;
};

ToneDifferences toneDifferences(const LevelGrid& grid, std::size_t first, std::size_t last,
                                const std::vector<std::ptrdiff_t>& neighbours) {
  ToneDifferences result{std::vector<double>(static_cast<std::size_t>(grid.levels)),
                         std::vector<double>(static_cast<std::size_t>(grid.levels))};
  for (std::size_t v = first; v < last; ++v) {
    unsigned sum = 0, count = 0;
    for (const std::ptrdiff_t step : neighbours) {
      const std::uint16_t other = grid.level[static_cast<std::size_t>(grid.voxels[v] + step)];
      sum += other;
      count += other != 0 ? 1 : 0;
    }
    if (count == 0) continue;
    const int level = grid.level[static_cast<std::size_t>(grid.voxels[v])];
    ++result.voxels[static_cast<std::size_t>(level - 1)];
    result.differences[static_cast<std::size_t>(level - 1)] +=
        std::abs(level - static_cast<double>(sum) / count);
  }
  return result;
}

constexpr std::array<const char*, 5> kToneNames{"ngt_coarseness", "ngt_contrast", "ngt_busyness",
                                                "ngt_complexity", "ngt_strength"};

Values<5> toneFeatures(const ToneDifferences& tone) {
  struct Level {
    double i, p, s;
  };
  std::vector<Level> levels;
  double n = 0, total = 0;
  for (const double count : tone.voxels) n += count;
  if (n == 0) return {kUndefined, kUndefined, kUndefined, kUndefined, kUndefined};
  double weighted = 0;
  for (std::size_t i = 0; i < tone.voxels.size(); ++i) {
    if (tone.voxels[i] == 0) continue;
    levels.push_back({static_cast<double>(i + 1), tone.voxels[i] / n, tone.differences[i]});
    weighted += levels.back().p * levels.back().s;
    total += levels.back().s;
  }
  double contrast = 0, busyness = 0, complexity = 0, strength = 0;
  for (const Level& a : levels)
    for (const Level& b : levels) {
      const double difference = a.i - b.i;
      contrast += a.p * b.p * difference * difference;
      busyness += std::abs(a.i * a.p - b.i * b.p);
      complexity += std::abs(difference) * (a.p * a.s + b.p * b.s) / (a.p + b.p);
      strength += (a.p + b.p) * difference * difference;
    }
  const auto present = static_cast<double>(levels.size());
  // The manual's values for a region of one level, and its bound of the coarseness.
  return {weighted == 0 ? 1e6 : 1 / weighted,
          levels.size() < 2 ? 0 : contrast / (present * (present - 1)) * total / n,
          levels.size() < 2 ? 0 : (busyness == 0 ? kUndefined : weighted / busyness),
          complexity / n, total == 0 ? 0 : strength / total};
}

std::vector<Part> dependencesOf(const LevelGrid& grid, Dimension dimension,
                                const TextureConfig& texture) {
  const auto neighbours =
      neighbourhood(grid, texture.ngldmDistance, dimension != Dimension::Volume);
  const std::size_t most = neighbours.size() + 1;
  const int coarseness = static_cast<int>(std::min(texture.ngldmCoarseness, 65535.0));
  std::vector<Part> parts;
  std::size_t first = 0;
  for (const std::size_t last : partEnds(grid, dimension)) {
    std::vector<std::uint32_t> counts(static_cast<std::size_t>(grid.levels) * most);
    for (std::size_t v = first; v < last; ++v) {
      const int level = grid.level[static_cast<std::size_t>(grid.voxels[v])];
      std::size_t dependent = 0;  // besides the voxel itself
      for (const std::ptrdiff_t step : neighbours) {
        const int other = grid.level[static_cast<std::size_t>(grid.voxels[v] + step)];
        if (other != 0 && std::abs(level - other) <= coarseness) ++dependent;
      }
      ++counts[static_cast<std::size_t>(level - 1) * most + dependent];
    }
    Part part;
    part.voxels = static_cast<double>(last - first);
    for (std::size_t c = 0; c < counts.size(); ++c)
      if (counts[c] != 0)
        part.cells.push_back({static_cast<int>(c / most) + 1, static_cast<int>(c % most) + 1,
                              static_cast<double>(counts[c])});
    parts.push_back(std::move(part));
    first = last;
  }
  return parts;
}

}  // namespace

void addGlszm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink) {
  for (const Dimension d : dimensionsOf(config))
    addLevelMatrix(FeatureFamily::Glszm, toString(d), valuesOf(zonesOf(grid, d, nullptr), d), sink);
}

void addGldzm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink) {
  for (const Dimension d : dimensionsOf(config)) {
    const auto distance = borderDistance(grid, d != Dimension::Volume);
    addLevelMatrix(FeatureFamily::Gldzm, toString(d), valuesOf(zonesOf(grid, d, &distance), d),
                   sink);
  }
}

void addNgtdm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink) {
  for (const Dimension d : dimensionsOf(config)) {
    const auto neighbours =
        neighbourhood(grid, config.texture.ngtdmDistance, d != Dimension::Volume);
    Averages<5> average;
    ToneDifferences all;
    std::size_t first = 0;
    for (const std::size_t last : partEnds(grid, d)) {
      const ToneDifferences tone = toneDifferences(grid, first, last, neighbours);
      if (d == Dimension::Flat) average.add(toneFeatures(tone));
      all.voxels.resize(tone.voxels.size());
      all.differences.resize(tone.voxels.size());
      for (std::size_t i = 0; i < tone.voxels.size(); ++i) {
        all.voxels[i] += tone.voxels[i];
        all.differences[i] += tone.differences[i];
      }
      first = last;
    }
    const Values<5> values = d == Dimension::Flat ? average.mean() : toneFeatures(all);
    for (std::size_t f = 0; f < values.size(); ++f)
      sink.add(std::string(kToneNames[f]) + "_" + std::string(toString(d)), values[f],
               "no two voxels of the region are neighbours, or their levels cancel");
  }
}

void addNgldm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink) {
  for (const Dimension d : dimensionsOf(config))
    addLevelMatrix(FeatureFamily::Ngldm, toString(d),
                   valuesOf(dependencesOf(grid, d, config.texture), d), sink);
}

void refuseTexture(FeatureFamily family, const RadiomicsConfig& config, const std::string& why,
                   FeatureSink& sink) {
  const bool directed = family == FeatureFamily::Glcm || family == FeatureFamily::Glrlm;
  const std::vector<std::string> names =
      family == FeatureFamily::Glcm ? glcmNames()
      : family == FeatureFamily::Ngtdm
          ? std::vector<std::string>(kToneNames.begin(), kToneNames.end())
          : levelMatrixNames(family);
  std::vector<std::string_view> aggregations;
  if (directed)
    for (const Aggregation a : config.aggregations) aggregations.push_back(imaging::toString(a));
  else
    for (const Dimension d : dimensionsOf(config)) aggregations.push_back(toString(d));
  for (const std::string_view aggregation : aggregations)
    for (const std::string& name : names) sink.refuse(name + "_" + std::string(aggregation), why);
}

}  // namespace fedpet::imaging::ibsi
