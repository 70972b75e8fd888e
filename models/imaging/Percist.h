// One study read by PERCIST 1.0: SUL, the reference region, what is measurable, the hottest lesion.
// Sources: Wahl et al. 2009, J Nucl Med 50 suppl 1:122S; O, Lodge, Wahl 2016, Radiology 280:576.
// How two studies compare: models/imaging/followup.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "clinical/SuvVolume.h"
#include "models/imaging/Anatomy.h"
#include "models/imaging/Lesions.h"

#include <tl/expected.hpp>

#include <vector>

namespace fedpet::imaging {

// Measurable from SULpeak >= multiple x mean + 2 SD of the reference region (inclusive).
inline constexpr double kPercistLiverMultiple = 1.5;
inline constexpr double kPercistBloodPoolMultiple = 2.0;
inline constexpr double kPercistSdMultiple = 2.0;
double percistThresholdSul(Organ reference, double meanSul, double sdSul);

// A reference region with a lesion nearer than this does not show normal tissue: three standard
// deviations of a blur of 8 mm FWHM.
inline constexpr double kReferenceClearanceMm = 10;

struct PercistInput {
  const SuvVolume& volume;
  const SuvScaling& scaling;
  const Anatomy& anatomy;  // lesions already taken out of its reference regions
  const tl::expected<LesionFinding, Refusal>& finding;
  const std::vector<Region>& regions;  // the lesions first, in the order of `finding`, measured
};

// The liver is the reference; the blood pool where the liver is missing or diseased (a lesion
// within kReferenceClearanceMm of its reference region), and the definition says why. The hottest
// lesion is the one of the highest SULpeak; hottestTrackingUid holds its trackingId until whoever
// knows the series gives the regions their UIDs.
// Refused: HeightOrSexMissing (the scaling's own reason), RegionNotFound (neither reference).
tl::expected<PercistReading, Refusal> readPercist(const PercistInput& input);

}  // namespace fedpet::imaging
