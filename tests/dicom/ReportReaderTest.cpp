// Reports as anybody writes them: ours, dcmqi's, highdicom's, and hostile ones made by hand.
#include "dicom/DatasetShape.h"
#include "dicom/DicomError.h"
#include "dicom/ReportReader.h"
#include "dicom/ResultIdentity.h"
#include "dicom/RetiredCodes.h"
#include "dicom/Segmentation.h"
#include "dicom/StructuredReport.h"
#include "tests/dicom/FollowUpSample.h"
#include "tests/dicom/ReportBytes.h"
#include "tests/support/TestData.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fedpet {
namespace {

using dicom::DicomError;
using dicom::readReport;
using dicom::Report;
using dicom::ReportGroup;
using dicom::ReportNumber;
using testing::anAssessment;
using testing::Bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ResponseAssessment identified(ResponseAssessment a) {
  dicom::assignIdentity(a);
  return a;
}

Report readBack(const ResponseAssessment& a) { return readReport(dicom::writeStructuredReport(a)); }

Report readPeer(const std::string& name) {
  return readReport(testing::testDataFolder() / "peers" / name);
}

const ReportGroup& groupNamed(const Report& report, const std::string& trackingId) {
  for (const ReportGroup& group : report.groups)
    if (group.trackingId == trackingId) return group;
  throw std::out_of_range("no group " + trackingId);
}

// The value with this concept and derivation (empty: none); NaN when there is not exactly one.
double valueOf(const ReportGroup& group, const Code& name, const std::string& derivation = {}) {
  double value = NAN;
  int found = 0;
  for (const ReportNumber& number : group.numbers) {
    const std::string written =
        number.derivation ? dicom::currentCode(*number.derivation).value : "";
    if (!dicom::meansTheSame(number.name, name) || written != derivation || !number.value) continue;
    value = *number.value;
    ++found;
  }
  return found == 1 ? value : NAN;
}

std::string refusalOf(const Bytes& bytes) {
  try {
    readReport(bytes);
  } catch (const DicomError& error) {
    return error.what();
  }
  return "read without complaint";
}

const Code kSuv{"126401", "DCM", "SUVbw"};
const char* const kMaximum = "56851009";
const char* const kMean = "373098007";
const char* const kPeak = "126031";

// --- other people's reports ---------------------------------------------------------------------

// Values as listed in the data's README and printed by dsrdump.
TEST(ReportReader, FindsThePrimaryTumourOfTheIowaReport) {
  FEDPET_NEED_TEST_DATA("peers");
  const Report report = readPeer("dcmqi-iowa-qin-hn-0003/sr.dcm");
  EXPECT_EQ(report.title.value, "126000");
  const ReportGroup& tumour = groupNamed(report, "primary tumor");
  EXPECT_DOUBLE_EQ(valueOf(tumour, kSuv, kMean), 6.01529);
  EXPECT_DOUBLE_EQ(valueOf(tumour, kSuv, kMaximum), 10.3814);
  EXPECT_DOUBLE_EQ(valueOf(tumour, kSuv, kPeak), 9.45534);
  EXPECT_DOUBLE_EQ(valueOf(tumour, {"118565006", "SCT", ""}), 33.5824);
  EXPECT_DOUBLE_EQ(valueOf(tumour, {"126033", "DCM", ""}), 202.008);
  EXPECT_EQ(tumour.trackingUid, "2.25.318774060119084600392715520575818119084");
  EXPECT_EQ(tumour.finding->value, "M-80003");  // as written
  EXPECT_EQ(tumour.findingSites.front().meaning, "pharyngeal tonsil (adenoid)");
  ASSERT_EQ(tumour.segments.size(), 1u);
  EXPECT_EQ(tumour.segments[0].sopInstanceUid,
            "1.2.276.0.7230010.3.1.4.8323329.18591.1440001312.777033");
  EXPECT_THAT(tumour.segments[0].segments, ElementsAre(1));
  EXPECT_TRUE(tumour.realWorldValueMap.has_value());
  EXPECT_EQ(tumour.timePoint, "1");
  EXPECT_EQ(tumour.numbers.size(), 22u);
  EXPECT_EQ(report.header.manufacturerModel, "https://github.com/QIICR/Iowa2DICOM.git");
  EXPECT_EQ(report.header.completion, "PARTIAL");
  ASSERT_EQ(report.imageLibrary.size(), 1u);
  EXPECT_FALSE(report.imageLibrary[0].images.empty());
}

TEST(ReportReader, FindsTheGroupsOfHighdicom) {
  FEDPET_NEED_TEST_DATA("peers");
  const Report report = readPeer("highdicom-sr_document_with_multiple_groups.dcm");
  ASSERT_EQ(report.groups.size(), 4u);
  EXPECT_NEAR(*report.groups[0].numbers.at(0).value, -119.07385253906, 1e-10);
  EXPECT_FALSE(report.groups[0].hasRegion);
  EXPECT_EQ(report.groups[0].sourceImages.size(), 1u);
  EXPECT_EQ(report.groups[0].evaluations.at(0).code->value, "243911007");
  const ReportGroup& nodule = groupNamed(report, "LungNodule0001");
  EXPECT_TRUE(nodule.hasRegion);
  EXPECT_EQ(nodule.finding->meaning, "Nodule");
  EXPECT_EQ(nodule.findingSites.at(0).meaning, "Lung");
  EXPECT_DOUBLE_EQ(valueOf(nodule, {"81827009", "SCT", ""}), 10.0);
  const ReportGroup& vertebra = groupNamed(report, "Vertebra0001");
  EXPECT_DOUBLE_EQ(valueOf(vertebra, {"118565006", "SCT", ""}), 200.0);
  EXPECT_EQ(vertebra.numbers[0].unit.value, "mm3");
  EXPECT_EQ(report.header.preliminary, "PRELIMINARY");
}

// --- ours ---------------------------------------------------------------------------------------

TEST(ReportReader, FindsEveryNumberOfOurOwnReportUnderItsObservationUid) {
  const ResponseAssessment a = identified(testing::asFollowUp(anAssessment().build()));
  const Report report = readBack(a);
  std::map<std::string, double> numbers;
  for (const ReportGroup& group : report.groups)
    for (const ReportNumber& n : group.numbers)
      if (!n.observationUid.empty()) numbers[n.observationUid] = n.value.value_or(NAN);
  std::size_t expected = a.predictions.size();
  const auto expect = [&](const std::vector<Measurement>& measurements) {
    for (const Measurement& m : measurements) {
      if (!m.value) continue;
      ++expected;
      ASSERT_EQ(numbers.count(m.observationUid), 1u) << toString(m.quantity);
      EXPECT_NEAR(numbers[m.observationUid], *m.value, 1e-6 * std::abs(*m.value));
    }
  };
  for (const Region& region : a.regions) expect(region.measurements);
  expect(a.wholeBody);
  expect(a.percist->numbers);
  expect(a.comparison->changes);
  EXPECT_EQ(numbers.size(), expected);
}

TEST(ReportReader, KeepsWhereAndHowOfOurRegions) {
  const ResponseAssessment a = identified(testing::asFollowUp(anAssessment().build()));
  const Report report = readBack(a);
  const ReportGroup& liver = groupNamed(report, "Liver reference region");
  EXPECT_EQ(liver.templateId, "1411");
  EXPECT_EQ(liver.findingSites.at(0), siteOf(Organ::Liver));
  EXPECT_EQ(liver.segments.at(0).sopInstanceUid, a.identity.segSopInstanceUid);
  EXPECT_THAT(liver.segments.at(0).segments, ElementsAre(2));
  EXPECT_THAT(liver.sourceSeriesUids, ElementsAre(a.series.seriesInstanceUid));
  EXPECT_EQ(report.imageLibrary.at(0).images.size(), 40u);
  EXPECT_EQ(report.evidence.size(), 42u);  // slices, SEG, earlier SR
  EXPECT_TRUE(report.evidence.back().ofOtherProcedure);
  EXPECT_TRUE(report.others.empty());
  EXPECT_TRUE(report.warnings.empty());
}

TEST(ReportReader, ReadsTheReportOfARefusedStudyAsOneWithoutGroups) {
  const Report report =
      readBack(identified(anAssessment().refused(RefusalCode::WeightMissing, "no").build()));
  EXPECT_TRUE(report.groups.empty());
  ASSERT_FALSE(report.evaluations.empty());
  EXPECT_EQ(report.evaluations[0].code->value, "WeightMissing");
}

TEST(ReportReader, KeepsARefusedNumberAsAnEvaluationWithoutValue) {
  const Report report = readBack(identified(anAssessment().withoutOrgan(Organ::Spleen).build()));
  const ReportGroup& group = groupNamed(report, "Reference regions and immune ratios");
  ASSERT_EQ(group.evaluations.size(), 1u);
  EXPECT_TRUE(saysNoValue(group.evaluations[0]));
  EXPECT_EQ(group.evaluations[0].name.value, "SLR");
}

// --- codes --------------------------------------------------------------------------------------

TEST(RetiredCodes, MeanWhatReplacedThem) {
  using dicom::currentCode;
  EXPECT_EQ(currentCode({"G-A437", "SRT", ""}).value, kMaximum);
  EXPECT_EQ(currentCode({"C-B1031", "99SDM", ""}), (Code{"35321007", "SCT", ""}));
  EXPECT_EQ(currentCode({"G-A437", "DCM", ""}), (Code{"G-A437", "DCM", ""}));
  EXPECT_EQ(currentCode({"X-99999", "SRT", ""}), (Code{"X-99999", "SRT", ""}));
  EXPECT_EQ(dicom::currentUnit({"{SUVbw}g/ml", "UCUM", ""}).value, "g/ml{SUVbw}");
  EXPECT_EQ(dicom::currentUnit({"{ratio}", "UCUM", ""}).value, "{ratio}");
  EXPECT_EQ(dicom::currentUnit({"", "UCUM", ""}).value, "");
}

// --- hostile and broken files -------------------------------------------------------------------

using testing::contentItem;
using testing::element;
using testing::reportFile;
using testing::textItem;

TEST(ReportReader, ReadsAMinimalReport) {
  const Report report = readReport(reportFile(""));
  EXPECT_EQ(report.title.value, "126000");
  EXPECT_TRUE(report.groups.empty());
}

TEST(ReportReader, SurvivesAFileCutAnywhere) {
  const Bytes good =
      dicom::writeStructuredReport(identified(testing::asFollowUp(anAssessment().build())));
  for (std::size_t length = 0; length < good.size(); length += 997)
    EXPECT_NE(refusalOf(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))),
              "read without complaint")
        << length;
}

