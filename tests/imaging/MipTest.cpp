#include "models/imaging/ImagingError.h"
#include "models/imaging/Mip.h"
#include "tests/support/VolumeBuilder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numbers>

namespace fedpet::imaging {
namespace {

using fedpet::testing::VolumeBuilder;

Region region(std::uint16_t label, RegionRole role) {
  Region result;
  result.label = label;
  result.role = role;
  return result;
}

std::uint8_t pixel(const std::vector<std::uint8_t>& image, const MipView& view, int column,
                   int row) {
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
  SuvVolume volume =
      VolumeBuilder().spacingMm(1, 1, 1).size(3, 1, 1).voxel(0, 0, 0, -4).voxel(1, 0, 0, 99);
  volume.suvBw[2] = std::nanf("");
  const auto view = mipViews(volume, {}, {})[0];
  EXPECT_EQ(view.suv, (std::vector<std::uint8_t>{0, 255, 0}));
}

TEST(MipViews, ShowTheMostImportantRoleAlongARay) {
  const SuvVolume volume = VolumeBuilder().spacingMm(1, 1, 1).size(1, 3, 2);
  const LabelVolume labels{volume.geometry, {7, 8, 9, 0, 7, 8}};
  const auto views =
      mipViews(volume, labels,
               {region(7, RegionRole::Reference), region(8, RegionRole::Physiological),
                region(9, RegionRole::Lesion)});
  EXPECT_EQ(views[0].role, (std::vector<std::uint8_t>{2, 1}));  // head first
  EXPECT_EQ(views[1].role, (std::vector<std::uint8_t>{0, 3, 2, 3, 2, 1}));
}

TEST(MipViews, OfNoVoxelsAreNone) { EXPECT_TRUE(mipViews({}, {}, {}).empty()); }

// A body of 200 x 160 x 240 mm with one hot ball 60 mm to the patient's left of its middle, 20 mm
// in front of it and 60 mm above it; voxels of 4 x 4 x 6 mm.
constexpr double kBallLeftMm = 60, kBallFrontMm = 20, kBallUpMm = 60, kBallRadiusMm = 12;

VolumeBuilder bodyWithBall() {
  return VolumeBuilder()
      .spacingMm(4, 4, 6)
      .size(64, 64, 40)
      .originMm({-126, -126, 0})
      .ellipsoid({0, 0, 117}, {100, 80, 400}, 1)
      .sphere({kBallLeftMm, -kBallFrontMm, 117 + kBallUpMm}, kBallRadiusMm, 8);
}

LabelVolume ballLabels(const SuvVolume& volume) {
  LabelVolume labels{volume.geometry, {}};
  for (const float suv : volume.suvBw) labels.labels.push_back(suv > 4 ? 5 : 0);
  return labels;
}

struct Box {
  double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;  // edges, in pixels
  double x() const { return (left + right) / 2; }
  double y() const { return (top + bottom) / 2; }
};

template <typename Pixels>
Box boxWhere(const RotatingMip& mip, const Pixels& pixels, int atLeast) {
  Box box;
  for (int y = 0; y < mip.height; ++y)
    for (int x = 0; x < mip.width; ++x) {
      if (pixels.at(static_cast<std::size_t>(y * mip.width + x)) < atLeast) continue;
      box.left = std::min<double>(box.left, x), box.right = std::max<double>(box.right, x + 1);
      box.top = std::min<double>(box.top, y), box.bottom = std::max<double>(box.bottom, y + 1);
    }
  return box;
}

TEST(RotatingMip, TurnsABallAboutTheBodyAxisOnACircle) {
  const SuvVolume volume = bodyWithBall();
  const RotatingMip mip = rotatingMip(volume, ballLabels(volume), {region(5, RegionRole::Lesion)},
                                      {.angles = 12, .pixelMm = 2});
  ASSERT_EQ(mip.frames.size(), 12U);
  for (const MipFrame& frame : mip.frames) {
    SCOPED_TRACE(frame.angleDegrees);
    // By hand: the viewer's right is (cos, sin) of the angle in (left, back).
    const double angle = frame.angleDegrees * std::numbers::pi / 180;
    const double acrossMm = kBallLeftMm * std::cos(angle) - kBallFrontMm * std::sin(angle);
    const Box seen = boxWhere(mip, frame.suv, 128), outlined = boxWhere(mip, frame.role, 1);
    for (const Box& box : {seen, outlined}) {
      EXPECT_NEAR((box.x() - mip.width / 2.0) * mip.pixelMm, acrossMm, 3);
      EXPECT_NEAR(box.y() * mip.pixelMm, 120 - kBallUpMm, 3);  // the volume's top is at 237 mm
      EXPECT_NEAR((box.right - box.left) * mip.pixelMm, 2 * kBallRadiusMm, 5);
    }
    const auto at =
        projected(mip, frame.angleDegrees, {kBallLeftMm, -kBallFrontMm, 117 + kBallUpMm});
    EXPECT_NEAR(at[0], outlined.x(), 1.5);
    EXPECT_NEAR(at[1], outlined.y(), 1.5);
  }
}

TEST(RotatingMip, IsAsWideAsTheBodyAndNotAsTheField) {
  const SuvVolume volume = bodyWithBall();
  const RotatingMip mip = rotatingMip(volume, {}, {}, {.angles = 4, .pixelMm = 2});
  const Box front = boxWhere(mip, mip.frames[0].suv, 12),
            side = boxWhere(mip, mip.frames[1].suv, 12);
  EXPECT_NEAR((front.right - front.left) * mip.pixelMm, 200, 6);
  EXPECT_NEAR((side.right - side.left) * mip.pixelMm, 160, 6);
  EXPECT_LE(mip.width * mip.pixelMm, 220);  // 2 x 100 mm and a margin, of a field of 256 mm
  EXPECT_EQ(mip.height * mip.pixelMm, 240);
}

// An even disc seen obliquely stays even: sampling by the nearest voxel would draw stripes.
TEST(RotatingMip, HasNoStripesInAnObliqueView) {
  const RotatingMip mip = rotatingMip(bodyWithBall(), {}, {}, {.angles = 36, .pixelMm = 1.5});
  for (const MipFrame& frame : mip.frames) {
    SCOPED_TRACE(frame.angleDegrees);
    const int row = mip.height * 3 / 4;  // below the ball
    const int half = static_cast<int>(60 / mip.pixelMm);
    for (int x = mip.width / 2 - half; x <= mip.width / 2 + half; ++x)
      ASSERT_EQ(frame.suv.at(static_cast<std::size_t>(row * mip.width + x)), 26);  // 1 of 10
  }
}

TEST(RotatingMip, ShowsTheSamePatientWhateverTheOrderOfVoxels) {
  const SuvVolume volume = bodyWithBall();
  SuvVolume turned = volume;
  turned.geometry.rowDirection = {-1, 0, 0};
  turned.geometry.sliceDirection = {0, 0, -1};
  turned.geometry.originMm = {126, -126, 39 * 6};
  for (int k = 0; k < 40; ++k)
    for (int j = 0; j < 64; ++j)
      for (int i = 0; i < 64; ++i)
        turned.suvBw[turned.geometry.offset(63 - i, j, 39 - k)] =
            volume.suvBw[volume.geometry.offset(i, j, k)];
  const RotatingMip a = rotatingMip(volume, ballLabels(volume), {region(5, RegionRole::Lesion)});
  const RotatingMip b = rotatingMip(turned, ballLabels(turned), {region(5, RegionRole::Lesion)});
  ASSERT_EQ(a.frames.size(), b.frames.size());
  EXPECT_EQ(a.topOfAxisMm, b.topOfAxisMm);
  for (std::size_t n = 0; n < a.frames.size(); ++n) {
    EXPECT_EQ(a.frames[n].suv, b.frames[n].suv);
    EXPECT_EQ(a.frames[n].label, b.frames[n].label);
  }
}

// Pixels three times as large as the voxel, and a ray beside it: the lesion is outlined all the
// same.
TEST(RotatingMip, LosesNoRegionBetweenItsRays) {
  const SuvVolume volume = bodyWithBall();
  LabelVolume labels{volume.geometry, std::vector<std::uint16_t>(volume.geometry.voxelCount(), 0)};
  labels.labels[volume.geometry.offset(31, 40, 20)] = 9;
  const RotatingMip mip =
      rotatingMip(volume, labels, {region(9, RegionRole::Lesion)}, {.angles = 24, .pixelMm = 13});
  for (const MipFrame& frame : mip.frames)
    EXPECT_EQ(std::count(frame.label.begin(), frame.label.end(), 9), 1) << frame.angleDegrees;
}

TEST(RotatingMip, ShowsALesionBeforeTheOrganThatHidesIt) {
  SuvVolume volume = VolumeBuilder().spacingMm(4, 4, 4).size(5, 5, 5).background(1);
  LabelVolume labels{volume.geometry, std::vector<std::uint16_t>(125, 0)};
  labels.labels[volume.geometry.offset(2, 1, 2)] = 8;  // in front
  labels.labels[volume.geometry.offset(2, 3, 2)] = 7;
  volume.suvBw[volume.geometry.offset(2, 1, 2)] = 9;  // and hotter
  const RotatingMip mip = rotatingMip(
      volume, labels, {region(7, RegionRole::Lesion), region(8, RegionRole::Physiological)},
      {.angles = 2, .pixelMm = 4});
  for (const MipFrame& frame : mip.frames) {
    EXPECT_EQ(std::count(frame.label.begin(), frame.label.end(), 7), 1);
    EXPECT_EQ(std::count(frame.label.begin(), frame.label.end(), 8), 0);
  }
}

TEST(RotatingMip, ShowsTheFirstAndTheLastVoxelOfTheField) {
  const SuvVolume volume =
      VolumeBuilder().spacingMm(4, 4, 4).size(9, 1, 2).voxel(0, 0, 0, 10).voxel(8, 0, 1, 10);
  const RotatingMip mip = rotatingMip(volume, {}, {}, {.angles = 1, .pixelMm = 1});
  const Box lit = boxWhere(mip, mip.frames.at(0).suv, 128);
  EXPECT_NEAR(lit.right - lit.left, 36, 2);  // from edge to edge
  EXPECT_EQ(lit.top, 0);
  EXPECT_EQ(lit.bottom, 8);
}

TEST(RotatingMip, RefusesOptionsThatMakeNoPicture) {
  const SuvVolume volume = bodyWithBall();
  EXPECT_THROW(rotatingMip(volume, {}, {}, {.angles = 0}), ImagingError);
  EXPECT_THROW(rotatingMip(volume, {}, {}, {.pixelMm = 0}), ImagingError);
  EXPECT_THROW(rotatingMip(volume, LabelVolume{{}, {1}}, {}), ImagingError);
  EXPECT_TRUE(rotatingMip({}, {}, {}).frames.empty());
}

}  // namespace
}  // namespace fedpet::imaging
