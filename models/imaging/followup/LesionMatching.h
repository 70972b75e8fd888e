// Which lesion of an earlier study is which lesion of this one, by place.
#pragma once

#include "clinical/SuvVolume.h"
#include "models/imaging/followup/Alignment.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fedpet::imaging {

// How far apart two outlines may lie and still be one lesion: 1.5 times the residual of the
// alignment, but at least 10 mm (breathing) and at most 20 mm (the next node).
double matchingReachMm(const Alignment& alignment);

// A lesion that lies by half of itself or more in an outline of the other study, widened by 5 mm,
// is part of that lesion.
inline constexpr double kPartShare = 0.5;
inline constexpr double kPartSlackMm = 5;

struct LesionPair {
  std::size_t now = 0, earlier = 0;  // places in the lists of labels
  double gapMm = 0;                  // between the outlines after alignment; 0: they overlap
};

// Every lesion appears once in `pairs`, `splits` (now), `merges` (earlier), `fresh` or `resolved`.
struct LesionMatches {
  std::vector<LesionPair> pairs;
  std::vector<LesionPair> splits;  // `now` is a piece of `earlier`, which is paired with another
  std::vector<LesionPair> merges;  // `earlier` is now part of `now`, which is paired with another
  std::vector<std::size_t> fresh, resolved;
};

struct LesionMasks {
  const LabelVolume& volume;          // sound (see isSound)
  std::vector<std::uint16_t> labels;  // of the lesions, each with at least one voxel
};

LesionMatches matchLesions(const LesionMasks& now, const LesionMasks& earlier,
                           const Alignment& alignment);

}  // namespace fedpet::imaging
