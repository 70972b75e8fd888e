// Uptake that no rule outlines without CT, but that often is no tumour: bowel and brown fat. It
// stays among the lesions; these are the words for the reader.
#pragma once

#include "models/imaging/NativePainter.h"
#include "models/imaging/PatientGrid.h"

#include <string>
#include <vector>

namespace fedpet::imaging::anatomy {

// The free voxels of `painter` are what no organ has claimed. `domeZ`: of the liver.
std::vector<std::string> doubtfulUptake(const PatientGrid& grid, const NativePainter& painter,
                                        double domeZ, double voxelVolumeMl);

}  // namespace fedpet::imaging::anatomy
