// The patient's earlier studies, from the structured reports that Orthanc holds of them.
#pragma once

#include "orthanc-plugin/worker/AssessStudy.h"
#include "orthanc-plugin/worker/OrthancClient.h"

#include <cstddef>
#include <string>

namespace fedpet::plugin {

// One for each study: its newest report that says something of tumours. At most kMostReports
// reports are read and kMostStudies studies kept (a segmentation in memory each), newest studies
// first; what is left out is warned of. A patient of another issuer, or with another date of birth
// or sex, is another patient: such reports are left out, with a warning. A report that cannot be
// read never stops the assessment. Throws net::NetError when Orthanc cannot be reached and
// SeriesGone when the series is gone.
EarlierStudies findPriorStudies(OrthancClient&, const std::string& seriesId, const PetSeries& now);
inline constexpr std::size_t kMostReports = 200;  // dose reports of CT are SR, too
inline constexpr std::size_t kMostStudies = 12;

}  // namespace fedpet::plugin
