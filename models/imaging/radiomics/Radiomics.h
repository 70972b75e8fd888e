// Radiomic features of one region, as the IBSI defines and names them (reference manual,
// arXiv 1612.07003; Zwanenburg et al., Radiology 2020;295:328). Feature names are the tags of the
// IBSI's reference tables: "stat_mean", "cm_joint_max_3D_avg", "szm_sze_2_5D".
#pragma once

#include "clinical/SuvVolume.h"
#include "models/imaging/radiomics/RadiomicsConfig.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::imaging {

// A feature that is not defined for this region has a reason instead of a value; a value is always
// finite. Lengths are in mm, areas in mm2, volumes in mm3, intensities in the image's own unit.
struct RadiomicFeature {
  std::string name;
  tl::expected<double, std::string> value;
};

struct RadiomicsResult {
  RadiomicsConfig config;
  std::string configHash;
  std::vector<RadiomicFeature> features;     // in the order of the IBSI's tables
  std::vector<RadiomicFeature> diagnostics;  // "int_mask_vox_count_reseg_roi"; when asked for
  std::vector<std::string> warnings;

  const RadiomicFeature* find(std::string_view name) const;  // features, then diagnostics
};

enum class RadiomicsRefusalCode {
  GridsDiffer,  // the mask does not lie on the image's voxels
  EmptyMask,
  SingleVoxel,  // one voxel has neither form nor texture
  NothingLeft,  // interpolation or re-segmentation took every voxel away
  NotFinite,    // NaN or infinite voxels in or beside the region
  TooLarge,     // the interpolated region would not fit into memory
};
std::string_view toString(RadiomicsRefusalCode);

struct RadiomicsRefusal {
  RadiomicsRefusalCode code = RadiomicsRefusalCode::EmptyMask;
  std::string detail;
};

// Features that the IBSI names but could not standardise, and that are therefore left out.
const std::vector<std::string>& unstandardisedFeatures();

// `image` and `mask` have geometry.voxelCount() voxels, i fastest; any mask value but 0 is the
// region. Slices (2D and 2.5D) are those of constant k. Safe to call from several threads. Throws
// ImagingError when they do not fit the geometry and RadiomicsConfigError for a bad configuration.
tl::expected<RadiomicsResult, RadiomicsRefusal> radiomics(const VolumeGeometry& geometry,
                                                          std::span<const float> image,
                                                          std::span<const std::uint8_t> mask,
                                                          const RadiomicsConfig& config);

// Of a lesion as findLesions() gives it: offsets into volume.suvBw.
tl::expected<RadiomicsResult, RadiomicsRefusal> radiomics(const SuvVolume& volume,
                                                          const std::vector<std::size_t>& voxels,
                                                          const RadiomicsConfig& config);

// The labels as a mask on the voxels of `grid`: the mask may cover a part of the grid, or more than
// it, but its voxels must coincide with the grid's (GridsDiffer otherwise, with what differs).
// Labels outside the grid are an error of the same kind: they would be lost.
tl::expected<std::vector<std::uint8_t>, RadiomicsRefusal> maskOnGrid(const LabelVolume& mask,
                                                                     const VolumeGeometry& grid);

}  // namespace fedpet::imaging