TEST(ReportReader, SurvivesAnyByteBeingAnother) {
  const Bytes good =
      dicom::writeStructuredReport(identified(anAssessment().withLesions(1).build()));
  for (std::size_t at = 132; at < good.size(); at += 211) {
    Bytes bad = good;
    bad[at] ^= std::byte{0xA5};
    refusalOf(bad);  // read or refused: anything but a crash
  }
}

TEST(ReportReader, RefusesAHundredThousandNestedItemsWithoutRecursion) {
  for (const bool closed : {false, true}) {
    std::string nest;
    for (int i = 0; i < 100000; ++i) nest += testing::openContent();
    if (closed)
      for (int i = 0; i < 100000; ++i) nest += testing::closeContent();
    EXPECT_THAT(refusalOf(reportFile(nest)), HasSubstr(closed ? "nested" : "damaged"));
  }
}

// A walk that took delimiters at face value would miss how deep this is: each level hides one in a
// text.
TEST(ReportReader, CountsTheDepthOfItemsThatHideDelimiters) {
  std::string nest;
  const std::string decoy =
      element(0x0040, 0xA160, "UT", std::string("\xfe\xff\x0d\xe0\0\0\0\0", 8));
  for (int i = 0; i < 5000; ++i) nest += testing::openContent() + decoy;
  for (int i = 0; i < 5000; ++i) nest += testing::closeContent();
  EXPECT_THAT(refusalOf(reportFile(nest)), HasSubstr("nested"));
}

