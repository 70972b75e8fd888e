// Which series are ours to assess, judged on what the archive knows without decoding a pixel. The
// worker reads deeper and may still end a job as skipped.
#pragma once

#include "clinical/PetSeries.h"
#include "clinical/Refusal.h"
#include "orthanc-plugin/Options.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::plugin {

struct SeriesFacts {
  std::string seriesId, studyId;  // Orthanc's identifiers
  std::string seriesInstanceUid, modality, sopClassUid, seriesDescription;
  std::vector<std::string> imageType, correctedImage;
  Radiopharmaceutical radiopharmaceutical;  // name and codes only
  bool stable = true;                       // no instance has arrived for a while
  std::size_t instances = 0;
  // From the first slice's front to the last one's back, along the slice normal; nullopt where
  // positions or orientation are missing.
  std::optional<double> bodyCoverageMm;
  std::map<std::string, std::string> tags;  // top-level text attributes of one instance, by keyword
  std::string fingerprint;                  // of all instances' content
};

// nullopt: to be assessed. NotPet for another modality: such a series leaves no trace.
std::optional<Refusal> reasonToSkip(const SeriesFacts&, const EligibilityOptions&);

// SHA-256, hex, over the sorted identities of a series' instances and their contents.
std::string contentFingerprint(std::vector<std::string> instanceContents);

// Distance covered along the slice normal by slices at these positions: (last - first) plus one
// median step. nullopt for no position, or an orientation that is not two unit vectors.
std::optional<double> coverageMm(const std::vector<PointMm>& positions,
                                 const std::vector<double>& orientation, double sliceThicknessMm);

}  // namespace fedpet::plugin
