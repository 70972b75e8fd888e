// Grey level run length: voxels of one level in a row.
#include "models/imaging/radiomics/Directions.h"
#include "models/imaging/radiomics/LevelMatrix.h"
#include "models/imaging/radiomics/Texture.h"

namespace fedpet::imaging::ibsi {
namespace {

// Counts by level and length, with the voxels that they are made of.
struct Runs {
  Runs(int levels, int longest)
      : lengths(static_cast<std::size_t>(longest)),
        counts(static_cast<std::size_t>(levels) * lengths) {}
  void operator+=(const Runs& other) {
    for (std::size_t c = 0; c < counts.size(); ++c) counts[c] += other.counts[c];
    voxels += other.voxels;
  }
  std::size_t lengths;
  std::vector<std::uint32_t> counts;
  double voxels = 0;
};

void count(const LevelGrid& grid, std::size_t first, std::size_t last, std::ptrdiff_t step,
           Runs& runs) {
  const auto levelAt = [&](std::ptrdiff_t at) { return grid.level[static_cast<std::size_t>(at)]; };
  for (std::size_t v = first; v < last; ++v) {
    std::ptrdiff_t at = grid.voxels[v];
    const std::uint16_t level = levelAt(at);
    if (levelAt(at - step) == level) continue;  // not where the run begins
    std::size_t length = 1;
    while (levelAt(at += step) == level) ++length;
    ++runs.counts[static_cast<std::size_t>(level - 1) * runs.lengths + length - 1];
  }
  runs.voxels += static_cast<double>(last - first);
}

LevelMatrixValues featuresOf(const Runs& runs) {
  std::vector<LevelCell> cells;
  for (std::size_t c = 0; c < runs.counts.size(); ++c)
    if (runs.counts[c] != 0)
      cells.push_back({static_cast<int>(c / runs.lengths) + 1,
                       static_cast<int>(c % runs.lengths) + 1,
                       static_cast<double>(runs.counts[c])});
  return featuresOf(std::move(cells), runs.voxels);
}

void add(Aggregation aggregation, const LevelMatrixValues& values, FeatureSink& sink) {
  addLevelMatrix(FeatureFamily::Glrlm, toString(aggregation), values, sink);
}

void addFlat(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink) {
  const Runs none(grid.levels, std::max(grid.box.size[0], grid.box.size[1]));
  const auto flat = directions(true);
  std::vector<Runs> byDirection(flat.size(), none);
  Averages<kLevelMatrixFeatures> each, merged;
  const bool wantsEach = asksFor(config, Aggregation::Averaged2D);
  const bool wantsMerged = asksFor(config, Aggregation::SliceMerged2D);
  std::size_t first = 0;
  for (const std::size_t last : grid.sliceEnds) {
    Runs slice = none;
    for (std::size_t d = 0; d < flat.size(); ++d) {
      Runs one = none;
      count(grid, first, last, offsetOf(flat[d], grid), one);
      if (wantsEach) each.add(featuresOf(one));
      slice += one;
      byDirection[d] += one;
    }
    if (wantsMerged) merged.add(featuresOf(slice));
    first = last;
  }
  if (wantsEach) add(Aggregation::Averaged2D, each.mean(), sink);
  if (wantsMerged) add(Aggregation::SliceMerged2D, merged.mean(), sink);
  if (asksFor(config, Aggregation::DirectionMerged25D)) {
    Averages<kLevelMatrixFeatures> average;
    for (const Runs& r : byDirection) average.add(featuresOf(r));
    add(Aggregation::DirectionMerged25D, average.mean(), sink);
  }
  if (asksFor(config, Aggregation::Merged25D)) {
    Runs all = none;
    for (const Runs& r : byDirection) all += r;
    add(Aggregation::Merged25D, featuresOf(all), sink);
  }
}

void addVolume(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink) {
  const Runs none(grid.levels, std::max({grid.box.size[0], grid.box.size[1], grid.box.size[2]}));
  Runs all = none;
  Averages<kLevelMatrixFeatures> each;
  const bool wantsEach = asksFor(config, Aggregation::Averaged3D);
  for (const auto& direction : directions(false)) {
    Runs one = none;
    count(grid, 0, grid.voxels.size(), offsetOf(direction, grid), one);
    if (wantsEach) each.add(featuresOf(one));
    all += one;
  }
  if (wantsEach) add(Aggregation::Averaged3D, each.mean(), sink);
  if (asksFor(config, Aggregation::Merged3D)) add(Aggregation::Merged3D, featuresOf(all), sink);
}

}  // namespace

void addGlrlm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink) {
  bool flat = false, volume = false;
  for (const Dimension d : dimensionsOf(config)) (d == Dimension::Volume ? volume : flat) = true;
  if (flat) addFlat(grid, config, sink);
  if (volume) addVolume(grid, config, sink);
}

}  // namespace fedpet::imaging::ibsi
