#include "report/Pdf.h"

#include "report/Canvas.h"
#include "report/Flow.h"
#include "report/ReportError.h"
#include "report/Sections.h"
#include "report/Words.h"

#include <cairo-pdf.h>

namespace fedpet::report {
namespace {

cairo_status_t append(void* bytes, const unsigned char* data, unsigned int length) try {
  auto& to = *static_cast<std::vector<std::byte>*>(bytes);
  const auto* first = reinterpret_cast<const std::byte*>(data);
  to.insert(to.end(), first, first + length);
  return CAIRO_STATUS_SUCCESS;
} catch (const std::bad_alloc&) {
  return CAIRO_STATUS_NO_MEMORY;
}

PageIdentity pageIdentity(const ResponseAssessment& a) {
  const auto& s = a.series;
  std::string subject = personName(s.patient.patientName);
  if (!s.patient.patientId.empty()) subject += "  \u00b7  ID " + s.patient.patientId;
  if (!s.study.studyDate.empty()) subject += "  \u00b7  PET of " + dicomDate(s.study.studyDate);
  if (!s.study.accessionNumber.empty()) subject += "  \u00b7  accession " + s.study.accessionNumber;
  return {"FDG-PET assessment", subject, std::string(kResearchUseOnly),
          "Study " + s.study.studyInstanceUid + "  \u00b7  fedpet " + a.softwareVersion +
              "  \u00b7  assessed " + clockText(a.assessedAt) + " UTC"};
}

// The date is the assessment's, and Cairo's own clock is not asked: the same input, the same bytes.
void setMetadata(cairo_surface_t* surface, const ResponseAssessment& a) {
  const std::string subject = cleaned("PET study " + a.series.study.studyInstanceUid);
  const std::string creator = cleaned("fedpet " + a.softwareVersion);
  std::string date = clockText(a.assessedAt) + "Z";
  date[10] = 'T';
  for (const auto& [key, value] :
       {std::pair{CAIRO_PDF_METADATA_TITLE, std::string("FDG-PET assessment (research use only)")},
        std::pair{CAIRO_PDF_METADATA_AUTHOR, creator},
        std::pair{CAIRO_PDF_METADATA_SUBJECT, subject},
        std::pair{CAIRO_PDF_METADATA_KEYWORDS, std::string(kResearchUseOnly)},
        std::pair{CAIRO_PDF_METADATA_CREATOR, creator},
        std::pair{CAIRO_PDF_METADATA_CREATE_DATE, date},
        std::pair{CAIRO_PDF_METADATA_MOD_DATE, date}})
    cairo_pdf_surface_set_metadata(surface, key, value.c_str());
}

void drawAll(Flow& flow, const Subject& subject) {
  drawTitle(flow, subject);
  if (!subject.a.refusals.empty()) {
    drawRefusals(flow, subject);
    drawInput(flow, subject);
    drawOrigin(flow, subject);
    return;
  }
  for (const auto section :
       {drawStatement, drawViews, drawPredictions, drawKeyNumbers, drawCourse, drawPercistReading,
        drawContributions, drawLesions, drawOrgans, drawInput, drawLimits, drawOrigin})
    section(flow, subject);
}

// Drawn twice: only after the first time it is known how many pages there are.
int draw(const Subject& subject, int pages, std::vector<std::byte>& bytes) {
  bytes.clear();
  const CairoSurface surface(
      cairo_pdf_surface_create_for_stream(append, &bytes, kPageWidth, kPageHeight));
  require(cairo_surface_status(surface.get()), "the report");
  setMetadata(surface.get(), subject.a);
  Flow flow(surface.get(), pageIdentity(subject.a), pages);
  drawAll(flow, subject);
  const int drawn = flow.finish();
  require(cairo_status(flow.canvas().cairo()), "the report");
  cairo_surface_finish(surface.get());
  require(cairo_surface_status(surface.get()), "the report");
  return drawn;
}

}  // namespace

std::vector<std::byte> writePdf(const ResponseAssessment& a, const RotatingMip& mip,
                                const ReportOptions& options) {
  requireFit(mip);
  const Subject subject{a, mip, options.modelLimits, lesionTags(a.regions)};
  std::vector<std::byte> bytes;
  const int pages = draw(subject, 0, bytes);
  draw(subject, pages, bytes);
  return bytes;
}

}  // namespace fedpet::report
