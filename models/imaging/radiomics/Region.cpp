#include "models/imaging/radiomics/Region.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/VolumeFilters.h"
#include "models/imaging/radiomics/Resampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

namespace fedpet::imaging::ibsi {
namespace {

// A cubic B-spline's memory of a voxel fades by 0.27 with each voxel: after this many nothing is
// left of it in a double.
constexpr int kSplineReachVoxels = 28;
// Interpolated mask shares of exactly the threshold lie on it, whatever the rounding ("0.4999...
// instead of 0.5", reference manual, notes on interpolation).
constexpr double kMaskRounding = 1e-9;
constexpr std::size_t kMostVoxels = std::size_t{1} << 28;

tl::unexpected<RadiomicsRefusal> refused(RadiomicsRefusalCode code, std::string detail) {
  return tl::unexpected(RadiomicsRefusal{code, std::move(detail)});
}

// A box of voxels within a larger grid.
struct Window {
  std::array<int, 3> first{}, last{};  // inclusive
  Box box() const {
    return {{last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1}};
  }
};

struct MaskExtent {
  Window bounds;
  std::size_t voxels = 0;
};

MaskExtent extentOf(std::span<const std::uint8_t> mask, const Box& grid) {
  MaskExtent extent{{{grid.size[0], grid.size[1], grid.size[2]}, {-1, -1, -1}}, 0};
  const auto include = [&](std::size_t axis, int at) {
    extent.bounds.first[axis] = std::min(extent.bounds.first[axis], at);
    extent.bounds.last[axis] = std::max(extent.bounds.last[axis], at);
  };
  for (int k = 0; k < grid.size[2]; ++k)
    for (int j = 0; j < grid.size[1]; ++j) {
      const auto row = mask.subspan(grid.offset(0, j, k), static_cast<std::size_t>(grid.size[0]));
      const auto count =
          row.size() - static_cast<std::size_t>(std::count(row.begin(), row.end(), 0));
      if (count == 0) continue;
      extent.voxels += count;
      const auto isSet = [](std::uint8_t m) { return m != 0; };
      include(0, static_cast<int>(std::find_if(row.begin(), row.end(), isSet) - row.begin()));
      include(0, static_cast<int>(row.rend() - std::find_if(row.rbegin(), row.rend(), isSet)) - 1);
      include(1, j);
      include(2, k);
    }
  return extent;
}

Window grown(Window window, const std::array<int, 3>& margin, const Box& limit) {
  for (std::size_t a = 0; a < 3; ++a) {
    window.first[a] = std::max(0, window.first[a] - margin[a]);
    window.last[a] = std::min(limit.size[a] - 1, window.last[a] + margin[a]);
  }
  return window;
}

template <typename Out, typename In>
std::vector<Out> cutOut(std::span<const In> volume, const Box& grid, const Window& window) {
  std::vector<Out> values;
  values.reserve(window.box().count());
  for (int k = window.first[2]; k <= window.last[2]; ++k)
    for (int j = window.first[1]; j <= window.last[1]; ++j) {
      const auto row = volume.subspan(grid.offset(window.first[0], j, k),
                                      static_cast<std::size_t>(window.box().size[0]));
      values.insert(values.end(), row.begin(), row.end());
    }
  return values;
}

// The new grid on the old one: voxel m lies at index first + m * step of the old.
struct NewGrid {
  Box box;
  std::array<double, 3> spacingMm{}, first{}, step{1, 1, 1};
  bool same = true;
};

NewGrid newGrid(const VolumeGeometry& geometry, const InterpolationConfig& config) {
  NewGrid grid{{geometry.size}, geometry.spacingMm, {}, {1, 1, 1}, true};
  if (!config.spacingMm) return grid;
  for (std::size_t a = 0; a < 3; ++a) {
    const double spacing = (*config.spacingMm)[a];
    if (spacing == 0) continue;
    const double voxels = geometry.size[a] * geometry.spacingMm[a] / spacing;
    // Text spacings carry rounding: 60 * 3 / 2 must be 90 voxels, not 91.
    grid.box.size[a] = std::max(1, static_cast<int>(std::ceil(std::min(voxels, 1e6) - 1e-6)));
    grid.spacingMm[a] = spacing;
    grid.step[a] = spacing / geometry.spacingMm[a];
    grid.first[a] = config.grid == GridAlignment::Centre
                        ? (geometry.size[a] - 1 - grid.step[a] * (grid.box.size[a] - 1)) / 2
                        : (grid.step[a] - 1) / 2;
    grid.same = false;
  }
  return grid;
}

// Voxels of the new grid that the mask can reach.
Window reachOf(const Window& mask, const NewGrid& grid) {
  Window window;
  for (std::size_t a = 0; a < 3; ++a) {
    const auto index = [&](double old) { return (old - grid.first[a]) / grid.step[a]; };
    window.first[a] = static_cast<int>(std::floor(index(mask.first[a] - 1)));
    window.last[a] = static_cast<int>(std::ceil(index(mask.last[a] + 1)));
  }
  return grown(window, {}, grid.box);
}

// Voxels of the old grid that the window of the new grid is interpolated from.
Window sourceOf(const Window& window, const NewGrid& grid, const Box& image, int reach) {
  Window source;
  for (std::size_t a = 0; a < 3; ++a) {
    const auto old = [&](int voxel) { return grid.first[a] + voxel * grid.step[a]; };
    source.first[a] = static_cast<int>(std::floor(old(window.first[a])));
    source.last[a] = static_cast<int>(std::ceil(old(window.last[a])));
    source.first[a] = std::min(source.first[a], image.size[a] - 1);
    source.last[a] = std::max(source.last[a], 0);
  }
  return grown(source, {reach, reach, reach}, image);
}

std::vector<double> interpolated(const std::vector<double>& source, const Window& sourceWindow,
                                 const Window& window, const NewGrid& grid,
                                 InterpolationMethod method) {
  if (grid.same) return source;
  Resampling resampling{{}, grid.step, window.box()};
  for (std::size_t a = 0; a < 3; ++a)
    resampling.first[a] = grid.first[a] + window.first[a] * grid.step[a] - sourceWindow.first[a];
  return resampled(source, sourceWindow.box(), resampling, method);
}

std::vector<std::uint8_t> interpolatedMask(const std::vector<std::uint8_t>& mask,
                                           const Window& source, const Window& window,
                                           const NewGrid& grid, const InterpolationConfig& config) {
  std::vector<double> share;
  share.reserve(mask.size());
  for (const std::uint8_t m : mask) share.push_back(m != 0 ? 1 : 0);
  share = interpolated(share, source, window, grid, config.mask);
  std::vector<std::uint8_t> result(share.size());
  for (std::size_t v = 0; v < share.size(); ++v)
    result[v] = share[v] >= config.maskThreshold - kMaskRounding ? 1 : 0;
  return result;
}

template <typename T>
bool allFinite(const std::vector<T>& values) {
  return std::all_of(values.begin(), values.end(), [](T v) { return std::isfinite(v); });
}

std::vector<Voxel> voxelsOf(const std::vector<std::uint8_t>& mask, const Box& box) {
  std::vector<Voxel> voxels;
  voxels.reserve(mask.size() - static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 0)));
  std::size_t at = 0;
  for (int k = 0; k < box.size[2]; ++k)
    for (int j = 0; j < box.size[1]; ++j)
      for (int i = 0; i < box.size[0]; ++i, ++at)
        if (mask[at] != 0) voxels.push_back({i, j, k, at});
  return voxels;
}

