#include "models/imaging/Mip.h"

#include <gtest/gtest.h>

#include "tests/support/VolumeBuilder.h"

namespace fedpet::imaging {
namespace {

using fedpet::testing::VolumeBuilder;

Region region(std::uint16_t label, RegionRole role) {
  Region result;
  result.label = label;
  result.role = role;
  return result;
}

std::uint8_t pixel(const std::vector<std::uint8_t>& image, const MipView& view, int column, int row) {
  return image.at(static_cast<std::size_t>(row * view.width + column));
}

// 3 columns, 4 rows, 5 slices, one hot voxel at (0, 1, 4): the patient's right, near the front,
// at the head.
VolumeBuilder withOneHotVoxel() {
  return VolumeBuilder().spacingMm(2, 3, 4).size(3, 4, 5).voxel(0, 1, 4, 5);
}

TEST(MipViews, ShowTheHeadInRowZeroAndThePatientsRightOnTheLeft) {
  const auto views = mipViews(withOneHotVoxel(), {}, {});
  ASSERT_EQ(views.size(), 2U);
  EXPECT_EQ(views[0].name, "coronal");
  EXPECT_EQ(views[0].width, 3);
  EXPECT_EQ(views[0].height, 5);
  EXPECT_EQ(views[0].pixelWidthMm, 2);
  EXPECT_EQ(views[0].pixelHeightMm, 4);
  EXPECT_EQ(pixel(views[0].suv, views[0], 0, 0), 128);  // 5 of 10: 127.5, rounded
  EXPECT_EQ(views[1].name, "sagittal");
  EXPECT_EQ(views[1].width, 4);
  EXPECT_EQ(views[1].pixelWidthMm, 3);
  EXPECT_EQ(pixel(views[1].suv, views[1], 1, 0), 128);
}

// Slices from head to feet and rows from the patient's left: the same patient, the same picture.
TEST(MipViews, FollowTheGeometryAndNotTheOrderOfVoxels) {
  const SuvVolume turned = VolumeBuilder()
                               .spacingMm(2, 3, 4)
                               .size(3, 4, 5)
                               .directions({-1, 0, 0}, {0, 1, 0}, {0, 0, -1})
                               .voxel(2, 1, 0, 5);
  const auto views = mipViews(turned, {}, {}), expected = mipViews(withOneHotVoxel(), {}, {});
  EXPECT_EQ(views[0].suv, expected[0].suv);
  EXPECT_EQ(views[1].suv, expected[1].suv);
}

TEST(MipViews, ClampToBlackAndWhite) {
  SuvVolume volume = VolumeBuilder().spacingMm(1, 1, 1).size(3, 1, 1).voxel(0, 0, 0, -4).voxel(1, 0, 0, 99);
  volume.suvBw[2] = std::nanf("");
  const auto view = mipViews(volume, {}, {})[0];
  EXPECT_EQ(view.suv, (std::vector<std::uint8_t>{0, 255, 0}));
}

TEST(MipViews, ShowTheMostImportantRoleAlongARay) {
  const SuvVolume volume = VolumeBuilder().spacingMm(1, 1, 1).size(1, 3, 2);
  const LabelVolume labels{volume.geometry, {7, 8, 9, 0, 7, 8}};
  const auto views = mipViews(volume, labels,
                              {region(7, RegionRole::Reference), region(8, RegionRole::Physiological),
                               region(9, RegionRole::Lesion)});
  EXPECT_EQ(views[0].role, (std::vector<std::uint8_t>{2, 1}));            // head first
  EXPECT_EQ(views[1].role, (std::vector<std::uint8_t>{0, 3, 2, 3, 2, 1}));
}

TEST(MipViews, OfNoVoxelsAreNone) { EXPECT_TRUE(mipViews({}, {}, {}).empty()); }

}  // namespace
}  // namespace fedpet::imaging
