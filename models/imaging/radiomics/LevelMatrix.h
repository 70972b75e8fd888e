// Features that GLRLM, GLSZM, GLDZM and NGLDM share: each counts something by level and by a second
// property j (run length, zone size, zone distance, dependence). Internal to
// models/imaging/radiomics.
#pragma once

#include "models/imaging/radiomics/Averages.h"
#include "models/imaging/radiomics/Levels.h"

#include <string>
#include <vector>

namespace fedpet::imaging::ibsi {

struct LevelCell {
  int level = 0, j = 0;  // both from 1
  double count = 0;
};

// In this order: short and long j, low and high level, the four products, non-uniformity of level
// and of j (each absolute and normalised), percentage, variance of level and of j, entropy, energy.
inline constexpr std::size_t kLevelMatrixFeatures = 17;
using LevelMatrixValues = Values<kLevelMatrixFeatures>;

// `voxels` is what the percentage is of. Cells may repeat and come in any order. Undefined for
// none.
LevelMatrixValues featuresOf(std::vector<LevelCell> cells, double voxels);

// The IBSI's tags of the 16 or 17 features, without their aggregation.
const std::vector<std::string>& levelMatrixNames(FeatureFamily family);
void addLevelMatrix(FeatureFamily family, std::string_view aggregation,
                    const LevelMatrixValues& values, FeatureSink& sink);

}  // namespace fedpet::imaging::ibsi
