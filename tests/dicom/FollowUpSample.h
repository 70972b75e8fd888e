// The sample assessment as a follow-up: SULpeak, a PERCIST reading, a comparison with an earlier
// study of six months before, harmonisation. The numbers are invented but belong together.
#pragma once

#include "tests/support/AssessmentBuilder.h"

namespace fedpet::testing {

inline constexpr std::string_view kEarlierSr = "2.25.8150001";
inline constexpr std::string_view kTrackedLesionUid = "2.25.8150101";  // Lesion 1 of both studies
inline constexpr std::string_view kResolvedLesionUid = "2.25.8150102";

// As before assignIdentity: only the lesion that was matched has a tracking UID, and what names a
// lesion does so by its trackingId. Needs at least two lesions: the first is matched, the others
// are new, a third one of the earlier study is gone.
ResponseAssessment asFollowUp(ResponseAssessment);
AssessedStudy asFollowUp(AssessedStudy);

// The same where neither PERCIST nor the comparison gives a result.
ResponseAssessment asRefusedFollowUp(ResponseAssessment);

}  // namespace fedpet::testing
