#include "models/imaging/radiomics/LevelMatrix.h"

#include <algorithm>
#include <cmath>

namespace fedpet::imaging::ibsi {
namespace {

// Sorted by level, then j; equal cells merged.
void merge(std::vector<LevelCell>& cells) {
  const auto before = [](const LevelCell& a, const LevelCell& b) {
    return a.level != b.level ? a.level < b.level : a.j < b.j;
  };
  if (!std::is_sorted(cells.begin(), cells.end(), before))
    std::sort(cells.begin(), cells.end(), before);
  std::size_t kept = 0;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    if (kept > 0 && cells[kept - 1].level == cells[c].level && cells[kept - 1].j == cells[c].j)
      cells[kept - 1].count += cells[c].count;
    else
      cells[kept++] = cells[c];
  }
  cells.resize(kept);
}

// Sum of the squared totals of each level, or of each j.
double squaredTotals(const std::vector<LevelCell>& cells, int LevelCell::*key) {
  int highest = 0;
  for (const LevelCell& c : cells) highest = std::max(highest, c.*key);
  std::vector<double> totals(static_cast<std::size_t>(highest) + 1);
  for (const LevelCell& c : cells) totals[static_cast<std::size_t>(c.*key)] += c.count;
  double squares = 0;
  for (const double total : totals) squares += total * total;
  return squares;
}

}  // namespace

LevelMatrixValues featuresOf(std::vector<LevelCell> cells, double voxels) {
  LevelMatrixValues f{};
  double n = 0;
  for (const LevelCell& c : cells) n += c.count;
  if (n == 0) {
    f.fill(kUndefined);
    return f;
  }
  merge(cells);
  double meanLevel = 0, meanJ = 0;
  for (const LevelCell& c : cells) {
    const double p = c.count / n;
    const double i = c.level, j = c.j, i2 = i * i, j2 = j * j;
    f[0] += p / j2;
    f[1] += p * j2;
    f[2] += p / i2;
    f[3] += p * i2;
    f[4] += p / (i2 * j2);
    f[5] += p * i2 / j2;
    f[6] += p * j2 / i2;
    f[7] += p * i2 * j2;
    meanLevel += p * i;
    meanJ += p * j;
    f[15] -= p * std::log2(p);
    f[16] += p * p;
  }
  for (const LevelCell& c : cells) {
    f[13] += c.count / n * (c.level - meanLevel) * (c.level - meanLevel);
    f[14] += c.count / n * (c.j - meanJ) * (c.j - meanJ);
  }
  f[8] = squaredTotals(cells, &LevelCell::level) / n;
  f[9] = f[8] / n;
  f[10] = squaredTotals(cells, &LevelCell::j) / n;
  f[11] = f[10] / n;
  f[12] = n / voxels;
  return f;
}

const std::vector<std::string>& levelMatrixNames(FeatureFamily family) {
  static const std::vector<std::string> runs{
      "rlm_sre",    "rlm_lre",    "rlm_lgre",   "rlm_hgre",      "rlm_srlge", "rlm_srhge",
      "rlm_lrlge",  "rlm_lrhge",  "rlm_glnu",   "rlm_glnu_norm", "rlm_rlnu",  "rlm_rlnu_norm",
      "rlm_r_perc", "rlm_gl_var", "rlm_rl_var", "rlm_rl_entr"};
  static const std::vector<std::string> sizes{
      "szm_sze",    "szm_lze",    "szm_lgze",   "szm_hgze",      "szm_szlge", "szm_szhge",
      "szm_lzlge",  "szm_lzhge",  "szm_glnu",   "szm_glnu_norm", "szm_zsnu",  "szm_zsnu_norm",
      "szm_z_perc", "szm_gl_var", "szm_zs_var", "szm_zs_entr"};
  static const std::vector<std::string> distances{
      "dzm_sde",    "dzm_lde",    "dzm_lgze",   "dzm_hgze",      "dzm_sdlge", "dzm_sdhge",
      "dzm_ldlge",  "dzm_ldhge",  "dzm_glnu",   "dzm_glnu_norm", "dzm_zdnu",  "dzm_zdnu_norm",
      "dzm_z_perc", "dzm_gl_var", "dzm_zd_var", "dzm_zd_entr"};
  static const std::vector<std::string> dependences{
      "ngl_lde",     "ngl_hde",    "ngl_lgce",   "ngl_hgce",      "ngl_ldlge",    "ngl_ldhge",
      "ngl_hdlge",   "ngl_hdhge",  "ngl_glnu",   "ngl_glnu_norm", "ngl_dcnu",     "ngl_dcnu_norm",
      "ngl_dc_perc", "ngl_gl_var", "ngl_dc_var", "ngl_dc_entr",   "ngl_dc_energy"};
  switch (family) {
    case FeatureFamily::Glrlm:
      return runs;
    case FeatureFamily::Glszm:
      return sizes;
    case FeatureFamily::Gldzm:
      return distances;
    default:
      return dependences;
  }
}

void addLevelMatrix(FeatureFamily family, std::string_view aggregation,
                    const LevelMatrixValues& values, FeatureSink& sink) {
  const std::vector<std::string>& names = levelMatrixNames(family);
  for (std::size_t f = 0; f < names.size(); ++f)
    sink.add(names[f] + "_" + std::string(aggregation), values[f]);
}

}  // namespace fedpet::imaging::ibsi
