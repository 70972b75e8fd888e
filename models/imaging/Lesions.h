// Candidate lesions: the tumour mask by a named rule. A rule finds uptake, it does not diagnose;
// the reader confirms.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "clinical/Refusal.h"
#include "clinical/SuvVolume.h"
#include "models/imaging/Anatomy.h"

namespace fedpet::imaging {

enum class LesionRule {
  FixedSuv4,        // SUVbw >= 4.0
  Percent41OfMax,   // seeds of SUVbw >= 4.0 (and of the minimum volume), boundary at 41 % of each
                    // lesion's own SUVmax
  PercistLiver,     // >= 1.5 x liver mean + 2 SD (PERCIST 1.0, Wahl 2009, J Nucl Med 50 suppl 1)
};
std::string_view toString(LesionRule);   // "SUV4.0", "41%SUVmax", "PERCIST"
// Throws std::invalid_argument for a text that names no rule.
LesionRule lesionRuleFromString(std::string_view);

inline constexpr double kFixedSuvThreshold = 4.0;  // inclusive
inline constexpr double kBoundaryFraction = 0.41;  // of SUVmax, inclusive

struct LesionOptions {
  double minimumVolumeMl = 0.5;  // components below it are not lesions
  // The 41 % boundary of a faint lesion lies below SUV 4 and may run into normal tissue: it may
  // not go further than this from the lesion's SUV >= 4 voxels.
  double boundaryReachMm = 10;
};

struct Lesion {
  std::vector<std::size_t> voxels;     // ascending offsets, never empty
  double thresholdSuvBw = 0;           // its own boundary
  // Set when it touches physiological uptake: where the one ends and the other begins is a guess.
  std::optional<Organ> touching;
};

struct LesionFinding {
  LesionRule rule = LesionRule::FixedSuv4;
  std::string definition;              // the rule in one line, with its numbers
  std::vector<Lesion> lesions;         // by decreasing volume, then by first voxel
  std::size_t droppedComponents = 0;   // below minimumVolumeMl
  double droppedVolumeMl = 0;
  std::vector<std::string> warnings;
};

// Components are 18-connected (faces and edges), as in the autoPET challenge's metrics.
// Physiological regions of `anatomy` are excluded; reference regions are not.
// Refused (RegionNotFound) when the rule needs the liver and the liver is missing. The PERCIST
// rule is defined on SUL, which is SUVbw times one factor for the whole patient, so the same
// rule on SUVbw picks exactly the same voxels: no height is needed, and the definition says so.
tl::expected<LesionFinding, Refusal> findLesions(const SuvVolume& volume, const Anatomy& anatomy,
                                                 LesionRule rule,
                                                 const LesionOptions& options = {});

}  // namespace fedpet::imaging
