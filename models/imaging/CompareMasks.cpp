#include "models/imaging/CompareMasks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "models/imaging/ImagingError.h"
#include "models/imaging/VolumeFilters.h"

namespace fedpet::imaging {
namespace {

// Text positions and spacings carry about this much rounding.
constexpr double kToleranceOfVoxel = 0.02;
constexpr double kTolerance = 1e-3;

using Steps = std::array<int, 3>;

[[noreturn]] void differ(const std::string& how) {
  throw ImagingError("the two masks cannot be compared: " + how);
}

double along(const PointMm& from, const PointMm& to, const std::array<double, 3>& direction) {
  return (to[0] - from[0]) * direction[0] + (to[1] - from[1]) * direction[1] +
         (to[2] - from[2]) * direction[2];
}

// Where voxel (0,0,0) of `test` is in the grid of `reference`.
Steps shiftOf(const VolumeGeometry& reference, const VolumeGeometry& test) {
  if (distanceMm(reference.rowDirection, test.rowDirection) > kTolerance ||
      distanceMm(reference.columnDirection, test.columnDirection) > kTolerance ||
      distanceMm(reference.sliceDirection, test.sliceDirection) > kTolerance)
    differ("their directions differ");
  for (std::size_t a = 0; a < 3; ++a)
    if (std::abs(reference.spacingMm[a] - test.spacingMm[a]) > kTolerance)
      differ("their voxel spacings differ");
  const std::array<double, 3> steps{
      along(reference.originMm, test.originMm, reference.rowDirection) / reference.spacingMm[0],
      along(reference.originMm, test.originMm, reference.columnDirection) / reference.spacingMm[1],
      along(reference.originMm, test.originMm, reference.sliceDirection) / reference.spacingMm[2]};
  Steps shift{};
  for (std::size_t a = 0; a < 3; ++a) {
    if (std::abs(steps[a]) > 1e5) differ("they are far apart");
    shift[a] = static_cast<int>(std::lround(steps[a]));
    if (std::abs(steps[a] - shift[a]) > kToleranceOfVoxel)
      differ("their grids are shifted by part of a voxel");
  }
  return shift;
}

// The smallest grid that holds both, and where each of them starts in it.
struct CommonGrid {
  VolumeGeometry geometry;
  Steps reference{}, test{};
};

CommonGrid commonGrid(const VolumeGeometry& reference, const VolumeGeometry& test) {
  const Steps shift = shiftOf(reference, test);
  CommonGrid common{reference, {}, {}};
  for (std::size_t a = 0; a < 3; ++a) {
    const int lowest = std::min(0, shift[a]);
    common.reference[a] = -lowest;
    common.test[a] = shift[a] - lowest;
    common.geometry.size[a] =
        std::max(reference.size[a] + common.reference[a], test.size[a] + common.test[a]);
  }
  common.geometry.originMm =
      reference.pointMm(-common.reference[0], -common.reference[1], -common.reference[2]);
  return common;
}

// Foreground voxels of `volume`, as ascending offsets in the common grid.
std::vector<std::size_t> placed(const LabelVolume& volume, const VolumeGeometry& grid,
                                const Steps& start) {
  std::vector<std::size_t> offsets;
  const VoxelIndex index(volume.geometry);
  for (std::size_t v = 0; v < volume.labels.size(); ++v) {
    if (volume.labels[v] == 0) continue;
    const auto at = index(v);
    offsets.push_back(grid.offset(at[0] + start[0], at[1] + start[1], at[2] + start[2]));
  }
  return offsets;
}

// Voxels of the components of `voxels` that have none in `other`, and how many components.
struct Lonely {
  std::size_t voxels = 0, components = 0;
};

Lonely withoutPartner(const std::vector<std::size_t>& voxels, const std::vector<std::size_t>& other,
                      const VolumeGeometry& grid) {
  Lonely lonely;
  for (const auto& component : componentsOf(voxels, grid, Connectivity::Edges18)) {
    ++lonely.components;
    const bool touches = std::any_of(component.begin(), component.end(), [&](std::size_t v) {
      return std::binary_search(other.begin(), other.end(), v);
    });
    if (!touches) lonely.voxels += component.size();
  }
  return lonely;
}

void requireWhole(const LabelVolume& volume) {
  if (volume.labels.size() != volume.geometry.voxelCount())
    differ("a mask does not fill its own grid");
}

}  // namespace

MaskComparison compareMasks(const LabelVolume& reference, const LabelVolume& test) {
  requireWhole(reference);
  requireWhole(test);
  const CommonGrid common = commonGrid(reference.geometry, test.geometry);
  const auto r = placed(reference, common.geometry, common.reference);
  const auto t = placed(test, common.geometry, common.test);
  std::vector<std::size_t> both;
  std::set_intersection(r.begin(), r.end(), t.begin(), t.end(), std::back_inserter(both));

  const double voxelMl = common.geometry.voxelVolumeMl();
  const Lonely inTest = withoutPartner(t, r, common.geometry);
  const Lonely inReference = withoutPartner(r, t, common.geometry);
  MaskComparison result;
  if (!r.empty() || !t.empty())
    result.dice =
        2.0 * static_cast<double>(both.size()) / static_cast<double>(r.size() + t.size());
  result.falsePositiveMl = static_cast<double>(inTest.voxels) * voxelMl;
  result.falseNegativeMl = static_cast<double>(inReference.voxels) * voxelMl;
  result.referenceMl = static_cast<double>(r.size()) * voxelMl;
  result.testMl = static_cast<double>(t.size()) * voxelMl;
  result.referenceComponents = inReference.components;
  result.testComponents = inTest.components;
  return result;
}

}  // namespace fedpet::imaging
