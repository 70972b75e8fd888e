// What the intensities are, wherever they are. Internal to models/imaging/radiomics.
#pragma once

#include "models/imaging/radiomics/Region.h"

#include <vector>

namespace fedpet::imaging::ibsi {

void addStatistics(const Region& region, const RadiomicsConfig& config,
                   FeatureSink& sink);  // stat_*
void addIntensityHistogram(const Region& region, const RadiomicsConfig& config,
                           FeatureSink& sink);  // ih_*
void addIntensityVolumeHistogram(const Region& region, const RadiomicsConfig& config,
                                 FeatureSink& sink);  // ivh_*

}  // namespace fedpet::imaging::ibsi
