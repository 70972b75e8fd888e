// The rules against synthetic patients whose organs are known voxel by voxel, and against volumes
// that hold no organ at all.
#include "models/imaging/RuleBasedAnatomy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "models/imaging/Lesions.h"
#include "models/imaging/Measurements.h"
#include "sample-data/Phantom.h"
#include "tests/support/VolumeBuilder.h"

namespace fedpet::imaging {
namespace {

using fedpet::testing::VolumeBuilder;
using sample::Phantom;
using sample::PhantomSpec;

constexpr std::array kOrgans{Organ::Brain,        Organ::Heart,      Organ::Liver,
                             Organ::Spleen,       Organ::LumbarMarrow, Organ::LeftKidney,
                             Organ::RightKidney,  Organ::Bladder};

// A patient on coarse voxels without lesions: quick to paint, and the rules do not know better.
PhantomSpec healthy(std::uint64_t seed = 3) {
  PhantomSpec spec = sample::fromSeed(seed);
  spec.scanner = sample::scannerOfClass(0);
  spec.lesions.clear();
  spec.withoutHead = false;
  spec.brownFat = false;
  spec.metforminBowel = false;
  spec.uptake.liver = 2.1;
  spec.uptake.myocardium = 7;
  spec.uptake.kidneyCortex = 3;
  spec.uptake.renalPelvis = 10;
  spec.uptake.bladder = 20;
  return spec;
}

// Share of the region's voxels that lie in the organ's truth.
double precision(const Phantom& phantom, const FoundRegion& region, Organ organ) {
  const auto inside = std::count_if(region.voxels.begin(), region.voxels.end(), [&](std::size_t at) {
    return phantom.tissues.labels[at] == sample::labelOf(organ);
  });
  return static_cast<double>(inside) / static_cast<double>(region.voxels.size());
}

// Share of the organ's voxels of at least this uptake that the region covers.
double coverage(const Phantom& phantom, const FoundRegion& region, Organ organ, float suv) {
  std::size_t all = 0, covered = 0;
  for (std::size_t at = 0; at < phantom.image.suvBw.size(); ++at) {
    if (phantom.tissues.labels[at] != sample::labelOf(organ) || phantom.image.suvBw[at] < suv) continue;
    ++all;
    covered += std::binary_search(region.voxels.begin(), region.voxels.end(), at);
  }
  return all == 0 ? 1 : static_cast<double>(covered) / static_cast<double>(all);
}

// Share that lies in vertebrae: without CT the level is only known to about one of them.
double vertebralPrecision(const Phantom& phantom, const FoundRegion& region) {
  std::vector<bool> marrow(1000);
  for (const auto& tissue : phantom.tissueTable)
    marrow[tissue.label] = tissue.organ == Organ::LumbarMarrow || tissue.name == "Other bone marrow";
  const auto inside = std::count_if(region.voxels.begin(), region.voxels.end(), [&](std::size_t at) {
    return marrow[phantom.tissues.labels[at]];
  });
  return static_cast<double>(inside) / static_cast<double>(region.voxels.size());
}

double trueSuv(const Phantom& phantom, Organ organ) {
  for (const auto& tissue : phantom.tissueTable)
    if (tissue.organ == organ) return tissue.trueSuvMean * phantom.spec.scanner.calibrationFactor;
  return 0;
}

double meanSuv(const Phantom& phantom, const Anatomy& anatomy, Organ organ) {
  const FoundRegion* region = anatomy.find(organ);
  return region ? uptakeOf(phantom.image, region->voxels).mean : 0;
}

void expectEveryOrganFoundOrMissing(const Anatomy& anatomy) {
  for (Organ organ : kOrgans)
    EXPECT_NE(anatomy.find(organ) != nullptr, anatomy.refusalOf(organ) != nullptr) << toString(organ);
}

class EveryPatient : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(EveryPatient, HasOrgansWhereTheyAre) {
  const Phantom phantom = makePhantom(sample::fromSeed(GetParam()));
  const Anatomy anatomy = RuleBasedAnatomy().find(phantom.image);
  expectEveryOrganFoundOrMissing(anatomy);
  for (Organ organ : {Organ::Liver, Organ::Spleen, Organ::LumbarMarrow})
    if (const FoundRegion* region = anatomy.find(organ)) {
      if (organ == Organ::LumbarMarrow)
        EXPECT_GE(vertebralPrecision(phantom, *region), 0.6);
      else
        EXPECT_GE(precision(phantom, *region, organ), 0.95) << toString(organ);
      // PSF, noise and the choice of the place: within a quarter, the liver within 15 %.
      EXPECT_NEAR(meanSuv(phantom, anatomy, organ) / trueSuv(phantom, organ), 1,
                  organ == Organ::Liver ? 0.15 : 0.25)
          << toString(organ);
    }
  ASSERT_NE(anatomy.find(Organ::Liver), nullptr);
  ASSERT_NE(anatomy.find(Organ::Bladder), nullptr);
  ASSERT_NE(anatomy.find(Organ::Brain), nullptr);
  EXPECT_GE(coverage(phantom, *anatomy.find(Organ::Bladder), Organ::Bladder, 4), 0.98);
  EXPECT_GE(coverage(phantom, *anatomy.find(Organ::Brain), Organ::Brain, 4), 0.85);
}

TEST_P(EveryPatient, HasNoLesionInTheHotOrgansThatWereFound) {
  const Phantom phantom = makePhantom(sample::fromSeed(GetParam()));
  const Anatomy anatomy = RuleBasedAnatomy().find(phantom.image);
  const auto finding = findLesions(phantom.image, anatomy, LesionRule::FixedSuv4);
  ASSERT_TRUE(finding.has_value());
  for (Organ organ : {Organ::Brain, Organ::Heart, Organ::Bladder, Organ::LeftKidney, Organ::RightKidney}) {
    if (!anatomy.find(organ)) continue;
    for (const Lesion& lesion : finding->lesions) {
      const auto inOrgan = std::count_if(lesion.voxels.begin(), lesion.voxels.end(), [&](std::size_t at) {
        return phantom.tissues.labels[at] == sample::labelOf(organ);
      });
      EXPECT_LT(static_cast<double>(inOrgan), 0.5 * static_cast<double>(lesion.voxels.size()))
          << toString(organ);
    }
  }
}

// Large and small, lean and heavy, arms up and down, with and without the top of the head, with
// three and with thirty lesions: see PhantomSpec::fromSeed. 2 has a tumour over the dome of the liver,
// 106 a liver of SUV 1.3, 110 metastases where the right kidney is sought.
INSTANTIATE_TEST_SUITE_P(Seeds, EveryPatient, ::testing::Values(1, 2, 3, 6, 9, 10, 106, 110));

TEST(RuleBasedAnatomy, FindsAllEightInAHealthyPatient) {
  const Phantom phantom = makePhantom(healthy());
  const Anatomy anatomy = RuleBasedAnatomy().find(phantom.image);
  for (Organ organ : kOrgans) EXPECT_NE(anatomy.find(organ), nullptr) << toString(organ);
  for (Organ organ : {Organ::Heart, Organ::LeftKidney, Organ::RightKidney})
    EXPECT_GE(coverage(phantom, *anatomy.find(organ), organ, 4), 0.9) << toString(organ);
}

TEST(RuleBasedAnatomy, RefusesAHeartThatTakesUpAsLittleAsBlood) {
  PhantomSpec spec = healthy();
  spec.uptake.myocardium = 1.6;
  const Anatomy anatomy = RuleBasedAnatomy().find(makePhantom(spec).image);
  EXPECT_EQ(anatomy.find(Organ::Heart), nullptr);
  ASSERT_NE(anatomy.refusalOf(Organ::Heart), nullptr);
  EXPECT_EQ(anatomy.refusalOf(Organ::Heart)->code, RefusalCode::RegionNotFound);
}

// A tumour beside the bladder, as hot, with a valley between: it keeps its voxels.
TEST(RuleBasedAnatomy, DoesNotSwallowATumourBesideTheBladder) {
  PhantomSpec spec = healthy();
  const Phantom without = makePhantom(spec);
  const FoundRegion bladder = *RuleBasedAnatomy().find(without.image).find(Organ::Bladder);
  const PointMm centre = centroidMm(without.image.geometry, bladder.voxels);
  const double width = std::cbrt(uptakeOf(without.image, bladder.voxels).volumeMl * 1000);
  spec.lesions = {{sample::LesionSite::SoftTissue, 30, 15, 0,
                   PointMm{centre[0] + 0.62 * width + 30, centre[1], centre[2]}}};
  const Phantom phantom = makePhantom(spec);
  ASSERT_EQ(phantom.lesionTable.size(), 1U);
  const Anatomy anatomy = RuleBasedAnatomy().find(phantom.image);
  std::size_t swallowed = 0, all = 0;
  for (std::size_t at = 0; at < phantom.lesions.labels.size(); ++at) {
    if (phantom.lesions.labels[at] == 0) continue;
    ++all;
    for (const FoundRegion& region : anatomy.found)
      swallowed += std::binary_search(region.voxels.begin(), region.voxels.end(), at);
  }
  EXPECT_LT(static_cast<double>(swallowed), 0.1 * static_cast<double>(all));
}

// The same patient with slices from head to feet and rows from the left: the same organs.
TEST(RuleBasedAnatomy, DoesNotDependOnTheOrderOfVoxels) {
  const Phantom phantom = makePhantom(healthy());
  SuvVolume turned = phantom.image;
  const auto& g = phantom.image.geometry;
  turned.geometry.rowDirection = {-1, 0, 0};
  turned.geometry.sliceDirection = {0, 0, -1};
  turned.geometry.originMm = g.pointMm(g.size[0] - 1, 0, g.size[2] - 1);
  for (int k = 0; k < g.size[2]; ++k)
    for (int j = 0; j < g.size[1]; ++j)
      for (int i = 0; i < g.size[0]; ++i)
        turned.suvBw[g.offset(g.size[0] - 1 - i, j, g.size[2] - 1 - k)] =
            phantom.image.suvBw[g.offset(i, j, k)];
  const Anatomy expected = RuleBasedAnatomy().find(phantom.image), found = RuleBasedAnatomy().find(turned);
  for (Organ organ : kOrgans) {
    ASSERT_NE(found.find(organ), nullptr) << toString(organ);
    const PointMm a = centroidMm(turned.geometry, found.find(organ)->voxels);
    const PointMm b = centroidMm(g, expected.find(organ)->voxels);
    EXPECT_LT(std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]), 2) << toString(organ);
  }
}

