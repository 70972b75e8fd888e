// The content tree of an SR as generic items, and the header around it. Part of ReportReader; sees
// DCMTK.
#pragma once

#include "dicom/ReportReader.h"
#include "dicom/TextDecoder.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>

namespace fedpet::dicom {

ReportHeader reportHeaderOf(DcmDataset&, TextDecoder&);
std::vector<ReportEvidence> evidenceOf(DcmDataset&);
// The data set must have passed requireHarmless(): its depth bounds the recursion here.
ReportItem rootItemOf(DcmDataset&, TextDecoder&, std::vector<std::string>& warnings);

}  // namespace fedpet::dicom
