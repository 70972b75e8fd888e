// A PDF as DICOM object in the study that it is about.
// Encapsulated PDF Storage, PS3.3 A.45.1 and C.24.
#pragma once

#include "clinical/ResponseAssessment.h"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace fedpet::dicom {

inline constexpr std::string_view kEncapsulatedPdfStorage = "1.2.840.10008.5.1.4.1.1.104.1";

// A complete Part 10 file, identical bytes for identical input: `pdf` (report/Pdf.h) under
// `identity.pdfSeriesUid` and `pdfSopInstanceUid`, with the title of the SR (126003, DCM) and the
// SR and SEG as its sources. UNVERIFIED, and BurnedInAnnotation YES, for the patient's name is on
// it. Throws DicomError when a UID is missing or `pdf` is not one.
std::vector<std::byte> writeEncapsulatedPdf(const ResponseAssessment&,
                                            std::span<const std::byte> pdf);

}  // namespace fedpet::dicom
