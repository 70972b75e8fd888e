// Where the organs are. The interface below is the place where a trained network will replace the
// rules: everything behind it (lesions, measurements, reports) takes an Anatomy and does not ask
// who drew it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "clinical/Concepts.h"
#include "clinical/ResponseAssessment.h"
#include "clinical/SuvVolume.h"

namespace fedpet::imaging {

// An organ, or the part of it that serves as reference, as it was drawn.
struct FoundRegion {
  Organ organ = Organ::Liver;
  RegionRole role = RegionRole::Physiological;  // Physiological or Reference, never Lesion
  std::string name;                 // for people, unique: "Liver reference region", "Bladder"
  double confidence = 0;            // 0..1; below kLeastConfidence it is a MissingRegion instead
  std::string definition;           // how it was drawn
  std::vector<std::size_t> voxels;  // offsets into SuvVolume::suvBw, ascending; regions are disjoint
};

// A region that its finder trusts less than this is refused: no organ is silently invented.
inline constexpr double kLeastConfidence = 0.4;

// Every organ of clinical/Concepts.h is found or missing. An organ may have more than one region
// (a ureter is filed under its kidney); find() gives the first, which is the organ itself.
struct Anatomy {
  std::vector<FoundRegion> found;
  std::vector<MissingRegion> missing;
  std::vector<std::string> warnings;  // for the reader of the report

  const FoundRegion* find(Organ organ) const {
    for (const FoundRegion& region : found)
      if (region.organ == organ) return &region;
    return nullptr;
  }
  const Refusal* refusalOf(Organ organ) const {
    for (const MissingRegion& region : missing)
      if (region.organ == organ) return &region.refusal;
    return nullptr;
  }
};

class AnatomyFinder {
 public:
  virtual ~AnatomyFinder() = default;
  // `volume` has finite voxels (see cleaned()). Safe to call from several threads.
  virtual Anatomy find(const SuvVolume& volume) const = 0;
};

}  // namespace fedpet::imaging
