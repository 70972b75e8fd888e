// The NEMA NU 2 image quality phantom: six hot spheres in a warm torso with a cold lung insert.
// EARL publishes which recovery coefficients an accredited scanner must reach on it, so it is an
// outside judge of our scanner model.
#pragma once

#include <cstdint>
#include <vector>

#include "clinical/Geometry.h"
#include "clinical/SuvVolume.h"
#include "sample-data/Phantom.h"

namespace fedpet::sample {

struct NemaSphere {
  double diameterMm = 0;  // inner
  PointMm centreMm{};
  std::uint16_t label = 0;
};

struct NemaPhantom {
  SuvVolume image, truth;          // activity relative to the background's
  LabelVolume regions;             // sphere labels as in `spheres`; kNemaBackground in the torso
  std::vector<NemaSphere> spheres; // 10, 13, 17, 22, 28, 37 mm
  double backgroundActivity = 1, sphereActivity = 10;
};
inline constexpr std::uint16_t kNemaBackground = 100;

// NEMA NU 2-2012, section 7: sphere centres on a circle of 114.4 mm diameter. `shiftMm` moves the
// phantom against the voxel grid: recovery depends on where a sphere's centre falls in a voxel.
NemaPhantom nemaImageQuality(const ScannerSpec&, std::uint64_t seed, double contrast = 10,
                             PointMm shiftMm = {});

}  // namespace fedpet::sample
