#include "clinical/Geometry.h"
#include "sample-data/TreatedPatient.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fedpet::sample {
namespace {

Phantom baseline() {
  PhantomSpec spec = fromSeed(3);
  spec.scanner.matrix = 96;
  spec.scanner.voxelMm = {7, 7, 7};
  return makePhantom(spec);
}

TEST(TreatedPatient, HasTheSameBodyAndOtherNoise) {
  const Phantom before = baseline(), after = makePhantom(afterTreatment(before, Course::Response));
  ASSERT_EQ(before.image.geometry.size, after.image.geometry.size);
  EXPECT_EQ(before.tissueTable.size(), after.tissueTable.size());
  EXPECT_NE(before.image.suvBw, after.image.suvBw);
  for (std::size_t t = 0; t < before.tissueTable.size(); ++t) {
    if (before.tissueTable[t].organ != Organ::Spleen) continue;
    EXPECT_NEAR(before.tissueTable[t].volumeMl, after.tissueTable[t].volumeMl,
                0.02 * before.tissueTable[t].volumeMl);
  }
}

TEST(TreatedPatient, HasItsLesionsWhereTheyWereSmallerAndColder) {
  const Phantom before = baseline(), after = makePhantom(afterTreatment(before, Course::Response));
  ASSERT_GT(before.lesionTable.size(), 1U);
  ASSERT_GT(after.lesionTable.size(), before.lesionTable.size() / 2)
      << "on this coarse grid the smallest shrink to less than a voxel";
  for (const LesionTruth& now : after.lesionTable) {
    const auto was = std::min_element(before.lesionTable.begin(), before.lesionTable.end(),
                                      [&](const auto& a, const auto& b) {
                                        return distanceMm(a.centroidMm, now.centroidMm) <
                                               distanceMm(b.centroidMm, now.centroidMm);
                                      });
    EXPECT_LT(distanceMm(was->centroidMm, now.centroidMm), 7) << now.name;
    EXPECT_LT(now.plannedSuv, 0.7 * was->plannedSuv) << now.name;
    EXPECT_LE(now.volumeMl, was->volumeMl) << now.name;
  }
}

TEST(TreatedPatient, HasOneLesionMoreInProgression) {
  const Phantom before = baseline(),
                after = makePhantom(afterTreatment(before, Course::Progression));
  EXPECT_EQ(after.lesionTable.size(), before.lesionTable.size() + 1);
  EXPECT_EQ(after.lesionTable.back().site, LesionSite::Bone);
}

}  // namespace
}  // namespace fedpet::sample
