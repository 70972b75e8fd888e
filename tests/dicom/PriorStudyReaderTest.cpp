// An assessment written, read back as an earlier study, and compared with itself; other people's
// reports as earlier studies.
#include "dicom/DicomError.h"
#include "dicom/PriorStudyReader.h"
#include "dicom/ResultIdentity.h"
#include "dicom/StructuredReport.h"
#include "tests/dicom/FollowUpSample.h"
#include "tests/dicom/ReportBytes.h"
#include "tests/support/TestData.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fedpet {
namespace {

using dicom::readPriorStudy;
using dicom::toPriorStudy;
using testing::anAssessment;
using testing::Bytes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

AssessedStudy followUp() {
  AssessedStudy study = testing::asFollowUp(anAssessment().study());
  dicom::assignIdentity(study.assessment);
  return study;
}

PriorStudy readBack(const AssessedStudy& study) {
  const auto seg = dicom::writeSegmentation(study);
  return readPriorStudy(dicom::writeStructuredReport(study.assessment),
                        seg ? std::span<const std::byte>(*seg) : std::span<const std::byte>());
}

std::optional<double> valueOf(const std::vector<Measurement>& measurements, Quantity quantity) {
  for (const Measurement& m : measurements)
    if (m.quantity == quantity && m.value) return *m.value;
  return std::nullopt;
}

// A DS of our writer has seven significant digits.
void expectSame(const std::optional<double>& read, const std::optional<double>& written,
                const std::string& what) {
  ASSERT_EQ(read.has_value(), written.has_value()) << what;
  if (!read) return;
  EXPECT_NEAR(*read, *written, 1e-6 * std::abs(*written)) << what;
}

// --- our own ------------------------------------------------------------------------------------

TEST(PriorStudyReader, GivesBackEveryRegionOfOurReport) {
  const AssessedStudy study = followUp();
  const auto& regions = study.assessment.regions;
  const PriorStudy prior = readBack(study);
  ASSERT_EQ(prior.regions.size(), regions.size());
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const Region& written = regions[i];
    const PriorRegion& read = prior.regions[i];
    SCOPED_TRACE(written.trackingId);
    EXPECT_EQ(read.role, written.role);
    EXPECT_EQ(read.organ, written.organ);
    EXPECT_EQ(read.trackingId, written.trackingId);
    EXPECT_EQ(read.trackingUid, written.trackingUid);
    const auto& m = written.measurements;
    const bool lesion = written.role == RegionRole::Lesion;
    expectSame(read.volumeMl,
               valueOf(m, lesion ? Quantity::MetabolicVolume : Quantity::OrganVolume), "volume");
    expectSame(read.glycolysisG, valueOf(m, Quantity::Glycolysis), "glycolysis");
    expectSame(read.suvMax, valueOf(m, Quantity::SuvMax), "SUVmax");
    expectSame(read.suvMean, valueOf(m, Quantity::SuvMean), "SUVmean");
    expectSame(read.suvPeak, valueOf(m, Quantity::SuvPeak), "SUVpeak");
    expectSame(read.sulPeak, valueOf(m, Quantity::SulPeak), "SULpeak");
  }
  EXPECT_THAT(prior.warnings, IsEmpty());
}

TEST(PriorStudyReader, GivesBackTheStudyOfOurReport) {
  using namespace std::chrono;
  const AssessedStudy study = followUp();
  const ResponseAssessment& a = study.assessment;
  const PriorStudy prior = readBack(study);
  const StudySummary& s = prior.summary;
  EXPECT_EQ(s.studyInstanceUid, a.series.study.studyInstanceUid);
  EXPECT_EQ(s.seriesInstanceUid, a.identity.srSeriesUid);
  EXPECT_EQ(s.srSopInstanceUid, a.identity.srSopInstanceUid);
  EXPECT_EQ(s.srSopClassUid, dicom::kComprehensive3dSrStorage);
  EXPECT_EQ(s.producer, "fedpet 0.1.0");
  EXPECT_EQ(s.scannedAt, WallClock(local_days{2026y / November / 24} + 11h));
  EXPECT_EQ(s.lesionDefinition, a.lesionDefinition);
  expectSame(s.tmtvMl, 3.15, "TMTV");  // three lesions of seven voxels of 0.15 ml
  expectSame(s.tlgG, 16.5375, "TLG");
  EXPECT_EQ(s.lesionCount, 3);
  expectSame(s.suvMax, 1.8 * 5.5, "SUVmax of the hottest");
  expectSame(s.sulPeak, 5.1, "SULpeak of the hottest");
  EXPECT_EQ(s.percist, MetabolicResponse::Progressive);
  EXPECT_EQ(s.iPercist, MetabolicResponse::UnconfirmedProgressive);
  EXPECT_EQ(prior.frameOfReferenceUid, a.series.frameOfReferenceUid);
  EXPECT_EQ(prior.uptakeMinutes, 60);
  EXPECT_EQ(prior.scannerModel, "ACME Scanner 1");
  EXPECT_EQ(prior.reference, Organ::Liver);
  expectSame(prior.referenceSulMean, 1.43, "reference mean");
  expectSame(prior.referenceSulSd, 0.14, "reference SD");
  expectSame(prior.percistThreshold, 2.425, "threshold");
}

