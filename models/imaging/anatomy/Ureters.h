// Urine on its way: hot, thin, upright pieces between kidney and bladder.
#pragma once

#include "models/imaging/NativePainter.h"
#include "models/imaging/anatomy/VoxelSets.h"

#include <optional>
#include <vector>

namespace fedpet::imaging::anatomy {

struct UreterSurroundings {
  const PatientGrid& grid;
  const NativePainter& painter;
  const std::optional<Blob>& bladder;
  double voxelVolumeMl;  // of the volume, whose voxels the pieces are made of
};

// Long pieces, and the short one that may lead the lowest of them into the bladder.
Voxels urineIn(const std::vector<Voxels>& pieces, const UreterSurroundings& in);

}  // namespace fedpet::imaging::anatomy
