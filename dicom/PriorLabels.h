// The segmentation of an earlier study as labels of its regions. Part of PriorStudyReader.
#pragma once

#include "clinical/PriorStudy.h"
#include "dicom/ReportReader.h"
#include "dicom/Segmentation.h"

#include <vector>

namespace fedpet::dicom {

// Fills `labels` and the regions' `label`, and the frame of reference where the report had none;
// warns of what does not fit. `groups` are those that the regions were made from.
void addLabels(PriorStudy&, const std::vector<const ReportGroup*>& groups, const SegmentationMask&);

}  // namespace fedpet::dicom