TEST(ReportReader, ReadsAHundredThousandItemsSideBySide) {
  std::string items;
  for (int i = 0; i < 100000; ++i) items += textItem("CONTAINS", "121106", "x");
  const Report report = readReport(reportFile(testing::content(items)));
  EXPECT_EQ(report.others.size(), 100000u);
}

TEST(ReportReader, RefusesMoreItemsThanAnyReportHas) {
  std::string items;
  for (std::size_t i = 0; i <= dicom::kMaxContentItems; ++i) items += testing::item("");
  EXPECT_THAT(refusalOf(reportFile(testing::content(items))), HasSubstr("content items"));
}

TEST(ReportReader, DoesNotFollowReferencesThatGoInACircle) {
  const std::string pointer =
      testing::item(element(0x0040, 0xA010, "CS", "INFERRED FROM") +
                    element(0x0040, 0xDB73, "UL", std::string("\1\0\0\0\1\0\0\0", 8)));
  const std::string number =
      contentItem("CONTAINS", "CONTAINER", "126010", testing::content(pointer));
  const Report report = readReport(reportFile(testing::content(number)));
  ASSERT_EQ(report.others.size(), 1u);
  EXPECT_EQ(report.others[0].valueType, "REFERENCE");
  EXPECT_EQ(report.others[0].text, "1.1");
}

