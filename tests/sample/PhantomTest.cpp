#include "sample-data/Phantom.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include <stdexcept>

#include "sample-data/StableRandom.h"

namespace fedpet::sample {
namespace {

// Coarse, so that a test takes a fraction of a second.
PhantomSpec quickSpec(std::uint64_t seed) {
  PhantomSpec spec = fromSeed(seed);
  spec.scanner.matrix = 96;
  spec.scanner.voxelMm = {7, 7, 7};
  return spec;
}

// A patient whose numbers the tests state themselves.
PhantomSpec plainSpec() {
  PhantomSpec spec;
  spec.seed = 11;
  spec.scanner.liverNoiseCov = 0;
  return spec;
}

const TissueTruth& tissue(const Phantom& phantom, Organ organ) {
  for (const TissueTruth& t : phantom.tissueTable)
    if (t.organ == organ) return t;
  throw std::out_of_range("no such organ");
}

// Voxels whose 7x7x7 neighbourhood has the same label: far enough from any edge that the PSF brings
// nothing in from outside.
std::vector<std::size_t> core(const LabelVolume& volume, std::uint16_t label) {
  const VolumeGeometry& g = volume.geometry;
  std::vector<std::size_t> inside;
  constexpr int kMargin = 3;
  for (int k = kMargin; k < g.size[2] - kMargin; ++k)
    for (int j = kMargin; j < g.size[1] - kMargin; ++j)
      for (int i = kMargin; i < g.size[0] - kMargin; ++i) {
        bool deep = volume.labels[g.offset(i, j, k)] == label;
        for (int c = -kMargin; c <= kMargin && deep; ++c)
          for (int b = -kMargin; b <= kMargin && deep; ++b)
            for (int a = -kMargin; a <= kMargin && deep; ++a)
              deep = volume.labels[g.offset(i + a, j + b, k + c)] == label;
        if (deep) inside.push_back(g.offset(i, j, k));
      }
  return inside;
}

struct Spread {
  double mean, sd;
};
Spread spreadOf(const std::vector<float>& values, const std::vector<std::size_t>& where) {
  double sum = 0, squares = 0;
  for (const std::size_t n : where) {
    sum += values[n];
    squares += values[n] * values[n];
  }
  const double count = static_cast<double>(where.size()), mean = sum / count;
  return {mean, std::sqrt(squares / count - mean * mean)};
}

TEST(StableRandom, GivesTheSequenceThatTheStandardFixesForItsEngine) {
  // C++ standard [rand.predef]: the 10000th value of a default mt19937_64 is this one.
  std::mt19937_64 engine;
  engine.discard(9999);
  EXPECT_EQ(engine(), 9981545732273789042u);
  StableRandom a(7, "one"), b(7, "one"), c(7, "two");
  const double first = a.uniform();
  EXPECT_EQ(first, b.uniform());
  EXPECT_NE(first, c.uniform());
}

TEST(StableRandom, HasTheMomentsOfItsDistributions) {
  StableRandom random(3, "moments");
  double sum = 0, squares = 0, counts = 0, countSquares = 0;
  constexpr int kDraws = 200000;
  for (int n = 0; n < kDraws; ++n) {
    const double x = random.normal(2, 3);
    sum += x;
    squares += x * x;
    const double c = random.negativeBinomial(8, 0.7);
    counts += c;
    countSquares += c * c;
  }
  const double mean = sum / kDraws, meanCount = counts / kDraws;
  EXPECT_NEAR(mean, 2, 0.03);
  EXPECT_NEAR(std::sqrt(squares / kDraws - mean * mean), 3, 0.03);
  EXPECT_NEAR(meanCount, 8, 0.15);
  // Variance of a negative binomial: mean + mean^2 / k.
  EXPECT_NEAR(countSquares / kDraws - meanCount * meanCount, 8 + 64 / 0.7, 4);
}

TEST(Phantom, IsTheSameAgainForTheSameSeedAndAnotherForAnother) {
  const Phantom a = makePhantom(quickSpec(5)), b = makePhantom(quickSpec(5)), c = makePhantom(quickSpec(6));
  EXPECT_EQ(a.image.suvBw, b.image.suvBw);
  EXPECT_EQ(a.tissues.labels, b.tissues.labels);
  EXPECT_EQ(a.lesions.labels, b.lesions.labels);
  EXPECT_NE(a.image.suvBw, c.image.suvBw);
}

TEST(Phantom, ShowsTheLiverOfItsSpecInTheTruthAndInTheImage) {
  PhantomSpec spec = plainSpec();
  spec.uptake.liver = 2.3;
  spec.textureCv = 0;
  spec.scanner.calibrationFactor = 1.08;
  const Phantom phantom = makePhantom(spec);
  const std::vector<std::size_t> liver = core(phantom.tissues, labelOf(Organ::Liver));
  ASSERT_GT(liver.size(), 1000u);
  EXPECT_NEAR(spreadOf(phantom.truth.suvBw, liver).mean, 2.3, 0.002);
  EXPECT_NEAR(spreadOf(phantom.image.suvBw, liver).mean, 2.3 * 1.08, 0.01);
}

// Injected activity can only be in the body or out of it: summed over the field of view, SUV x g
// is at most the weight. Head to mid-thigh without the lower legs holds most of it.
TEST(Phantom, KeepsItsTotalUptakeBelowTheInjectedActivity) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    PhantomSpec spec = quickSpec(seed);
    spec.withoutHead = false;
    const Phantom phantom = makePhantom(spec);
    double grams = 0;
    for (const float suv : phantom.truth.suvBw) grams += suv * phantom.truth.geometry.voxelVolumeMl();
    EXPECT_GT(grams / 1000, 0.45 * spec.weightKg) << "seed " << seed;
    EXPECT_LT(grams / 1000, spec.weightKg) << "seed " << seed;
  }
}

