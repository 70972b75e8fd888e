// Which earlier study a follow-up is compared with.
#pragma once

#include "clinical/PriorStudy.h"
#include "clinical/ResponseAssessment.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::imaging {

enum class BaselineChoice {
  Oldest,  // PERCIST compares with the study before treatment: the oldest within the limit
  Last,    // the study just before this one
};

struct FollowUpOptions {
  BaselineChoice baseline = BaselineChoice::Oldest;
  // An older study belongs to another treatment: it is listed, but not compared with.
  std::chrono::days farthestBaseline{730};
};

// Moment of the scan: the first slice's acquisition, else the series' time.
std::optional<WallClock> scanTimeOf(const PetSeries& series);

// SULpeak of the study's hottest lesion: as the summary says, else the highest of its lesions.
std::optional<double> hottestSulPeak(const PriorStudy& prior);

struct PriorChoice {
  std::vector<const PriorStudy*> before;  // of this study, oldest first; one for each report
  const PriorStudy* baseline = nullptr;
  std::vector<std::string> warnings;  // priors that were left out, and why
};

// Leaves out reports of this very study, later ones and those without a time. The baseline is
// first sought among the studies with a SULpeak, then among those with any tumour number.
PriorChoice choosePriors(const ResponseAssessment& now, const std::vector<PriorStudy>& priors,
                         const FollowUpOptions& options);

}  // namespace fedpet::imaging
