#include "models/imaging/followup/Alignment.h"
#include "models/imaging/followup/Assignment.h"
#include "models/imaging/followup/LesionMatching.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fedpet::imaging {
namespace {

// 3 x 3 by hand: the cheapest single pair (row 1, column 0: 1) would leave 9 and 8; the least sum
// is 2 + 3 + 2.
TEST(CheapestPairs, MinimiseTheSumNotTheFirstPair) {
  const auto pairs = cheapestPairs({{2, 9, 9}, {1, 3, 9}, {9, 8, 2}}, 3, 20);
  EXPECT_EQ(pairs, (std::vector<std::optional<std::size_t>>{0, 1, 2}));
}

TEST(CheapestPairs, LeaveAloneWhatIsDearerThanThat) {
  const auto pairs = cheapestPairs({{30, 4}, {5, 30}, {6, 7}}, 2, 10);
  EXPECT_EQ(pairs, (std::vector<std::optional<std::size_t>>{1, 0, std::nullopt}));
  EXPECT_EQ(cheapestPairs({{10}}, 1, 10).front(), std::nullopt);
  EXPECT_TRUE(cheapestPairs({}, 4, 10).empty());
  EXPECT_EQ(cheapestPairs({{}, {}}, 0, 10).size(), 2U);
}

std::vector<Landmark> organsOf(const PointMm& shift, double scale) {
  const std::vector<std::pair<Organ, PointMm>> places{
      {Organ::Liver, {-60, 0, -550}},      {Organ::Spleen, {90, 35, -560}},
      {Organ::LeftKidney, {62, 42, -640}}, {Organ::RightKidney, {-60, 44, -650}},
      {Organ::Brain, {0, 0, -60}},         {Organ::LumbarMarrow, {0, 30, -690}}};
  std::vector<Landmark> landmarks;
  for (const auto& [organ, p] : places)
    landmarks.push_back(
        {organ, p, {scale * p[0] + shift[0], scale * p[1] + shift[1], scale * p[2] + shift[2]}});
  return landmarks;
}

TEST(Alignment, FindsAShiftExactly) {
  const auto found = alignedByLandmarks(organsOf({12, -7, 480}, 1));
  ASSERT_TRUE(found.has_value());
  for (std::size_t a = 0; a < 3; ++a) EXPECT_NEAR(found->scale[a], 1, 1e-9);
  EXPECT_NEAR(found->shiftMm[2], 480, 1e-6);
  EXPECT_NEAR(found->residualMm, 0, 1e-6);
  const PointMm p = found->toEarlier(found->toNow({1, 2, 3}));
  EXPECT_NEAR(p[2], 3, 1e-9);
}

// One organ of six is 80 mm off (the wrong blob was taken for it): the others decide.
TEST(Alignment, IsNotMovedByOneWrongOrgan) {
  auto landmarks = organsOf({0, 0, 100}, 1);
  landmarks[1].now[0] += 80;
  const auto found = alignedByLandmarks(landmarks);
  ASSERT_TRUE(found.has_value()) << found.error();
  const PointMm kidney = found->toNow(landmarks[2].earlier);
  EXPECT_LT(distanceMm(kidney, landmarks[2].now), 6);
}

TEST(Alignment, FollowsALengthScaleWithinReason) {
  const auto found = alignedByLandmarks(organsOf({0, 0, 0}, 1.03));
  ASSERT_TRUE(found.has_value());
  EXPECT_GT(found->scale[2], 1.01);
  EXPECT_LT(found->residualMm, 5);
}

TEST(Alignment, NeedsThreeOrgansThatFitTogether) {
  auto landmarks = organsOf({0, 0, 0}, 1);
  landmarks.resize(2);
  EXPECT_NE(alignedByLandmarks(landmarks).error().find("at least 3"), std::string::npos);
  landmarks = organsOf({0, 0, 0}, 1);
  landmarks.resize(3);
  landmarks[0].now[0] += 150;
  landmarks[1].now[1] -= 120;
  landmarks[2].now[2] += 130;
  EXPECT_NE(alignedByLandmarks(landmarks).error().find("do not fit"), std::string::npos);
}

// Spheres on a grid of 4 mm, label by label.
struct Ball {
  std::uint16_t label;
  PointMm centre;
  double radiusMm;
};

LabelVolume labelsOf(const std::vector<Ball>& balls, PointMm origin = {0, 0, 0}) {
  LabelVolume volume;
  volume.geometry.size = {50, 50, 50};
  volume.geometry.spacingMm = {4, 4, 4};
  volume.geometry.originMm = origin;
  volume.labels.assign(volume.geometry.voxelCount(), 0);
  for (int k = 0; k < 50; ++k)
    for (int j = 0; j < 50; ++j)
      for (int i = 0; i < 50; ++i)
        for (const Ball& ball : balls)
          if (distanceMm(volume.geometry.pointMm(i, j, k), ball.centre) <= ball.radiusMm)
            volume.labels[volume.geometry.offset(i, j, k)] = ball.label;
  return volume;
}

LesionMatches matched(const LabelVolume& now, std::vector<std::uint16_t> nowLabels,
                      const LabelVolume& earlier, std::vector<std::uint16_t> earlierLabels,
                      const Alignment& alignment = {}) {
  return matchLesions({now, std::move(nowLabels)}, {earlier, std::move(earlierLabels)}, alignment);
}

TEST(MatchLesions, PairsByPlaceAcrossGridsAndShifts) {
  const auto earlier = labelsOf({{1, {60, 60, 60}, 14}, {2, {140, 60, 60}, 14}});
  // The table stood 300 mm further; numbers changed places; the second lesion shrank.
  const auto now = labelsOf({{1, {140, 60, 360}, 9}, {2, {60, 62, 362}, 14}}, {0, 0, 300});
  Alignment alignment;
  alignment.shiftMm = {0, 0, 300};
  const LesionMatches matches = matched(now, {1, 2}, earlier, {1, 2}, alignment);
  ASSERT_EQ(matches.pairs.size(), 2U);
  EXPECT_EQ(matches.pairs[0].now, 0U);
  EXPECT_EQ(matches.pairs[0].earlier, 1U);
  EXPECT_EQ(matches.pairs[1].earlier, 0U);
  EXPECT_EQ(matches.pairs[0].gapMm, 0);
  EXPECT_TRUE(matches.fresh.empty() && matches.resolved.empty());
}

// Outlines 8 mm and 24 mm apart; the reach is 10 mm with a perfect alignment.
TEST(MatchLesions, LeavesALesionOutOfReachNewAndItsNeighbourResolved) {
  const auto earlier = labelsOf({{1, {40, 40, 40}, 8}});
  const auto near = labelsOf({{1, {64, 40, 40}, 8}}), far = labelsOf({{1, {80, 40, 40}, 8}});
  const LesionMatches found = matched(near, {1}, earlier, {1});
  ASSERT_EQ(found.pairs.size(), 1U);
  EXPECT_NEAR(found.pairs[0].gapMm, 8, 1e-9);
  const LesionMatches none = matched(far, {1}, earlier, {1});
  EXPECT_TRUE(none.pairs.empty());
  EXPECT_EQ(none.fresh, std::vector<std::size_t>{0});
  EXPECT_EQ(none.resolved, std::vector<std::size_t>{0});
}

// Two nodes 24 mm apart, both moved by 8 mm towards one side: each keeps its own, though the gap
// to the neighbour is the same.
TEST(MatchLesions, PairsAChainOfNodesOneToOne) {
  const auto earlier = labelsOf({{1, {60, 60, 60}, 8}, {2, {84, 60, 60}, 8}});
  const auto now = labelsOf({{1, {68, 60, 60}, 8}, {2, {92, 60, 60}, 8}});
  const LesionMatches matches = matched(now, {1, 2}, earlier, {1, 2});
  ASSERT_EQ(matches.pairs.size(), 2U);
  EXPECT_EQ(matches.pairs[0].earlier, 0U);
  EXPECT_EQ(matches.pairs[1].earlier, 1U);
}

TEST(MatchLesions, RecognisesASplit) {
  const auto earlier = labelsOf({{1, {100, 100, 100}, 36}});
  const auto now = labelsOf({{1, {84, 100, 100}, 14}, {2, {120, 100, 100}, 8}});
  const LesionMatches matches = matched(now, {1, 2}, earlier, {1});
  ASSERT_EQ(matches.pairs.size(), 1U);
  EXPECT_EQ(matches.pairs[0].now, 0U);
  ASSERT_EQ(matches.splits.size(), 1U);
  EXPECT_EQ(matches.splits[0].now, 1U);
  EXPECT_TRUE(matches.fresh.empty());
}

TEST(MatchLesions, RecognisesAMerge) {
  const auto earlier = labelsOf({{1, {84, 100, 100}, 14}, {2, {120, 100, 100}, 8}});
  const auto now = labelsOf({{1, {100, 100, 100}, 36}});
  const LesionMatches matches = matched(now, {1}, earlier, {1, 2});
  ASSERT_EQ(matches.pairs.size(), 1U);
  ASSERT_EQ(matches.merges.size(), 1U);
  EXPECT_NE(matches.merges[0].earlier, matches.pairs[0].earlier);
  EXPECT_TRUE(matches.resolved.empty());
}

// A node beside an old tumour is new, not a piece of it: its outline begins 12 mm away.
TEST(MatchLesions, TakesANodeBesideATumourForNew) {
  const auto earlier = labelsOf({{1, {100, 100, 100}, 28}});
  const auto now = labelsOf({{1, {100, 100, 100}, 28}, {2, {148, 100, 100}, 8}});
  const LesionMatches matches = matched(now, {1, 2}, earlier, {1});
  EXPECT_EQ(matches.fresh, std::vector<std::size_t>{1});
}

}  // namespace
}  // namespace fedpet::imaging
