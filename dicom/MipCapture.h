// The rotating projection as a secondary capture that any viewer can play.
// Multi-frame Grayscale Byte Secondary Capture Image Storage, PS3.3 A.8.3 and C.8.6.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "clinical/RotatingMip.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace fedpet::dicom {

inline constexpr std::string_view kGrayscaleByteCaptureStorage = "1.2.840.10008.5.1.4.1.1.7.2";

// A complete Part 10 file, identical bytes for identical input: the frames of `loop`
// (report/Cine.h) under `identity.mipSeriesUid` and `mipSopInstanceUid`, to be played, with the
// spacing of the projection's pixels and the PET slices as sources. Modality OT, so that no program
// takes it for PET slices. BurnedInAnnotation YES: the loop carries the patient's name and date.
// Losslessly compressed as JPEG, process 14 SV1 (1.2.840.10008.1.2.4.70), the lossless syntax that
// most viewers know: a third of the size, some 4 MB.
// Throws DicomError when a UID is missing or a frame does not have the loop's size.
std::vector<std::byte> writeMipCapture(const ResponseAssessment&, const CineLoop& loop);

}  // namespace fedpet::dicom
