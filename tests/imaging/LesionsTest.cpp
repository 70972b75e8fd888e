#include "models/imaging/Lesions.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/imaging/Measurements.h"
#include "models/imaging/VolumeFilters.h"
#include "tests/support/VolumeBuilder.h"

namespace fedpet::imaging {
namespace {

using fedpet::testing::aVolume;

// A reference region of two voxels with mean 2.0 and SD 0.5 (values 2 -+ 0.5/sqrt(2)).
Anatomy withLiverAt(const SuvVolume& volume, int i, int j, int k) {
  Anatomy anatomy;
  FoundRegion liver;
  liver.organ = Organ::Liver;
  liver.role = RegionRole::Reference;
  liver.name = "Liver reference region";
  liver.confidence = 0.9;
  liver.voxels = {volume.geometry.offset(i, j, k), volume.geometry.offset(i + 1, j, k)};
  anatomy.found.push_back(liver);
  return anatomy;
}

Anatomy withPhysiological(Organ organ, std::vector<std::size_t> voxels) {
  Anatomy anatomy;
  FoundRegion region;
  region.organ = organ;
  region.role = RegionRole::Physiological;
  region.voxels = std::move(voxels);
  anatomy.found.push_back(region);
  return anatomy;
}

LesionOptions anyVolume() {
  LesionOptions options;
  options.minimumVolumeMl = 0;
  return options;
}

TEST(LesionRule, HasATextFormThatReadsBack) {
  for (auto rule : {LesionRule::FixedSuv4, LesionRule::Percent41OfMax, LesionRule::PercistLiver})
    EXPECT_EQ(lesionRuleFromString(toString(rule)), rule);
  EXPECT_THROW(lesionRuleFromString("SUV2.5"), std::invalid_argument);
}

// Two voxels that share an edge, and a third that shares only a corner with the second.
TEST(Lesions, JoinAcrossEdgesButNotAcrossCorners) {
  const SuvVolume volume =
      aVolume().voxel(5, 5, 5, 8).voxel(6, 6, 5, 8).voxel(7, 7, 6, 8).build();
  const auto finding = findLesions(volume, {}, LesionRule::FixedSuv4, anyVolume());
  ASSERT_TRUE(finding.has_value());
  ASSERT_EQ(finding->lesions.size(), 2U);
  EXPECT_EQ(finding->lesions[0].voxels.size(), 2U);
  EXPECT_EQ(finding->lesions[1].voxels.size(), 1U);
}

TEST(Components, FollowTheConnectivityThatIsAskedFor) {
  Mask mask(27, 0);
  mask[0] = mask[4] = mask[17] = 1;  // (0,0,0), (1,1,0), (2,2,1)
  VolumeGeometry geometry;
  geometry.size = {3, 3, 3};
  EXPECT_EQ(components(mask, geometry, Connectivity::Faces6).size(), 3U);
  EXPECT_EQ(components(mask, geometry, Connectivity::Edges18).size(), 2U);
  EXPECT_EQ(components(mask, geometry, Connectivity::Corners26).size(), 1U);
  EXPECT_EQ(neighbourSteps(Connectivity::Faces6).size(), 6U);
  EXPECT_EQ(neighbourSteps(Connectivity::Edges18).size(), 18U);
  EXPECT_EQ(neighbourSteps(Connectivity::Corners26).size(), 26U);
}

TEST(Lesions, DoNotJoinAcrossTheBorderOfARow) {
  const SuvVolume volume = aVolume().voxel(19, 5, 5, 8).voxel(0, 6, 5, 8).build();
  EXPECT_EQ(findLesions(volume, {}, LesionRule::FixedSuv4, anyVolume())->lesions.size(), 2U);
}

TEST(Lesions, IncludeAVoxelOfExactlyTheThreshold) {
  const SuvVolume volume =
      aVolume().voxel(5, 5, 5, 4.0F).voxel(6, 5, 5, std::nextafter(4.0F, 0.0F)).build();
  const auto finding = findLesions(volume, {}, LesionRule::FixedSuv4, anyVolume());
  ASSERT_EQ(finding->lesions.size(), 1U);
  EXPECT_EQ(finding->lesions[0].voxels,
            (std::vector<std::size_t>{volume.geometry.offset(5, 5, 5)}));
}

// 4 mm voxels have 0.064 ml: seven have 0.448 ml, eight have 0.512 ml.
TEST(Lesions, BelowHalfAMillilitreAreCountedButNotKept) {
  const SuvVolume volume =
      aVolume().box({1, 1, 1}, {7, 1, 1}, 9).box({1, 10, 1}, {8, 10, 1}, 9).build();
  const auto finding = findLesions(volume, {}, LesionRule::FixedSuv4);
  ASSERT_EQ(finding->lesions.size(), 1U);
  EXPECT_EQ(finding->lesions[0].voxels.size(), 8U);
  EXPECT_EQ(finding->droppedComponents, 1U);
  EXPECT_NEAR(finding->droppedVolumeMl, 0.448, 1e-9);
}

TEST(Lesions, ComeInDecreasingVolume) {
  const SuvVolume volume = aVolume().box({1, 1, 1}, {2, 2, 2}, 20).box({8, 8, 8}, {11, 11, 11}, 5);
  const auto finding = findLesions(volume, {}, LesionRule::FixedSuv4);
  ASSERT_EQ(finding->lesions.size(), 2U);
  EXPECT_EQ(finding->lesions[0].voxels.size(), 64U);
  EXPECT_EQ(finding->lesions[1].voxels.size(), 8U);
}

TEST(Lesions, LeaveOutPhysiologicalUptakeAndSayWhatTheyTouch) {
  const SuvVolume volume = aVolume().box({4, 4, 4}, {9, 7, 7}, 9).build();
  std::vector<std::size_t> bladder;
  for (int k = 4; k <= 7; ++k)
    for (int j = 4; j <= 7; ++j)
      for (int i = 4; i <= 6; ++i) bladder.push_back(volume.geometry.offset(i, j, k));
  const auto finding =
      findLesions(volume, withPhysiological(Organ::Bladder, bladder), LesionRule::FixedSuv4);
  ASSERT_EQ(finding->lesions.size(), 1U);
  EXPECT_EQ(finding->lesions[0].voxels.size(), 48U);
  EXPECT_EQ(finding->lesions[0].touching, Organ::Bladder);
}

// SUVmax 6.0: the boundary is 2.46, so the rim at 2.5 belongs to it and the one at 2.4 does not.
TEST(Lesions, By41PercentReachBelowTheSeedThreshold) {
  const SuvVolume volume = aVolume()
                               .box({5, 5, 5}, {10, 10, 10}, 2.4F)
                               .box({6, 6, 6}, {9, 9, 9}, 2.5F)
                               .box({7, 7, 7}, {8, 8, 8}, 6.0F);
  const auto finding = findLesions(volume, {}, LesionRule::Percent41OfMax);
  ASSERT_EQ(finding->lesions.size(), 1U);
  EXPECT_EQ(finding->lesions[0].voxels.size(), 64U);
  EXPECT_NEAR(finding->lesions[0].thresholdSuvBw, 2.46, 1e-6);
}

// SUVmax 20: the boundary is 8.2. Two peaks joined at SUV 5 are two lesions, the bridge is none.
TEST(Lesions, By41PercentSplitTwoHotPeaksOfOneSeed) {
  const SuvVolume volume = aVolume()
                               .box({2, 5, 5}, {13, 6, 6}, 5)
                               .box({2, 5, 5}, {4, 6, 6}, 20)
                               .box({10, 5, 5}, {13, 6, 6}, 15);
  const auto finding = findLesions(volume, {}, LesionRule::Percent41OfMax);
  ASSERT_EQ(finding->lesions.size(), 2U);
  EXPECT_EQ(finding->lesions[0].voxels.size(), 16U);
  EXPECT_EQ(finding->lesions[1].voxels.size(), 12U);
}

// One voxel of SUV 5 in tissue of 2.2: 41 % of it would take the tissue along.
TEST(Lesions, By41PercentNeedASeedOfTheMinimumVolume) {
  const SuvVolume volume = aVolume().background(2.2F).voxel(10, 10, 10, 5).build();
  EXPECT_TRUE(findLesions(volume, {}, LesionRule::Percent41OfMax)->lesions.empty());
}

TEST(Lesions, By41PercentDoNotRunAwayIntoNormalTissue) {
  // A lesion of SUVmax 5 in tissue of 2.1: the boundary of 2.05 lies below the tissue.
  const SuvVolume volume = aVolume().background(2.1F).box({9, 9, 9}, {10, 10, 10}, 5).build();
  const auto finding = findLesions(volume, {}, LesionRule::Percent41OfMax);
  ASSERT_EQ(finding->lesions.size(), 1U);
  // All voxels within 10 mm of the 2x2x2 seed: at most a cube of 12 + 2 x 10 mm.
  EXPECT_LT(finding->lesions[0].voxels.size(), 6U * 6U * 6U);
}

// Liver 2.0 +- 0.5: the threshold is 1.5 x 2.0 + 2 x 0.5 = 4.0.
TEST(Lesions, ByPercistTakeTheirThresholdFromTheLiver) {
  const float low = 2.0F - 0.5F / std::sqrt(2.0F), high = 2.0F + 0.5F / std::sqrt(2.0F);
  const SuvVolume volume = aVolume()
                               .voxel(1, 1, 1, low)
                               .voxel(2, 1, 1, high)
                               .box({8, 8, 8}, {9, 9, 9}, 4.01F)
                               .box({14, 14, 14}, {15, 15, 15}, 3.99F);
  const auto finding = findLesions(volume, withLiverAt(volume, 1, 1, 1), LesionRule::PercistLiver);
  ASSERT_TRUE(finding.has_value());
  ASSERT_EQ(finding->lesions.size(), 1U);
  EXPECT_NEAR(finding->lesions[0].thresholdSuvBw, 4.0, 1e-6);
  EXPECT_NE(finding->definition.find("SUL"), std::string::npos);
}

TEST(Lesions, ByPercistAreRefusedWithoutALiver) {
  Anatomy anatomy;
  anatomy.missing.push_back({Organ::Liver, {RefusalCode::RegionNotFound, "below the field"}});
  const auto finding =
      findLesions(aVolume().sphere({40, 40, 40}, 12, 9), anatomy, LesionRule::PercistLiver);
  ASSERT_FALSE(finding.has_value());
  EXPECT_EQ(finding.error().code, RefusalCode::RegionNotFound);
  EXPECT_NE(finding.error().detail.find("below the field"), std::string::npos);
}

TEST(Lesions, OfAVolumeWithoutVoxelsAreNone) {
  for (auto rule : {LesionRule::FixedSuv4, LesionRule::Percent41OfMax})
    EXPECT_TRUE(findLesions({}, {}, rule)->lesions.empty());
}

TEST(Lesions, AreNotFoundInNotANumberOrNegativeVoxels) {
  SuvVolume volume = aVolume().background(-3);
  volume.suvBw[0] = std::nanf("");
  EXPECT_TRUE(findLesions(volume, {}, LesionRule::FixedSuv4, anyVolume())->lesions.empty());
}

}  // namespace
}  // namespace fedpet::imaging
