// An earlier study of a patient, made from its measurement report and segmentation: what a
// follow-up is compared with. Ours come back whole; from other producers' reports comes what their
// codes say without doubt. What is not understood becomes a warning, never a guess.
#pragma once

#include "clinical/PriorStudy.h"
#include "dicom/ReportReader.h"
#include "dicom/Segmentation.h"

#include <cstddef>
#include <optional>
#include <span>

namespace fedpet::dicom {

// Regions are the groups that have a place (a segment, a contour, or TID 1410 and 1411). One is
// - a lesion where its role (99FEDPET) says so, or its finding is a lesion, neoplasm or mass;
// - an organ where finding or finding site is one of ours; without a role, the liver, spleen,
//   marrow and descending aorta are Reference and the others Physiological;
// - neither otherwise: then it is left out, with a warning.
// Numbers are taken by quantity, derivation and unit (ml, cm3, mm3, l; g; g/ml), SUL by
// Janmahasatian's formula only. One that stands twice with different values is not taken.
//
// summary: TMTV, TLG and the lesion count only where the report gives them, for its lesions need
// not be all; suvMax and sulPeak also as the largest of the lesions when each of them has one.
// seriesInstanceUid and srSopClassUid are the report's, so that it can be referred to.
// scannedAt: injection plus incubation time (TID 1607), which is the decay reference; else the
// acquisition date and time (TID 1602); else the study's, with a warning. The image library's PET
// group is asked, or its only group; a report without library has its study's time.
//
// labels: on the SEG's own grid, from its lowest to its highest frame; region n has label n + 1.
// A voxel of two segments belongs to the region that comes first, with a warning. Empty, with a
// warning, when the SEG is another one than the report refers to or lies in another frame of
// reference.
PriorStudy toPriorStudy(const Report&, const std::optional<SegmentationMask>&);

// The same from files; an empty `segmentation` is none. An unreadable segmentation is a warning;
// an unreadable report throws DicomError.
PriorStudy readPriorStudy(std::span<const std::byte> report,
                          std::span<const std::byte> segmentation = {});

}  // namespace fedpet::dicom