// Normal adult volumes with room for the spread of sizes (ICRP 89: liver 1.8 kg in men and 1.4 in
// women, spleen 150 and 130 g, one kidney 155 and 138 g, brain 1.45 and 1.3 kg).
TEST(Phantom, HasOrgansOfHumanSizeForEveryBody) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}) {
    PhantomSpec spec = quickSpec(seed);
    spec.withoutHead = false;
    spec.lesions.clear();
    const Phantom phantom = makePhantom(spec);
    auto ml = [&](Organ organ) { return tissue(phantom, organ).volumeMl; };
    EXPECT_GT(ml(Organ::Liver), 900) << seed;
    EXPECT_LT(ml(Organ::Liver), 2600) << seed;
    EXPECT_GT(ml(Organ::Spleen), 50) << seed;
    EXPECT_LT(ml(Organ::Spleen), 450) << seed;
    EXPECT_GT(ml(Organ::Brain), 950) << seed;
    EXPECT_LT(ml(Organ::Brain), 1700) << seed;
    for (const Organ kidney : {Organ::LeftKidney, Organ::RightKidney}) {
      EXPECT_GT(ml(kidney), 80) << seed;
      EXPECT_LT(ml(kidney), 330) << seed;
    }
    EXPECT_GT(ml(Organ::LumbarMarrow), 80) << seed;
  }
}

TEST(Phantom, PutsTheLiverOnThePatientsRightAndTheHeartAboveIt) {
  const Phantom phantom = makePhantom(quickSpec(4));
  const VolumeGeometry& g = phantom.tissues.geometry;
  auto centroid = [&](Organ organ) {
    PointMm sum{};
    double count = 0;
    for (int k = 0; k < g.size[2]; ++k)
      for (int j = 0; j < g.size[1]; ++j)
        for (int i = 0; i < g.size[0]; ++i)
          if (phantom.tissues.labels[g.offset(i, j, k)] == labelOf(organ)) {
            const PointMm p = g.pointMm(i, j, k);
            for (std::size_t a = 0; a < 3; ++a) sum[a] += p[a];
            ++count;
          }
    return PointMm{sum[0] / count, sum[1] / count, sum[2] / count};
  };
  const PointMm liver = centroid(Organ::Liver), heart = centroid(Organ::Heart);
  const PointMm spleen = centroid(Organ::Spleen), bladder = centroid(Organ::Bladder);
  EXPECT_LT(liver[0], -20);              // LPS: the patient's right is negative
  EXPECT_GT(spleen[0], 40);
  EXPECT_GT(spleen[1], liver[1]);        // the spleen lies behind
  EXPECT_GT(heart[2], liver[2] + 40);
  EXPECT_LT(bladder[2], liver[2] - 150);
}

TEST(Phantom, HasTheNoiseOfItsScannerInTheLiver) {
  PhantomSpec spec = plainSpec();
  spec.textureCv = 0;
  spec.scanner.liverNoiseCov = 0.11;
  const Phantom phantom = makePhantom(spec);
  const Spread liver = spreadOf(phantom.image.suvBw, core(phantom.tissues, labelOf(Organ::Liver)));
  EXPECT_NEAR(liver.sd / liver.mean, 0.11, 0.02);
}

// Liver COV of 8-15 % is what whole-body protocols give.
TEST(Phantom, HasALiverNoiseWithinTheRangeOfClinicalProtocols) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    PhantomSpec spec = fromSeed(seed);
    spec.lesions.clear();
    const Phantom phantom = makePhantom(spec);
    const Spread liver = spreadOf(phantom.image.suvBw, core(phantom.tissues, labelOf(Organ::Liver)));
    EXPECT_GT(liver.sd / liver.mean, 0.07) << "seed " << seed;
    EXPECT_LT(liver.sd / liver.mean, 0.18) << "seed " << seed;
  }
}

TEST(PhantomLesions, HaveTheVolumeOfTheirSphereAndTheirPlannedUptake) {
  PhantomSpec spec = plainSpec();
  spec.textureCv = 0;
  spec.lesions = {{LesionSite::Liver, 40, 10, 0, {}}};
  const Phantom phantom = makePhantom(spec);
  ASSERT_EQ(phantom.lesionTable.size(), 1u);
  const LesionTruth& lesion = phantom.lesionTable.front();
  const double sphereMl = 3.14159265 / 6 * 40 * 40 * 40 / 1000;
  EXPECT_NEAR(lesion.volumeMl, sphereMl, 0.2 * sphereMl);  // its shape waves, its host may clip it
  EXPECT_NEAR(lesion.maskVolumeMl, lesion.volumeMl, 0.03 * lesion.volumeMl);
  // About 30 % of the mask's voxels are cut by the surface and hold a quarter of liver (2.1) each.
  EXPECT_NEAR(lesion.trueSuvMean, 10 - 0.30 * 0.25 * (10 - 2.1), 0.25);
}