TEST(ReportReader, KeepsWhatItDoesNotKnow) {
  const std::string odd =
      contentItem("CONTAINS", "TABLE", "999999", "") + textItem("HAS CONCEPT MOD", "121106", "odd");
  const Report report = readReport(reportFile(testing::content(odd)));
  ASSERT_EQ(report.others.size(), 2u);
  EXPECT_EQ(report.others[0].valueType, "TABLE");
  EXPECT_EQ(report.others[1].text, "odd");
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_THAT(report.warnings[0], HasSubstr("TABLE"));
}

TEST(ReportReader, SaysWhatIsNoMeasurementReport) {
  EXPECT_THAT(refusalOf(Bytes(200)), HasSubstr("no DICOM file"));
  EXPECT_THAT(refusalOf(*dicom::writeSegmentation([] {
                AssessedStudy study = anAssessment().study();
                dicom::assignIdentity(study.assessment);
                return study;
              }())),
              HasSubstr("SOP class"));
  EXPECT_THAT(refusalOf(reportFile("", "2000")), HasSubstr("no measurement report"));
  EXPECT_THROW(readReport(std::filesystem::path("/nowhere/sr.dcm")), DicomError);
}

TEST(DatasetShape, CountsNestedItemsInImplicitAndExplicitEncoding) {
  const auto shape = dicom::shapeOf(
      dicom::writeStructuredReport(identified(anAssessment().withLesions(1).build())));
  ASSERT_TRUE(shape.has_value());
  EXPECT_GE(shape->depth, 5u);
  EXPECT_LE(shape->depth, 10u);
  EXPECT_FALSE(dicom::shapeOf({}).has_value());
  FEDPET_NEED_TEST_DATA("sts-001-ge-wb");  // implicit VR
  const auto file = testing::fileBytes(testing::testDataFolder() / "sts-001-ge-wb/PT/1-001.dcm");
  ASSERT_TRUE(dicom::shapeOf(file).has_value());
  EXPECT_GE(dicom::shapeOf(file)->depth, 2u);
}

}  // namespace
}  // namespace fedpet
