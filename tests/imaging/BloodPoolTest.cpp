#include "models/imaging/Measurements.h"
#include "models/imaging/RuleBasedAnatomy.h"
#include "sample-data/Anatomy.h"
#include "sample-data/Phantom.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fedpet::imaging {
namespace {

sample::PhantomSpec patient(std::uint64_t seed) {
  sample::PhantomSpec spec = sample::fromSeed(seed);
  spec.lesions.clear();
  spec.withoutHead = true;  // a smaller volume; the head plays no part
  return spec;
}

// The truth is the uptake that the generator gave the vessels; over the 30 voxels of the reference
// noise of 10 to 15 % a voxel leaves some percent, blurring and texture the rest.
TEST(BloodPool, IsTheDescendingAortaOfSyntheticPatients) {
  for (const std::uint64_t seed : {1U, 5U, 14U}) {
    const sample::PhantomSpec spec = patient(seed);
    const sample::Phantom phantom = sample::makePhantom(spec);
    const Anatomy anatomy = RuleBasedAnatomy().find(phantom.image);
    const FoundRegion* pool = anatomy.find(Organ::BloodPool);
    ASSERT_NE(pool, nullptr) << "seed " << seed << ": "
                             << anatomy.refusalOf(Organ::BloodPool)->detail;
    EXPECT_EQ(pool->role, RegionRole::Reference);
    const UptakeStatistics uptake = uptakeOf(phantom.image, pool->voxels);
    const double truth = spec.uptake.bloodPool * spec.scanner.calibrationFactor;
    EXPECT_NEAR(uptake.mean / truth, 1, 0.15) << "seed " << seed;
    // 10 mm wide, 20 mm long: 1.57 ml, on voxels of up to 4 x 4 x 4 mm.
    EXPECT_NEAR(uptake.volumeMl, 1.57, 0.8);
    std::size_t inVessel = 0;
    for (std::size_t at : pool->voxels)
      inVessel += phantom.tissues.labels[at] == sample::labelOf(sample::Tissue::BloodVessel);
    EXPECT_GT(static_cast<double>(inVessel), 0.7 * static_cast<double>(pool->voxels.size()));
  }
}

TEST(BloodPool, IsMissingRatherThanInventedWhereTheLungIsAsBright) {
  sample::PhantomSpec spec = patient(5);
  spec.uptake.lung = spec.uptake.bloodPool;
  const sample::Phantom phantom = sample::makePhantom(spec);
  const Anatomy anatomy = RuleBasedAnatomy().find(phantom.image);
  EXPECT_EQ(anatomy.find(Organ::BloodPool), nullptr);
  ASSERT_NE(anatomy.refusalOf(Organ::BloodPool), nullptr);
  EXPECT_EQ(anatomy.refusalOf(Organ::BloodPool)->code, RefusalCode::RegionNotFound);
}

}  // namespace
}  // namespace fedpet::imaging
