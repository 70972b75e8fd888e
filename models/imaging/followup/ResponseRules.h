// PERCIST 1.0 and iPERCIST as arithmetic: numbers of two studies in, a category with its reasons
// out. Sources: Wahl et al. 2009, J Nucl Med 50 suppl 1:122S; O, Lodge, Wahl 2016, Radiology
// 280:576; Goldfarb et al. 2019, EJNMMI Res 9:8 (doi 10.1186/s13550-019-0473-1). docs/percist.md
// says how each rule was read.
#pragma once

#include "clinical/ResponseAssessment.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::imaging {

// All limits are inclusive.
inline constexpr double kSulPeakChangePercent = 30;
inline constexpr double kSulPeakChangeSul = 0.8;
inline constexpr double kTlgRisePercent = 75;
inline constexpr std::chrono::days kEarliestConfirmation{28}, kLatestConfirmation{56};

struct PercistNumbers {
  double earlierSulPeak = 0;      // of the earlier study's hottest lesion; above 0, measurable
  std::optional<double> sulPeak;  // of this study's hottest lesion; nullopt: there is none
  // Where there is none: the hottest SULpeak left in the places of the earlier lesions, and the
  // mean SUL of the reference region that it must stay below. nullopt: not looked at.
  std::optional<double> residualSulPeak, referenceSulMean;
  std::optional<double> earlierTlgG, tlgG;  // nullopt: not known, or not by one lesion rule
  std::optional<int> newLesions;            // nullopt: places could not be compared
  int risenLesions = 0;  // matched lesions whose own SULpeak rose by 30 % and 0.8 SUL or more
};

struct ResponseVerdict {
  MetabolicResponse response = MetabolicResponse::Stable;
  std::vector<std::string> reasons;   // each rule that was looked at, with its numbers
  std::vector<std::string> warnings;  // what the category rests on and a reader must check
};

ResponseVerdict percistResponse(const PercistNumbers& numbers);

// A rise (or fall, with the sign turned) that PERCIST calls significant.
bool isSignificantRise(double earlierSul, double sul);

struct DatedResponse {
  WallClock scannedAt{};
  MetabolicResponse iPercist = MetabolicResponse::Stable;
};

// iPERCIST from this study's PERCIST category and the iPERCIST categories of the studies between
// the baseline and this one, oldest first. Progression is unconfirmed (UPMD) at first. It is
// confirmed (CPMD) when this study progresses as well, at least 28 days after the first UPMD of an
// unbroken run of them; later than 56 days it is confirmed too, with a warning. Any other category
// in between starts the count anew.
ResponseVerdict iPercistResponse(MetabolicResponse percist, WallClock scannedAt,
                                 const std::vector<DatedResponse>& earlier);

// "2026-03-01"; of the scanner's clock.
std::string dateText(WallClock);

}  // namespace fedpet::imaging
