// Maximum intensity projections: two for the result page, a turning one for report and cine.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "clinical/RotatingMip.h"

#include <vector>

namespace fedpet::imaging {

// "coronal" (along y; column 0 is the patient's right, as in a face-to-face view) and "sagittal"
// (along x; column 0 is the patient's front). Row 0 is the head, whatever the order of the slices.
// SUV is linear, 0 at 0 and 255 at `suvAtWhite`, clamped. Each pixel's role is that of the most
// important region along its ray: lesion, then physiological, then reference.
// `labels` fits `volume`, or is empty (no roles). Oblique axes are taken for the nearest patient
// axis. An empty volume gives no view.
std::vector<MipView> mipViews(const SuvVolume& volume, const LabelVolume& labels,
                              const std::vector<Region>& regions, double suvAtWhite = 10);

struct RotationOptions {
  int angles = 36;       // over the full turn; 36: every 10 degrees
  double pixelMm = 2.5;  // of the picture; finer than the camera resolves
  double suvAtWhite = 10;
};

// The same about the body axis, which goes through the middle of the body's outline; the picture is
// as wide as the body and every region need from any side. Slices are interpolated bilinearly, so
// an oblique view has no stripes. Grey is SUV and nothing else: no weighting by depth. A region
// covers every pixel that its voxels touch, so that none is lost between rays; where several lie
// behind each other, lesion goes before physiological before reference, then the hottest voxel.
// Throws ImagingError when voxels or labels do not fit the geometry, or an option is not positive.
// An empty volume gives no frame.
RotatingMip rotatingMip(const SuvVolume& volume, const LabelVolume& labels,
                        const std::vector<Region>& regions, const RotationOptions& options = {});

}  // namespace fedpet::imaging
