// Maximum intensity projections for the result page.
#pragma once

#include <vector>

#include "clinical/ResponseAssessment.h"

namespace fedpet::imaging {

// "coronal" (along y; column 0 is the patient's right, as in a face-to-face view) and "sagittal"
// (along x; column 0 is the patient's front). Row 0 is the head, whatever the order of the slices.
// SUV is linear, 0 at 0 and 255 at `suvAtWhite`, clamped. Each pixel's role is that of the most
// important region along its ray: lesion, then physiological, then reference.
// `labels` fits `volume`, or is empty (no roles). Oblique axes are taken for the nearest patient
// axis. An empty volume gives no view.
std::vector<MipView> mipViews(const SuvVolume& volume, const LabelVolume& labels,
                              const std::vector<Region>& regions, double suvAtWhite = 10);

}  // namespace fedpet::imaging
