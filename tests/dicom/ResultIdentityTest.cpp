#include "dicom/DeterministicUid.h"
#include "dicom/DicomError.h"
#include "dicom/ResultIdentity.h"
#include "dicom/StructuredReportTree.h"
#include "tests/dicom/FollowUpSample.h"
#include "tests/support/AssessmentBuilder.h"

#include <gtest/gtest.h>

#include <set>

namespace fedpet {
namespace {

using dicom::assignIdentity;
using dicom::deterministicUid;
using testing::anAssessment;

std::vector<std::string> allUids(const ResponseAssessment& a) {
  std::vector<std::string> uids{
      a.identity.srSeriesUid,       a.identity.srSopInstanceUid, a.identity.segSeriesUid,
      a.identity.segSopInstanceUid, a.identity.deviceUid,        a.identity.pdfSeriesUid,
      a.identity.pdfSopInstanceUid, a.identity.mipSeriesUid,     a.identity.mipSopInstanceUid};
  for (const Region& region : a.regions) {
    uids.push_back(region.trackingUid);
    for (const Measurement& m : region.measurements) uids.push_back(m.observationUid);
  }
  for (const Measurement& m : a.wholeBody) uids.push_back(m.observationUid);
  for (const ResponsePrediction& p : a.predictions) uids.push_back(p.observationUid);
  if (a.percist)
    for (const Measurement& m : a.percist->numbers) uids.push_back(m.observationUid);
  if (a.comparison) {
    for (const Measurement& m : a.comparison->changes) uids.push_back(m.observationUid);
    uids.push_back(a.comparison->percistUid);
    uids.push_back(a.comparison->iPercistUid);
  }
  return uids;
}

ResponseAssessment identified(ResponseAssessment a) {
  assignIdentity(a);
  return a;
}

// Python: uuid.uuid5(UUID("8a8b54ab-1cb7-4f12-b573-95b313807b1e"), "2:ab1:c").int
TEST(DeterministicUid, IsTheDecimalUuidFiveOfItsParts) {
  EXPECT_EQ(deterministicUid({"ab", "c"}), "2.25.247532080426323211519958569089405952850");
}

TEST(DeterministicUid, TellsPartsApartHoweverTheyAreCut) {
  EXPECT_NE(deterministicUid({"ab", "c"}), deterministicUid({"a", "bc"}));
  EXPECT_NE(deterministicUid({"a", ""}), deterministicUid({"a"}));
}

TEST(ResultIdentity, GivesEveryThingItsOwnUid) {
  const auto uids =
      allUids(identified(testing::asFollowUp(anAssessment().withLesions(50).build())));
  EXPECT_EQ(std::set<std::string>(uids.begin(), uids.end()).size(), uids.size());
  for (const std::string& uid : uids) {
    EXPECT_LE(uid.size(), 64u);
    EXPECT_EQ(uid.rfind("2.25.", 0), 0u);
  }
}

TEST(ResultIdentity, IsTheSameForARepeatedRun) {
  EXPECT_EQ(allUids(identified(anAssessment().build())),
            allUids(identified(anAssessment().build())));
}

TEST(ResultIdentity, ChangesWithSeriesSoftwareAndModelWeights) {
  const ResponseAssessment base = anAssessment().build();
  std::set<std::string> srUids;
  for (int change = 0; change < 4; ++change) {
    ResponseAssessment a = base;
    if (change == 1) a.series.seriesInstanceUid += "1";
    if (change == 2) a.softwareVersion += "1";
    if (change == 3) a.model.sha256[0] = '0';
    srUids.insert(identified(a).identity.srSopInstanceUid);
  }
  EXPECT_EQ(srUids.size(), 4u);
}

TEST(ResultIdentity, OfADeviceDoesNotDependOnThePatient) {
  ResponseAssessment other = anAssessment().build();
  other.series.seriesInstanceUid += "1";
  EXPECT_EQ(identified(other).identity.deviceUid,
            identified(anAssessment().build()).identity.deviceUid);
}

TEST(ResultIdentity, HasNoSegmentationWhereThereIsNoRegion) {
  const auto a = identified(anAssessment().refused(RefusalCode::DoseMissing, "").build());
  EXPECT_TRUE(a.identity.segSopInstanceUid.empty());
  EXPECT_TRUE(a.identity.mipSopInstanceUid.empty());
  EXPECT_FALSE(a.identity.pdfSopInstanceUid.empty()) << "its reasons can be printed";
  EXPECT_FALSE(a.identity.srSopInstanceUid.empty());
}

TEST(ResultIdentity, TellsTwoDefinitionsOfOneQuantityApart) {
  ResponseAssessment a = anAssessment().build();
  a.wholeBody = {a.wholeBody[0], a.wholeBody[0]};
  a.regions[1].trackingId = a.regions[0].trackingId;
  const auto uids = allUids(identified(a));
  EXPECT_EQ(std::set<std::string>(uids.begin(), uids.end()).size(), uids.size());
}

const Region& regionNamed(const ResponseAssessment& a, const std::string& trackingId) {
  for (const Region& region : a.regions)
    if (region.trackingId == trackingId) return region;
  throw std::out_of_range(trackingId);
}

TEST(ResultIdentity, KeepsTheTrackingUidOfALesionThatWasMatched) {
  ResponseAssessment a = testing::asFollowUp(anAssessment().build());
  a.softwareVersion = "another";
  const auto b = identified(a);
  EXPECT_EQ(regionNamed(b, "Lesion 1").trackingUid, testing::kTrackedLesionUid);
  EXPECT_EQ(b.percist->hottestTrackingUid, testing::kTrackedLesionUid);
  EXPECT_EQ(b.comparison->lesions[0].trackingUid, testing::kTrackedLesionUid);
  EXPECT_EQ(b.comparison->lesions[3].trackingUid, testing::kResolvedLesionUid);
}

TEST(ResultIdentity, GivesANewLesionOfTheComparisonTheUidOfItsRegion) {
  const auto a = identified(testing::asFollowUp(anAssessment().build()));
  EXPECT_EQ(a.comparison->lesions[1].trackingUid, regionNamed(a, "Lesion 2").trackingUid);
  EXPECT_FALSE(a.comparison->lesions[1].trackingUid.empty());
}

TEST(ResultIdentity, LeavesNoUidToTwoRegions) {
  ResponseAssessment a = anAssessment().build();
  a.regions[6].trackingUid = a.regions[5].trackingUid;  // one earlier lesion, two now
  const std::string kept = a.regions[5].trackingUid;
  const auto b = identified(a);
  EXPECT_EQ(b.regions[5].trackingUid, kept);
  EXPECT_NE(b.regions[6].trackingUid, kept);
}

TEST(ResultIdentity, ChangesNothingWhenAssignedAgain) {
  const auto once = identified(testing::asFollowUp(anAssessment().build()));
  const auto twice = identified(once);
  EXPECT_EQ(allUids(once), allUids(twice));
  EXPECT_EQ(once.percist->hottestTrackingUid, twice.percist->hottestTrackingUid);
}

TEST(ResultIdentity, RefusesALesionThatIsNotThere) {
  ResponseAssessment a = testing::asFollowUp(anAssessment().build());
  a.percist->hottestTrackingUid = "Lesion 99";
  EXPECT_THROW(identified(a), dicom::DicomError);
  a = testing::asFollowUp(anAssessment().build());
  a.comparison->lesions[1].trackingId = "Lesion 99";
  EXPECT_THROW(identified(a), dicom::DicomError);
}

// PS3.5 6.2: DS has at most 16 characters.
TEST(DecimalString, FitsDicomAndKeepsSevenDigits) {
  using dicom::sr::decimalString;
  EXPECT_EQ(decimalString(0), "0");
  EXPECT_EQ(decimalString(-0.0), "0");
  EXPECT_EQ(decimalString(3.15), "3.15");
  EXPECT_EQ(decimalString(6.0 / 7.0), "0.8571429");
  EXPECT_EQ(decimalString(12345678), "12345678");
  EXPECT_EQ(decimalString(9999999.96), "10000000");
  EXPECT_EQ(decimalString(99.99999999), "100");
  EXPECT_EQ(decimalString(-1.5e-30), "-1.500000e-30");
  for (const double extreme : {1.7976931348623157e308, -4.9406564584124654e-324, -123456.789012})
    EXPECT_LE(decimalString(extreme).size(), 16u) << extreme;
}

}  // namespace
}  // namespace fedpet