std::pair<double, double> meanAndSd(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / n)};
}

void resegment(Region& region, const ResegmentationConfig& config) {
  double lowest = config.lowest.value_or(-HUGE_VAL), highest = config.highest.value_or(HUGE_VAL);
  if (config.outlierSigmas) {
    std::vector<double> all;
    for (const Voxel& v : region.morphologicalVoxels) all.push_back(region.image[v.offset]);
    const auto [mean, sd] = meanAndSd(all);
    lowest = std::max(lowest, mean - *config.outlierSigmas * sd);
    highest = std::min(highest, mean + *config.outlierSigmas * sd);
  }
  region.intensityVoxels.reserve(region.morphologicalVoxels.size());
  region.intensities.reserve(region.morphologicalVoxels.size());
  for (const Voxel& v : region.morphologicalVoxels) {
    const double intensity = region.image[v.offset];
    if (intensity < lowest || intensity > highest) continue;
    region.intensityVoxels.push_back(v);
    region.intensities.push_back(intensity);
  }
}

// --- diagnostics -------------------------------------------------------------------------------

class Diagnostics {
 public:
  explicit Diagnostics(std::vector<RadiomicFeature>& list) : sink_(list) {}

  void image(const Box& box, const std::array<double, 3>& spacingMm, std::span<const double> voxels,
             const char* when) {
    axes("img_dim_", when, [&](std::size_t a) { return box.size[a]; });
    axes("vox_dim_", when, [&](std::size_t a) { return spacingMm[a]; });
    intensities("", voxels, when);
  }
  void region(const Box& grid, const std::vector<Voxel>& intensity,
              const std::vector<Voxel>& morphological, std::span<const double> voxels,
              const char* when) {
    axes("int_mask_dim_", when, [&](std::size_t a) { return grid.size[a]; });
    bounds("int_mask_bb_dim_", intensity, when);
    bounds("morph_mask_bb_dim_", morphological, when);
    add("int_mask_vox_count", static_cast<double>(intensity.size()), when);
    add("morph_mask_vox_count", static_cast<double>(morphological.size()), when);
    intensities("int_mask_", voxels, when);
  }