TEST(PriorStudyReader, GivesBackTheLabelsOfOurSegmentation) {
  const AssessedStudy study = followUp();
  const PriorStudy prior = readBack(study);
  const LabelVolume &read = prior.labels, &written = study.regions;
  ASSERT_FALSE(read.labels.empty());
  EXPECT_EQ(read.geometry.size[0], written.geometry.size[0]);
  EXPECT_EQ(read.geometry.size[1], written.geometry.size[1]);
  // An SEG holds the slices that have something; all voxels outside must have had no label.
  const int first = static_cast<int>(std::lround(
      (read.geometry.originMm[2] - written.geometry.originMm[2]) / written.geometry.spacingMm[2]));
  std::size_t inside = 0;
  for (int k = 0; k < read.geometry.size[2]; ++k)
    for (int j = 0; j < read.geometry.size[1]; ++j)
      for (int i = 0; i < read.geometry.size[0]; ++i) {
        const std::uint16_t was = written.labels[written.geometry.offset(i, j, k + first)];
        ASSERT_EQ(read.labels[read.geometry.offset(i, j, k)], was) << i << ' ' << j << ' ' << k;
        inside += was != 0;
      }
  EXPECT_EQ(inside, written.labels.size() - static_cast<std::size_t>(std::count(
                                                written.labels.begin(), written.labels.end(), 0)));
  for (std::size_t i = 0; i < prior.regions.size(); ++i)
    EXPECT_EQ(prior.regions[i].label, study.assessment.regions[i].label);
}

TEST(PriorStudyReader, OfARefusedFollowUpHasNoCategoryAndNoReference) {
  AssessedStudy study = anAssessment().study();
  study.assessment = testing::asRefusedFollowUp(std::move(study.assessment));
  dicom::assignIdentity(study.assessment);
  const PriorStudy prior = readBack(study);
  EXPECT_FALSE(prior.summary.percist.has_value());
  EXPECT_FALSE(prior.summary.iPercist.has_value());
  EXPECT_FALSE(prior.referenceSulMean.has_value());
  EXPECT_FALSE(prior.percistThreshold.has_value());
  EXPECT_TRUE(prior.summary.tmtvMl.has_value());
  EXPECT_THAT(prior.warnings, IsEmpty());
}

TEST(PriorStudyReader, OfALesionFreeStudyHasATumourVolumeOfZero) {
  AssessedStudy study = anAssessment().withLesions(0).study();
  dicom::assignIdentity(study.assessment);
  const PriorStudy prior = readBack(study);
  EXPECT_EQ(prior.summary.tmtvMl, 0.0);
  EXPECT_EQ(prior.summary.lesionCount, 0);
  EXPECT_FALSE(prior.summary.suvMax.has_value());
  EXPECT_EQ(prior.summary.lesionDefinition, study.assessment.lesionDefinition);
}

TEST(PriorStudyReader, LeavesASharedVoxelToTheFirstRegionAndSaysSo) {
  const AssessedStudy study = followUp();
  const dicom::Report report = dicom::readReport(dicom::writeStructuredReport(study.assessment));
  dicom::SegmentationMask mask = dicom::readSegmentation(*dicom::writeSegmentation(study));
  mask.segments[1].frames[0] = mask.segments[0].frames[0];  // the liver also where the brain is
  const PriorStudy prior = toPriorStudy(report, mask);
  const auto& frame = mask.segments[0].frames[0];
  const std::size_t first = mask.geometry.offset(0, 0, frame.slice);
  for (std::size_t p = 0; p < frame.pixels.size(); ++p)
    if (frame.pixels[p] != 0) {
      EXPECT_EQ(prior.labels.labels[first + p], 1);
    }
  const auto shared = std::accumulate(frame.pixels.begin(), frame.pixels.end(), 0);
  EXPECT_THAT(prior.warnings, ElementsAre(HasSubstr("'Liver reference region' of the report: " +
                                                    std::to_string(shared) + " voxels")));
}

