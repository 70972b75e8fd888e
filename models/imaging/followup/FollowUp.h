// A study against the earlier ones of the same patient: PERCIST 1.0, iPERCIST, changes of volume
// and glycolysis, and the fate of every lesion. The rules in words, with sources and limits, for a
// nuclear medicine physician: docs/percist.md.
#pragma once

#include "clinical/PriorStudy.h"
#include "clinical/ResponseAssessment.h"
#include "clinical/SuvVolume.h"
#include "models/imaging/followup/Baseline.h"

#include <optional>
#include <vector>

namespace fedpet::imaging {

struct FollowUpInput {
  const ResponseAssessment& now;  // measured: regions, wholeBody, percist, suv, series
  const LabelVolume& labels;      // of its regions
  // Of this study, to look for uptake left where lesions were; nullptr: a complete response then
  // rests on the lesion rule alone, and says so.
  const SuvVolume* volume = nullptr;
};

// nullopt when there is no earlier study to compare with. UIDs of observations stay empty, those
// of new lesions too; a matched lesion has its earlier tracking UID. Never throws for what a prior
// holds: what cannot be used is left out and named.
std::optional<Comparison> compare(const FollowUpInput& input, const std::vector<PriorStudy>& priors,
                                  const FollowUpOptions& options = {});

// Fills `priors` and `comparison` of a measured assessment, and trackingUid of the regions whose
// lesion an earlier study knew (the baseline first, then the other studies, newest first).
// Nothing happens to a refused assessment. To be called after the measurement, before identities
// are assigned.
void followUp(ResponseAssessment& assessment, const LabelVolume& labels,
              const std::vector<PriorStudy>& priors, const SuvVolume* volume = nullptr,
              const FollowUpOptions& options = {});

}  // namespace fedpet::imaging
