#include "models/imaging/followup/FollowUp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fedpet::imaging {
namespace {

using std::chrono::days;
using enum MetabolicResponse;

const char* const kRule = "SUVbw >= 4.0, 18-connected, components of at least 0.5 ml";

WallClock day(int n) { return WallClock(days(20500 + n)); }

Measurement given(Quantity quantity, double value) { return {quantity, value, "given", {}}; }

struct Spot {
  std::string name;
  std::array<int, 3> at;  // corner of its box of 3 x 3 x 3 voxels of 4 mm: 1.728 ml
  double sulPeak;
};

LabelVolume emptyLabels() {
  LabelVolume volume;
  volume.geometry.size = {40, 40, 60};
  volume.geometry.spacingMm = {4, 4, 4};
  volume.labels.assign(volume.geometry.voxelCount(), 0);
  return volume;
}

void paint(LabelVolume& volume, const std::array<int, 3>& corner, std::uint16_t label) {
  for (int k = 0; k < 3; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 3; ++i)
        volume.labels[volume.geometry.offset(corner[0] + i, corner[1] + j, corner[2] + k)] = label;
}

PointMm middleOf(const std::array<int, 3>& corner) {
  return {4.0 * (corner[0] + 1), 4.0 * (corner[1] + 1), 4.0 * (corner[2] + 1)};
}

const std::vector<std::pair<Organ, std::array<int, 3>>> kOrgans{{Organ::Liver, {5, 20, 30}},
                                                                {Organ::Spleen, {32, 22, 31}},
                                                                {Organ::LeftKidney, {28, 25, 22}},
                                                                {Organ::RightKidney, {9, 25, 21}}};

// The baseline: 90 days before, two lesions, liver SUL 1.6 and 0.15, threshold 2.7.
PriorStudy aPrior(const std::vector<Spot>& spots) {
  PriorStudy prior;
  prior.summary.studyInstanceUid = "1.2.1";
  prior.summary.seriesInstanceUid = "1.2.1.1";
  prior.summary.srSopInstanceUid = "1.2.1.9";
  prior.summary.scannedAt = day(0);
  prior.summary.producer = "fedpet 0.4.0";
  prior.summary.lesionDefinition = kRule;
  prior.summary.tmtvMl = 1.728 * static_cast<double>(spots.size());
  prior.summary.tlgG = 40;
  prior.summary.lesionCount = static_cast<int>(spots.size());
  prior.uptakeMinutes = 60;
  prior.referenceSulMean = 1.6;
  prior.referenceSulSd = 0.15;
  prior.reference = Organ::Liver;
  prior.scannerModel = "Maker Model 7";
  prior.labels = emptyLabels();
  std::uint16_t label = 0;
  for (const Spot& spot : spots) {
    PriorRegion region;
    region.label = ++label;
    region.trackingId = spot.name;
    region.trackingUid = "2.25.7" + std::to_string(label);
    region.volumeMl = 1.728;
    region.sulPeak = spot.sulPeak;
    region.suvMax = spot.sulPeak + 2;
    prior.summary.sulPeak = std::max(prior.summary.sulPeak.value_or(0), spot.sulPeak);
    paint(prior.labels, spot.at, label);
    prior.regions.push_back(region);
  }
  for (const auto& [organ, at] : kOrgans) {
    PriorRegion region;
    region.label = ++label;
    region.role = RegionRole::Reference;
    region.organ = organ;
    paint(prior.labels, at, label);
    prior.regions.push_back(region);
  }
  return prior;
}

struct Study {
  ResponseAssessment assessment;
  LabelVolume labels = emptyLabels();
};

Study aStudy(const std::vector<Spot>& spots) {
  Study study;
  ResponseAssessment& a = study.assessment;
  a.series.study.studyInstanceUid = "1.2.2";
  a.series.seriesInstanceUid = "1.2.2.1";
  a.series.seriesDateTime = day(90);
  a.series.manufacturer = "Maker";
  a.series.manufacturerModel = "Model 7";
  a.suv = SuvScaling{};
  a.suv->uptakeMinutes = 62;
  a.suv->sulPerSuvBw = 0.75;
  a.lesionDefinition = kRule;
  double hottest = 0;
  std::uint16_t label = 0;
  for (const Spot& spot : spots) {
    Region region;
    region.label = ++label;
    region.name = region.trackingId = spot.name;
    region.centroidMm = middleOf(spot.at);
    region.measurements = {given(Quantity::MetabolicVolume, 1.728),
                           given(Quantity::SulPeak, spot.sulPeak)};
    hottest = std::max(hottest, spot.sulPeak);
    paint(study.labels, spot.at, label);
    a.regions.push_back(region);
  }
  for (const auto& [organ, at] : kOrgans) {
    Region region;
    region.label = ++label;
    region.role = RegionRole::Reference;
    region.organ = organ;
    region.name = region.trackingId = std::string(toString(organ));
    region.centroidMm = middleOf(at);
    paint(study.labels, at, label);
    a.regions.push_back(region);
  }
  a.wholeBody = {given(Quantity::Tmtv, 1.728 * static_cast<double>(spots.size())),
                 given(Quantity::TotalLesionGlycolysis, 40),
                 given(Quantity::LesionCount, static_cast<double>(spots.size()))};
  Measurement peak = given(Quantity::SulPeak, hottest);
  if (spots.empty()) peak.value = tl::unexpected(Refusal{RefusalCode::NoLesion, "none"});
  a.wholeBody.push_back(peak);
  a.percist = PercistReading{};
  a.percist->numbers = {given(Quantity::ReferenceSulMean, 1.7)};
  return study;
}

const Spot kFirst{"Lesion 1", {20, 10, 40}, 8}, kSecond{"Lesion 2", {10, 12, 48}, 5};
Spot hot(Spot spot, double sulPeak) {
  spot.sulPeak = sulPeak;
  return spot;
}

Comparison compared(const Study& now, const std::vector<PriorStudy>& priors,
                    const FollowUpOptions& options = {}) {
  return compare({now.assessment, now.labels}, priors, options).value();
}

bool says(const std::vector<std::string>& texts, const std::string& part) {
  for (const std::string& text : texts)
    if (text.find(part) != std::string::npos) return true;
  return false;
}

double change(const Comparison& comparison, Quantity quantity) {
  for (const Measurement& one : comparison.changes)
    if (one.quantity == quantity) return one.value.value();
  throw std::out_of_range("no such change");
}

Refusal refusedChange(const Comparison& comparison, Quantity quantity) {
  for (const Measurement& one : comparison.changes)
    if (one.quantity == quantity) return one.value.error();
  throw std::out_of_range("no such change");
}

// 8 to 5 is -37.5 % and -3 SUL; both lesions are still there.
TEST(FollowUp, GivesPartialResponseAndTheChangesInPercent) {
  Study now = aStudy({hot(kFirst, 5), hot(kSecond, 4)});
  now.assessment.wholeBody[1] = given(Quantity::TotalLesionGlycolysis, 30);
  const Comparison c = compared(now, {aPrior({kFirst, kSecond})});
  EXPECT_EQ(c.percist, Partial);
  EXPECT_EQ(c.iPercist, Partial);
  EXPECT_DOUBLE_EQ(change(c, Quantity::SulPeakChange), -37.5);
  EXPECT_DOUBLE_EQ(change(c, Quantity::TlgChange), -25);
  EXPECT_DOUBLE_EQ(change(c, Quantity::TmtvChange), 0);
  EXPECT_TRUE(c.warnings.empty()) << c.warnings.front();
  EXPECT_NE(c.alignment.find("4 organs"), std::string::npos);
}

// The hottest lesion of each study counts, whichever it is: 8 before, 5 now (the second's).
TEST(FollowUp, ComparesTheHottestLesionOfEachStudy) {
  const Comparison c =
      compared(aStudy({hot(kFirst, 4.5), hot(kSecond, 5)}), {aPrior({kFirst, kSecond})});
  EXPECT_DOUBLE_EQ(change(c, Quantity::SulPeakChange), -37.5);
}

TEST(FollowUp, GivesMatchedLesionsTheirEarlierTrackingUid) {
  Study now = aStudy({hot(kSecond, 5), hot(kFirst, 8)});
  now.assessment.regions[0].trackingId = "Lesion 1";
  now.assessment.regions[1].trackingId = "Lesion 2";
  followUp(now.assessment, now.labels, {aPrior({kFirst, kSecond})});
  const ResponseAssessment& a = now.assessment;
  EXPECT_EQ(a.regions[0].trackingUid, "2.25.72");
  EXPECT_EQ(a.regions[1].trackingUid, "2.25.71");
  ASSERT_TRUE(a.comparison.has_value());
  ASSERT_EQ(a.comparison->lesions.size(), 2U);
  EXPECT_EQ(a.comparison->lesions[0].trackingId, "Lesion 1");
  EXPECT_EQ(a.comparison->lesions[0].earlierSulPeak, 5);
  EXPECT_EQ(a.comparison->lesions[0].note, "earlier called Lesion 2");
  ASSERT_EQ(a.priors.size(), 1U);
  EXPECT_EQ(a.priors[0].sulPeak, 8);
}

TEST(FollowUp, TellsNewAndResolvedLesions) {
  const Spot third{"Lesion 2", {30, 30, 10}, 4};
  const Comparison c = compared(aStudy({hot(kFirst, 3), third}), {aPrior({kFirst, kSecond})});
  ASSERT_EQ(c.lesions.size(), 3U);
  EXPECT_EQ(c.lesions[0].fate, LesionFate::Matched);
  EXPECT_EQ(c.lesions[1].fate, LesionFate::New);
  EXPECT_EQ(c.lesions[1].trackingUid, "");
  EXPECT_EQ(c.lesions[2].fate, LesionFate::Resolved);
  EXPECT_EQ(c.lesions[2].trackingUid, "2.25.72");
  EXPECT_EQ(c.percist, Progressive);
  EXPECT_EQ(c.iPercist, UnconfirmedProgressive);
}

TEST(FollowUp, ConfirmsProgressionOfAStudyInBetween) {
  PriorStudy between = aPrior({kFirst});
  between.summary.studyInstanceUid = "1.2.3";
  between.summary.seriesInstanceUid = "1.2.3.1";
  between.summary.srSopInstanceUid = "1.2.3.9";
  between.summary.scannedAt = day(55);
  between.summary.iPercist = UnconfirmedProgressive;
  Study now = aStudy({hot(kFirst, 12)});
  followUp(now.assessment, now.labels, {between, aPrior({kFirst})});
  EXPECT_EQ(now.assessment.comparison->earlier.studyInstanceUid, "1.2.1");
  EXPECT_EQ(now.assessment.comparison->percist, Progressive);
  EXPECT_EQ(now.assessment.comparison->iPercist, ConfirmedProgressive);
  ASSERT_EQ(now.assessment.priors.size(), 2U);
  EXPECT_EQ(now.assessment.priors[0].scannedAt, day(0));
}

// New since the baseline, but known to the study in between, whose UID it keeps.
TEST(FollowUp, TakesTheUidOfAStudyInBetweenForALesionThatTheBaselineDidNotHave) {
  PriorStudy between = aPrior({kFirst, kSecond});
  between.summary.studyInstanceUid = "1.2.3";
  between.summary.srSopInstanceUid = "1.2.3.9";
  between.summary.scannedAt = day(55);
  Study now = aStudy({kFirst, kSecond});
  followUp(now.assessment, now.labels, {aPrior({kFirst}), between});
  EXPECT_EQ(now.assessment.regions[1].trackingUid, "2.25.72");
  EXPECT_EQ(now.assessment.comparison->lesions[1].fate, LesionFate::New);
  EXPECT_NE(now.assessment.comparison->lesions[1].note.find("seen before"), std::string::npos);
}

TEST(FollowUp, ComparesWithTheLastStudyWhenAskedTo) {
  PriorStudy between = aPrior({hot(kFirst, 20)});
  between.summary.studyInstanceUid = "1.2.3";
  between.summary.srSopInstanceUid = "1.2.3.9";
  between.summary.scannedAt = day(55);
  FollowUpOptions options;
  options.baseline = BaselineChoice::Last;
  EXPECT_EQ(compared(aStudy({kFirst}), {aPrior({kFirst}), between}, options).percist, Partial);
  EXPECT_EQ(compared(aStudy({kFirst}), {aPrior({kFirst}), between}).percist, Stable);
}

TEST(FollowUp, LeavesOutStudiesThatCannotBeTheBaseline) {
  PriorStudy old = aPrior({kFirst}), later = aPrior({kFirst}), same = aPrior({kFirst}),
             undated = aPrior({kFirst});
  old.summary.srSopInstanceUid = "1.1";
  old.summary.scannedAt = day(90 - 731);
  later.summary.srSopInstanceUid = "1.3";
  later.summary.scannedAt = day(120);
  same.summary.srSopInstanceUid = "1.4";
  same.summary.studyInstanceUid = "1.2.2";
  undated.summary.srSopInstanceUid = "1.5";
  undated.summary.scannedAt = {};
  Study now = aStudy({kFirst});
  followUp(now.assessment, now.labels, {old, later, same, undated});
  EXPECT_FALSE(now.assessment.comparison.has_value());
  ASSERT_EQ(now.assessment.priors.size(), 1U);  // the old one is listed
  EXPECT_TRUE(says(now.assessment.warnings, "older than 730 days"));
  EXPECT_TRUE(says(now.assessment.warnings, "1 earlier reports do not say when"));
}

// Uptake times 60 and 75 min: 15 min are allowed, 15.1 are not.
TEST(FollowUp, IsRefusedWhenUptakeTimesDifferTooMuch) {
  Study now = aStudy({kFirst});
  now.assessment.suv->uptakeMinutes = 75;
  EXPECT_EQ(compared(now, {aPrior({kFirst})}).percist, Stable);
  now.assessment.suv->uptakeMinutes = 75.1;
  const Comparison c = compared(now, {aPrior({kFirst})});
  EXPECT_EQ(c.percist.error().code, RefusalCode::NotComparable);
  EXPECT_EQ(c.iPercist.error().code, RefusalCode::NotComparable);
  EXPECT_DOUBLE_EQ(change(c, Quantity::SulPeakChange), 0);  // the numbers stand by themselves
}

// Reference 1.6 before: 1.9 is 0.3 more and 15.8 % of the larger; 0.9 to 1.2 is 0.3, but 25 %.
TEST(FollowUp, IsRefusedWhenNormalTissueTookUpOtherwise) {
  Study now = aStudy({kFirst});
  PriorStudy prior = aPrior({kFirst});
  now.assessment.percist->numbers = {given(Quantity::ReferenceSulMean, 1.6 + 0.3)};
  EXPECT_TRUE(compared(now, {prior}).percist.has_value());
  now.assessment.percist->numbers = {given(Quantity::ReferenceSulMean, 1.91)};
  EXPECT_EQ(compared(now, {prior}).percist.error().code, RefusalCode::NotComparable);
  prior.referenceSulMean = 1.2;
  now.assessment.percist->numbers = {given(Quantity::ReferenceSulMean, 0.9)};
  EXPECT_EQ(compared(now, {prior}).percist.error().code, RefusalCode::NotComparable);
}

TEST(FollowUp, IsRefusedWhenNothingWasMeasurableBefore) {
  Study now = aStudy({hot(kFirst, 8)});
  PriorStudy prior = aPrior({hot(kFirst, 2.69)});  // threshold 1.5 x 1.6 + 2 x 0.15 = 2.7
  EXPECT_NE(compared(now, {prior}).percist.error().detail.find("nothing was measurable"),
            std::string::npos);
  prior = aPrior({hot(kFirst, 2.7)});
  EXPECT_EQ(compared(now, {prior}).percist, Progressive);
  prior = aPrior({});
  prior.summary.sulPeak.reset();
  EXPECT_NE(compared(now, {prior}).percist.error().detail.find("no lesion"), std::string::npos);
}

TEST(FollowUp, ComparesNoVolumesOfTwoRules) {
  Study now = aStudy({kFirst});
  PriorStudy prior = aPrior({kFirst});
  prior.summary.lesionDefinition = "SUVbw >= 2.5, 18-connected, components of at least 0.5 ml";
  const Comparison c = compared(now, {prior});
  EXPECT_EQ(c.percist.error().code, RefusalCode::NotComparable);
  EXPECT_EQ(refusedChange(c, Quantity::TmtvChange).code, RefusalCode::NotComparable);
  EXPECT_EQ(c.lesions.size(), 1U);
  // The PERCIST rule has each patient's own threshold in its words.
  const std::string percist =
      "PERCIST 1.0 threshold, 1.5 x liver mean + 2 SD = SUVbw 3.10 (the same "
      "voxels as on SUL), 18-connected; SUL = SUVbw x 0.7100";
  prior.summary.lesionDefinition = percist;
  now.assessment.lesionDefinition =
      "PERCIST 1.0 threshold, 1.5 x liver mean + 2 SD = SUVbw 2.88 (the "
      "same voxels as on SUL), 18-connected; SUL = SUVbw x 0.7000";
  EXPECT_EQ(compared(now, {prior}).percist, Stable);
}

TEST(FollowUp, RefusesPercentagesOfNothing) {
  PriorStudy prior = aPrior({kFirst});
  prior.summary.tmtvMl = 0;
  prior.summary.tlgG.reset();
  const Comparison c = compared(aStudy({kFirst}), {prior});
  EXPECT_EQ(refusedChange(c, Quantity::TmtvChange).code, RefusalCode::NotComparable);
  EXPECT_EQ(refusedChange(c, Quantity::TlgChange).code, RefusalCode::NotComparable);
}

TEST(FollowUp, WithoutASegmentationComparesTheHottestLesionsOnly) {
  PriorStudy prior = aPrior({kFirst, kSecond});
  prior.labels = {};
  for (PriorRegion& region : prior.regions) region.label = 0;
  Study now = aStudy({hot(kFirst, 5)});
  const Comparison c = compared(now, {prior});
  EXPECT_EQ(c.percist, Partial);
  EXPECT_TRUE(c.lesions.empty());
  EXPECT_NE(c.alignment.find("no segmentation"), std::string::npos);
  EXPECT_TRUE(says(c.warnings, "new lesions could not be looked for"));
}

TEST(FollowUp, MatchesEqualTrackingUidsWithoutAPlace) {
  PriorStudy prior = aPrior({kFirst});
  prior.labels = {};
  Study now = aStudy({hot(kFirst, 5)});
  now.assessment.regions[0].trackingUid = "2.25.71";
  const Comparison c = compared(now, {prior});
  ASSERT_EQ(c.lesions.size(), 1U);
  EXPECT_EQ(c.lesions[0].fate, LesionFate::Matched);
  EXPECT_EQ(c.percist, Partial);
}

// dcmqi and others: SUVbw of the primary, no SUL, no reference, no rule, no totals.
TEST(FollowUp, OfAnotherProducersSuvOnlyReportGivesNoCategoryButMatchesLesions) {
  PriorStudy prior = aPrior({kFirst});
  prior.summary.producer = "QIICR dcmqi";
  prior.summary.sulPeak.reset();
  prior.summary.tmtvMl.reset();
  prior.summary.tlgG.reset();
  prior.summary.lesionDefinition.clear();
  prior.referenceSulMean.reset();
  prior.regions[0].sulPeak.reset();
  const Comparison c = compared(aStudy({kFirst}), {prior});
  EXPECT_NE(c.percist.error().detail.find("no SULpeak"), std::string::npos);
  for (const Measurement& one : c.changes)
    EXPECT_EQ(one.value.error().code, RefusalCode::NotComparable);
  ASSERT_EQ(c.lesions.size(), 1U);
  EXPECT_EQ(c.lesions[0].earlierSuvMax, 10);
}

TEST(FollowUp, DoesNotTakeAReportOfTotalsForAStudyWithoutLesions) {
  PriorStudy prior = aPrior({kFirst});
  prior.regions.erase(prior.regions.begin());  // lesionCount still says 1
  const Comparison c = compared(aStudy({kFirst}), {prior});
  EXPECT_EQ(c.percist, Stable);
  EXPECT_TRUE(c.lesions.empty());
  EXPECT_TRUE(says(c.warnings, "does not list all"));
}

// No lesion by the rule; SUVbw 2.0 x 0.75 = SUL 1.5 is left where it was, below the liver's 1.7.
TEST(FollowUp, IsCompleteWhenNothingAboveTheLiverIsLeftInTheLesionsPlace) {
  const Study now = aStudy({});
  SuvVolume volume{now.labels.geometry, std::vector<float>(now.labels.labels.size(), 2.0F)};
  const std::vector<PriorStudy> priors{aPrior({kFirst})};
  const auto c = compare({now.assessment, now.labels, &volume}, priors);
  EXPECT_EQ(c->percist, Complete);
  EXPECT_NEAR(change(*c, Quantity::SulPeakChange), 100 * (1.5 - 8) / 8, 1e-6);
  EXPECT_FALSE(says(c->warnings, "lesion rule alone"));
  std::fill(volume.suvBw.begin(), volume.suvBw.end(), 3.0F);  // SUL 2.25
  EXPECT_EQ(compare({now.assessment, now.labels, &volume}, priors)->percist, Partial);
  EXPECT_TRUE(says(compared(now, priors).warnings, "lesion rule alone"));
}

// The bladder filled over the place of a lesion that went: its SUV 60 is not what is left of it.
TEST(FollowUp, DoesNotTakeNormalUptakeForWhatIsLeftOfALesion) {
  Study now = aStudy({});
  SuvVolume volume{now.labels.geometry, std::vector<float>(now.labels.labels.size(), 1.0F)};
  const std::array<int, 3> bladder{kFirst.at[0] - 1, kFirst.at[1], kFirst.at[2]};
  Region region;
  region.label = 99;
  region.role = RegionRole::Physiological;
  region.organ = Organ::Bladder;
  region.centroidMm = middleOf(bladder);
  region.trackingId = "Urinary bladder";
  now.assessment.regions.push_back(region);
  paint(now.labels, bladder, 99);
  // Far enough from what is left of the lesion's place for the 1 ml sphere.
  volume.suvBw[now.labels.geometry.offset(kFirst.at[0] - 1, kFirst.at[1] + 1, kFirst.at[2] + 1)] =
      60;
  const auto c = compare({now.assessment, now.labels, &volume}, {aPrior({kFirst})});
  EXPECT_EQ(c->percist, Complete);
}

TEST(FollowUp, NeverGivesOneTrackingUidTwice) {
  PriorStudy prior = aPrior({kFirst, kSecond});
  prior.regions[1].trackingUid = prior.regions[0].trackingUid;
  Study now = aStudy({kFirst, kSecond});
  followUp(now.assessment, now.labels, {prior});
  EXPECT_EQ(now.assessment.regions[0].trackingUid, "2.25.71");
  EXPECT_EQ(now.assessment.regions[1].trackingUid, "");
}

TEST(FollowUp, WarnsOfAnotherScannerAndOfUnknownUptakeTimes) {
  Study now = aStudy({kFirst});
  now.assessment.series.manufacturerModel = "Model 8";
  PriorStudy prior = aPrior({kFirst});
  prior.uptakeMinutes.reset();
  const Comparison c = compared(now, {prior});
  EXPECT_EQ(c.percist, Stable);
  EXPECT_TRUE(says(c.warnings, "Maker Model 8, earlier Maker Model 7"));
  EXPECT_TRUE(says(c.warnings, "uptake time of the earlier study is not known"));
}

TEST(FollowUp, IsRefusedWithoutLeanBodyMassWithThatReason) {
  Study now = aStudy({kFirst});
  const Refusal noHeight{RefusalCode::HeightOrSexMissing, "PatientSize (0010,1020) is missing"};
  now.assessment.percist.reset();
  now.assessment.percistRefusal = noHeight;
  now.assessment.wholeBody[3].value = tl::unexpected(noHeight);
  const Comparison c = compared(now, {aPrior({kFirst})});
  EXPECT_EQ(c.percist.error().code, RefusalCode::HeightOrSexMissing);
  EXPECT_EQ(refusedChange(c, Quantity::SulPeakChange).code, RefusalCode::HeightOrSexMissing);
}

TEST(FollowUp, TakesOddPriorsWithoutFuss) {
  Study now = aStudy({kFirst});
  PriorStudy odd = aPrior({kFirst, kSecond});
  odd.labels.labels.resize(7);
  EXPECT_NO_THROW(compared(now, {odd}));
  odd = aPrior({kFirst, kSecond});
  odd.labels.geometry.size[1] = -40;
  EXPECT_NO_THROW(compared(now, {odd}));
  odd = aPrior({kFirst, kSecond});
  odd.labels.geometry.originMm[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NO_THROW(compared(now, {odd}));
  odd = aPrior({kFirst, kSecond});
  odd.regions[1].label = odd.regions[0].label;  // two regions of one mask
  odd.regions[1].trackingUid = odd.regions[0].trackingUid;
  odd.summary.sulPeak = std::numeric_limits<double>::quiet_NaN();
  odd.summary.lesionCount = -3;
  odd.referenceSulMean = std::numeric_limits<double>::infinity();
  const Comparison c = compared(now, {odd, PriorStudy{}});
  EXPECT_FALSE(c.percist.has_value());
  now.assessment.refusals = {{RefusalCode::WeightMissing, "no weight"}};
  followUp(now.assessment, now.labels, {odd});
  EXPECT_FALSE(now.assessment.comparison.has_value());
}

TEST(FollowUp, WithoutPriorsDoesNothing) {
  Study now = aStudy({kFirst});
  followUp(now.assessment, now.labels, {});
  EXPECT_TRUE(now.assessment.priors.empty());
  EXPECT_FALSE(now.assessment.comparison.has_value());
  EXPECT_TRUE(now.assessment.warnings.empty());
}

}  // namespace
}  // namespace fedpet::imaging
