// The patient's earlier studies, from the structured reports that Orthanc holds of them.
#pragma once

#include "orthanc-plugin/worker/AssessStudy.h"
#include "orthanc-plugin/worker/OrthancClient.h"

#include <cstddef>
#include <string>

namespace fedpet::plugin {

// One for each study: its newest report that says something of tumours. Reads at most kMostReports
// reports, newest studies first. A patient of another issuer, or with another date of birth or sex,
// is another patient: such reports are left out, with a warning. A report that cannot be read never
// stops the assessment. Throws net::NetError when Orthanc cannot be reached and SeriesGone when the
// series is gone.
EarlierStudies findPriorStudies(OrthancClient&, const std::string& seriesId, const PetSeries& now);
inline constexpr std::size_t kMostReports = 30;

}  // namespace fedpet::plugin
