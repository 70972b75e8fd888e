// What `fedpet sr show` prints, made by its own functions.
#include "dicom/DicomError.h"
#include "dicom/PriorStudyReader.h"
#include "dicom/ResultIdentity.h"
#include "dicom/StructuredReport.h"
#include "orthanc-plugin/cli/ReportText.h"
#include "tests/dicom/FollowUpSample.h"
#include "tests/dicom/ReportBytes.h"
#include "tests/support/TestData.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedpet {
namespace {

using plugin::reportJson;
using plugin::reportText;
using ::testing::AllOf;
using testing::anAssessment;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

dicom::Report ofFollowUp() {
  ResponseAssessment a = testing::asFollowUp(anAssessment().withPatientName("Secret^Name").build());
  dicom::assignIdentity(a);
  return dicom::readReport(dicom::writeStructuredReport(a));
}

std::string shown(const dicom::Report& report) {
  return reportText(report, dicom::toPriorStudy(report, {}));
}

TEST(ReportText, ShowsTheIowaTumourWithItsUnits) {
  FEDPET_NEED_TEST_DATA("peers");
  const std::string text =
      shown(dicom::readReport(testing::testDataFolder() / "peers/dcmqi-iowa-qin-hn-0003/sr.dcm"));
  EXPECT_THAT(text, AllOf(ContainsRegex("SUVbw, Mean +6\\.01529 "),
                          ContainsRegex("SUVbw, Maximum +10\\.3814 "),
                          ContainsRegex("SUVbw, Peak Value Within ROI +9\\.45534 "),
                          ContainsRegex("Volume +33\\.5824 ml"),
                          ContainsRegex("Total Lesion Glycolysis +202\\.008 g")));
  EXPECT_THAT(text, ContainsRegex("Finding site +pharyngeal tonsil"));
  EXPECT_THAT(text, HasSubstr("Made by                  https://github.com/QIICR"));
}

TEST(ReportText, ShowsGroupsOfHighdicom) {
  FEDPET_NEED_TEST_DATA("peers");
  const std::string text = shown(dicom::readReport(
      testing::testDataFolder() / "peers/highdicom-sr_document_with_multiple_groups.dcm"));
  EXPECT_THAT(text, AllOf(HasSubstr("Group 'LungNodule0001'"), ContainsRegex("Diameter +10 mm"),
                          ContainsRegex("Volume +200 mm3")));
}

TEST(ReportText, ShowsCategoriesAndReasonsOfAFollowUp) {
  const std::string text = shown(ofFollowUp());
  EXPECT_THAT(text, ContainsRegex("PERCIST 1.0 response +Progressive metabolic disease"));
  EXPECT_THAT(text, HasSubstr("a new lesion is progression"));
  EXPECT_THAT(text, ContainsRegex("Change of TLG +no value: Measurement not attempted"));
  EXPECT_THAT(text, ContainsRegex("Predicted probability of event +0.62\n"));
  EXPECT_THAT(text, Not(HasSubstr("Secret")));
}

TEST(ReportJson, HoldsEveryGroupNumberAndTheWarnings) {
  const dicom::Report report = ofFollowUp();
  const auto json = reportJson(report, dicom::toPriorStudy(report, {}));
  EXPECT_EQ(json.at("groups").size(), report.groups.size());
  EXPECT_EQ(json.at("groups")[0].at("numbers")[0].at("unit").at("value"), "ml");
  EXPECT_EQ(json.at("asPrior").at("percist"), "PMD");
  EXPECT_DOUBLE_EQ(json.at("asPrior").at("tmtvMl").get<double>(), 3.15);
  EXPECT_EQ(json.at("asPrior").at("regions").size(), 8u);
  EXPECT_TRUE(json.at("warnings").empty());
}

// What a hostile text holds must not reach the terminal as an escape sequence.
TEST(ReportText, ShowsNoControlCharacters) {
  const auto file = testing::reportFile(
      testing::content(testing::textItem("CONTAINS", "121106", std::string("a\x1b[31mb\x07", 7))));
  const std::string text = shown(dicom::readReport(file));
  EXPECT_THAT(text, HasSubstr("a [31mb"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace fedpet
