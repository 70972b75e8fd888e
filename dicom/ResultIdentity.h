// Who is who among the results of one study: every UID that the SR, the SEG and the EHR share.
#pragma once

#include "clinical/ResponseAssessment.h"

#include <cstddef>
#include <cstdint>

namespace fedpet::dicom {

// Fills `identity` and every observation UID from the source series and the software and model
// that assessed it. A re-run gives the same UIDs; another version gives others, so that an older
// result is never overwritten by a number with another meaning. Call it when regions,
// measurements, PERCIST reading, comparison and predictions are complete and in their final order.
//
// Tracking UIDs: a region that has one keeps it, for a lesion that was matched to an earlier study
// keeps the UID that it had there (TID 1411: the same over time). Where two regions have the same
// one, the first keeps it. Regions without one get a deterministic one.
// What names a region before it has a UID is resolved here: PercistReading::hottestTrackingUid may
// hold the region's trackingId and then becomes its UID; each LesionChange that is not Resolved
// takes the UID of the region with its trackingId, which for a New lesion is its only source.
// The observation UIDs of the comparison also depend on the report that it compares with.
//
// The SEG's UIDs stay empty when there is no region: then there is no SEG to refer to. Those of
// the PDF are always there: a refused study has its reasons to print. Those of the MIP are there
// unless the whole study was refused.
// Throws DicomError when the PERCIST reading or a lesion change names a region that there is not.
void assignIdentity(ResponseAssessment&);

// Number of a region's segment in the SEG, from its place in `regions` (PS3.3 C.8.20.2: 1, 2, ...).
inline std::uint16_t segmentNumberOf(std::size_t regionIndex) {
  return static_cast<std::uint16_t>(regionIndex + 1);
}

}  // namespace fedpet::dicom
