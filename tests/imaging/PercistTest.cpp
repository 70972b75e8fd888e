#include "models/imaging/Percist.h"
#include "models/imaging/StudyMeasurement.h"
#include "tests/support/VolumeBuilder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fedpet::imaging {
namespace {

using fedpet::testing::aVolume;
using fedpet::testing::VolumeBuilder;

// Says what the test tells it to say.
class GivenAnatomy final : public AnatomyFinder {
 public:
  Anatomy anatomy;
  Anatomy find(const SuvVolume&) const override { return anatomy; }
};

std::vector<std::size_t> boxVoxels(const VolumeGeometry& g, std::array<int, 3> first,
                                   std::array<int, 3> last) {
  std::vector<std::size_t> voxels;
  for (int k = first[2]; k <= last[2]; ++k)
    for (int j = first[1]; j <= last[1]; ++j)
      for (int i = first[0]; i <= last[0]; ++i) voxels.push_back(g.offset(i, j, k));
  return voxels;
}

double numberOf(const PercistReading& reading, Quantity quantity) {
  for (const Measurement& one : reading.numbers)
    if (one.quantity == quantity) return one.value.value();
  throw std::out_of_range("not in the reading");
}

// 40 voxels of 4 mm a side. The liver (i 2..5) is a chessboard of SUV 1.5 and 2.5: mean 2, and
// over 64 voxels SD = sqrt(64 x 0.25 / 63). The blood pool (i 2..4) is an even 1.2.
class PercistStudy : public ::testing::Test {
 protected:
  void SetUp() override {
    builder_.spacingMm(4, 4, 4).size(40, 40, 40).background(1);
    builder_.box({2, 30, 2}, {4, 32, 6}, 1.2F);
    for (int k = 2; k <= 5; ++k)
      for (int j = 2; j <= 5; ++j)
        for (int i = 2; i <= 5; ++i) builder_.voxel(i, j, k, (i + j + k) % 2 ? 1.5F : 2.5F);
    scaling_.sulPerSuvBw = 0.8;
    const VolumeGeometry g = builder_.build().geometry;
    found(Organ::Liver, boxVoxels(g, {2, 2, 2}, {5, 5, 5}));
    found(Organ::BloodPool, boxVoxels(g, {2, 30, 2}, {4, 32, 6}));
  }
  void found(Organ organ, std::vector<std::size_t> voxels) {
    finder_.anatomy.found.push_back({organ, RegionRole::Reference,
                                     std::string(toString(organ)) + " reference region", 0.9,
                                     "as given", std::move(voxels)});
  }
  void forget(Organ organ) {
    std::erase_if(finder_.anatomy.found, [&](const FoundRegion& r) { return r.organ == organ; });
    finder_.anatomy.missing.push_back({organ, {RefusalCode::RegionNotFound, "not in the field"}});
  }
  ImagingFindings measured() { return measureStudy(builder_.build(), scaling_, finder_).value(); }

