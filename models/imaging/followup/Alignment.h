// From places in an earlier study to places in this one. The patient lies differently, and tables
// have their own zero: a shift and a slight scale along each patient axis, found from organs that
// both studies outlined. No elastic registration: an arm or a head that moved is not followed.
#pragma once

#include "clinical/PriorStudy.h"
#include "clinical/ResponseAssessment.h"
#include "clinical/SuvVolume.h"

#include <tl/expected.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::imaging {

inline constexpr std::size_t kLeastLandmarks = 3;
// Worse than that, a neighbouring lesion would be taken for the same.
inline constexpr double kWorstResidualMm = 25;

struct Alignment {
  std::array<double, 3> scale{1, 1, 1};
  PointMm shiftMm{};
  double residualMm = 0;  // root mean square over the landmarks by their weights; 0: one frame
  std::string description;

  PointMm toNow(const PointMm& earlier) const {
    return {scale[0] * earlier[0] + shiftMm[0], scale[1] * earlier[1] + shiftMm[1],
            scale[2] * earlier[2] + shiftMm[2]};
  }
  PointMm toEarlier(const PointMm& now) const {
    return {(now[0] - shiftMm[0]) / scale[0], (now[1] - shiftMm[1]) / scale[1],
            (now[2] - shiftMm[2]) / scale[2]};
  }
};

struct Landmark {
  Organ organ = Organ::Liver;
  PointMm earlier{}, now{};
};

// Centroids of the organs that both have; the first region of an organ is the organ itself.
std::vector<Landmark> landmarksOf(const std::vector<Region>& now, const PriorStudy& prior);

// Robust fit (Huber weights); the scale stays within 5 % and is held near 1, since three organs do
// not tell it well. The error says in words why there is none.
tl::expected<Alignment, std::string> alignedByLandmarks(const std::vector<Landmark>& landmarks);

// One frame of reference, else landmarks.
tl::expected<Alignment, std::string> align(const ResponseAssessment& now, const PriorStudy& prior);

// The voxel that holds a place; nullopt: none.
std::optional<std::size_t> voxelAt(const VolumeGeometry& geometry, const PointMm& place);

// Whether a label volume can be used at all: sizes that fit, finite geometry.
bool isSound(const LabelVolume& labels);

}  // namespace fedpet::imaging
