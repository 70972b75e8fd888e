// One SUV volume measured from end to end: organs, lesions, numbers, labels and pictures.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "models/imaging/Anatomy.h"
#include "models/imaging/Lesions.h"

#include <tl/expected.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::imaging {

struct MeasurementOptions {
  LesionRule lesionRule = LesionRule::FixedSuv4;
  LesionOptions lesions;
  double mipSuvAtWhite = 10;
};

// Called from the measuring thread before each stage ("organs", "lesions", "measurements",
// "pictures") with the share of the work that is done, and once with ("done", 1).
using ProgressObserver = std::function<void(std::string_view stage, double done)>;

struct ImagingFindings {
  std::string lesionDefinition;
  // Lesions by decreasing volume ("Lesion 1", ...), then the organs. observationUid and
  // trackingUid are empty: whoever knows the series fills them in.
  std::vector<Region> regions;
  std::vector<MissingRegion> missingRegions;
  std::vector<Measurement> wholeBody;
  std::optional<PercistReading> percist;  // PERCIST 1.0 of this study alone
  std::optional<Refusal> percistRefusal;  // set exactly when there is no reading
  LabelVolume labels;                     // disjoint, 1..N in the order of `regions`
  std::vector<MipView> mips;
  std::vector<std::string> warnings;
};

// Refused as a whole when the volume holds no voxel, no finite voxel (UnreadableDicom) or nothing
// like a body (TooLittleBody). Voxels that are not finite count as 0 and are warned of.
// `scaling` gives the SUL of every SULpeak and of the PERCIST reading, or the reason why there is
// none.
// Throws ImagingError when the voxels do not fit the geometry.
tl::expected<ImagingFindings, NotAssessable> measureStudy(const SuvVolume& volume,
                                                          const SuvScaling& scaling,
                                                          const AnatomyFinder& finder,
                                                          const MeasurementOptions& options = {},
                                                          const ProgressObserver& progress = {});

}  // namespace fedpet::imaging