  VolumeBuilder builder_;
  GivenAnatomy finder_;
  SuvScaling scaling_;
  const double liverMean_ = 0.8 * 2, liverSd_ = 0.8 * std::sqrt(64 * 0.25 / 63);
};

TEST_F(PercistStudy, MeasuresFromOneAndAHalfTimesTheLiverAndTwoDeviations) {
  builder_.sphere({100, 100, 100}, 16, 10);
  const auto findings = measured();
  ASSERT_TRUE(findings.percist.has_value());
  EXPECT_FALSE(findings.percistRefusal.has_value());
  const PercistReading& reading = *findings.percist;
  EXPECT_EQ(reading.reference, Organ::Liver);
  EXPECT_NEAR(numberOf(reading, Quantity::ReferenceSulMean), liverMean_, 1e-6);
  EXPECT_NEAR(numberOf(reading, Quantity::ReferenceSulSd), liverSd_, 1e-6);
  EXPECT_NEAR(numberOf(reading, Quantity::PercistThreshold), 1.5 * liverMean_ + 2 * liverSd_, 1e-6);
  EXPECT_NEAR(numberOf(reading, Quantity::SulPeak), 8, 1e-6);
  EXPECT_TRUE(reading.measurable);
  EXPECT_EQ(reading.hottestTrackingUid, "Lesion 1");
}

// Threshold by hand: 1.5 x 1.6 + 2 x 0.4032 = 3.21 SUL; SUVbw 4.01 x 0.8 = 3.208 stays below.
TEST_F(PercistStudy, CallsAHottestLesionBelowTheThresholdNotMeasurable) {
  builder_.sphere({100, 100, 100}, 16, 4.005F);
  EXPECT_FALSE(measured().percist->measurable);
  builder_.sphere({100, 100, 100}, 16, 4.05F);
  EXPECT_TRUE(measured().percist->measurable);
}

// The largest lesion is "Lesion 1", the hottest here is the smaller one.
TEST_F(PercistStudy, TakesTheHottestLesionNotTheLargest) {
  builder_.sphere({100, 100, 100}, 20, 5).sphere({40, 100, 100}, 12, 9);
  EXPECT_EQ(measured().percist->hottestTrackingUid, "Lesion 2");
  EXPECT_NEAR(numberOf(*measured().percist, Quantity::SulPeak), 7.2, 1e-6);
}

TEST_F(PercistStudy, IsReadWithoutALesion) {
  const auto reading = measured().percist;
  ASSERT_TRUE(reading.has_value());
  EXPECT_FALSE(reading->measurable);
  EXPECT_EQ(reading->hottestTrackingUid, "");
  EXPECT_EQ(reading->numbers.back().value.error().code, RefusalCode::NoLesion);
}

// Blood pool: even, so SD 0 and threshold 2 x 0.8 x 1.2 = 1.92.
TEST_F(PercistStudy, FallsBackToTheBloodPoolWithoutALiver) {
  forget(Organ::Liver);
  builder_.sphere({100, 100, 100}, 16, 10);
  const auto reading = measured().percist;
  ASSERT_TRUE(reading.has_value());
  EXPECT_EQ(reading->reference, Organ::BloodPool);
  EXPECT_NEAR(numberOf(*reading, Quantity::PercistThreshold), 1.92, 1e-6);
  EXPECT_NE(reading->definition.find("not in the field"), std::string::npos);
}

// The liver's last voxel centre is at 20 mm; the lesion's first at 28 mm, then at 32 mm.
TEST_F(PercistStudy, FallsBackToTheBloodPoolWhenALesionIsNearTheLiversReference) {
  builder_.box({7, 2, 2}, {10, 5, 5}, 10);
  EXPECT_EQ(measured().percist->reference, Organ::BloodPool);
  EXPECT_NE(measured().percist->definition.find("Lesion 1"), std::string::npos);
  builder_.box({7, 2, 2}, {7, 5, 5}, 1);
  EXPECT_EQ(measured().percist->reference, Organ::Liver);
}

TEST_F(PercistStudy, IsRefusedWithoutAnyReferenceAndNamesBothReasons) {
  forget(Organ::Liver);
  builder_.box({6, 30, 2}, {9, 33, 6}, 10);  // beside the blood pool
  const auto findings = measured();
  EXPECT_FALSE(findings.percist.has_value());
  ASSERT_TRUE(findings.percistRefusal.has_value());
  EXPECT_EQ(findings.percistRefusal->code, RefusalCode::RegionNotFound);
  EXPECT_NE(findings.percistRefusal->detail.find("not in the field"), std::string::npos);
  EXPECT_NE(findings.percistRefusal->detail.find("Lesion 1"), std::string::npos);
}

TEST_F(PercistStudy, IsRefusedWithoutLeanBodyMassWithTheScalingsReason) {
  scaling_.sulPerSuvBw.reset();
  scaling_.sulRefusal = Refusal{RefusalCode::HeightOrSexMissing, "no PatientSex"};
  const auto findings = measured();
  EXPECT_FALSE(findings.percist.has_value());
  EXPECT_EQ(findings.percistRefusal->detail, "no PatientSex");
}

}  // namespace
}  // namespace fedpet::imaging
