// Form of the region, and how intensity is spread over it. Internal to models/imaging/radiomics.
#pragma once

#include "models/imaging/radiomics/Region.h"

namespace fedpet::imaging::ibsi {

// morph_*: always 3D. Lengths in mm.
void addMorphology(const Region& region, const RadiomicsConfig& config, FeatureSink& sink);

// morph_moran_i, morph_geary_c: the manual counts them among the morphological features.
void addSpatialAutocorrelation(const Region& region, FeatureSink& sink);

// loc_peak_loc, loc_peak_glob: means over the voxels whose centres lie within 1 cm3 around a voxel
// of the intensity mask; the neighbours may lie outside the region, not outside the image.
void addLocalIntensity(const Region& region, FeatureSink& sink);

}  // namespace fedpet::imaging::ibsi
