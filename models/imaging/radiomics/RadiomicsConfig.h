// Every choice that the IBSI asks to be reported with a radiomic feature: what is done to the image
// and to the mask before a feature is computed. Source: Zwanenburg et al., The Image Biomarker
// Standardisation Initiative, reference manual (arXiv 1612.07003), chapters "Image processing" and
// "Reference data sets". docs/radiomics.md documents the JSON form.
#pragma once

#include "models/imaging/ImagingError.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::imaging {

// PyRadiomics differs from the IBSI in a few documented ways; this switch follows it there, under
// the IBSI's names, so that the two can be compared. docs/radiomics.md lists the differences.
enum class RadiomicsConvention { Ibsi, PyRadiomics };

enum class InterpolationMethod { Nearest, Linear, Cubic };  // Cubic: B-spline of order 3

// How the new grid lies on the old one. Centre is the IBSI's choice; Corner (the outer corners of
// the first voxels coincide) is that of PyRadiomics.
enum class GridAlignment { Centre, Corner };

struct InterpolationConfig {
  // Along i, j and k; 0 keeps the image's own spacing along that axis ("2D"). nullopt: none at all.
  std::optional<std::array<double, 3>> spacingMm;
  InterpolationMethod image = InterpolationMethod::Linear;
  InterpolationMethod mask = InterpolationMethod::Linear;  // Nearest or Linear
  double maskThreshold = 0.5;     // a voxel belongs to the mask from this share on, inclusive
  bool roundIntensities = false;  // to the nearest integer, after interpolation: for CT
  GridAlignment grid = GridAlignment::Centre;
};

// Takes voxels out of the intensity mask; the morphological mask keeps its form. The outliers'
// mean and standard deviation are those of the whole mask, and a voxel must pass both rules.
struct ResegmentationConfig {
  std::optional<double> lowest, highest;  // inclusive
  std::optional<double> outlierSigmas;    // further from the mean than this many SD: out
};

enum class DiscretisationMethod { None, FixedBinSize, FixedBinNumber };

struct DiscretisationConfig {
  DiscretisationMethod method = DiscretisationMethod::FixedBinNumber;
  double binSize = 0;  // in the image's unit; bins start at the re-segmentation's lower bound, or
                       // at the region's minimum where there is none
  int binCount = 32;
};

struct TextureConfig {
  int glcmDistance = 1;  // voxels, Chebyshev; direction vectors are multiplied by it
  int ngtdmDistance = 1, ngldmDistance = 1;
  double ngldmCoarseness = 0;  // levels that differ by at most this are dependent
};

// The IBSI's ways to make one value of many matrices. Families without directions (GLSZM, GLDZM,
// NGTDM, NGLDM) are computed once per dimension: 2D, 2.5D and 3D, when one of its ways is asked.
enum class Aggregation {
  Averaged2D,          // "2D_avg": each slice and direction, averaged
  SliceMerged2D,       // "2D_comb": directions merged in each slice, then averaged
  DirectionMerged25D,  // "2_5D_avg": slices merged for each direction, then averaged
  Merged25D,           // "2_5D_comb": everything in one matrix
  Averaged3D,          // "3D_avg": each 3D direction, averaged
  Merged3D,            // "3D_comb"
};
std::string_view toString(Aggregation);  // as in quotes above, as in the IBSI's tags
const std::vector<Aggregation>& allAggregations();

enum class FeatureFamily {
  Morphology,                // "morphology", without the two of the next
  SpatialAutocorrelation,    // "spatialAutocorrelation": Moran's I and Geary's C
  LocalIntensity,            // "localIntensity"
  Statistics,                // "statistics"
  IntensityHistogram,        // "intensityHistogram"
  IntensityVolumeHistogram,  // "intensityVolumeHistogram"
  Glcm,
  Glrlm,
  Glszm,
  Gldzm,
  Ngtdm,
  Ngldm,  // "glcm", ...
};
std::string_view toString(FeatureFamily);
const std::vector<FeatureFamily>& allFeatureFamilies();

// The defaults suit intensities of any kind: 32 bins for texture, 1000 for the intensity-volume
// histogram ("arbitrary intensity units"), no interpolation, 3D.
struct RadiomicsConfig {
  RadiomicsConvention convention = RadiomicsConvention::Ibsi;
  InterpolationConfig interpolation;
  ResegmentationConfig resegmentation;
  DiscretisationConfig discretisation;  // texture and intensity histogram
  DiscretisationConfig intensityVolumeHistogram{DiscretisationMethod::FixedBinNumber, 0, 1000};
  TextureConfig texture;
  std::vector<Aggregation> aggregations{Aggregation::Averaged3D, Aggregation::Merged3D};
  std::vector<FeatureFamily> families = allFeatureFamilies();
  // Adds what the IBSI calls diagnostic features: size, voxels and intensities of image and masks
  // after each step. The whole image is interpolated for them.
  bool diagnostics = false;
};

// For SUV: bins of a fixed size that start at 0 keep their meaning between patients (0.25 g/ml for
// texture; 0.1 g/ml for the intensity-volume histogram, which is the manual's example for FDG-PET).
RadiomicsConfig petRadiomicsConfig();

class RadiomicsConfigError : public ImagingError {
 public:
  using ImagingError::ImagingError;
};

// Keys that are absent keep the values of `defaults`; with "convention": "pyradiomics", an absent
// grid is Corner and an absent mask interpolation Nearest. Throws RadiomicsConfigError, naming the
// key by its full path, for a key or value that is not known and for choices that contradict.
RadiomicsConfig radiomicsConfigFromJson(std::string_view text,
                                        const RadiomicsConfig& defaults = {});
// Complete and in a fixed order: equal configurations give equal text.
std::string toJson(const RadiomicsConfig&);
// Throws RadiomicsConfigError when a number is out of its range.
void requireValid(const RadiomicsConfig&);
// 16 hexadecimal digits (FNV-1a, 64 bits) of toJson(): tells configurations apart, protects
// nothing.
std::string configHash(const RadiomicsConfig&);

}  // namespace fedpet::imaging
