#include "orthanc-plugin/worker/ResultFiles.h"

#include "dicom/DicomError.h"
#include "dicom/EncapsulatedPdf.h"
#include "dicom/MipCapture.h"
#include "dicom/Segmentation.h"
#include "dicom/StructuredReport.h"
#include "report/Cine.h"
#include "report/Pdf.h"
#include "report/ReportError.h"

#include <utility>

namespace fedpet::plugin {
namespace {

void addPdf(const AssessedStudy& study, const ResultChoice& choice, ResultFiles& results) {
  const ResultIdentity& identity = study.assessment.identity;
  results.pdf =
      report::writePdf(study.assessment, study.rotation, {.modelLimits = choice.modelLimits});
  if (!identity.pdfSopInstanceUid.empty())
    results.files.push_back({"report.dcm", identity.pdfSopInstanceUid,
                             dicom::writeEncapsulatedPdf(study.assessment, results.pdf)});
}

void addCine(const AssessedStudy& study, const ResultChoice&, ResultFiles& results) {
  const ResultIdentity& identity = study.assessment.identity;
  const CineLoop loop = report::mipCine(study.assessment, study.rotation);
  if (!loop.frames.empty() && !identity.mipSopInstanceUid.empty())
    results.files.push_back(
        {"mip.dcm", identity.mipSopInstanceUid, dicom::writeMipCapture(study.assessment, loop)});
}

}  // namespace

ResultFiles writeResults(const AssessedStudy& study, const ResultChoice& choice) {
  const ResultIdentity& identity = study.assessment.identity;
  ResultFiles results;
  if (auto segmentation = dicom::writeSegmentation(study))
    results.files.push_back({"seg.dcm", identity.segSopInstanceUid, std::move(*segmentation)});
  results.files.push_back(
      {"sr.dcm", identity.srSopInstanceUid, dicom::writeStructuredReport(study.assessment)});
  for (const auto& [asked, add] : {std::pair{choice.pdf, &addPdf}, {choice.mip, &addCine}}) {
    if (!asked) continue;
    try {
      add(study, choice, results);
    } catch (const report::ReportError& e) {
      results.warnings.push_back(e.what());
    } catch (const dicom::DicomError& e) {
      results.warnings.push_back(e.what());
    }
  }
  return results;
}

}  // namespace fedpet::plugin
