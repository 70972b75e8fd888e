// SR and SEG before judges that are not ours. Slow (PixelMed is a large Java program), hence a
// test program of its own.
#include "dicom/PetSeriesReader.h"
#include "dicom/ResultIdentity.h"
#include "dicom/Segmentation.h"
#include "dicom/StructuredReport.h"
#include "tests/dicom/FollowUpSample.h"
#include "tests/support/AssessmentBuilder.h"
#include "tests/support/DicomJudges.h"
#include "tests/support/PetSeriesFiles.h"
#include "tests/support/TemporaryDirectory.h"
#include "tests/support/TestData.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace fedpet {
namespace {

using dicom::assignIdentity;
using dicom::writeSegmentation;
using dicom::writeStructuredReport;
using testing::anAssessment;
using testing::AssessmentBuilder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::TemporaryDirectory;

void save(const std::filesystem::path& path, const std::vector<std::byte>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

// The sample assessment of a PET series that exists as files.
struct WrittenStudy {
  std::filesystem::path pet, sr, seg;  // seg is empty where there is none
};

// A sample: the builder's study, or what a follow-up makes of it.
struct Shape {
  AssessmentBuilder builder;
  ResponseAssessment (*change)(ResponseAssessment) = nullptr;
};

// The sample's regions on the grid of another series: one voxel a region, in turn.
AssessedStudy onSeries(const Shape& shape, const PetSeries& series) {
  AssessedStudy study = shape.builder.study();
  if (shape.change != nullptr) study.assessment = shape.change(std::move(study.assessment));
  study.assessment.series = series;
  study.regions.geometry = series.geometry;
  study.regions.labels.assign(series.geometry.voxelCount(), 0);
  for (std::size_t i = 0; i < study.assessment.regions.size(); ++i)
    study.regions.labels[i] = study.assessment.regions[i].label;
  assignIdentity(study.assessment);
  return study;
}

void saveResults(WrittenStudy& files, const std::filesystem::path& folder,
                 const AssessedStudy& study) {
  save(files.sr = folder / "sr.dcm", writeStructuredReport(study.assessment));
  if (const auto seg = writeSegmentation(study)) save(files.seg = folder / "seg.dcm", *seg);
}

WrittenStudy write(const std::filesystem::path& folder, const Shape& shape) {
  const auto pet = testing::dicomFiles(testing::aPetSeries()
                                           .writing(dicom::tags::kStudyId, "S1")
                                           .writing(dicom::tags::kReferringPhysicianName, "A^B"));
  WrittenStudy files;
  save(files.pet = folder / "pet.dcm", pet.front().bytes);
  const auto series = dicom::readPetSeries(pet);
  EXPECT_TRUE(series.has_value());
  if (series) saveResults(files, folder, onSeries(shape, *series));
  return files;
}

// Assessments that differ in shape, for the judges.
std::vector<std::pair<std::string, Shape>> shapes() {
  return {{"full", {anAssessment()}},
          {"follow-up", {anAssessment(), testing::asFollowUp}},
          {"refused follow-up", {anAssessment(), testing::asRefusedFollowUp}},
          {"without lesions", {anAssessment().withLesions(0)}},
          {"many lesions", {anAssessment().withLesions(100)}},
          {"without liver", {anAssessment().withoutOrgan(Organ::Liver)}},
          {"refused predictions",
           {anAssessment().withRefusedPredictions(RefusalCode::OutOfDistribution, "TMTV")}},
          {"refused", {anAssessment().refused(RefusalCode::NotDecayCorrected, "NONE")}},
          {"non-ASCII", {anAssessment().withPatientName("Zoë^Łucja")}}};
}

TEST(StructuredReportJudges, DciodvfyFindsNoErrorInReportOrSegmentation) {
  for (const auto& [name, shape] : shapes()) {
    SCOPED_TRACE(name);
    const TemporaryDirectory folder;
    const WrittenStudy files = write(folder.path(), shape);
    const auto errors = testing::dciodvfyErrors(files.sr);
    if (!errors) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
    EXPECT_THAT(*errors, IsEmpty());
    if (!files.seg.empty()) {
      EXPECT_THAT(*testing::dciodvfyErrors(files.seg), IsEmpty());
    }
  }
}

// dcentvfy's own table puts AccessionNumber into the series of images and the study of reports; it
// says the same of every SR beside an image (dcmqi's published pair, for example).
testing::Lines realComplaints(const testing::Lines& complaints) {
  testing::Lines real;
  std::copy_if(complaints.begin(), complaints.end(), std::back_inserter(real),
               [](const std::string& line) {
                 return line.find("Element=<AccessionNumber> IE <") == std::string::npos;
               });
  return real;
}

TEST(StructuredReportJudges, DcentvfyFindsPatientAndStudyConsistent) {
  const TemporaryDirectory folder;
  const WrittenStudy files = write(folder.path(), {anAssessment(), testing::asFollowUp});
  const auto complaints = testing::dcentvfyComplaints({files.pet, files.sr, files.seg});
  if (!complaints) GTEST_SKIP() << "dcentvfy (package dicom3tools) is not installed";
  EXPECT_THAT(realComplaints(*complaints), IsEmpty());
}

// What PixelMed (20220618) says that the standard does not:
bool pixelMedIsWrong(const std::string& line) {
  // It applies TID 1411 to every Measurement Group as soon as one group refers to a segment, though
  // rows 8 and 9 of TID 1500 let TID 1411 and 1501 stand side by side; groups of TID 1501 then
  // "miss" the region that TID 1411 asks for.
  for (const char* row : {"[Row 5] SCOORD (111030,DCM,\"Image Region\")",
                          "[Row 7] IMAGE (121191,DCM,\"Referenced Segment\")",
                          "[Row 10] SCOORD3D (121231,DCM,\"Volume Surface\")"})
    if (line.find(row) != std::string::npos &&
        line.find("Missing conditional content item") != std::string::npos)
      return true;
  return false;
}

testing::Lines realErrors(const testing::Lines& errors) {
  testing::Lines real;
  std::copy_if(errors.begin(), errors.end(), std::back_inserter(real),
               [](const std::string& line) { return !pixelMedIsWrong(line); });
  return real;
}

// One report with everything: regions, missing ones, numbers given and refused, predictions
// given and refused.
TEST(StructuredReportJudges, PixelMedFindsNoErrorThatIsReal) {
  ResponseAssessment a =
      testing::asFollowUp(anAssessment().withLesions(2).withoutOrgan(Organ::Liver).build());
  a.predictions[1].result =
      tl::make_unexpected(Refusal{RefusalCode::InputMissing, "SLR was refused"});
  a.predictions[2].result = tl::make_unexpected(  // a code of more than 16 characters
      Refusal{RefusalCode::OutOfDistribution, "TMTV 4200 ml"});
  for (ResponsePrediction& p : a.predictions)
    if (!p.result) p.contributions.clear();
  assignIdentity(a);
  const TemporaryDirectory folder;
  save(folder.path() / "sr.dcm", writeStructuredReport(a));
  const auto errors = testing::pixelMedErrors(folder.path() / "sr.dcm");
  if (!errors) GTEST_SKIP() << "PixelMed (package libpixelmed-java) is not installed";
  EXPECT_THAT(realErrors(*errors), IsEmpty());
}

TEST(StructuredReportJudges, PixelMedFindsNoErrorInTheReportOfARefusedStudy) {
  const TemporaryDirectory folder;
  const auto files =
      write(folder.path(), {anAssessment().refused(RefusalCode::DoseMissing, "no dose")});
  const auto errors = testing::pixelMedErrors(files.sr);
  if (!errors) GTEST_SKIP() << "PixelMed (package libpixelmed-java) is not installed";
  EXPECT_THAT(*errors, IsEmpty());
}

TEST(StructuredReportJudges, DsrdumpReadsItWithoutComplaint) {
  const TemporaryDirectory folder;
  const auto dump =
      testing::dumpedContent(write(folder.path(), {anAssessment(), testing::asFollowUp}).sr);
  if (!dump) GTEST_SKIP() << "dsrdump (package dcmtk) is not installed";
  EXPECT_THAT(*dump, HasSubstr("(126003,DCM,\"PET Measurement Report\")"));
  EXPECT_THAT(*dump, Not(HasSubstr("invalid")));
  EXPECT_THAT(*dump, Not(HasSubstr("E: ")));
}

// A real scanner's header: 267 slices, implicit VR, no optional attribute of ours guaranteed.
TEST(StructuredReportJudges, DciodvfyAcceptsTheResultsOfARealSeries) {
  FEDPET_NEED_TEST_DATA("sts-001-ge-wb");
  const auto series =
      dicom::readPetSeriesFromDirectory(testing::testDataFolder() / "sts-001-ge-wb" / "PT");
  ASSERT_TRUE(series.has_value());
  const TemporaryDirectory folder;
  WrittenStudy files;
  saveResults(files, folder.path(), onSeries({anAssessment(), testing::asFollowUp}, *series));
  const auto errors = testing::dciodvfyErrors(files.sr);
  if (!errors) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
  EXPECT_THAT(*errors, IsEmpty());
  EXPECT_THAT(*testing::dciodvfyErrors(files.seg), IsEmpty());
}

// De-identified, with "71.0" as weight and an empty history: the results repeat all of it. Three
// slices stand for all, which have the same patient and study attributes.
TEST(StructuredReportJudges, DcentvfyFindsTheResultsOfARealSeriesConsistentWithIt) {
  FEDPET_NEED_TEST_DATA("sts-001-ge-wb");
  const auto pet = testing::testDataFolder() / "sts-001-ge-wb" / "PT";
  const auto series = dicom::readPetSeriesFromDirectory(pet);
  ASSERT_TRUE(series.has_value());
  const TemporaryDirectory folder;
  WrittenStudy files;
  saveResults(files, folder.path(), onSeries({anAssessment(), testing::asFollowUp}, *series));
  const auto complaints = testing::dcentvfyComplaints(
      {pet / "1-001.dcm", pet / "1-002.dcm", pet / "1-267.dcm", files.sr, files.seg});
  if (!complaints) GTEST_SKIP() << "dcentvfy (package dicom3tools) is not installed";
  testing::Lines ofResults;  // what the source's slices say against each other is not ours
  for (const std::string& line : realComplaints(*complaints))
    if (line.find(folder.path().string()) != std::string::npos ||
        line.find("for file") == std::string::npos)
      ofResults.push_back(line);
  EXPECT_THAT(ofResults, IsEmpty());
}

}  // namespace
}  // namespace fedpet
