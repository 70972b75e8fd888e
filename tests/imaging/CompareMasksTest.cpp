// The autoPET metrics on masks small enough to count by hand. Voxels are 10 x 10 x 10 mm: 1 ml.
#include "models/imaging/CompareMasks.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "models/imaging/ImagingError.h"

namespace fedpet::imaging {
namespace {

using Voxel = std::array<int, 3>;

VolumeGeometry cubes(std::array<int, 3> size) {
  VolumeGeometry geometry;
  geometry.size = size;
  geometry.spacingMm = {10, 10, 10};
  return geometry;
}

LabelVolume mask(const std::vector<Voxel>& voxels, VolumeGeometry geometry = cubes({8, 8, 8})) {
  LabelVolume volume{geometry, std::vector<std::uint16_t>(geometry.voxelCount())};
  for (const Voxel& v : voxels) volume.labels[geometry.offset(v[0], v[1], v[2])] = 1;
  return volume;
}

TEST(CompareMasks, OfEqualMasksIsPerfect) {
  const auto result = compareMasks(mask({{1, 1, 1}, {2, 1, 1}}), mask({{1, 1, 1}, {2, 1, 1}}));
  EXPECT_DOUBLE_EQ(*result.dice, 1.0);
  EXPECT_DOUBLE_EQ(result.falsePositiveMl, 0);
  EXPECT_DOUBLE_EQ(result.falseNegativeMl, 0);
}

// R has 4 voxels, T has 3, both 2: Dice = 2 * 2 / 7. Every component touches: no FP, no FN.
TEST(CompareMasks, CountsOverlapByVoxelsAndErrorsByComponents) {
  const auto result =
      compareMasks(mask({{1, 1, 1}, {2, 1, 1}, {3, 1, 1}, {4, 1, 1}}),
                   mask({{3, 1, 1}, {4, 1, 1}, {5, 1, 1}}));
  EXPECT_DOUBLE_EQ(*result.dice, 4.0 / 7.0);
  EXPECT_DOUBLE_EQ(result.falsePositiveMl, 0);
  EXPECT_DOUBLE_EQ(result.falseNegativeMl, 0);
}

TEST(CompareMasks, AddsUpComponentsWithoutAnySharedVoxel) {
  const auto result = compareMasks(mask({{0, 0, 0}, {6, 6, 6}, {7, 6, 6}}),
                                   mask({{0, 0, 0}, {3, 3, 3}, {3, 3, 4}, {3, 4, 4}}));
  EXPECT_DOUBLE_EQ(result.falsePositiveMl, 3);
  EXPECT_DOUBLE_EQ(result.falseNegativeMl, 2);
  EXPECT_EQ(result.testComponents, 2u);
  EXPECT_EQ(result.referenceComponents, 2u);
}

// (1,1,1)-(2,2,1) share an edge: one component, saved by the one voxel. (1,1,1)-(2,2,2) share a
// corner only: two components, and the second is false.
TEST(CompareMasks, ConnectsByEdgesAndNotByCorners) {
  const LabelVolume reference = mask({{1, 1, 1}});
  EXPECT_DOUBLE_EQ(compareMasks(reference, mask({{1, 1, 1}, {2, 2, 1}})).falsePositiveMl, 0);
  EXPECT_DOUBLE_EQ(compareMasks(reference, mask({{1, 1, 1}, {2, 2, 2}})).falsePositiveMl, 1);
}

TEST(CompareMasks, LeavesDiceUndefinedWhenBothAreEmpty) {
  EXPECT_FALSE(compareMasks(mask({}), mask({})).dice.has_value());
  EXPECT_DOUBLE_EQ(*compareMasks(mask({}), mask({{1, 1, 1}})).dice, 0);
  EXPECT_DOUBLE_EQ(compareMasks(mask({{1, 1, 1}}), mask({})).falseNegativeMl, 1);
}

// A sparse segmentation covers only the slices that it needs.
TEST(CompareMasks, AlignsVolumesThatCoverDifferentPartsOfOneGrid) {
  VolumeGeometry upper = cubes({8, 8, 2});
  upper.originMm = {0, 0, 50};
  const auto result = compareMasks(mask({{1, 1, 5}, {1, 1, 6}, {1, 1, 0}}),
                                   mask({{1, 1, 0}, {1, 1, 1}}, upper));
  EXPECT_DOUBLE_EQ(*result.dice, 4.0 / 5.0);
  EXPECT_DOUBLE_EQ(result.falseNegativeMl, 1);
  VolumeGeometry far = cubes({2, 2, 2});
  far.originMm = {0, 0, -500};
  EXPECT_DOUBLE_EQ(*compareMasks(mask({{1, 1, 5}}), mask({{0, 0, 0}}, far)).dice, 0);
}

TEST(CompareMasks, RefusesGridsThatDiffer) {
  const LabelVolume reference = mask({{1, 1, 1}});
  VolumeGeometry shifted = cubes({8, 8, 8});
  shifted.originMm = {5, 0, 0};
  EXPECT_THROW(compareMasks(reference, mask({}, shifted)), ImagingError);
  VolumeGeometry finer = cubes({8, 8, 8});
  finer.spacingMm = {5, 5, 10};
  EXPECT_THROW(compareMasks(reference, mask({}, finer)), ImagingError);
  VolumeGeometry turned = cubes({8, 8, 8});
  turned.sliceDirection = {0, 0, -1};
  EXPECT_THROW(compareMasks(reference, mask({}, turned)), ImagingError);
  LabelVolume torn = mask({});
  torn.labels.pop_back();
  EXPECT_THROW(compareMasks(reference, torn), ImagingError);
}

}  // namespace
}  // namespace fedpet::imaging
