// The region as features see it: interpolated, rounded and re-segmented, cut out of the image.
// Internal to models/imaging/radiomics.
#pragma once

#include "models/imaging/radiomics/Radiomics.h"

#include <tl/expected.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace fedpet::imaging::ibsi {

// Stands for "not defined" inside this folder; FeatureSink turns it into a refusal.
inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
// Radius of a sphere of 1 cm3: (3 / (4 pi))^(1/3) cm.
inline constexpr double kPeakRadiusMm = 6.203504908994;

struct Box {
  std::array<int, 3> size{};
  std::size_t count() const {
    return static_cast<std::size_t>(size[0]) * static_cast<std::size_t>(size[1]) *
           static_cast<std::size_t>(size[2]);
  }
  std::size_t offset(int i, int j, int k) const {
    return (static_cast<std::size_t>(k) * static_cast<std::size_t>(size[1]) +
            static_cast<std::size_t>(j)) *
               static_cast<std::size_t>(size[0]) +
           static_cast<std::size_t>(i);
  }
  bool contains(int i, int j, int k) const {
    return i >= 0 && j >= 0 && k >= 0 && i < size[0] && j < size[1] && k < size[2];
  }
};

// A voxel of the region's box.
struct Voxel {
  int i = 0, j = 0, k = 0;
  std::size_t offset = 0;
};

struct Region {
  Box box;  // around the morphological mask, with room for the peak sphere if local
            // intensity is asked for, as far as the image goes
  std::array<double, 3> spacingMm{};
  std::vector<double> image;                                // of the box, not re-segmented
  std::vector<std::uint8_t> morphological;                  // of the box
  std::vector<Voxel> morphologicalVoxels, intensityVoxels;  // ascending, the latter never empty
  std::vector<double> intensities;                          // of intensityVoxels
};

// Collects features in their order; a value that is not finite becomes a refusal.
class FeatureSink {
 public:
  explicit FeatureSink(std::vector<RadiomicFeature>& features) : features_(features) {}
  void add(std::string name, double value, const char* whyUndefined = nullptr);
  void refuse(std::string name, std::string why);

 private:
  std::vector<RadiomicFeature>& features_;
};

// Also fills in `diagnostics` when the configuration asks for them.
tl::expected<Region, RadiomicsRefusal> prepareRegion(const VolumeGeometry& geometry,
                                                     std::span<const float> image,
                                                     std::span<const std::uint8_t> mask,
                                                     const RadiomicsConfig& config,
                                                     std::vector<RadiomicFeature>& diagnostics);

}  // namespace fedpet::imaging::ibsi
