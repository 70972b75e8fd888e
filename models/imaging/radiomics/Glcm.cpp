// Grey level co-occurrence: how often two levels lie beside each other.
#include "models/imaging/radiomics/Averages.h"
#include "models/imaging/radiomics/Directions.h"
#include "models/imaging/radiomics/Texture.h"

#include <cmath>

namespace fedpet::imaging::ibsi {
namespace {

constexpr std::size_t kFeatures = 25;
constexpr std::array<const char*, kFeatures> kNames{
    "cm_joint_max",         "cm_joint_avg",   "cm_joint_var",     "cm_joint_entr",
    "cm_diff_avg",          "cm_diff_var",    "cm_diff_entr",     "cm_sum_avg",
    "cm_sum_var",           "cm_sum_entr",    "cm_energy",        "cm_contrast",
    "cm_dissimilarity",     "cm_inv_diff",    "cm_inv_diff_norm", "cm_inv_diff_mom",
    "cm_inv_diff_mom_norm", "cm_inv_var",     "cm_corr",          "cm_auto_corr",
    "cm_clust_tend",        "cm_clust_shade", "cm_clust_prom",    "cm_info_corr1",
    "cm_info_corr2"};

// Pairs (level, level of the neighbour) in one direction; its transpose stands for the other.
struct Matrix {
  explicit Matrix(int levels) : size(static_cast<std::size_t>(levels)), counts(size * size) {}
  void operator+=(const Matrix& other) {
    for (std::size_t c = 0; c < counts.size(); ++c) counts[c] += other.counts[c];
    pairs += other.pairs;
  }
  std::size_t size;
  std::vector<std::uint32_t> counts;
  std::uint64_t pairs = 0;
};

void count(const LevelGrid& grid, std::size_t first, std::size_t last, std::ptrdiff_t neighbour,
           Matrix& matrix) {
  for (std::size_t v = first; v < last; ++v) {
    const std::ptrdiff_t at = grid.voxels[v];
    const std::uint16_t b = grid.level[static_cast<std::size_t>(at + neighbour)];
    if (b == 0) continue;
    const std::uint16_t a = grid.level[static_cast<std::size_t>(at)];
    ++matrix
          .counts[static_cast<std::size_t>(a - 1) * matrix.size + static_cast<std::size_t>(b - 1)];
    ++matrix.pairs;
  }
}

double entropyOf(const std::vector<double>& probabilities) {
  double entropy = 0;
  for (const double p : probabilities)
    if (p > 0) entropy -= p * std::log2(p);
  return entropy;
}

// Distributions of one level, of difference and of sum, and what needs each cell of the matrix.
struct Distributions {
  std::vector<double> single, difference, sum;
  double highest = 0, energy = 0, entropy = 0;
};

Distributions distributionsOf(const Matrix& m) {
  Distributions d{std::vector<double>(m.size),
                  std::vector<double>(m.size),
                  std::vector<double>(2 * m.size - 1),
                  0,
                  0,
                  0};
  const double total = 2 * static_cast<double>(m.pairs);
  for (std::size_t i = 0; i < m.size; ++i)
    for (std::size_t j = i; j < m.size; ++j) {
      const std::uint32_t both = m.counts[i * m.size + j] + m.counts[j * m.size + i];
      if (both == 0) continue;
      const double p = both / total;  // of (i,j), and of (j,i) where that is another cell
      const double cells = i == j ? 1 : 2;
      d.single[i] += p;
      if (i != j) d.single[j] += p;
      d.difference[j - i] += cells * p;
      d.sum[i + j] += cells * p;
      d.highest = std::max(d.highest, p);
      d.energy += cells * p * p;
      d.entropy -= cells * p * std::log2(p);
    }
  return d;
}

// k counts from 0: difference k, sum k + 2.
void addDifferences(Values<kFeatures>& f, const Distributions& d) {
  const auto levels = static_cast<double>(d.single.size());
  for (std::size_t at = 0; at < d.difference.size(); ++at) {
    const double p = d.difference[at], k = static_cast<double>(at);
    f[4] += k * p;
    f[11] += k * k * p;
    f[13] += p / (1 + k);
    f[14] += p / (1 + k / levels);
    f[15] += p / (1 + k * k);
    f[16] += p / (1 + k * k / (levels * levels));
    if (at > 0) f[17] += p / (k * k);
  }
  f[12] = f[4];
  f[5] = f[11] - f[4] * f[4];
  f[6] = entropyOf(d.difference);
}

void addSums(Values<kFeatures>& f, const Distributions& d) {
  for (std::size_t at = 0; at < d.sum.size(); ++at) f[7] += static_cast<double>(at + 2) * d.sum[at];
  double squares = 0;
  for (std::size_t at = 0; at < d.sum.size(); ++at) {
    const double p = d.sum[at], k = static_cast<double>(at + 2), y = k - f[7];
    squares += k * k * p;
    f[8] += y * y * p;
    f[21] += y * y * y * p;
    f[22] += y * y * y * y * p;
  }
  f[20] = f[8];
  f[9] = entropyOf(d.sum);
  f[19] = (squares - f[11]) / 4;  // i j = ((i + j)^2 - (i - j)^2) / 4
}

Values<kFeatures> featuresOf(const Matrix& matrix, RadiomicsConvention convention) {
  Values<kFeatures> f{};
  if (matrix.pairs == 0) {
    f.fill(kUndefined);
    return f;
  }
  const Distributions d = distributionsOf(matrix);
  f[0] = d.highest;
  for (std::size_t i = 0; i < d.single.size(); ++i)
    f[1] += static_cast<double>(i + 1) * d.single[i];
  for (std::size_t i = 0; i < d.single.size(); ++i) {
    const double y = static_cast<double>(i + 1) - f[1];
    f[2] += y * y * d.single[i];
  }
  f[3] = d.entropy;
  addDifferences(f, d);
  addSums(f, d);
  f[10] = d.energy;
  // One level only: no correlation. PyRadiomics calls it perfect.
  const bool flat = d.highest == 1;
  const bool asPyRadiomics = convention == RadiomicsConvention::PyRadiomics;
  f[18] = flat ? (asPyRadiomics ? 1 : kUndefined) : (f[19] - f[1] * f[1]) / f[2];
  // The matrix is symmetric, so that both of the manual's HXY1 and HXY2 are twice the entropy of
  // one level.
  const double single = entropyOf(d.single);
  f[23] = flat ? (asPyRadiomics ? 0 : kUndefined) : (d.entropy - 2 * single) / single;
  f[24] = std::sqrt(std::max(0.0, 1 - std::exp(-2 * (2 * single - d.entropy))));
  return f;
}

void addAll(const Values<kFeatures>& values, Aggregation aggregation, FeatureSink& sink) {
  for (std::size_t f = 0; f < kFeatures; ++f)
    sink.add(std::string(kNames[f]) + "_" + std::string(toString(aggregation)), values[f],
             "no two voxels of the region are neighbours, or all have one level");
}

// In slices: everything that any of the four 2D and 2.5D aggregations needs, in one pass.
void addFlat(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink) {
  const auto flat = directions(true);
  std::vector<Matrix> byDirection(flat.size(), Matrix(grid.levels));
  Averages<kFeatures> each, merged;
  const bool wantsEach = asksFor(config, Aggregation::Averaged2D);
  const bool wantsMerged = asksFor(config, Aggregation::SliceMerged2D);
  std::size_t first = 0;
  for (const std::size_t last : grid.sliceEnds) {
    Matrix slice(grid.levels);
    for (std::size_t d = 0; d < flat.size(); ++d) {
      Matrix one(grid.levels);
      count(grid, first, last, offsetOf(flat[d], grid) * config.texture.glcmDistance, one);
      if (wantsEach) each.add(featuresOf(one, config.convention));
      slice += one;
      byDirection[d] += one;
    }
    if (wantsMerged) merged.add(featuresOf(slice, config.convention));
    first = last;
  }
  if (wantsEach) addAll(each.mean(), Aggregation::Averaged2D, sink);
  if (wantsMerged) addAll(merged.mean(), Aggregation::SliceMerged2D, sink);
  if (asksFor(config, Aggregation::DirectionMerged25D)) {
    Averages<kFeatures> average;
    for (const Matrix& m : byDirection) average.add(featuresOf(m, config.convention));
    addAll(average.mean(), Aggregation::DirectionMerged25D, sink);
  }
  if (asksFor(config, Aggregation::Merged25D)) {
    Matrix all(grid.levels);
    for (const Matrix& m : byDirection) all += m;
    addAll(featuresOf(all, config.convention), Aggregation::Merged25D, sink);
  }
}

void addVolume(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink) {
  Matrix all(grid.levels);
  Averages<kFeatures> each;
  const bool wantsEach = asksFor(config, Aggregation::Averaged3D);
  for (const auto& direction : directions(false)) {
    Matrix one(grid.levels);
    count(grid, 0, grid.voxels.size(), offsetOf(direction, grid) * config.texture.glcmDistance,
          one);
    if (wantsEach) each.add(featuresOf(one, config.convention));
    all += one;
  }
  if (wantsEach) addAll(each.mean(), Aggregation::Averaged3D, sink);
  if (asksFor(config, Aggregation::Merged3D))
    addAll(featuresOf(all, config.convention), Aggregation::Merged3D, sink);
}

}  // namespace

void addGlcm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink) {
  bool flat = false, volume = false;
  for (const Dimension d : dimensionsOf(config)) (d == Dimension::Volume ? volume : flat) = true;
  if (flat) addFlat(grid, config, sink);
  if (volume) addVolume(grid, config, sink);
}

std::vector<std::string> glcmNames() { return {kNames.begin(), kNames.end()}; }

}  // namespace fedpet::imaging::ibsi