TEST(PhantomLesions, AreDisjointFromTissuesAndSumToTheirTable) {
  const Phantom phantom = makePhantom(fromSeed(3));
  ASSERT_GT(phantom.lesionTable.size(), 3u);
  std::vector<double> ml(phantom.lesionTable.size() + 1);
  for (std::size_t n = 0; n < phantom.lesions.labels.size(); ++n) {
    ml[phantom.lesions.labels[n]] += phantom.lesions.geometry.voxelVolumeMl();
    if (phantom.lesions.labels[n] > 0) {
      ASSERT_EQ(phantom.tissues.labels[n], 0);
    }
  }
  for (const LesionTruth& lesion : phantom.lesionTable)
    EXPECT_NEAR(lesion.maskVolumeMl, ml[lesion.label], 1e-6) << lesion.name;
}

TEST(PhantomLesions, KeepAColdCoreOutOfTheMask) {
  PhantomSpec spec = plainSpec();
  spec.lesions = {{LesionSite::LungPrimary, 60, 12, 0.5, {}}};
  const Phantom phantom = makePhantom(spec);
  ASSERT_EQ(phantom.lesionTable.size(), 1u);
  const LesionTruth& lesion = phantom.lesionTable.front();
  EXPECT_NEAR(lesion.necroticVolumeMl / (lesion.volumeMl + lesion.necroticVolumeMl), 0.125, 0.03);
  EXPECT_GT(lesion.trueSuvMean, 9);
}

TEST(PhantomLesions, FollowTheRequestedCount) {
  PhantomSpec spec = fromSeed(9);
  drawLesions(spec, 0, 0);
  EXPECT_TRUE(spec.lesions.empty());
  EXPECT_TRUE(makePhantom(spec).lesionTable.empty());
  drawLesions(spec, 6, 6);
  EXPECT_EQ(spec.lesions.size(), 6u);
}

// The disease as a whole: lognormal TMTV with a median of 65 ml, 1 + a negative binomial count of
// mean 8 (marginals of the tabular cohort, which the literature's medians of 36-75 ml agree with).
TEST(PhantomLesions, MakeAPopulationWithThePublishedBurden) {
  std::vector<double> volumes;
  double lesions = 0;
  constexpr int kPatients = 400;
  for (std::uint64_t seed = 1; seed <= kPatients; ++seed) {
    double ml = 0;
    const PhantomSpec spec = fromSeed(seed);
    for (const LesionPlan& plan : spec.lesions) {
      const double d = plan.diameterMm;
      // A pleural lesion is a sheet 10 mm thick, not a ball.
      ml += plan.site == LesionSite::Pleura ? 3.14159 / 4 * d * d * 10 / 1000
                                            : 3.14159 / 6 * d * d * d / 1000;
    }
    volumes.push_back(ml);
    lesions += static_cast<double>(spec.lesions.size());
  }
  std::nth_element(volumes.begin(), volumes.begin() + kPatients / 2, volumes.end());
  EXPECT_GT(volumes[kPatients / 2], 45);
  EXPECT_LT(volumes[kPatients / 2], 130);
  EXPECT_NEAR(lesions / kPatients, 8.5, 1.5);
}

TEST(Phantom, RefusesABodyThatCannotBe) {
  PhantomSpec spec;
  spec.weightKg = 0;
  EXPECT_THROW(makePhantom(spec), std::invalid_argument);
  spec = {};
  spec.weightKg = 700;
  EXPECT_THROW(makePhantom(spec), std::invalid_argument);
  spec = {};
  spec.scanner.voxelMm[2] = 0;
  EXPECT_THROW(makePhantom(spec), std::invalid_argument);
}

TEST(Phantom, FitsAnyGrid) {
  for (const std::array<double, 3>& voxel :
       {std::array{4.07, 4.07, 3.0}, std::array{2.73, 2.73, 3.27}, std::array{5.47, 5.47, 3.27}}) {
    PhantomSpec spec = plainSpec();
    spec.scanner.voxelMm = voxel;
    spec.scanner.matrix = static_cast<int>(680 / voxel[0]);
    const Phantom phantom = makePhantom(spec);
    EXPECT_EQ(phantom.image.geometry.spacingMm, voxel);
    const Spread liver = spreadOf(phantom.truth.suvBw, core(phantom.tissues, labelOf(Organ::Liver)));
    EXPECT_NEAR(liver.mean, spec.uptake.liver, 0.08);  // texture has few lumps in one liver
    EXPECT_NEAR(tissue(phantom, Organ::Liver).volumeMl, 1700, 250);
  }
}

}  // namespace
}  // namespace fedpet::sample
