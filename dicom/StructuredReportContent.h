// What the structured report says: the tree of TID 1500 for one assessment, as plain values.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "dicom/StructuredReportTree.h"

namespace fedpet::dicom::sr {

Item contentOf(const ResponseAssessment&);

}  // namespace fedpet::dicom::sr
