// Organs by where they are and how much they take up, from FDG-PET alone: no CT, no training.
//
// The liver is the anchor: the largest even uptake on the patient's right. Spleen, kidneys, heart,
// bladder and lumbar spine are then looked for where they must lie relative to the liver's dome
// and the midline; the brain at the head's end of the field. Distances are those of an adult
// (anatomy textbooks), wide enough for 1.45 to 2.05 m; a rule that finds nothing convincing
// refuses. The confidences are the rules' own, not calibrated probabilities.
//
// Reference regions are spheres or cylinders inside the organ. Physiological uptake is outlined
// generously, so that its blurred edge is not taken for a lesion, but only downhill and a limited
// way from the organ, so that a lesion beside it keeps its own peak.
#pragma once

#include "models/imaging/Anatomy.h"

namespace fedpet::imaging {

class RuleBasedAnatomy final : public AnatomyFinder {
 public:
  // Throws ImagingError when the voxels do not fit the geometry.
  Anatomy find(const SuvVolume& volume) const override;
};

}  // namespace fedpet::imaging
