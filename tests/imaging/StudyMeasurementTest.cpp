#include "models/imaging/StudyMeasurement.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "models/imaging/ImagingError.h"
#include "models/imaging/RuleBasedAnatomy.h"
#include "tests/support/VolumeBuilder.h"

namespace fedpet::imaging {
namespace {

using fedpet::testing::aVolume;
using fedpet::testing::VolumeBuilder;

// Says what the test tells it to say.
class GivenAnatomy final : public AnatomyFinder {
 public:
  Anatomy anatomy;
  Anatomy find(const SuvVolume&) const override { return anatomy; }
  void found(Organ organ, RegionRole role, std::vector<std::size_t> voxels) {
    anatomy.found.push_back({organ, role, std::string(toString(organ)), 0.9, "given", std::move(voxels)});
  }
};

std::vector<std::size_t> boxVoxels(const VolumeGeometry& g, std::array<int, 3> first,
                                   std::array<int, 3> last) {
  std::vector<std::size_t> voxels;
  for (int k = first[2]; k <= last[2]; ++k)
    for (int j = first[1]; j <= last[1]; ++j)
      for (int i = first[0]; i <= last[0]; ++i) voxels.push_back(g.offset(i, j, k));
  return voxels;
}

const Measurement& find(const std::vector<Measurement>& all, Quantity quantity) {
  for (const Measurement& one : all)
    if (one.quantity == quantity) return one;
  throw std::out_of_range("not measured");
}

TEST(MeasureStudy, NumbersLesionsByVolumeAndThenTheOrgans) {
  const SuvVolume volume =
      aVolume().background(1).box({1, 1, 1}, {2, 2, 2}, 9).box({8, 8, 8}, {11, 11, 11}, 6);
  GivenAnatomy finder;
  finder.found(Organ::Liver, RegionRole::Reference, boxVoxels(volume.geometry, {15, 15, 15}, {17, 17, 17}));
  const auto findings = measureStudy(volume, {}, finder);
  ASSERT_TRUE(findings.has_value());
  ASSERT_EQ(findings->regions.size(), 3U);
  EXPECT_EQ(findings->regions[0].name, "Lesion 1");
  EXPECT_EQ(*find(findings->regions[0].measurements, Quantity::SuvMax).value, 6);
  EXPECT_EQ(findings->regions[1].name, "Lesion 2");
  EXPECT_EQ(findings->regions[2].organ, Organ::Liver);
  std::set<std::string> ids;
  for (std::size_t r = 0; r < 3; ++r) {
    EXPECT_EQ(findings->regions[r].label, r + 1);
    EXPECT_TRUE(ids.insert(findings->regions[r].trackingId).second);
  }
  EXPECT_EQ(findings->labels.labels[volume.geometry.offset(9, 9, 9)], 1);
  EXPECT_EQ(findings->labels.labels[volume.geometry.offset(1, 1, 1)], 2);
  EXPECT_EQ(findings->labels.labels[volume.geometry.offset(16, 16, 16)], 3);
  EXPECT_EQ(findings->labels.labels[0], 0);
  ASSERT_EQ(findings->mips.size(), 2U);
  EXPECT_NE(findings->lesionDefinition.find("SUVbw >= 4.0"), std::string::npos);
}

// One voxel of 27 is hot enough for a lesion of its own: it leaves the reference, which stays.
TEST(MeasureStudy, TakesLesionVoxelsOutOfAReferenceRegion) {
  const SuvVolume volume = aVolume().background(2).box({10, 10, 10}, {12, 12, 10}, 8);
  GivenAnatomy finder;
  finder.found(Organ::Liver, RegionRole::Reference, boxVoxels(volume.geometry, {12, 12, 8}, {14, 14, 10}));
  const auto findings = measureStudy(volume, {}, finder);
  ASSERT_TRUE(findings.has_value());
  const Region& liver = findings->regions.back();
  EXPECT_NEAR(*find(liver.measurements, Quantity::OrganVolume).value, 26 * 0.064, 1e-9);
  EXPECT_DOUBLE_EQ(*find(liver.measurements, Quantity::SuvMax).value, 2);
  EXPECT_DOUBLE_EQ(*find(findings->wholeBody, Quantity::LiverSuvMean).value, 2);
}

TEST(MeasureStudy, RefusesAReferenceRegionThatIsMostlyLesion) {
  const SuvVolume volume = aVolume().background(2).box({10, 10, 10}, {14, 14, 14}, 8);
  GivenAnatomy finder;
  finder.found(Organ::LumbarMarrow, RegionRole::Reference,
               boxVoxels(volume.geometry, {13, 13, 13}, {15, 14, 14}));
  const auto findings = measureStudy(volume, {}, finder);
  ASSERT_EQ(findings->missingRegions.size(), 1U);
  EXPECT_EQ(findings->missingRegions[0].organ, Organ::LumbarMarrow);
  EXPECT_EQ(find(findings->wholeBody, Quantity::MarrowToLiverRatio).value.error().code,
            RefusalCode::RegionNotFound);
}

TEST(MeasureStudy, KeepsPhysiologicalUptakeAsARegionAndOutOfTheTumour) {
  const SuvVolume volume = aVolume().background(1).box({5, 5, 5}, {8, 8, 8}, 20);
  GivenAnatomy finder;
  finder.found(Organ::Bladder, RegionRole::Physiological, boxVoxels(volume.geometry, {5, 5, 5}, {8, 8, 8}));
  const auto findings = measureStudy(volume, {}, finder);
  EXPECT_EQ(*find(findings->wholeBody, Quantity::Tmtv).value, 0);
  ASSERT_EQ(findings->regions.size(), 1U);
  EXPECT_NEAR(*find(findings->regions[0].measurements, Quantity::OrganVolume).value, 64 * 0.064, 1e-9);
  EXPECT_EQ(findings->mips[0].role[static_cast<std::size_t>((19 - 6) * 20 + 6)], 2);
}

TEST(MeasureStudy, RefusesTumourNumbersButKeepsOrgansWhenPercistLacksALiver) {
  const SuvVolume volume = aVolume().background(1).box({5, 5, 5}, {8, 8, 8}, 20);
  GivenAnatomy finder;
  finder.anatomy.missing.push_back({Organ::Liver, {RefusalCode::RegionNotFound, "not in the field"}});
  finder.found(Organ::Spleen, RegionRole::Reference, boxVoxels(volume.geometry, {15, 15, 15}, {17, 17, 17}));
  MeasurementOptions options;
  options.lesionRule = LesionRule::PercistLiver;
  const auto findings = measureStudy(volume, {}, finder, options);
  ASSERT_TRUE(findings.has_value());
  EXPECT_EQ(find(findings->wholeBody, Quantity::Tmtv).value.error().code, RefusalCode::RegionNotFound);
  ASSERT_EQ(findings->regions.size(), 1U);
  EXPECT_EQ(findings->regions[0].organ, Organ::Spleen);
  EXPECT_NE(findings->lesionDefinition.find("refused"), std::string::npos);
}

TEST(MeasureStudy, RefusesAVolumeWithNothingToMeasure) {
  const RuleBasedAnatomy finder;
  EXPECT_EQ(measureStudy({}, {}, finder).error().code(), RefusalCode::UnreadableDicom);
  const SuvVolume nothing = aVolume().background(std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(measureStudy(nothing, {}, finder).error().code(), RefusalCode::UnreadableDicom);
  EXPECT_EQ(measureStudy(aVolume().background(0.01F), {}, finder).error().code(),
            RefusalCode::TooLittleBody);
  EXPECT_EQ(measureStudy(aVolume().background(-5), {}, finder).error().code(),
            RefusalCode::TooLittleBody);
}

TEST(MeasureStudy, CountsVoxelsWithoutANumberAsZeroAndSaysSo) {
  const SuvVolume volume = aVolume()
                               .background(1)
                               .box({5, 5, 5}, {8, 8, 8}, 9)
                               .voxel(0, 0, 0, std::numeric_limits<float>::infinity())
                               .voxel(6, 6, 6, std::numeric_limits<float>::quiet_NaN());
  const auto findings = measureStudy(volume, {}, RuleBasedAnatomy());
  ASSERT_TRUE(findings.has_value());
  EXPECT_NEAR(*find(findings->wholeBody, Quantity::Tmtv).value, 63 * 0.064, 1e-9);
  EXPECT_NE(findings->warnings.front().find("2 voxels"), std::string::npos);
}

TEST(MeasureStudy, ThrowsWhenVoxelsDoNotFitTheGeometry) {
  SuvVolume volume = aVolume();
  volume.suvBw.pop_back();
  EXPECT_THROW(measureStudy(volume, {}, RuleBasedAnatomy()), ImagingError);
  EXPECT_THROW(RuleBasedAnatomy().find(volume), ImagingError);
}

TEST(MeasureStudy, TakesOneSlice) {
  const SuvVolume volume = VolumeBuilder()
                               .spacingMm(4, 4, 4)
                               .size(100, 80, 1)
                               .background(1)
                               .box({10, 10, 0}, {14, 14, 0}, 9);
  const auto findings = measureStudy(volume, {}, RuleBasedAnatomy());
  ASSERT_TRUE(findings.has_value());
  EXPECT_EQ(*find(findings->wholeBody, Quantity::LesionCount).value, 1);
  EXPECT_EQ(findings->missingRegions.size(), 9U);
}

TEST(MeasureStudy, NamesItsStagesInOrder) {
  std::vector<std::string> stages;
  double last = 0;
  ASSERT_TRUE(measureStudy(aVolume().background(1), {}, GivenAnatomy(), {},
                           [&](std::string_view stage, double done) {
                             stages.emplace_back(stage);
                             EXPECT_GE(done, last);
                             last = done;
                           })
                  .has_value());
  EXPECT_EQ(stages, (std::vector<std::string>{"organs", "lesions", "measurements", "pictures", "done"}));
}

}  // namespace
}  // namespace fedpet::imaging
