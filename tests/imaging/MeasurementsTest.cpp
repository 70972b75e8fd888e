#include "models/imaging/Measurements.h"
#include "tests/support/VolumeBuilder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace fedpet::imaging {
namespace {

using fedpet::testing::aVolume;

std::vector<std::size_t> voxelsAbove(const SuvVolume& volume, float suv) {
  std::vector<std::size_t> voxels;
  for (std::size_t at = 0; at < volume.suvBw.size(); ++at)
    if (volume.suvBw[at] > suv) voxels.push_back(at);
  return voxels;
}

const Measurement& find(const std::vector<Measurement>& all, Quantity quantity) {
  for (const Measurement& one : all)
    if (one.quantity == quantity) return one;
  throw std::out_of_range(std::string(toString(quantity)) + " was not measured");
}

Lesion lesionOf(std::vector<std::size_t> voxels) { return {std::move(voxels), 4.0, std::nullopt}; }

FoundRegion reference(Organ organ, std::vector<std::size_t> voxels) {
  FoundRegion region;
  region.organ = organ;
  region.role = RegionRole::Reference;
  region.name = std::string(toString(organ));
  region.voxels = std::move(voxels);
  return region;
}

// Values 1, 2, 3, 6 by hand: mean 3, sum of squares 4 + 1 + 0 + 9 = 14, SD sqrt(14/3).
TEST(Uptake, IsTheSampleStatisticOfItsVoxels) {
  const SuvVolume volume =
      aVolume().voxel(0, 0, 0, 1).voxel(1, 0, 0, 2).voxel(2, 0, 0, 3).voxel(3, 0, 0, 6).build();
  const UptakeStatistics uptake = uptakeOf(volume, {0, 1, 2, 3});
  EXPECT_DOUBLE_EQ(uptake.mean, 3);
  EXPECT_DOUBLE_EQ(uptake.standardDeviation, std::sqrt(14.0 / 3));
  EXPECT_DOUBLE_EQ(uptake.minimum, 1);
  EXPECT_DOUBLE_EQ(uptake.maximum, 6);
  EXPECT_NEAR(uptake.volumeMl, 4 * 0.064, 1e-12);
}

TEST(SuvPeak, OfAnEvenSphereLargerThanOneMillilitreIsItsUptake) {
  const SuvVolume volume = aVolume().background(1).sphere({40, 40, 40}, 20, 7);
  EXPECT_NEAR(suvPeak(volume, voxelsAbove(volume, 2)), 7, 1e-6);
}

// One hot voxel of 4 mm lies wholly inside the sphere (its corner is 3.46 mm away), and fills
// 0.064 ml of 1 ml: 100 x 0.064 = 6.4. The sampled sphere's volume is off by less than 1 %.
TEST(SuvPeak, OfOneHotVoxelIsItsShareOfOneMillilitre) {
  const SuvVolume volume = aVolume().voxel(10, 10, 10, 100).build();
  EXPECT_NEAR(suvPeak(volume, {volume.geometry.offset(10, 10, 10)}), 6.4, 0.064);
}

// Half space: the sphere centred on the last hot layer reaches 2 mm (half a voxel) past the plane
// at a distance of 2 mm from its centre; the cap beyond has pi h^2 (3 r - h) / 3, h = r - 2.
TEST(SuvPeak, WeighsVoxelsByTheirShareInTheSphere) {
  const SuvVolume volume = aVolume().box({0, 0, 0}, {19, 19, 9}, 10).build();
  const double r = kPeakRadiusMm, h = r - 2;
  const double cap = std::numbers::pi * h * h * (3 * r - h) / 3 / 1000;
  EXPECT_NEAR(suvPeak(volume, {volume.geometry.offset(10, 10, 9)}), 10 * (1 - cap), 0.05);
}

TEST(SuvPeak, IsTakenWhereItIsHighestInTheRegion) {
  const SuvVolume two = aVolume().sphere({20, 20, 20}, 12, 5).sphere({56, 56, 56}, 12, 9);
  EXPECT_NEAR(suvPeak(two, voxelsAbove(two, 1)), 9, 1e-6);
  EXPECT_EQ(suvPeak(two, {}), 0);
}

TEST(SuvPeak, AtTheBorderLeavesOutWhatLiesOutsideTheVolume) {
  const SuvVolume volume = aVolume().background(3);
  EXPECT_NEAR(suvPeak(volume, {0}), 3, 1e-6);
}

TEST(SuvPeak, TakesVoxelsOfAnyShape) {
  const SuvVolume volume =
      fedpet::testing::VolumeBuilder().spacingMm(2, 3, 20).size(9, 9, 1).background(2);
  EXPECT_NEAR(suvPeak(volume, {40}), 2, 1e-6);
}

// A ball of radius 20 mm holds 33.51 ml; on 2 mm voxels the count is within 1 %.
TEST(MeasureLesion, GivesTheVolumeOfABall) {
  const SuvVolume volume = fedpet::testing::VolumeBuilder()
                               .spacingMm(2, 2, 2)
                               .size(40, 40, 40)
                               .sphere({39, 39, 39}, 20, 5);
  const auto all = measureLesion(volume, lesionOf(voxelsAbove(volume, 4)), {});
  EXPECT_NEAR(*find(all, Quantity::MetabolicVolume).value, 33.51, 0.34);
  EXPECT_NEAR(*find(all, Quantity::Glycolysis).value, 5 * 33.51, 1.7);
  EXPECT_DOUBLE_EQ(*find(all, Quantity::SuvMean).value, 5);
}

// Two boxes by hand: 8 voxels of SUV 10 and 27 of SUV 5, 0.064 ml each.
TEST(MeasureWholeBody, AddsVolumesAndGlycolysisOfLesions) {
  const SuvVolume volume = aVolume().box({1, 1, 1}, {2, 2, 2}, 10).box({10, 1, 1}, {12, 3, 3}, 5);
  const auto finding = findLesions(volume, {}, LesionRule::FixedSuv4);
  const auto all = measureWholeBody(volume, {}, finding, {});
  EXPECT_NEAR(*find(all, Quantity::Tmtv).value, 35 * 0.064, 1e-9);
  EXPECT_NEAR(*find(all, Quantity::TotalLesionGlycolysis).value, (80 + 135) * 0.064, 1e-9);
  EXPECT_EQ(*find(all, Quantity::LesionCount).value, 2);
  EXPECT_EQ(*find(all, Quantity::SuvMax).value, 10);
  // Centroids (1.5, 1.5, 1.5) and (11, 2, 2), in voxels of 4 mm.
  EXPECT_NEAR(*find(all, Quantity::Dmax).value, 4 * std::sqrt(9.5 * 9.5 + 0.25 + 0.25), 1e-9);
}

TEST(MeasureWholeBody, MeasuresDistancesInThePatientWhateverTheSpacing) {
  const SuvVolume volume = fedpet::testing::VolumeBuilder()
                               .spacingMm(2, 2, 5)
                               .size(20, 20, 20)
                               .directions({0, 1, 0}, {1, 0, 0}, {0, 0, -1})
                               .box({0, 0, 0}, {9, 0, 3}, 9)
                               .box({0, 0, 10}, {9, 0, 13}, 9);
  const auto finding = findLesions(volume, {}, LesionRule::FixedSuv4);
  EXPECT_NEAR(*find(measureWholeBody(volume, {}, finding, {}), Quantity::Dmax).value, 50, 1e-9);
}

TEST(MeasureWholeBody, GivesDmaxZeroForOneLesion) {
  const SuvVolume volume = aVolume().sphere({40, 40, 40}, 12, 9);
  const auto finding = findLesions(volume, {}, LesionRule::FixedSuv4);
  EXPECT_EQ(*find(measureWholeBody(volume, {}, finding, {}), Quantity::Dmax).value, 0);
}

TEST(MeasureWholeBody, WithoutLesionGivesNoVolumeAndRefusesWhatNeedsOne) {
  const SuvVolume volume = aVolume().background(1);
  const auto all = measureWholeBody(volume, {}, findLesions(volume, {}, LesionRule::FixedSuv4), {});
  EXPECT_EQ(*find(all, Quantity::Tmtv).value, 0);
  EXPECT_EQ(*find(all, Quantity::LesionCount).value, 0);
  for (Quantity quantity : {Quantity::Dmax, Quantity::SuvMax, Quantity::SuvPeak, Quantity::SulPeak})
    EXPECT_EQ(find(all, quantity).value.error().code, RefusalCode::NoLesion);
}

TEST(MeasureWholeBody, DividesSpleenAndMarrowByTheLiver) {
  const SuvVolume volume =
      aVolume().voxel(0, 0, 0, 2).voxel(1, 0, 0, 3).voxel(5, 0, 0, 2).voxel(9, 0, 0, 1).build();
  Anatomy anatomy;
  anatomy.found = {reference(Organ::Liver, {0, 1}), reference(Organ::Spleen, {5}),
                   reference(Organ::LumbarMarrow, {9})};
  const auto all =
      measureWholeBody(volume, anatomy, findLesions(volume, anatomy, LesionRule::FixedSuv4), {});
  EXPECT_DOUBLE_EQ(*find(all, Quantity::SpleenToLiverRatio).value, 2 / 2.5);
  EXPECT_DOUBLE_EQ(*find(all, Quantity::MarrowToLiverRatio).value, 1 / 2.5);
  EXPECT_DOUBLE_EQ(*find(all, Quantity::LiverSuvMean).value, 2.5);
  EXPECT_DOUBLE_EQ(*find(all, Quantity::LiverSuvSd).value, std::sqrt(0.5));
}

TEST(MeasureWholeBody, RefusesRatiosWithTheReasonOfTheMissingRegion) {
  const SuvVolume volume = aVolume().background(1);
  Anatomy anatomy;
  anatomy.found = {reference(Organ::Liver, {0, 1})};
  anatomy.missing = {{Organ::Spleen, {RefusalCode::RegionNotFound, "removed by surgery"}}};
  const auto all =
      measureWholeBody(volume, anatomy, findLesions(volume, anatomy, LesionRule::FixedSuv4), {});
  EXPECT_EQ(find(all, Quantity::SpleenToLiverRatio).value.error().detail, "removed by surgery");
  EXPECT_EQ(find(all, Quantity::MarrowToLiverRatio).value.error().code,
            RefusalCode::RegionNotFound);
  EXPECT_TRUE(find(all, Quantity::LiverSuvMean).value.has_value());
}

TEST(MeasureWholeBody, RefusesEveryTumourNumberWhenTheRuleIsRefused) {
  const SuvVolume volume = aVolume().background(1);
  const auto all =
      measureWholeBody(volume, {}, findLesions(volume, {}, LesionRule::PercistLiver), {});
  for (Quantity quantity : {Quantity::Tmtv, Quantity::TotalLesionGlycolysis, Quantity::LesionCount,
                            Quantity::Dmax, Quantity::SuvMax, Quantity::SuvPeak, Quantity::SulPeak})
    EXPECT_EQ(find(all, quantity).value.error().code, RefusalCode::RegionNotFound);
}

// SUL = SUVbw x lean body mass / weight: a factor of 0.75 by hand.
TEST(MeasureLesion, GivesItsSulPeakWhenTheLeanBodyMassIsKnown) {
  const SuvVolume volume = aVolume().background(1).sphere({40, 40, 40}, 20, 8);
  SuvScaling scaling;
  scaling.sulPerSuvBw = 0.75;
  const auto all = measureLesion(volume, lesionOf(voxelsAbove(volume, 4)), scaling);
  EXPECT_NEAR(*find(all, Quantity::SulPeak).value, 6, 1e-6);
  EXPECT_NE(find(all, Quantity::SulPeak).definition.find("0.7500"), std::string::npos);
}

TEST(MeasureLesion, RefusesItsSulPeakWithTheReasonOfTheScaling) {
  const SuvVolume volume = aVolume().background(1).sphere({40, 40, 40}, 20, 8);
  SuvScaling scaling;
  scaling.sulRefusal = Refusal{RefusalCode::HeightOrSexMissing, "PatientSize (0010,1020) is 0"};
  const auto all = measureLesion(volume, lesionOf(voxelsAbove(volume, 4)), scaling);
  EXPECT_EQ(find(all, Quantity::SulPeak).value.error().detail, "PatientSize (0010,1020) is 0");
  EXPECT_TRUE(find(all, Quantity::SuvPeak).value.has_value());
}

TEST(MeasureWholeBody, GivesTheSulPeakOfTheHottestLesion) {
  const SuvVolume volume = aVolume().sphere({20, 20, 20}, 12, 5).sphere({56, 56, 56}, 12, 9);
  SuvScaling scaling;
  scaling.sulPerSuvBw = 0.8;
  const auto all =
      measureWholeBody(volume, {}, findLesions(volume, {}, LesionRule::FixedSuv4), scaling);
  EXPECT_NEAR(*find(all, Quantity::SulPeak).value, 7.2, 1e-6);
}

TEST(MeasureWholeBody, DefinesEveryNumber) {
  const SuvVolume volume = aVolume().background(1);
  for (const auto& one :
       measureWholeBody(volume, {}, findLesions(volume, {}, LesionRule::FixedSuv4), {}))
    EXPECT_FALSE(one.definition.empty()) << toString(one.quantity);
}

}  // namespace
}  // namespace fedpet::imaging
