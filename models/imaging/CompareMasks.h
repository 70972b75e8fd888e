// How well one tumour mask agrees with another, by the definitions of the autoPET challenge
// (lab-midas/autoPET, val_script.py).
#pragma once

#include <cstddef>
#include <optional>

#include "clinical/SuvVolume.h"

namespace fedpet::imaging {

// Components are 18-connected (faces and edges).
struct MaskComparison {
  std::optional<double> dice;  // 2 |R and T| / (|R| + |T|); nullopt when both are empty
  double falsePositiveMl = 0;  // of components of the test without one voxel in the reference
  double falseNegativeMl = 0;  // of components of the reference without one voxel in the test
  double referenceMl = 0, testMl = 0;
  std::size_t referenceComponents = 0, testComponents = 0;
};

// Any label but 0 is foreground. The volumes may cover different parts of one grid, as sparse
// segmentations do: what a volume does not cover is background. Throws ImagingError when the grids
// differ in direction, spacing or matrix, or are shifted by part of a voxel: resampling a mask
// would change the very numbers asked for.
MaskComparison compareMasks(const LabelVolume& reference, const LabelVolume& test);

}  // namespace fedpet::imaging
