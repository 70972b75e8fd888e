// The one change that is ever made to an image before it is measured.
#pragma once

#include "clinical/SuvVolume.h"

namespace fedpet::imaging {

// Convolves with a Gaussian of this full width at half maximum, in place. The kernel is the
// discrete Gaussian (Lindeberg 1990), whose variance is exact also for widths below a voxel, where
// a sampled or a recursive Gaussian is wrong. Beyond the borders the outermost voxels are repeated,
// so an even image stays even and a body that is cut by the field of view does not fade there.
// Throws ImagingError for voxels that are not finite or do not fit the geometry.
void filterGaussian(SuvVolume& volume, double fwhmMm);

}  // namespace fedpet::imaging