TEST(RuleBasedAnatomy, KeepsRegionsDisjointAndAscending) {
  const Phantom phantom = makePhantom(healthy());
  const Anatomy anatomy = RuleBasedAnatomy().find(phantom.image);
  std::vector<std::uint8_t> taken(phantom.image.suvBw.size(), 0);
  for (const FoundRegion& region : anatomy.found) {
    EXPECT_FALSE(region.voxels.empty()) << region.name;
    EXPECT_TRUE(std::is_sorted(region.voxels.begin(), region.voxels.end())) << region.name;
    EXPECT_FALSE(region.definition.empty()) << region.name;
    EXPECT_GE(region.confidence, kLeastConfidence) << region.name;
    for (std::size_t at : region.voxels) EXPECT_EQ(taken[at]++, 0) << region.name;
  }
}

// The lower third of the patient: thighs and pelvis. The bladder is there, a liver is not.
TEST(RuleBasedAnatomy, InventsNoLiverWhereOnlyThePelvisIsInTheField) {
  const Phantom phantom = makePhantom(healthy());
  SuvVolume pelvis = phantom.image;
  auto& g = pelvis.geometry;
  g.size[2] = static_cast<int>(300 / g.spacingMm[2]);
  pelvis.suvBw.resize(g.voxelCount());
  const Anatomy anatomy = RuleBasedAnatomy().find(pelvis);
  expectEveryOrganFoundOrMissing(anatomy);
  for (Organ organ : kOrgans)
    EXPECT_EQ(anatomy.find(organ) != nullptr, organ == Organ::Bladder) << toString(organ);
}

