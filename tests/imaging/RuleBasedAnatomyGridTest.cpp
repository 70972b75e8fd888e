// The bench's grid in small: one patient a condition on coarse voxels. What must hold of everyone,
// and a case for each way in which the rules once went wrong. Expected: the phantom's own truth.
#include "models/imaging/RuleBasedAnatomy.h"
#include "models/imaging/StudyMeasurement.h"
#include "tests/imaging/RuleBasedAnatomyCases.h"
#include "tests/imaging/RuleBasedAnatomyScore.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <vector>

namespace fedpet::testing {
namespace {

CaseScore scoreOf(AnatomyCase one) {
  one.spec.scanner.voxelMm = {5, 5, 5};
  one.spec.scanner.matrix = 128;
  const sample::Phantom phantom = paint(one);
  const auto findings = imaging::measureStudy(phantom.image, {}, imaging::RuleBasedAnatomy());
  if (!findings) throw std::runtime_error("the phantom was refused");
  return judge(phantom, *findings);
}

CaseScore scoreOf(std::string_view condition, std::uint64_t seed) {
  return scoreOf(designedCase(condition, seed));
}

const OrganScore& scoreOf(const CaseScore& score, Organ organ) {
  return *std::find_if(score.organs.begin(), score.organs.end(),
                       [&](const OrganScore& one) { return one.organ == organ; });
}

::testing::AssertionResult is(Verdict expected, Organ organ, const CaseScore& score) {
  const OrganScore& one = scoreOf(score, organ);
  if (one.verdict == expected) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << toString(organ) << " is " << toString(one.verdict) << " (confidence "
         << one.confidence.value_or(0) << ", purity " << one.purity.value_or(-1) << ", swallowed "
         << one.swallowedMl << " ml, left out " << one.uncoveredMl << " ml) " << one.why;
}

double falseMlOf(const CaseScore& score, const std::string& tissue) {
  const auto found = score.falsePositiveMlByTissue.find(tissue);
  return found == score.falsePositiveMlByTissue.end() ? 0 : found->second;
}

// Every fourth condition; the bench has all.
TEST(RuleBasedAnatomyGrid, InventsNothingAndIsRightWhereItIsSure) {
  int sure = 0, right = 0;
  const std::vector<AnatomyCase> cases = designedCases(51);
  for (std::size_t n = 0; n < cases.size(); n += 4) {
    const AnatomyCase& one = cases[n];
    const CaseScore score = scoreOf(one);
    for (const OrganScore& organ : score.organs) {
      EXPECT_NE(organ.verdict, Verdict::Invented) << one.condition << ": " << toString(organ.organ)
                                                  << " at " << organ.confidence.value_or(0);
      if (organ.confidence.value_or(0) < 0.8 - 1e-9) continue;
      ++sure;
      right += organ.verdict == Verdict::Right;
    }
    // Whatever else is found, the organs that no rule may take for tumour:
    EXPECT_LT(falseMlOf(score, "Brain"), 5) << one.condition;
    EXPECT_LT(falseMlOf(score, "Bladder"), 5) << one.condition;
  }
  EXPECT_GE(sure, 35);
  EXPECT_GE(right, 0.95 * sure) << right << " of " << sure;
}

// An organ that is not in the field is refused; what is cut by its edge may be found.
TEST(RuleBasedAnatomyGrid, RefusesOrgansThatTheFieldLeavesOut) {
  const CaseScore neck = scoreOf("ends at the neck", 52);
  EXPECT_TRUE(is(Verdict::Refused, Organ::Brain, neck));
  EXPECT_TRUE(is(Verdict::Right, Organ::Liver, neck));
  const CaseScore abdomen = scoreOf("abdomen only", 52);
  EXPECT_TRUE(is(Verdict::Refused, Organ::Brain, abdomen));
  EXPECT_TRUE(is(Verdict::Refused, Organ::Bladder, abdomen));
  EXPECT_TRUE(is(Verdict::Right, Organ::Liver, abdomen));
  // Thighs and buttocks that take up as much as a liver.
  const CaseScore pelvis = scoreOf("pelvis only, after insulin", 52);
  for (Organ organ : {Organ::Brain, Organ::Heart, Organ::Liver, Organ::Spleen, Organ::LeftKidney,
                      Organ::RightKidney})
    EXPECT_FALSE(scoreOf(pelvis, organ).confidence.has_value()) << toString(organ);
}

TEST(RuleBasedAnatomyGrid, DoesNotCountACutBladderOrBrainAsLesion) {
  const CaseScore bladder = scoreOf("bladder cut", 53), thighs = scoreOf("without thighs", 53);
  EXPECT_TRUE(is(Verdict::Right, Organ::Bladder, bladder));
  EXPECT_TRUE(is(Verdict::Right, Organ::Bladder, thighs));
  EXPECT_EQ(falseMlOf(bladder, "Bladder"), 0);
  EXPECT_TRUE(is(Verdict::Right, Organ::Brain, scoreOf("brain cut", 53)));
}

// Its uptake (SUV 1.1) is below that of spleen, stomach and blood.
TEST(RuleBasedAnatomyGrid, FindsALiverThatTakesUpLessThanItsNeighbours) {
  const CaseScore score = scoreOf("liver low", 1001);
  EXPECT_TRUE(is(Verdict::Right, Organ::Liver, score));
  EXPECT_TRUE(is(Verdict::Right, Organ::Heart, score));
}

// Muscle (SUV 1.8) above liver (SUV 1.5): the median of the body is muscle.
TEST(RuleBasedAnatomyGrid, FindsTheLiverAmongHotMuscle) {
  for (std::uint64_t seed : {1002U, 1005U})
    EXPECT_TRUE(is(Verdict::Right, Organ::Liver, scoreOf("after insulin", seed))) << seed;
}

TEST(RuleBasedAnatomyGrid, KeepsTheLiverReferenceClearOfMetastasesAndVessels) {
  for (std::uint64_t seed : {1001U, 1002U, 1005U}) {
    const CaseScore score = scoreOf("liver metastases", seed);
    const OrganScore& liver = scoreOf(score, Organ::Liver);
    if (liver.confidence) {
      EXPECT_TRUE(is(Verdict::Right, Organ::Liver, score)) << seed;
    }
  }
}

TEST(RuleBasedAnatomyGrid, LeavesMetastasesOfTheLiverOutOfTheRightKidney) {
  for (std::uint64_t seed : {1001U, 1002U, 1003U})
    EXPECT_LT(scoreOf(scoreOf("liver metastases", seed), Organ::RightKidney).swallowedMl, 5)
        << seed;
}

// The stomach lies under the left dome of the diaphragm, the heart upon it. Where a tumour over the
// right dome (1003) hides the dome's height, the heart is refused rather than drawn wrongly.
TEST(RuleBasedAnatomyGrid, LeavesTheStomachOutOfTheHeart) {
  EXPECT_TRUE(is(Verdict::Right, Organ::Heart, scoreOf("stomach hot", 1001)));
  const OrganScore hidden = scoreOf(scoreOf("stomach hot", 1003), Organ::Heart);
  EXPECT_TRUE(hidden.verdict != Verdict::Wrong || *hidden.confidence < 0.8);
}

TEST(RuleBasedAnatomyGrid, FindsTheHeartAboveAHotLiver) {
  for (std::uint64_t seed : {1001U, 1002U})
    EXPECT_TRUE(is(Verdict::Right, Organ::Heart, scoreOf("liver high", seed))) << seed;
}

// Hot bowel beside kidneys and bladder is not theirs. It stays among the lesions, with a warning.
TEST(RuleBasedAnatomyGrid, LeavesHotBowelOutOfKidneysAndBladder) {
  for (std::uint64_t seed : {1001U, 1003U, 1004U}) {
    const CaseScore score = scoreOf("metformin bowel", seed);
    for (Organ organ : {Organ::LeftKidney, Organ::RightKidney, Organ::Bladder}) {
      const OrganScore& one = scoreOf(score, organ);
      if (one.confidence.value_or(0) >= 0.8 - 1e-9) {
        EXPECT_TRUE(is(Verdict::Right, organ, score)) << seed;
      }
    }
  }
}

bool warnsOf(const CaseScore& score, const std::string& word) {
  return std::any_of(score.warnings.begin(), score.warnings.end(), [&](const std::string& warning) {
    return warning.find(word) != std::string::npos;
  });
}

TEST(RuleBasedAnatomyGrid, WarnsOfBowelAndBrownFatAndOnlyOfThem) {
  EXPECT_TRUE(warnsOf(scoreOf("metformin bowel", 51), "look like bowel"));
  EXPECT_TRUE(warnsOf(scoreOf("brown fat", 51), "as brown fat does"));
  const CaseScore neither = scoreOf("no lesion", 51);
  EXPECT_FALSE(warnsOf(neither, "look like bowel"));
  EXPECT_FALSE(warnsOf(neither, "as brown fat does"));
}

// A liver of SUV 3.6 has voxels above 4 by noise alone.
TEST(RuleBasedAnatomyGrid, DoesNotCountTheNoiseOfAHotLiverAsLesion) {
  AnatomyCase hot = designedCase("liver high", 54);
  hot.spec.lesions.clear();
  EXPECT_LT(falseMlOf(scoreOf(hot), "Liver"), 15);
}

}  // namespace
}  // namespace fedpet::testing
