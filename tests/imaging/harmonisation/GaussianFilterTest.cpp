#include "models/imaging/ImagingError.h"
#include "models/imaging/harmonisation/GaussianFilter.h"
#include "tests/support/VolumeBuilder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace fedpet::imaging {
namespace {

using testing::aVolume;

double total(const SuvVolume& volume) {
  return std::accumulate(volume.suvBw.begin(), volume.suvBw.end(), 0.0);
}

// Second moment of a filtered point along one axis of the grid, in mm^2.
double varianceAlong(const SuvVolume& volume, std::size_t axis) {
  double sum = 0, first = 0, second = 0;
  const VolumeGeometry& g = volume.geometry;
  for (int k = 0; k < g.size[2]; ++k)
    for (int j = 0; j < g.size[1]; ++j)
      for (int i = 0; i < g.size[0]; ++i) {
        const double at = std::array{i, j, k}[axis] * g.spacingMm[axis];
        const auto w = static_cast<double>(volume.suvBw[g.offset(i, j, k)]);
        sum += w, first += w * at, second += w * at * at;
      }
  return second / sum - first / sum * (first / sum);
}

// The variance of a Gaussian is (FWHM / 2.3548)^2 along every axis, whatever the voxels.
TEST(GaussianFilter, HasTheWidthInMillimetresAlsoBelowAVoxel) {
  for (const double fwhmMm : {2.5, 4.9, 8.0}) {
    SuvVolume volume =
        aVolume().size(31, 31, 31).spacingMm(4, 2.5, 3.27).voxel(15, 15, 15, 1000).build();
    filterGaussian(volume, fwhmMm);
    const double expected = std::pow(fwhmMm / 2.3548200450309493, 2);
    for (std::size_t axis = 0; axis < 3; ++axis)
      EXPECT_NEAR(varianceAlong(volume, axis), expected, 0.01 * expected) << fwhmMm << ", " << axis;
    EXPECT_NEAR(total(volume), 1000, 1e-2);
  }
}

// A body that both ends of the field cut, with a hot organ at the lower end.
TEST(GaussianFilter, KeepsTheTotalActivityOfABodyThatTheFieldCuts) {
  SuvVolume volume = aVolume()
                         .size(40, 40, 30)
                         .box({8, 10, 0}, {31, 29, 29}, 1)
                         .sphere({80, 80, 6}, 25, 20)
                         .build();
  const double before = total(volume);
  filterGaussian(volume, 6.5);
  EXPECT_NEAR(total(volume), before, 1e-3 * before);
}

TEST(GaussianFilter, LeavesAnEvenImageEvenUpToItsBorders) {
  SuvVolume volume = aVolume().background(2.5F).size(9, 8, 3).build();
  filterGaussian(volume, 7);
  for (const float v : volume.suvBw) EXPECT_NEAR(v, 2.5, 1e-4);
}

TEST(GaussianFilter, RefusesVoxelsThatAreNoNumbers) {
  SuvVolume volume = aVolume().voxel(3, 3, 3, std::numeric_limits<float>::quiet_NaN()).build();
  EXPECT_THROW(filterGaussian(volume, 5), ImagingError);
  volume.suvBw.pop_back();
  EXPECT_THROW(filterGaussian(volume, 5), ImagingError);
}

}  // namespace
}  // namespace fedpet::imaging
