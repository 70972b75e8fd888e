// Texture: how levels lie beside each other. Internal to models/imaging/radiomics.
#pragma once

#include "models/imaging/radiomics/Levels.h"
#include "models/imaging/radiomics/Region.h"

#include <string>
#include <vector>

namespace fedpet::imaging::ibsi {

// Families of matrices with a direction: one value for each aggregation that is asked for.
void addGlcm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink);   // cm_*
void addGlrlm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink);  // rlm_*

// Families without: one value for each of 2D, 2.5D and 3D that an aggregation asks for.
void addGlszm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink);  // szm_*
void addGldzm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink);  // dzm_*
void addNgtdm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink);  // ngt_*
void addNgldm(const LevelGrid& grid, const RadiomicsConfig& config, FeatureSink& sink);  // ngl_*

std::vector<std::string> glcmNames();  // without their aggregation

// Every feature of the family, refused for this reason.
void refuseTexture(FeatureFamily family, const RadiomicsConfig& config, const std::string& why,
                   FeatureSink& sink);

}  // namespace fedpet::imaging::ibsi
