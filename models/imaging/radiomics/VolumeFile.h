// NIfTI (.nii, .nii.gz) and NRRD (.nrrd, .nhdr) volumes, read by ITK. Positions are LPS whatever
// the file's own convention.
#pragma once

#include "clinical/Geometry.h"
#include "clinical/SuvVolume.h"

#include <filesystem>
#include <optional>
#include <vector>

namespace fedpet::imaging {

struct ScalarVolume {
  VolumeGeometry geometry;
  std::vector<float> values;  // i fastest, rescaled as the file says
};

// By the name's ending; does not look into the file.
bool isVolumeFile(const std::filesystem::path&);

// Three dimensions (further ones of size 1), one number a voxel. Throws ImagingError, saying what
// is wrong with the file.
ScalarVolume readScalarVolume(const std::filesystem::path&);

// A mask: voxels equal to `label`, or any but 0 without one, become 1. Throws ImagingError also
// when a voxel is not a whole number from 0 to 65535, or when no voxel has the label.
LabelVolume readMaskVolume(const std::filesystem::path&, std::optional<int> label = std::nullopt);

}  // namespace fedpet::imaging
