#include "dicom/DicomError.h"
#include "dicom/MipCapture.h"
#include "dicom/ResultIdentity.h"
#include "dicom/StructuredReport.h"
#include "report/Cine.h"
#include "tests/report/SomeMip.h"
#include "tests/dicom/WrittenObject.h"
#include "tests/support/AssessmentBuilder.h"
#include "tests/support/DicomJudges.h"
#include "tests/support/TemporaryDirectory.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace fedpet::dicom {
namespace {

using fedpet::testing::anAssessment;
using fedpet::testing::TemporaryDirectory;
using testing::save;
using testing::text;
using ::testing::IsEmpty;

ResponseAssessment identified() {
  ResponseAssessment a = anAssessment().build();
  assignIdentity(a);
  return a;
}

// Odd in size, with runs and without: every case of the compression.
CineLoop someLoop() {
  CineLoop loop{7, 5, 1.25, 0.1, "Maximum intensity projection", {}};
  for (int n = 0; n < 3; ++n) {
    std::vector<std::uint8_t> frame;
    for (int p = 0; p < 35; ++p)
      frame.push_back(static_cast<std::uint8_t>(p < 20 ? 255 : 37 * p + n));
    loop.frames.push_back(std::move(frame));
  }
  return loop;
}

TEST(MipCapture, UnpacksToTheFramesThatWentIn) {
  const CineLoop loop = someLoop();
  const TemporaryDirectory folder;
  DcmFileFormat file;
  ASSERT_TRUE(
      file.loadFile(save(folder, "mip.dcm", writeMipCapture(identified(), loop)).c_str()).good());
  DcmDataset& dataset = *file.getDataset();
  EXPECT_EQ(dataset.getOriginalXfer(), EXS_JPEGProcess14SV1);
  ASSERT_TRUE(dataset.chooseRepresentation(EXS_LittleEndianExplicit, nullptr).good());
  const Uint8* pixels = nullptr;
  unsigned long size = 0;
  ASSERT_TRUE(dataset.findAndGetUint8Array(DCM_PixelData, pixels, &size).good());
  std::vector<std::uint8_t> expected;
  for (const auto& frame : loop.frames) expected.insert(expected.end(), frame.begin(), frame.end());
  ASSERT_GE(size, expected.size());
  EXPECT_EQ(std::vector<std::uint8_t>(pixels, pixels + expected.size()), expected);
}

TEST(MipCapture, IsALoopInMillimetresOfThisStudy) {
  const ResponseAssessment a = identified();
  const TemporaryDirectory folder;
  DcmFileFormat file;
  ASSERT_TRUE(
      file.loadFile(save(folder, "mip.dcm", writeMipCapture(a, someLoop())).c_str()).good());
  DcmDataset& dataset = *file.getDataset();
  for (const auto& [tag, value] : std::vector<std::pair<DcmTagKey, std::string>>{
           {DCM_SOPClassUID, UID_MultiframeGrayscaleByteSecondaryCaptureImageStorage},
           {DCM_StudyInstanceUID, a.series.study.studyInstanceUid},
           {DCM_SeriesInstanceUID, a.identity.mipSeriesUid},
           {DCM_SOPInstanceUID, a.identity.mipSopInstanceUid},
           {DCM_Modality, "OT"},
           {DCM_NumberOfFrames, "3"},
           {DCM_FrameTime, "100"},
           {DCM_PixelSpacing, "1.25\\1.25"},
           {DCM_BurnedInAnnotation, "YES"},
           {DCM_DerivationDescription, "Maximum intensity projection"},
           {DCM_LossyImageCompression, "00"}})
    EXPECT_EQ(text(dataset, tag), value) << tag;
  DcmItem* source = nullptr;
  ASSERT_TRUE(dataset.findAndGetSequenceItem(DCM_SourceImageSequence, source, 39).good());
  EXPECT_EQ(text(*source, DCM_ReferencedSOPInstanceUID), a.series.slices.at(39).sopInstanceUid);
}

TEST(MipCapture, RefusesFramesThatDoNotFitOrHaveNoIdentity) {
  ResponseAssessment a = identified();
  CineLoop loop = someLoop();
  loop.frames[1].pop_back();
  EXPECT_THROW(writeMipCapture(a, loop), DicomError);
  EXPECT_THROW(writeMipCapture(a, {}), DicomError);
  a.identity.mipSopInstanceUid.clear();
  EXPECT_THROW(writeMipCapture(a, someLoop()), DicomError);
}

TEST(MipCapture, IsFoundFaultlessByDciodvfyAndConsistentByDcentvfy) {
  const ResponseAssessment a = identified();
  const TemporaryDirectory folder;
  const auto mip =
      save(folder, "mip.dcm", writeMipCapture(a, report::mipCine(a, fedpet::testing::someMip(a))));
  const auto errors = fedpet::testing::dciodvfyErrors(mip);
  if (!errors) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
  EXPECT_THAT(*errors, IsEmpty());
  const auto complaints =
      fedpet::testing::dcentvfyComplaints({save(folder, "sr.dcm", writeStructuredReport(a)), mip});
  // dcentvfy's table has the accession number in the series of images and the study of reports.
  for (const std::string& line : *complaints)
    EXPECT_NE(line.find("Element=<AccessionNumber> IE <"), std::string::npos) << line;
}

TEST(MipCapture, IsTheSameForTheSameInput) {
  EXPECT_EQ(writeMipCapture(identified(), someLoop()), writeMipCapture(identified(), someLoop()));
}

}  // namespace
}  // namespace fedpet::dicom
