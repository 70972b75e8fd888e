#include "dicom/DicomError.h"
#include "dicom/EncapsulatedPdf.h"
#include "dicom/ResultIdentity.h"
#include "dicom/StructuredReport.h"
#include "report/Pdf.h"
#include "tests/report/SomeMip.h"
#include "tests/dicom/WrittenObject.h"
#include "tests/support/AssessmentBuilder.h"
#include "tests/support/DicomJudges.h"
#include "tests/support/TemporaryDirectory.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

namespace fedpet::dicom {
namespace {

using fedpet::testing::anAssessment;
using fedpet::testing::TemporaryDirectory;
using testing::save;
using testing::text;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::byte> bytesOf(const std::string& text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

ResponseAssessment identified(const fedpet::testing::AssessmentBuilder& builder) {
  ResponseAssessment a = builder.build();
  assignIdentity(a);
  if (a.identity.pdfSopInstanceUid.empty()) {  // none is assigned to a refused study
    a.identity.pdfSeriesUid = "2.25.4711900001";
    a.identity.pdfSopInstanceUid = "2.25.4711900002";
  }
  return a;
}

// 17 bytes: an odd length, which DICOM pads.
const std::string kOddPdf = "%PDF-1.5\n%%EOF\n\n\n";

TEST(EncapsulatedPdf, KeepsTheDocumentByteForByte) {
  ASSERT_EQ(kOddPdf.size() % 2, 1U);
  const TemporaryDirectory folder;
  const auto path =
      save(folder, "pdf.dcm", writeEncapsulatedPdf(identified(anAssessment()), bytesOf(kOddPdf)));
  DcmFileFormat file;
  ASSERT_TRUE(file.loadFile(path.c_str()).good());
  DcmDataset& dataset = *file.getDataset();
  const Uint8* document = nullptr;
  unsigned long size = 0;
  ASSERT_TRUE(dataset.findAndGetUint8Array(DCM_EncapsulatedDocument, document, &size).good());
  Uint32 length = 0;
  ASSERT_TRUE(dataset.findAndGetUint32(DCM_EncapsulatedDocumentLength, length).good());
  ASSERT_EQ(length, kOddPdf.size());
  ASSERT_EQ(size, kOddPdf.size() + 1);
  EXPECT_EQ(std::memcmp(document, kOddPdf.data(), kOddPdf.size()), 0);
  EXPECT_EQ(document[size - 1], 0);
}

TEST(EncapsulatedPdf, BelongsToTheStudyAndNamesItsSources) {
  const ResponseAssessment a = identified(anAssessment());
  const TemporaryDirectory folder;
  const auto path = save(folder, "pdf.dcm", writeEncapsulatedPdf(a, bytesOf(kOddPdf)));
  DcmFileFormat file;
  ASSERT_TRUE(file.loadFile(path.c_str()).good());
  DcmDataset& dataset = *file.getDataset();
  EXPECT_EQ(text(dataset, DCM_SOPClassUID), UID_EncapsulatedPDFStorage);
  EXPECT_EQ(text(dataset, DCM_StudyInstanceUID), a.series.study.studyInstanceUid);
  EXPECT_EQ(text(dataset, DCM_SeriesInstanceUID), a.identity.pdfSeriesUid);
  EXPECT_EQ(text(dataset, DCM_SOPInstanceUID), a.identity.pdfSopInstanceUid);
  EXPECT_EQ(text(dataset, DCM_Modality), "DOC");
  EXPECT_EQ(text(dataset, DCM_MIMETypeOfEncapsulatedDocument), "application/pdf");
  EXPECT_EQ(text(dataset, DCM_BurnedInAnnotation), "YES");
  EXPECT_EQ(text(dataset, DCM_VerificationFlag), "UNVERIFIED");
  EXPECT_THAT(text(dataset, DCM_DocumentTitle), HasSubstr("research use only"));
  std::vector<std::string> sources;
  for (signed long n = 0; n < 3; ++n) {
    DcmItem* item = nullptr;
    if (dataset.findAndGetSequenceItem(DCM_SourceInstanceSequence, item, n).good())
      sources.push_back(text(*item, DCM_ReferencedSOPInstanceUID));
  }
  EXPECT_EQ(sources,
            (std::vector<std::string>{a.identity.srSopInstanceUid, a.identity.segSopInstanceUid}));
}

TEST(EncapsulatedPdf, RefusesWhatIsNoPdfOrHasNoIdentity) {
  ResponseAssessment a = identified(anAssessment());
  EXPECT_THROW(writeEncapsulatedPdf(a, bytesOf("<html>")), DicomError);
  EXPECT_THROW(writeEncapsulatedPdf(a, {}), DicomError);
  a.identity.pdfSopInstanceUid.clear();
  EXPECT_THROW(writeEncapsulatedPdf(a, bytesOf(kOddPdf)), DicomError);
}

// The real report, of a complete study, of a refused one and of a patient whose name is not ASCII.
TEST(EncapsulatedPdf, IsFoundFaultlessByDciodvfy) {
  const TemporaryDirectory folder;
  for (const auto& builder : {anAssessment(), anAssessment().withPatientName("Zo\u00eb^\u0141ucja"),
                              anAssessment().refused(RefusalCode::DoseMissing, "no dose")}) {
    const ResponseAssessment a = identified(builder);
    const auto path =
        save(folder, "pdf.dcm",
             writeEncapsulatedPdf(a, report::writePdf(a, fedpet::testing::someMip(a))));
    const auto errors = fedpet::testing::dciodvfyErrors(path);
    if (!errors) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
    EXPECT_THAT(*errors, IsEmpty());
  }
}

TEST(EncapsulatedPdf, AgreesWithTheStructuredReportOnPatientAndStudy) {
  const TemporaryDirectory folder;
  const ResponseAssessment a = identified(anAssessment());
  const auto complaints = fedpet::testing::dcentvfyComplaints(
      {save(folder, "sr.dcm", writeStructuredReport(a)),
       save(folder, "pdf.dcm", writeEncapsulatedPdf(a, bytesOf(kOddPdf)))});
  if (!complaints) GTEST_SKIP() << "dcentvfy (package dicom3tools) is not installed";
  // dcentvfy's table has the accession number in the series of documents and the study of reports.
  for (const std::string& line : *complaints)
    EXPECT_NE(line.find("Element=<AccessionNumber> IE <"), std::string::npos) << line;
}

TEST(EncapsulatedPdf, IsTheSameForTheSameInput) {
  const ResponseAssessment a = identified(anAssessment());
  EXPECT_EQ(writeEncapsulatedPdf(a, bytesOf(kOddPdf)), writeEncapsulatedPdf(a, bytesOf(kOddPdf)));
}

}  // namespace
}  // namespace fedpet::dicom
