#include "dicom/EncapsulatedPdf.h"

#include "dicom/Codes.h"
#include "dicom/DicomError.h"
#include "dicom/DicomFile.h"
#include "dicom/ResultHeader.h"
#include "dicom/Segmentation.h"
#include "dicom/StructuredReport.h"

#include <cstring>

namespace fedpet::dicom {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw DicomError(std::string("cannot write the PDF object: ") + what);
}

void requireInput(const ResponseAssessment& a, std::span<const std::byte> pdf) {
  require(!a.identity.pdfSeriesUid.empty() && !a.identity.pdfSopInstanceUid.empty() &&
              !a.series.study.studyInstanceUid.empty(),
          "the assessment lacks a UID");
  constexpr std::string_view kMagic = "%PDF-";
  require(pdf.size() > kMagic.size() && std::memcmp(pdf.data(), kMagic.data(), kMagic.size()) == 0,
          "the document is no PDF");
  require(pdf.size() < 0xFFFFFFF0, "the document is larger than an element can be");
}

void addSource(DcmItem& dataset, std::string_view sopClassUid, const std::string& instanceUid) {
  if (instanceUid.empty()) return;
  DcmItem& item = addItem(dataset, DCM_SourceInstanceSequence);
  put(item, DCM_ReferencedSOPClassUID, std::string(sopClassUid));
  put(item, DCM_ReferencedSOPInstanceUID, instanceUid);
}

void putDocument(DcmItem& dataset, std::span<const std::byte> pdf) {
  check(dataset.putAndInsertUint32(DCM_EncapsulatedDocumentLength, static_cast<Uint32>(pdf.size())),
        "the document's length");
  // An element has an even length; what follows the end of a PDF's file is not read.
  std::vector<Uint8> even((pdf.size() + 1) / 2 * 2, 0);
  std::memcpy(even.data(), pdf.data(), pdf.size());
  check(dataset.putAndInsertUint8Array(DCM_EncapsulatedDocument, even.data(),
                                       static_cast<unsigned long>(even.size())),
        "the document");
}

}  // namespace

std::vector<std::byte> writeEncapsulatedPdf(const ResponseAssessment& a,
                                            std::span<const std::byte> pdf) {
  prepareDcmtk();
  requireInput(a, pdf);
  DcmFileFormat file;
  DcmDataset& dataset = *file.getDataset();
  setResultHeader(dataset, a,
                  {.sopClassUid = std::string(kEncapsulatedPdfStorage),
                   .sopInstanceUid = a.identity.pdfSopInstanceUid,
                   .seriesUid = a.identity.pdfSeriesUid,
                   .modality = "DOC",
                   .description = "fedpet report (research use only)",
                   .seriesNumber = 9003});
  put(dataset, DCM_ConversionType, "WSD");  // made by a workstation
  put(dataset, DCM_AcquisitionDateTime, "");
  put(dataset, DCM_BurnedInAnnotation, "YES");
  put(dataset, DCM_RecognizableVisualFeatures, "NO");
  addSource(dataset, kComprehensive3dSrStorage, a.identity.srSopInstanceUid);
  addSource(dataset, kSegmentationStorage, a.identity.segSopInstanceUid);
  put(dataset, DCM_DocumentTitle, "FDG-PET assessment (research use only)");
  put(dataset, DCM_ConceptNameCodeSequence, codes::petMeasurementReport());
  put(dataset, DCM_VerificationFlag, "UNVERIFIED");
  put(dataset, DCM_MIMETypeOfEncapsulatedDocument, "application/pdf");
  putDocument(dataset, pdf);
  return partTen(file);
}

}  // namespace fedpet::dicom
