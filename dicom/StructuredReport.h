// The assessment as a DICOM Comprehensive 3D SR (1.2.840.10008.5.1.4.1.1.88.34) with the content
// of TID 1500 "Measurement Report" (PS3.16): what PACS viewers and registries read.
#pragma once

#include "clinical/ResponseAssessment.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace fedpet::dicom {

inline constexpr std::string_view kComprehensive3dSrStorage = "1.2.840.10008.5.1.4.1.1.88.34";

// A complete Part 10 file, identical bytes for an identical assessment. COMPLETE, PRELIMINARY and
// UNVERIFIED: a device states, a physician verifies. UIDs and clock come from the assessment
// (assignIdentity must have been called); a refused study gives a report that says why.
// Each number carries its definition; a refused one stands there without a value, with its reason.
// Throws DicomError when a UID is missing or DCMTK refuses the content.
std::vector<std::byte> writeStructuredReport(const ResponseAssessment&);

}  // namespace fedpet::dicom