 private:
  void add(const std::string& name, double value, const char* when) {
    sink_.add(name + "_" + when, value);
  }
  template <typename Value>
  void axes(const std::string& name, const char* when, const Value& value) {
    for (std::size_t a = 0; a < 3; ++a) add(name + "xyz"[a], static_cast<double>(value(a)), when);
  }
  void bounds(const std::string& name, const std::vector<Voxel>& voxels, const char* when) {
    std::array<int, 3> low{1 << 30, 1 << 30, 1 << 30}, high{-1, -1, -1};
    for (const Voxel& v : voxels) {
      const std::array<int, 3> at{v.i, v.j, v.k};
      for (std::size_t a = 0; a < 3; ++a) {
        low[a] = std::min(low[a], at[a]);
        high[a] = std::max(high[a], at[a]);
      }
    }
    axes(name, when, [&](std::size_t a) { return high[a] - low[a] + 1; });
  }
  void intensities(const std::string& prefix, std::span<const double> voxels, const char* when) {
    const auto [low, high] = std::minmax_element(voxels.begin(), voxels.end());
    add(prefix + "mean_int",
        std::accumulate(voxels.begin(), voxels.end(), 0.0) / static_cast<double>(voxels.size()),
        when);
    add(prefix + "min_int", *low, when);
    add(prefix + "max_int", *high, when);
  }

  FeatureSink sink_;
};

std::vector<double> intensitiesOf(const std::vector<Voxel>& voxels, std::span<const float> image) {
  std::vector<double> values;
  for (const Voxel& v : voxels) values.push_back(static_cast<double>(image[v.offset]));
  return values;
}

std::vector<double> wholeImage(std::span<const float> image, const Box& box, const NewGrid& grid,
                               const InterpolationConfig& config) {
  const Window source{{0, 0, 0}, {box.size[0] - 1, box.size[1] - 1, box.size[2] - 1}};
  const Window target{{0, 0, 0},
                      {grid.box.size[0] - 1, grid.box.size[1] - 1, grid.box.size[2] - 1}};
  std::vector<double> voxels =
      interpolated({image.begin(), image.end()}, source, target, grid, config.image);
  if (config.roundIntensities)
    for (double& v : voxels) v = std::round(v);
  return voxels;
}

