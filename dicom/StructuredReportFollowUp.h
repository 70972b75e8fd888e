// The parts of the report that look at lesions by PERCIST and at an earlier study.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "dicom/StructuredReportTree.h"

namespace fedpet::dicom::sr {

// TID 1501 "PERCIST 1.0": the reading with its numbers, or why there is none.
// `a.percist` or `a.percistRefusal` must be set.
Item percistGroup(const ResponseAssessment& a);

// TID 1501 "Comparison with 2026-05-24": changes, categories and their reasons, resolved lesions,
// the earlier report. `a.comparison` must be set.
Item comparisonGroup(const ResponseAssessment& a);

// What the comparison says of this region; null when there is no comparison or it says nothing.
const LesionChange* changeOf(const ResponseAssessment&, const Region&);
// Its fate as a code, with what is known of both studies in words below it.
Item fateItem(const LesionChange&);

// Whether a DICOM reference to that study's report can be written.
bool canBeReferredTo(const StudySummary&);

}  // namespace fedpet::dicom::sr