TEST(PriorStudyReader, DoesNotUseASegmentationThatIsNotTheReports) {
  const AssessedStudy study = followUp();
  const dicom::Report report = dicom::readReport(dicom::writeStructuredReport(study.assessment));
  dicom::SegmentationMask mask = dicom::readSegmentation(*dicom::writeSegmentation(study));
  mask.sopInstanceUid += "1";
  PriorStudy prior = toPriorStudy(report, mask);
  EXPECT_TRUE(prior.labels.labels.empty());
  EXPECT_EQ(prior.regions[0].label, 0);
  EXPECT_THAT(prior.warnings, ElementsAre(HasSubstr("does not refer to this segmentation")));

  mask = dicom::readSegmentation(*dicom::writeSegmentation(study));
  mask.frameOfReferenceUid += "1";
  prior = toPriorStudy(report, mask);
  EXPECT_TRUE(prior.labels.labels.empty());
  EXPECT_THAT(prior.warnings, ElementsAre(HasSubstr("another frame of reference")));
}

TEST(PriorStudyReader, DoesWithoutASegmentationThatIsBroken) {
  const AssessedStudy study = followUp();
  Bytes seg = *dicom::writeSegmentation(study);
  seg.resize(seg.size() / 2);
  const PriorStudy prior = readPriorStudy(dicom::writeStructuredReport(study.assessment), seg);
  EXPECT_EQ(prior.regions.size(), study.assessment.regions.size());
  EXPECT_TRUE(prior.labels.labels.empty());
  EXPECT_THAT(prior.warnings, ElementsAre(HasSubstr("segmentation is not used")));
  EXPECT_THROW(readPriorStudy(Bytes(10)), dicom::DicomError);
}

// --- never a guess ------------------------------------------------------------------------------

// One group about a lesion, with these numbers.
dicom::Report aLesion(std::vector<dicom::ReportNumber> numbers) {
  dicom::Report report;
  dicom::ReportGroup group;
  group.trackingId = "L1";
  group.hasRegion = true;
  group.finding = Code{"M-80003", "SRT", "Neoplasm, Primary"};
  group.numbers = std::move(numbers);
  report.groups.push_back(group);
  return report;
}

dicom::ReportNumber suvMax(double value, const std::string& unit) {
  dicom::ReportNumber number;
  number.name = {"126401", "DCM", "SUVbw"};
  number.derivation = Code{"G-A437", "SRT", "Maximum"};
  number.value = value;
  number.unit = {unit, "UCUM", ""};
  return number;
}

dicom::ReportNumber volume(double value, const std::string& unit) {
  dicom::ReportNumber number;
  number.name = {"G-D705", "SRT", "Volume"};
  number.value = value;
  number.unit = {unit, "UCUM", ""};
  return number;
}

const PriorRegion& only(const PriorStudy& prior) { return prior.regions.at(0); }

TEST(PriorStudyReader, TakesEveryFormOfAUnitThatMeansTheSame) {
  for (const char* unit : {"g/ml{SUVbw}", "{SUVbw}g/ml", "g/ml"})
    EXPECT_EQ(only(toPriorStudy(aLesion({suvMax(9.5, unit)}), {})).suvMax, 9.5) << unit;
  for (const auto& [unit, value] :
       {std::pair{"ml", 2.5}, {"mL", 2.5}, {"cm3", 2.5}, {"mm3", 2500.0}, {"l", 0.0025}})
    EXPECT_DOUBLE_EQ(*only(toPriorStudy(aLesion({volume(value, unit)}), {})).volumeMl, 2.5) << unit;
}

TEST(PriorStudyReader, RefusesAUnitThatItDoesNotUnderstand) {
  const PriorStudy prior = toPriorStudy(aLesion({suvMax(9.5, "Bq/ml"), volume(3, "[pt_us]")}), {});
  EXPECT_FALSE(only(prior).suvMax.has_value());
  EXPECT_FALSE(only(prior).volumeMl.has_value());
  EXPECT_THAT(prior.warnings, Contains(HasSubstr("'Bq/ml'")));
  EXPECT_THAT(prior.warnings, Contains(HasSubstr("'[pt_us]'")));
}

