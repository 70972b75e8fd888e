// Who is who among the results of one study: every UID that the SR, the SEG and the EHR share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "clinical/ResponseAssessment.h"

namespace fedpet::dicom {

// Fills `identity`, the regions' tracking UIDs and every observation UID from the source series
// and the software and model that assessed it. A re-run gives the same UIDs; another version gives
// others, so that an older result is never overwritten by a number with another meaning. Call it
// when regions, measurements and predictions are complete and in their final order.
// The SEG's UIDs stay empty when there is no region: then there is no SEG to refer to.
void assignIdentity(ResponseAssessment&);

// Number of a region's segment in the SEG, from its place in `regions` (PS3.3 C.8.20.2: 1, 2, ...).
inline std::uint16_t segmentNumberOf(std::size_t regionIndex) {
  return static_cast<std::uint16_t>(regionIndex + 1);
}

}  // namespace fedpet::dicom
