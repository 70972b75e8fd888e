// Numbers of a region and of the whole body, each with its definition.
#pragma once

#include "clinical/Geometry.h"
#include "clinical/ResponseAssessment.h"
#include "clinical/SuvVolume.h"
#include "models/imaging/Lesions.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace fedpet::imaging {

// SUVbw of a set of voxels, each counted once. All 0 for no voxel.
struct UptakeStatistics {
  double mean = 0, standardDeviation = 0;  // of the sample: divisor n - 1
  double minimum = 0, maximum = 0;
  double volumeMl = 0;
};
UptakeStatistics uptakeOf(const SuvVolume& volume, const std::vector<std::size_t>& voxels);

// Unweighted mean of the voxel centres, in patient coordinates. Needs at least one voxel.
PointMm centroidMm(const VolumeGeometry& geometry, const std::vector<std::size_t>& voxels);

// Radius of a sphere of 1 ml: (3/(4 pi))^(1/3) cm (PERCIST 1.0: "a 1-cm3-volume spheric ROI").
inline constexpr double kPeakRadiusMm = 6.2035049;

// The mean SUVbw of the 1 ml sphere at the place that maximises it: the centre is moved over all
// voxels of the region, and the sphere may reach beyond the region. A voxel counts by the share
// of it that lies inside the sphere (sampled at 0.5 mm or finer); the part of the sphere outside
// the volume is left out of the mean. 0 for no voxel.
double suvPeak(const SuvVolume& volume, const std::vector<std::size_t>& voxels);

// SUVbw as SUL. Refused with the scaling's own reason when the patient's lean body mass is not
// known.
tl::expected<double, Refusal> sulOf(double suvBw, const SuvScaling& scaling);

// MTV, LesionGlycolysis, SUVmax, SUVmean, SUVpeak, SULpeak, SUVmin.
std::vector<Measurement> measureLesion(const SuvVolume& volume, const Lesion& lesion,
                                       const SuvScaling& scaling);
// SUVmean, SUVmax, Volume.
std::vector<Measurement> measureOrgan(const SuvVolume& volume, const FoundRegion& region);

// TMTV, TLG, LesionCount, SUVmax, SUVpeak and SULpeak of the hottest lesion, Dmax, SLR, BLR,
// LiverSUVmean, LiverSUVsd. No lesion: the volumes and the count are 0, what needs a lesion is
// refused with NoLesion. A refused `finding` refuses every tumour number with its reason.
std::vector<Measurement> measureWholeBody(const SuvVolume& volume, const Anatomy& anatomy,
                                          const tl::expected<LesionFinding, Refusal>& finding,
                                          const SuvScaling& scaling);

}  // namespace fedpet::imaging