void describe(const VolumeGeometry& geometry, std::span<const float> image,
              std::span<const std::uint8_t> mask, const NewGrid& grid, const Region& region,
              const RadiomicsConfig& config, std::vector<RadiomicFeature>& list) {
  Diagnostics diagnostics(list);
  const Box box{geometry.size};
  diagnostics.image(box, geometry.spacingMm, std::vector<double>(image.begin(), image.end()),
                    "init_img");
  diagnostics.image(grid.box, grid.spacingMm, wholeImage(image, box, grid, config.interpolation),
                    "interp_img");
  const std::vector<Voxel> initial = voxelsOf({mask.begin(), mask.end()}, box);
  diagnostics.region(box, initial, initial, intensitiesOf(initial, image), "init_roi");
  std::vector<double> all;
  for (const Voxel& v : region.morphologicalVoxels) all.push_back(region.image[v.offset]);
  diagnostics.region(grid.box, region.morphologicalVoxels, region.morphologicalVoxels, all,
                     "interp_roi");
  diagnostics.region(grid.box, region.intensityVoxels, region.morphologicalVoxels,
                     region.intensities, "reseg_roi");
}

}  // namespace

void FeatureSink::add(std::string name, double value, const char* whyUndefined) {
  if (std::isfinite(value)) {
    features_.push_back({std::move(name), value});
    return;
  }
  refuse(std::move(name),
         whyUndefined != nullptr ? whyUndefined : "it is not defined for this region");
}

void FeatureSink::refuse(std::string name, std::string why) {
  features_.push_back({std::move(name), tl::unexpected(std::move(why))});
}

tl::expected<Region, RadiomicsRefusal> prepareRegion(const VolumeGeometry& geometry,
                                                     std::span<const float> image,
                                                     std::span<const std::uint8_t> mask,
                                                     const RadiomicsConfig& config,
                                                     std::vector<RadiomicFeature>& diagnostics) {
  const Box imageBox{geometry.size};
  const MaskExtent extent = extentOf(mask, imageBox);
  if (extent.voxels == 0) return refused(RadiomicsRefusalCode::EmptyMask, "the mask has no voxel");
  if (extent.voxels == 1)
    return refused(RadiomicsRefusalCode::SingleVoxel,
                   "the mask has one voxel, which has neither form nor texture");

  const InterpolationConfig& interpolation = config.interpolation;
  const NewGrid grid = newGrid(geometry, interpolation);
  std::array<int, 3> peak{};
  if (std::count(config.families.begin(), config.families.end(), FeatureFamily::LocalIntensity) > 0)
    for (std::size_t a = 0; a < 3; ++a)
      peak[a] = static_cast<int>(std::ceil(kPeakRadiusMm / grid.spacingMm[a]));
  const Window window =
      grown(grid.same ? extent.bounds : reachOf(extent.bounds, grid), peak, grid.box);
  if (window.box().count() > kMostVoxels)
    return refused(RadiomicsRefusalCode::TooLarge,
                   formatted("the region's box would have %zu voxels; choose a larger "
                             "interpolation.spacingMm",
                             window.box().count()));

  const bool spline = !grid.same && interpolation.image == InterpolationMethod::Cubic;
  const Window source =
      grid.same ? window : sourceOf(window, grid, imageBox, spline ? kSplineReachVoxels : 1);
  Region region{
      window.box(), grid.spacingMm, cutOut<double>(image, imageBox, source), {}, {}, {}, {}};
  if (!allFinite(region.image))
    return refused(RadiomicsRefusalCode::NotFinite,
                   "the image has NaN or infinite voxels in the region or beside it");
  if (!grid.same)
    region.image = interpolated(region.image, source, window, grid, interpolation.image);
  if (interpolation.roundIntensities)
    for (double& v : region.image) v = std::round(v);

  region.morphological = cutOut<std::uint8_t>(mask, imageBox, source);
  if (!grid.same)
    region.morphological =
        interpolatedMask(region.morphological, source, window, grid, interpolation);
  region.morphologicalVoxels = voxelsOf(region.morphological, region.box);
  resegment(region, config.resegmentation);
  if (region.intensityVoxels.empty())
    return refused(RadiomicsRefusalCode::NothingLeft,
                   region.morphologicalVoxels.empty()
                       ? "no voxel of the mask is left after interpolation"
                       : "no voxel of the mask is left after re-segmentation");
  if (region.intensityVoxels.size() == 1)
    return refused(RadiomicsRefusalCode::SingleVoxel,
                   "one voxel of the mask is left after interpolation and re-segmentation; it has "
                   "neither form nor texture");
  if (config.diagnostics) describe(geometry, image, mask, grid, region, config, diagnostics);
  return region;
}

}  // namespace fedpet::imaging::ibsi
