#include "models/imaging/followup/ResponseRules.h"

#include <gtest/gtest.h>

namespace fedpet::imaging {
namespace {

using enum MetabolicResponse;
using std::chrono::days;

// SULpeak 8.0 before, whatever now; no new lesion, glycolysis as it was.
PercistNumbers peak(double now) {
  PercistNumbers n;
  n.earlierSulPeak = 8;
  n.sulPeak = now;
  n.earlierTlgG = n.tlgG = 100;
  n.newLesions = 0;
  return n;
}

bool says(const std::vector<std::string>& texts, const std::string& part) {
  for (const std::string& text : texts)
    if (text.find(part) != std::string::npos) return true;
  return false;
}

// 8.0 x 0.7 = 5.6 and 8.0 x 1.3 = 10.4: the limit itself counts.
TEST(PercistResponse, CountsFromExactlyThirtyPercent) {
  EXPECT_EQ(percistResponse(peak(8 * 0.7)).response, Partial);
  EXPECT_EQ(percistResponse(peak(5.61)).response, Stable);
  EXPECT_EQ(percistResponse(peak(8 * 1.3)).response, Progressive);
  EXPECT_EQ(percistResponse(peak(10.39)).response, Stable);
  EXPECT_EQ(percistResponse(peak(8)).response, Stable);
}

// Of 2.0 a change of 0.8 is 40 %: here the absolute limit decides. 2.0 to 1.3 is -35 %, but -0.7.
TEST(PercistResponse, CountsFromExactlyNoughtPointEightSul) {
  PercistNumbers n = peak(2.0 - 0.8);
  n.earlierSulPeak = 2;
  EXPECT_EQ(percistResponse(n).response, Partial);
  n.sulPeak = 1.3;
  EXPECT_EQ(percistResponse(n).response, Stable);
  n.sulPeak = 2.0 + 0.8;
  EXPECT_EQ(percistResponse(n).response, Progressive);
  n.sulPeak = 2.79;
  EXPECT_EQ(percistResponse(n).response, Stable);
}

TEST(PercistResponse, ProgressesWhenGlycolysisRisesByThreeQuarters) {
  PercistNumbers n = peak(8);
  n.tlgG = 175;
  EXPECT_EQ(percistResponse(n).response, Progressive);
  n.tlgG = 174.9;
  EXPECT_EQ(percistResponse(n).response, Stable);
  // From nothing there is no percentage, and by another rule no comparison.
  n.earlierTlgG = 0;
  EXPECT_EQ(percistResponse(n).response, Stable);
  n.earlierTlgG.reset();
  EXPECT_EQ(percistResponse(n).response, Stable);
}

TEST(PercistResponse, WarnsWhenGlycolysisRisesAndSulFalls) {
  PercistNumbers n = peak(5);
  n.tlgG = 180;
  const ResponseVerdict verdict = percistResponse(n);
  EXPECT_EQ(verdict.response, Progressive);
  EXPECT_TRUE(says(verdict.warnings, "fainter"));
}

TEST(PercistResponse, ProgressesByANewLesionHoweverMuchTheHottestFell) {
  PercistNumbers n = peak(2);
  n.newLesions = 1;
  const ResponseVerdict verdict = percistResponse(n);
  EXPECT_EQ(verdict.response, Progressive);
  EXPECT_TRUE(says(verdict.reasons, "new lesions: 1: progression"));
  EXPECT_TRUE(says(verdict.reasons, "2.00, earlier 8.00, change -75.0 % and -6.00 SUL"));
}

TEST(PercistResponse, StillComparesTheHottestLesionsWhenPlacesCannotBeCompared) {
  PercistNumbers n = peak(4);
  n.newLesions.reset();
  const ResponseVerdict verdict = percistResponse(n);
  EXPECT_EQ(verdict.response, Partial);
  EXPECT_TRUE(says(verdict.warnings, "new lesions could not be looked for"));
}

TEST(PercistResponse, IsNotPartialWhenAnotherLesionRises) {
  PercistNumbers n = peak(4);
  n.risenLesions = 1;
  const ResponseVerdict verdict = percistResponse(n);
  EXPECT_EQ(verdict.response, Stable);
  EXPECT_TRUE(says(verdict.warnings, "mixed response"));
}

TEST(PercistResponse, IsCompleteWhenWhatIsLeftIsBelowTheReferencesMean) {
  PercistNumbers n = peak(0);
  n.sulPeak.reset();
  n.tlgG = 0;
  n.referenceSulMean = 1.6;
  n.residualSulPeak = 1.59;
  EXPECT_EQ(percistResponse(n).response, Complete);
  EXPECT_TRUE(percistResponse(n).warnings.empty());
  n.residualSulPeak = 1.6;  // at the mean is not below it: -80 % is a partial response
  EXPECT_EQ(percistResponse(n).response, Partial);
  EXPECT_TRUE(says(percistResponse(n).warnings, "too faint for the lesion rule"));
  n.earlierSulPeak = 2.1;  // 2.1 to 1.6: -24 %
  EXPECT_EQ(percistResponse(n).response, Stable);
}

TEST(PercistResponse, SaysWhenCompleteRestsOnTheLesionRuleAlone) {
  PercistNumbers n = peak(0);
  n.sulPeak.reset();
  n.tlgG = 0;
  const ResponseVerdict verdict = percistResponse(n);
  EXPECT_EQ(verdict.response, Complete);
  EXPECT_TRUE(says(verdict.warnings, "lesion rule alone"));
}

// Day 0 is the first follow-up; the baseline lies before it.
WallClock day(int n) { return WallClock(days(20000 + n)); }

MetabolicResponse onDay(int n, MetabolicResponse percist, std::vector<DatedResponse> earlier) {
  return iPercistResponse(percist, day(n), earlier).response;
}

TEST(IPercist, CallsTheFirstProgressionUnconfirmed) {
  EXPECT_EQ(onDay(0, Progressive, {}), UnconfirmedProgressive);
  EXPECT_EQ(onDay(60, Progressive, {{day(0), Stable}}), UnconfirmedProgressive);
}

TEST(IPercist, ConfirmsFromFourWeeksOn) {
  const std::vector<DatedResponse> before{{day(0), UnconfirmedProgressive}};
  EXPECT_EQ(onDay(27, Progressive, before), UnconfirmedProgressive);
  EXPECT_EQ(onDay(28, Progressive, before), ConfirmedProgressive);
  EXPECT_EQ(onDay(56, Progressive, before), ConfirmedProgressive);
}

TEST(IPercist, ConfirmsAfterEightWeeksWithAWarning) {
  const std::vector<DatedResponse> before{{day(0), UnconfirmedProgressive}};
  EXPECT_TRUE(iPercistResponse(Progressive, day(56), before).warnings.empty());
  const ResponseVerdict late = iPercistResponse(Progressive, day(57), before);
  EXPECT_EQ(late.response, ConfirmedProgressive);
  EXPECT_TRUE(says(late.warnings, "4 to 8 weeks"));
}

TEST(IPercist, StartsAnewWhenProgressionIsNotConfirmed) {
  const ResponseVerdict verdict =
      iPercistResponse(Partial, day(35), {{day(0), UnconfirmedProgressive}});
  EXPECT_EQ(verdict.response, Partial);
  EXPECT_TRUE(says(verdict.reasons, "was not confirmed"));
  EXPECT_EQ(onDay(70, Progressive, {{day(0), UnconfirmedProgressive}, {day(35), Stable}}),
            UnconfirmedProgressive);
}

// Day 20 was too early to confirm; the run began on day 0, so day 40 confirms.
TEST(IPercist, CountsFromTheFirstOfARunOfProgressions) {
  EXPECT_EQ(
      onDay(40, Progressive, {{day(0), UnconfirmedProgressive}, {day(20), UnconfirmedProgressive}}),
      ConfirmedProgressive);
}

TEST(IPercist, StaysConfirmedWhileProgressionGoesOn) {
  EXPECT_EQ(
      onDay(50, Progressive, {{day(0), UnconfirmedProgressive}, {day(30), ConfirmedProgressive}}),
      ConfirmedProgressive);
}

TEST(DateText, IsTheScannersDay) {
  using namespace std::chrono;
  EXPECT_EQ(dateText(local_days{2026y / March / 1} + hours(23)), "2026-03-01");
}

}  // namespace
}  // namespace fedpet::imaging