TEST(PriorStudyReader, TakesNoneOfTwoValuesThatDiffer) {
  PriorStudy prior = toPriorStudy(aLesion({suvMax(9.5, "g/ml"), suvMax(9.6, "g/ml")}), {});
  EXPECT_FALSE(only(prior).suvMax.has_value());
  EXPECT_THAT(prior.warnings, Contains(HasSubstr("different values")));
  prior = toPriorStudy(aLesion({suvMax(9.5, "g/ml"), suvMax(9.5, "g/ml{SUVbw}")}), {});
  EXPECT_EQ(only(prior).suvMax, 9.5);
}

TEST(PriorStudyReader, TakesNoLeanBodyMassOfAnotherFormulaForJanmahasatians) {
  dicom::ReportNumber peak = suvMax(4, "g/ml{SUVlbm}");
  peak.name = {"126402", "DCM", "SUVlbm"};
  peak.derivation = Code{"126031", "DCM", "Peak Value Within ROI"};
  EXPECT_FALSE(only(toPriorStudy(aLesion({peak}), {})).sulPeak.has_value());
  EXPECT_THAT(toPriorStudy(aLesion({peak}), {}).warnings, Contains(HasSubstr("SUVlbm")));
  peak.method = Code{"126414", "DCM", "Janmahasatian"};
  EXPECT_EQ(only(toPriorStudy(aLesion({peak}), {})).sulPeak, 4);
}

TEST(PriorStudyReader, AddsNoTotalThatTheReportDoesNotGive) {
  const PriorStudy prior = toPriorStudy(aLesion({volume(3, "ml")}), {});
  EXPECT_FALSE(prior.summary.tmtvMl.has_value());
  EXPECT_FALSE(prior.summary.lesionCount.has_value());
  EXPECT_THAT(prior.warnings, Contains(HasSubstr("no total tumour volume")));
}

TEST(PriorStudyReader, TellsAnOrganFromAFindingInIt) {
  dicom::Report report = aLesion({volume(1500, "ml")});
  report.groups[0].finding = Code{"T-D0060", "SRT", "Organ"};
  report.groups[0].findingSites = {{"T-62000", "SRT", "Liver"}};
  PriorStudy prior = toPriorStudy(report, {});
  EXPECT_EQ(only(prior).organ, Organ::Liver);
  EXPECT_EQ(only(prior).role, RegionRole::Reference);

  report.groups[0].finding = Code{"10200004", "SCT", "Liver"};
  report.groups[0].findingSites.clear();
  EXPECT_EQ(only(toPriorStudy(report, {})).organ, Organ::Liver);

  report.groups[0].finding = Code{"27925004", "SCT", "Nodule"};  // in the liver, but not the liver
  report.groups[0].findingSites = {{"10200004", "SCT", "Liver"}};
  prior = toPriorStudy(report, {});
  EXPECT_THAT(prior.regions, IsEmpty());
  EXPECT_THAT(prior.warnings, Contains(HasSubstr("neither a lesion nor an organ")));

  report.groups[0].finding = Code{"52988006", "SCT", "Lesion"};
  prior = toPriorStudy(report, {});
  EXPECT_EQ(only(prior).role, RegionRole::Lesion);
  EXPECT_FALSE(only(prior).organ.has_value());
}

dicom::ReportItem described(const Code& name, const std::string& text, const Code& code = {}) {
  dicom::ReportItem item;
  item.name = name;
  item.text = text;
  item.code = code;
  return item;
}

// An image of a library whose descriptors stand below each image, as highdicom writes them.
dicom::ReportItem anImage(const std::string& modality, const std::string& time) {
  dicom::ReportItem image;
  image.valueType = "IMAGE";
  image.children = {described({"121139", "DCM", "Modality"}, "", {modality, "DCM", ""}),
                    described({"126201", "DCM", "Acquisition Date"}, "20260301"),
                    described({"126202", "DCM", "Acquisition Time"}, time)};
  return image;
}

