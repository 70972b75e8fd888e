// The SR as its readers see it: written, then parsed back by DCMTK.
#include "dicom/DicomError.h"
#include "dicom/ResultIdentity.h"
#include "dicom/Segmentation.h"
#include "dicom/StructuredReport.h"
#include "tests/dicom/FollowUpSample.h"
#include "tests/support/AssessmentBuilder.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmsr/dsrdoc.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

namespace fedpet {
namespace {

using dicom::assignIdentity;
using dicom::writeStructuredReport;
using testing::anAssessment;
using testing::asFollowUp;
using testing::asRefusedFollowUp;
using testing::AssessmentBuilder;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

ResponseAssessment identified(ResponseAssessment a) {
  assignIdentity(a);
  return a;
}

ResponseAssessment identified(const AssessmentBuilder& builder) {
  return identified(builder.build());
}

// A written report, read back by DCMTK.
class ReadReport {
 public:
  explicit ReadReport(const ResponseAssessment& a) : bytes_(writeStructuredReport(a)) {
    DcmInputBufferStream stream;
    stream.setBuffer(bytes_.data(), static_cast<offile_off_t>(bytes_.size()));
    stream.setEos();
    EXPECT_TRUE(file_.read(stream).good());
    EXPECT_TRUE(document_.read(*file_.getDataset()).good());
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  DSRDocument& document() { return document_; }
  std::string attribute(const DcmTagKey& tag) {
    OFString value;
    file_.getDataset()->findAndGetOFStringArray(tag, value);
    return value.c_str();
  }
  // The tree as text, one content item a line, with codes and full values.
  std::string content() {
    std::ostringstream out;
    document_.getTree().print(out, DSRTypes::PF_printAllCodes |
                                       DSRTypes::PF_printTemplateIdentification |
                                       DSRTypes::PF_printSOPInstanceUID);
    return out.str();
  }
  // Values and UIDs of the NUM items with this concept, in the order of the tree.
  std::vector<std::string> numbers(const std::string& conceptName) {
    std::vector<std::string> values;
    forEachItem([&](const DSRContentItem& item) {
      if (item.getValueType() == DSRTypes::VT_Num &&
          item.getConceptName().getCodeMeaning() == conceptName.c_str())
        values.emplace_back(item.getNumericValue().getNumericValue().c_str());
    });
    return values;
  }
  // Why there is no number, of the CODE items with this concept.
  std::vector<std::string> reasons(const std::string& conceptName) {
    std::vector<std::string> values;
    forEachItem([&](const DSRContentItem& item) {
      if (item.getValueType() == DSRTypes::VT_Code &&
          item.getConceptName().getCodeMeaning() == conceptName.c_str())
        values.emplace_back(item.getCodeValue().getCodeMeaning().c_str());
    });
    return values;
  }
  template <typename Visit>
  void forEachItem(Visit visit) {
    DSRDocumentTree& tree = document_.getTree();
    for (size_t node = tree.gotoRoot(); node != 0; node = tree.iterate())
      visit(tree.getCurrentContentItem());
  }

 private:
  std::vector<std::byte> bytes_;
  DcmFileFormat file_;
  DSRDocument document_;
};

// --- content ------------------------------------------------------------------------------------

// The whole tree against a file for people to review; UPDATE_GOLDEN=1 rewrites it.
TEST(StructuredReport, SaysWhatTheGoldenFileSays) {
  const std::filesystem::path golden =
      std::filesystem::path(FEDPET_SOURCE_DIR) / "tests/golden/structured-report.txt";
  const std::string content =
      ReadReport(identified(asFollowUp(anAssessment().withoutOrgan(Organ::Spleen).build())))
          .content();
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << content;
  std::ifstream file(golden);
  ASSERT_TRUE(file) << golden << " is missing; UPDATE_GOLDEN=1 writes it";
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(content, expected.str());
}

TEST(StructuredReport, IsPreliminaryUnverifiedAndComplete) {
  ReadReport report(identified(anAssessment()));
  EXPECT_EQ(report.document().getPreliminaryFlag(), DSRTypes::PF_Preliminary);
  EXPECT_EQ(report.document().getVerificationFlag(), DSRTypes::VF_Unverified);
  EXPECT_EQ(report.document().getCompletionFlag(), DSRTypes::CF_Complete);
  EXPECT_EQ(report.document().getDocumentType(), DSRTypes::DT_Comprehensive3DSR);
}

TEST(StructuredReport, BelongsToTheSourceStudyInASeriesOfItsOwn) {
  const ResponseAssessment a = identified(anAssessment());
  ReadReport report(a);
  EXPECT_EQ(report.attribute(DCM_StudyInstanceUID), a.series.study.studyInstanceUid);
  EXPECT_EQ(report.attribute(DCM_SeriesInstanceUID), a.identity.srSeriesUid);
  EXPECT_NE(report.attribute(DCM_SeriesInstanceUID), a.series.seriesInstanceUid);
  EXPECT_EQ(report.attribute(DCM_PatientID), "TEST-0001");
  EXPECT_EQ(report.attribute(DCM_AccessionNumber), "A4711");
  EXPECT_EQ(report.attribute(DCM_Modality), "SR");
}

TEST(StructuredReport, CarriesTheObservationUidOfEveryNumber) {
  const ResponseAssessment a = identified(asFollowUp(anAssessment().build()));
  std::set<std::string> expected, written;
  for (const Region& region : a.regions)
    for (const Measurement& m : region.measurements) expected.insert(m.observationUid);
  for (const Measurement& m : a.wholeBody) expected.insert(m.observationUid);
  for (const ResponsePrediction& p : a.predictions) expected.insert(p.observationUid);
  for (const Measurement& m : a.percist->numbers) expected.insert(m.observationUid);
  for (const Measurement& m : a.comparison->changes) expected.insert(m.observationUid);
  expected.insert({a.comparison->percistUid, a.comparison->iPercistUid});
  ReadReport report(a);
  report.forEachItem([&](const DSRContentItem& item) {
    if (!item.getObservationUID().empty()) written.insert(item.getObservationUID().c_str());
  });
  EXPECT_EQ(written, expected);
}

TEST(StructuredReport, ListsEveryReferencedInstanceAsEvidence) {
  const ResponseAssessment a = identified(anAssessment());
  ReadReport report(a);
  auto& evidence = report.document().getCurrentRequestedProcedureEvidence();
  EXPECT_EQ(evidence.getNumberOfInstances(), a.series.slices.size() + 1);
  EXPECT_TRUE(evidence
                  .gotoItem(std::string(dicom::kSegmentationStorage).c_str(),
                            a.identity.segSopInstanceUid.c_str())
                  .good());
}

TEST(StructuredReport, DeclaresItsPrivateCodingScheme) {
  ReadReport report(identified(anAssessment()));
  auto& schemes = report.document().getCodingSchemeIdentification();
  ASSERT_TRUE(schemes.gotoItem("99FEDPET").good());
  OFString uid;
  schemes.getCodingSchemeUID(uid);
  EXPECT_EQ(std::string(uid.c_str()), kPrivateSchemeUid);
}

TEST(StructuredReport, WritesTheIntervalBesideTheProbability) {
  ReadReport report(identified(anAssessment()));
  EXPECT_THAT(report.numbers("Predicted probability of event"),
              ElementsAre("0.62", "0.31", "0.58"));
  EXPECT_THAT(report.numbers("Lower bound of interval"), ElementsAre("0.48", "0.2", "0.45"));
  EXPECT_THAT(report.numbers("Level of interval"), ElementsAre("90", "90", "90"));
}

TEST(StructuredReport, PrintsResearchUseAndSyntheticTrainingBesideEveryPrediction) {
  const ResponseAssessment a = identified(anAssessment());
  int research = 0, synthetic = 0;
  ReadReport(a).forEachItem([&](const DSRContentItem& item) {
    if (item.getValueType() != DSRTypes::VT_Text) return;
    const std::string text = item.getStringValue().c_str();
    research += text == kResearchUseOnly;
    synthetic += text.find("synthetic data, not on patients") != std::string::npos;
  });
  EXPECT_EQ(research, 3 + 1);  // each prediction, and the report as a whole
  EXPECT_EQ(synthetic, 3);
}

// --- follow-up ----------------------------------------------------------------------------------

TEST(StructuredReport, GivesTheCategoriesAsCodesAndTheirReasonsAsText) {
  ReadReport report(identified(asFollowUp(anAssessment().build())));
  EXPECT_THAT(report.reasons("PERCIST 1.0 response"), ElementsAre("Progressive metabolic disease"));
  EXPECT_THAT(report.reasons("iPERCIST response"),
              ElementsAre("Unconfirmed progressive metabolic disease"));
  EXPECT_THAT(report.numbers("Change of SULpeak"), ElementsAre("-36.25"));
  EXPECT_THAT(report.reasons("Change of TLG"), ElementsAre("Measurement not attempted"));
  EXPECT_THAT(report.reasons("Measurable by PERCIST"), ElementsAre("Yes"));
  EXPECT_THAT(report.content(), HasSubstr("a new lesion is progression whatever the SULpeak"));
}

TEST(StructuredReport, NamesTheFateOfEveryLesionOfBothStudies) {
  ReadReport report(identified(asFollowUp(anAssessment().build())));
  EXPECT_THAT(
      report.reasons("Fate of lesion"),
      ElementsAre("Seen in the earlier study", "New lesion", "New lesion", "No longer seen"));
  EXPECT_THAT(report.content(), HasSubstr(std::string(testing::kResolvedLesionUid)));
}

TEST(StructuredReport, RefersToTheEarlierReportAsEvidenceOfAnotherStudy) {
  const ResponseAssessment a = identified(asFollowUp(anAssessment().build()));
  ReadReport report(a);
  auto& others = report.document().getPertinentOtherEvidence();
  ASSERT_EQ(others.getNumberOfInstances(), 1u);
  ASSERT_TRUE(others.gotoFirstItem().good());
  OFString study, series, instance;
  others.getStudyInstanceUID(study);
  others.getSeriesInstanceUID(series);
  others.getSOPInstanceUID(instance);
  EXPECT_EQ(study, a.comparison->earlier.studyInstanceUid.c_str());
  EXPECT_EQ(series, a.comparison->earlier.seriesInstanceUid.c_str());
  EXPECT_EQ(instance, std::string(testing::kEarlierSr).c_str());
}

TEST(StructuredReport, OfAFollowUpThatCannotBeComparedSaysWhy) {
  ReadReport report(identified(asRefusedFollowUp(anAssessment().build())));
  EXPECT_THAT(report.reasons("PERCIST 1.0 response"), ElementsAre("Measurement not attempted"));
  EXPECT_THAT(report.reasons("Measurable by PERCIST"), ElementsAre("Measurement not attempted"));
  EXPECT_THAT(report.reasons("Reason why no value is given"), Contains("Height or sex missing"));
  EXPECT_EQ(report.document().getPertinentOtherEvidence().getNumberOfInstances(), 0u);
}

// --- refusals -----------------------------------------------------------------------------------

TEST(StructuredReport, GivesReasonInsteadOfNumberWhenTheSpleenIsMissing) {
  ReadReport report(identified(anAssessment().withoutOrgan(Organ::Spleen)));
  EXPECT_THAT(report.numbers("Spleen to liver SUVmean ratio"), IsEmpty());
  EXPECT_THAT(report.reasons("Spleen to liver SUVmean ratio"), ElementsAre("Measurement failure"));
  const std::string content = report.content();
  EXPECT_THAT(content, HasSubstr("(114006,DCM,\"Measurement failure\")"));
  EXPECT_THAT(content, HasSubstr("(RegionNotFound,99FEDPET"));
  EXPECT_THAT(content, HasSubstr("Spleen not found"));
}

TEST(StructuredReport, ShowsNoProbabilityWhenThePredictionIsRefused) {
  ReadReport report(identified(
      anAssessment().withRefusedPredictions(RefusalCode::OutOfDistribution, "TMTV 4200 ml")));
  EXPECT_THAT(report.numbers("Predicted probability of event"), IsEmpty());
  EXPECT_THAT(report.reasons("Predicted probability of event"),
              ElementsAre("Measurement not attempted", "Measurement not attempted",
                          "Measurement not attempted"));
  EXPECT_THAT(report.numbers("Lower bound of interval"), IsEmpty());
  EXPECT_THAT(report.content(), HasSubstr("(OutOfDistribution,99FEDPET"));
}

TEST(StructuredReport, OfARefusedStudySaysWhyAndRefersToNoSegmentation) {
  ReadReport report(identified(
      anAssessment().refused(RefusalCode::WeightMissing, "PatientWeight (0010,1030) is 0")));
  const std::string content = report.content();
  EXPECT_THAT(content, HasSubstr("(WeightMissing,99FEDPET,\"Weight missing\")"));
  EXPECT_THAT(content, HasSubstr("PatientWeight (0010,1030) is 0"));
  EXPECT_THAT(content, Not(HasSubstr("Referenced Segment")));
  EXPECT_THAT(content, Not(HasSubstr("Measurement Group")));
  EXPECT_EQ(report.document().getCurrentRequestedProcedureEvidence().getNumberOfInstances(), 40u);
}

TEST(StructuredReport, NeverWritesANumberThatIsNotFinite) {
  ResponseAssessment a = identified(anAssessment());
  a.wholeBody[0].value = std::numeric_limits<double>::quiet_NaN();
  a.wholeBody[1].value = std::numeric_limits<double>::infinity();
  ReadReport report(a);
  EXPECT_THAT(report.numbers("Total Lesion Glycolysis"), IsEmpty());
  EXPECT_THAT(report.reasons("Total Lesion Glycolysis"), ElementsAre("Not a number"));
  EXPECT_THAT(report.content(), HasSubstr("(114000,DCM,\"Not a number\")"));
}

// --- awkward input ------------------------------------------------------------------------------

TEST(StructuredReport, KeepsANameOutsideAsciiAsUtf8) {
  ReadReport report(identified(anAssessment().withPatientName("Müller-Łukasz^Zoë=山田^太郎")));
  EXPECT_EQ(report.attribute(DCM_SpecificCharacterSet), "ISO_IR 192");
  EXPECT_EQ(report.attribute(DCM_PatientName), "Müller-Łukasz^Zoë=山田^太郎");
}

TEST(StructuredReport, CopiesAnOverlongPatientIdUnchanged) {
  ResponseAssessment a = identified(anAssessment());
  a.series.patient.patientId = std::string(80, '7');  // LO allows 64; a cut id is another patient
  EXPECT_EQ(ReadReport(a).attribute(DCM_PatientID), std::string(80, '7'));
}

TEST(StructuredReport, KeepsLongDefinitionsWhole) {
  ResponseAssessment a = identified(anAssessment());
  a.wholeBody[0].definition = std::string(5000, 'x') + " \\ end";
  EXPECT_THAT(ReadReport(a).content(), HasSubstr(std::string(5000, 'x') + " \\ end"));
}

TEST(StructuredReport, IsWrittenWithoutAnyOptionalAttribute) {
  ResponseAssessment a = identified(anAssessment());
  PetSeries bare;
  bare.study.studyInstanceUid = a.series.study.studyInstanceUid;
  bare.seriesInstanceUid = a.series.seriesInstanceUid;
  bare.sopClassUid = a.series.sopClassUid;
  a.series = bare;
  a.model = {};
  a.suv = SuvScaling{};
  a.lesionDefinition.clear();
  a.softwareVersion.clear();
  ReadReport report(a);
  EXPECT_EQ(report.attribute(DCM_PatientID), "");
  EXPECT_FALSE(report.numbers("Total Lesion Glycolysis").empty());
}

TEST(StructuredReport, RefusesAnAssessmentWithoutUids) {
  ResponseAssessment a = identified(anAssessment());
  a.identity.srSopInstanceUid.clear();
  EXPECT_THROW(writeStructuredReport(a), dicom::DicomError);
}

TEST(StructuredReport, IsTheSameBytesForTheSameAssessment) {
  const ResponseAssessment a = identified(anAssessment());
  EXPECT_EQ(writeStructuredReport(a), writeStructuredReport(a));
  // Every date and time in the object comes from the assessment or the study, none from a clock.
  ReadReport report(a);
  for (const DcmTagKey& tag : {DCM_InstanceCreationDate, DCM_SeriesDate, DCM_ContentDate})
    EXPECT_EQ(report.attribute(tag), "20261124");
  for (const DcmTagKey& tag : {DCM_InstanceCreationTime, DCM_SeriesTime, DCM_ContentTime})
    EXPECT_EQ(report.attribute(tag), "114207.000000");
}

TEST(StructuredReport, RefersToTheSegmentOfEveryRegion) {
  const ResponseAssessment a = identified(anAssessment());
  std::vector<int> segments;
  ReadReport(a).forEachItem([&](const DSRContentItem& item) {
    if (item.getConceptName().getCodeValue() != "121191") return;
    segments.push_back(item.getImageReference().getSegmentList().getItem(1));  // from 1
  });
  EXPECT_THAT(segments, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

}  // namespace
}  // namespace fedpet
