// What a PET scanner does to the truth: blur, correlated noise, calibration error.
#pragma once

#include <cstdint>
#include <vector>

#include "clinical/Geometry.h"
#include "sample-data/Phantom.h"

namespace fedpet::sample {

// In place. `volume` holds voxel averages, so its voxel size already counts as blur: the filter
// adds only what is missing to the wanted total variance. FWHM 0 does nothing.
void blur(std::vector<float>& volume, const VolumeGeometry&, double fwhmMm);

struct NoiseReference {
  double suv = 2.1;            // activity at which `liverNoiseCov` holds
  double bodyDiameterMm = 0;   // of the slices where it holds; 0: the same noise in every slice
};

// The measured image of `truth` (SUVbw). Noise variance is proportional to the blurred activity
// and grows with the thickness of the patient at that slice; values below 0 become 0, as in
// reconstructions with a positivity constraint.
std::vector<float> measure(const std::vector<float>& truth, const VolumeGeometry&,
                           const ScannerSpec&, const NoiseReference&, std::uint64_t seed);

}  // namespace fedpet::sample
