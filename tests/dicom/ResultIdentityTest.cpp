#include "dicom/ResultIdentity.h"

#include <gtest/gtest.h>

#include <set>

#include "dicom/DeterministicUid.h"
#include "dicom/StructuredReportTree.h"
#include "tests/support/AssessmentBuilder.h"

namespace fedpet {
namespace {

using dicom::assignIdentity;
using dicom::deterministicUid;
using testing::anAssessment;

std::vector<std::string> allUids(const ResponseAssessment& a) {
  std::vector<std::string> uids{a.identity.srSeriesUid, a.identity.srSopInstanceUid,
                                a.identity.segSeriesUid, a.identity.segSopInstanceUid,
                                a.identity.deviceUid};
  for (const Region& region : a.regions) {
    uids.push_back(region.trackingUid);
    for (const Measurement& m : region.measurements) uids.push_back(m.observationUid);
  }
  for (const Measurement& m : a.wholeBody) uids.push_back(m.observationUid);
  for (const ResponsePrediction& p : a.predictions) uids.push_back(p.observationUid);
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
  const auto uids = allUids(identified(anAssessment().withLesions(50).build()));
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
  EXPECT_FALSE(a.identity.srSopInstanceUid.empty());
}

TEST(ResultIdentity, TellsTwoDefinitionsOfOneQuantityApart) {
  ResponseAssessment a = anAssessment().build();
  a.wholeBody = {a.wholeBody[0], a.wholeBody[0]};
  a.regions[1].trackingId = a.regions[0].trackingId;
  const auto uids = allUids(identified(a));
  EXPECT_EQ(std::set<std::string>(uids.begin(), uids.end()).size(), uids.size());
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
