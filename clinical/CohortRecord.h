// One patient of a training or evaluation cohort: what was known at baseline and what happened.
// Plain: the label reader, the generator and the trainer share it.
#pragma once

#include <optional>
#include <string>

#include "clinical/ResponseAssessment.h"

namespace fedpet {

// 365.25 / 12: how days become months everywhere in the program.
inline constexpr double kDaysPerMonth = 30.4375;

// Whole-body numbers of the baseline PET, in the units of ucumUnit(Quantity); nullopt when the
// number was refused.
struct PetMeasures {
  std::optional<double> tmtvMl, tlgG, suvMax, suvMean;
  std::optional<double> dmaxMm;                // 0 when there is exactly one lesion
  std::optional<double> spleenToLiverRatio, marrowToLiverRatio;  // of SUVmean
  std::optional<int> lesionCount;
};

// Time from treatment start to the event, or to the last day the patient was known to be free of
// it (right censoring).
struct FollowedTime {
  double months = 0;
  bool eventObserved = false;
};

struct CohortRecord {
  std::string subjectId;   // pseudonym, unique in the cohort; never a name or a hospital number
  std::string centre;
  PetMeasures pet;
  ClinicalCovariates clinical;
  std::optional<FollowedTime> progressionFreeSurvival;  // event: progression or death
  std::optional<FollowedTime> overallSurvival;          // event: death
  std::optional<bool> objectiveResponse;                // RECIST 1.1 complete or partial response
};

// Whether the patient was free of progression and death for longer than `months`. nullopt when
// nobody can know, because follow-up ended earlier: such a patient is left out of an analysis of
// durable clinical benefit, never counted as an event.
inline std::optional<bool> eventFreeAt(const std::optional<FollowedTime>& time, double months) {
  if (!time) return std::nullopt;
  if (time->months > months) return true;
  if (time->eventObserved) return false;
  return std::nullopt;
}

}  // namespace fedpet
