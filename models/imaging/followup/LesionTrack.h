// The lesions of this study beside those of one earlier study, matched by tracking UID and place.
#pragma once

#include "clinical/PriorStudy.h"
#include "clinical/ResponseAssessment.h"
#include "clinical/SuvVolume.h"
#include "models/imaging/followup/Alignment.h"

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fedpet::imaging {

struct LesionTrack {
  tl::expected<Alignment, std::string> alignment;
  std::vector<LesionChange> changes;  // this study's order, then the resolved lesions
  // Whether every lesion of both studies has a fate. Otherwise only matched lesions are in
  // `changes`: who has no partner may be new, resolved, or merely not comparable.
  bool complete = false;
  std::vector<std::string> warnings;
};

LesionTrack trackLesions(const ResponseAssessment& now, const LabelVolume& labels,
                         const PriorStudy& prior);

// Highest SULpeak in the places of the earlier lesions, except where this study outlined normal
// uptake; nullopt when no place lies in the volume.
std::optional<double> residualSulPeak(const SuvVolume& volume, double sulPerSuvBw,
                                      const ResponseAssessment& now, const LabelVolume& labels,
                                      const PriorStudy& prior, const Alignment& alignment);

}  // namespace fedpet::imaging
