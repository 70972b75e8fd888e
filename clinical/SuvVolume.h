// The volume in standardised uptake values, and the labels drawn on it. Plain structs, so that
// ITK, DCMTK and LibTorch never meet in a header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clinical/Geometry.h"
#include "clinical/Refusal.h"

namespace fedpet {

// How pixel values become SUV. SUVbw is in g/ml; 1 g/ml means: uptake equal to an even spread.
struct SuvScaling {
  double suvBwPerUnit = 0;                  // SUVbw = rescaled pixel value x this
  std::optional<double> sulPerSuvBw;        // SUL = SUVbw x this (lean body mass / weight, Janmahasatian)
  std::optional<Refusal> sulRefusal;        // set exactly when sulPerSuvBw is not
  std::optional<double> uptakeMinutes;      // injection to the decay reference time
  std::string method;                       // one line: units, decay rule, time used
  std::vector<std::string> warnings;
};

struct SuvVolume {
  VolumeGeometry geometry;
  std::vector<float> suvBw;  // i fastest, k slowest
};

// Disjoint regions of one volume: 0 is background, other values are RegionLabel::label.
struct LabelVolume {
  VolumeGeometry geometry;
  std::vector<std::uint16_t> labels;
};

}  // namespace fedpet