// Head and chest down to the middle of the heart.
TEST(RuleBasedAnatomy, InventsNoLiverWhereOnlyHeadAndChestAreInTheField) {
  const Phantom phantom = makePhantom(healthy());
  const auto& labels = phantom.tissues.labels;
  SuvVolume chest = phantom.image;
  auto& g = chest.geometry;
  const std::size_t slice = g.offset(0, 0, 1);
  std::size_t highestLiver = 0;
  for (std::size_t at = 0; at < labels.size(); ++at)
    if (labels[at] == sample::labelOf(Organ::Liver)) highestLiver = at / slice;
  const auto first = static_cast<int>(highestLiver + 5);
  chest.suvBw.erase(chest.suvBw.begin(),
                    chest.suvBw.begin() + static_cast<std::ptrdiff_t>(slice * (highestLiver + 5)));
  g.originMm = g.pointMm(0, 0, first);
  g.size[2] -= first;
  const Anatomy anatomy = RuleBasedAnatomy().find(chest);
  for (Organ organ : kOrgans)
    EXPECT_EQ(anatomy.find(organ) != nullptr, organ == Organ::Brain) << toString(organ);
}

TEST(RuleBasedAnatomy, FindsNothingInAnEvenBlockOrInNoise) {
  const SuvVolume even = VolumeBuilder().spacingMm(5, 5, 5).size(80, 60, 200).box({10, 10, 0}, {69, 49, 199}, 1.5F);
  EXPECT_TRUE(RuleBasedAnatomy().find(even).found.empty());
  SuvVolume noise = even;
  std::mt19937 random(7);
  for (float& suv : noise.suvBw) suv *= static_cast<float>(random() % 2001) / 1000.0F;
  EXPECT_TRUE(RuleBasedAnatomy().find(noise).found.empty());
}

TEST(RuleBasedAnatomy, TakesTheSmallestVolumes) {
  for (int edge : {1, 2, 3, 5}) {
    const SuvVolume tiny = VolumeBuilder().spacingMm(4, 4, 4).size(edge, edge, edge).background(3);
    expectEveryOrganFoundOrMissing(RuleBasedAnatomy().find(tiny));
  }
  expectEveryOrganFoundOrMissing(RuleBasedAnatomy().find({}));
}

}  // namespace
}  // namespace fedpet::imaging