TEST(PriorStudyReader, AsksThePetImagesOfTheLibraryWhenTheyWereAcquired) {
  using namespace std::chrono;
  dicom::Report report = aLesion({});
  report.header.studyAt = local_days{2026y / February / 28};
  report.imageLibrary = {{{}, {anImage("CT", "090000")}},
                         {{}, {anImage("PT", "101500"), anImage("PT", "101500")}}};
  EXPECT_EQ(toPriorStudy(report, {}).summary.scannedAt,
            WallClock(local_days{2026y / March / 1} + 10h + 15min));

  report.imageLibrary[1].images[1] = anImage("PT", "101800");  // another bed
  PriorStudy prior = toPriorStudy(report, {});
  EXPECT_EQ(prior.summary.scannedAt, WallClock(local_days{2026y / February / 28}));
  EXPECT_THAT(prior.warnings, Contains(HasSubstr("time of its study is taken")));

  report.imageLibrary.pop_back();  // a CT's time is not the PET's
  prior = toPriorStudy(report, {});
  EXPECT_EQ(prior.summary.scannedAt, WallClock(local_days{2026y / February / 28}));
  EXPECT_THAT(prior.warnings, Contains(HasSubstr("which images are the PET")));
}

// --- other people's -----------------------------------------------------------------------------

// The numbers of the data's README; 795 voxels as pydicom counts them.
TEST(PriorStudyReader, MakesAPriorOfTheIowaReportAndItsSegmentation) {
  FEDPET_NEED_TEST_DATA("peers");
  using namespace std::chrono;
  const auto folder = testing::testDataFolder() / "peers/dcmqi-iowa-qin-hn-0003";
  const PriorStudy prior =
      readPriorStudy(testing::fileBytes(folder / "sr.dcm"), testing::fileBytes(folder / "seg.dcm"));
  const PriorRegion& tumour = only(prior);
  EXPECT_EQ(tumour.role, RegionRole::Lesion);
  EXPECT_EQ(tumour.trackingId, "primary tumor");
  EXPECT_DOUBLE_EQ(*tumour.suvMean, 6.01529);
  EXPECT_DOUBLE_EQ(*tumour.suvMax, 10.3814);
  EXPECT_DOUBLE_EQ(*tumour.suvPeak, 9.45534);
  EXPECT_DOUBLE_EQ(*tumour.volumeMl, 33.5824);
  EXPECT_DOUBLE_EQ(*tumour.glycolysisG, 202.008);
  EXPECT_FALSE(tumour.sulPeak.has_value());
  EXPECT_EQ(tumour.label, 1);
  EXPECT_EQ(std::count(prior.labels.labels.begin(), prior.labels.labels.end(), 1), 795);
  // The voxels and the volume were written by two programs and belong together.
  EXPECT_NEAR(795 * prior.labels.geometry.voxelVolumeMl(), 33.5824, 0.001);
  EXPECT_EQ(prior.summary.producer, "https://github.com/QIICR/Iowa2DICOM.git 08a9a52");
  EXPECT_EQ(prior.summary.scannedAt,
            WallClock(local_days{1986y / March / 11} + 11h + 54min + 58s + 791ms));
  EXPECT_DOUBLE_EQ(*prior.summary.suvMax, 10.3814);
  EXPECT_FALSE(prior.summary.tmtvMl.has_value());
  EXPECT_FALSE(prior.uptakeMinutes.has_value());
  EXPECT_EQ(prior.frameOfReferenceUid,
            "1.3.6.1.4.1.14519.5.2.1.2744.7002.251810428873134458890815509055");
  EXPECT_THAT(prior.warnings, Contains(HasSubstr("25th Percentile Value")));
  EXPECT_THAT(prior.warnings, Not(Contains(HasSubstr("unit"))));
}

TEST(PriorStudyReader, MakesNoLesionOfAReportWithoutOne) {
  FEDPET_NEED_TEST_DATA("peers");
  const PriorStudy prior =
      toPriorStudy(dicom::readReport(testing::testDataFolder() /
                                     "peers/highdicom-sr_document_with_multiple_groups.dcm"),
                   {});
  EXPECT_THAT(prior.regions, IsEmpty());
  EXPECT_FALSE(prior.summary.suvMax.has_value());
  EXPECT_EQ(
      std::count_if(prior.warnings.begin(), prior.warnings.end(),
                    [](const std::string& w) { return w.find("left out") != std::string::npos; }),
      3);  // nodule, aorta, vertebra
}

}  // namespace
}  // namespace fedpet
