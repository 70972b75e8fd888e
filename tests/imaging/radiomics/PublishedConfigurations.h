// The image processing of the IBSI's reference data sets (reference manual, chapter "Reference data
// sets"), in the program's own JSON, so that its reading is tested too.
#pragma once

#include <string_view>

namespace fedpet::testing {

inline constexpr std::string_view kDigitalPhantomConfig = R"({
  "discretisation": {"method": "none"},
  "intensityVolumeHistogram": {"method": "none"},
  "aggregations": ["2D_avg", "2D_comb", "2_5D_avg", "2_5D_comb", "3D_avg", "3D_comb"]})";

inline constexpr std::string_view kConfigA = R"({
  "resegmentation": {"range": [-500, 400]},
  "discretisation": {"method": "fixedBinSize", "binSize": 25},
  "intensityVolumeHistogram": {"method": "none"},
  "aggregations": ["2D_avg", "2D_comb", "2_5D_avg", "2_5D_comb"],
  "diagnostics": true})";

inline constexpr std::string_view kConfigB = R"({
  "interpolation": {"spacingMm": [2, 2, 0], "roundIntensities": true},
  "resegmentation": {"range": [-500, 400]},
  "discretisation": {"method": "fixedBinNumber", "binCount": 32},
  "intensityVolumeHistogram": {"method": "none"},
  "aggregations": ["2D_avg", "2D_comb", "2_5D_avg", "2_5D_comb"]})";

inline constexpr std::string_view kConfigC = R"({
  "interpolation": {"spacingMm": [2, 2, 2], "roundIntensities": true},
  "resegmentation": {"range": [-1000, 400]},
  "discretisation": {"method": "fixedBinSize", "binSize": 25},
  "intensityVolumeHistogram": {"method": "fixedBinSize", "binSize": 2.5},
  "aggregations": ["3D_avg", "3D_comb"],
  "diagnostics": true})";

inline constexpr std::string_view kConfigD = R"({
  "interpolation": {"spacingMm": [2, 2, 2], "roundIntensities": true},
  "resegmentation": {"outlierSigmas": 3},
  "discretisation": {"method": "fixedBinNumber", "binCount": 32},
  "intensityVolumeHistogram": {"method": "none"},
  "aggregations": ["3D_avg", "3D_comb"]})";

inline constexpr std::string_view kConfigE = R"({
  "interpolation": {"spacingMm": [2, 2, 2], "image": "cubic", "roundIntensities": true},
  "resegmentation": {"range": [-1000, 400], "outlierSigmas": 3},
  "discretisation": {"method": "fixedBinNumber", "binCount": 32},
  "intensityVolumeHistogram": {"method": "fixedBinNumber", "binCount": 1000},
  "aggregations": ["3D_avg", "3D_comb"]})";

}  // namespace fedpet::testing
