#include "models/imaging/radiomics/Radiomics.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/VolumeFilters.h"
#include "models/imaging/radiomics/Intensities.h"
#include "models/imaging/radiomics/Levels.h"
#include "models/imaging/radiomics/Morphology.h"
#include "models/imaging/radiomics/Region.h"
#include "models/imaging/radiomics/Texture.h"

#include <algorithm>
#include <cmath>

namespace fedpet::imaging {
namespace {

using Add = void (*)(const ibsi::LevelGrid&, const RadiomicsConfig&, ibsi::FeatureSink&);

Add textureOf(FeatureFamily family) {
  switch (family) {
    case FeatureFamily::Glcm:
      return ibsi::addGlcm;
    case FeatureFamily::Glrlm:
      return ibsi::addGlrlm;
    case FeatureFamily::Glszm:
      return ibsi::addGlszm;
    case FeatureFamily::Gldzm:
      return ibsi::addGldzm;
    case FeatureFamily::Ngtdm:
      return ibsi::addNgtdm;
    case FeatureFamily::Ngldm:
      return ibsi::addNgldm;
    default:
      return nullptr;
  }
}

void addTexture(const ibsi::Region& region, const RadiomicsConfig& config,
                ibsi::FeatureSink& sink) {
  const auto& families = config.families;
  if (std::none_of(families.begin(), families.end(), textureOf)) return;
  auto levels = ibsi::discretised(region, config.discretisation, config);
  if (levels && *std::max_element(levels->begin(), levels->end()) > ibsi::kMostLevels)
    levels = tl::unexpected(formatted(
        "discretisation gives %d levels; texture takes at most %d: choose larger or fewer bins",
        *std::max_element(levels->begin(), levels->end()), ibsi::kMostLevels));
  ibsi::LevelGrid grid;
  if (levels)
    grid = ibsi::levelGrid(region, *levels,
                           std::max({config.texture.glcmDistance, config.texture.ngtdmDistance,
                                     config.texture.ngldmDistance}));
  for (const FeatureFamily family : families) {
    const Add add = textureOf(family);
    if (add == nullptr) continue;
    if (levels)
      add(grid, config, sink);
    else
      ibsi::refuseTexture(family, config, levels.error(), sink);
  }
}

void requireFit(const VolumeGeometry& geometry, std::size_t image, std::size_t mask) {
  for (std::size_t a = 0; a < 3; ++a)
    if (geometry.size[a] < 1 || !(geometry.spacingMm[a] > 0) ||
        !std::isfinite(geometry.spacingMm[a]))
      throw ImagingError("radiomics: the image has no size or no voxel spacing");
  if (image != geometry.voxelCount() || mask != geometry.voxelCount())
    throw ImagingError("radiomics: the voxels do not fill the geometry");
}

}  // namespace

const RadiomicFeature* RadiomicsResult::find(std::string_view name) const {
  for (const auto* list : {&features, &diagnostics})
    for (const RadiomicFeature& feature : *list)
      if (feature.name == name) return &feature;
  return nullptr;
}

std::string_view toString(RadiomicsRefusalCode code) {
  switch (code) {
    case RadiomicsRefusalCode::GridsDiffer:
      return "GridsDiffer";
    case RadiomicsRefusalCode::EmptyMask:
      return "EmptyMask";
    case RadiomicsRefusalCode::SingleVoxel:
      return "SingleVoxel";
    case RadiomicsRefusalCode::NothingLeft:
      return "NothingLeft";
    case RadiomicsRefusalCode::NotFinite:
      return "NotFinite";
    case RadiomicsRefusalCode::TooLarge:
      return "TooLarge";
  }
  return "";
}

const std::vector<std::string>& unstandardisedFeatures() {
  static const std::vector<std::string> names{"morph_vol_dens_ombb", "morph_area_dens_ombb",
                                              "morph_vol_dens_mvee", "morph_area_dens_mvee",
                                              "ivh_auc"};
  return names;
}

tl::expected<RadiomicsResult, RadiomicsRefusal> radiomics(const VolumeGeometry& geometry,
                                                          std::span<const float> image,
                                                          std::span<const std::uint8_t> mask,
                                                          const RadiomicsConfig& config) {
  requireValid(config);
  requireFit(geometry, image.size(), mask.size());
  RadiomicsResult result{config, configHash(config), {}, {}, {}};
  const auto region = ibsi::prepareRegion(geometry, image, mask, config, result.diagnostics);
  if (!region) return tl::unexpected(region.error());
  ibsi::FeatureSink sink(result.features);
  for (const FeatureFamily family : config.families) {
    switch (family) {
      case FeatureFamily::Morphology:
        ibsi::addMorphology(*region, config, sink);
        break;
      case FeatureFamily::SpatialAutocorrelation:
        ibsi::addSpatialAutocorrelation(*region, sink);
        break;
      case FeatureFamily::LocalIntensity:
        ibsi::addLocalIntensity(*region, sink);
        break;
      case FeatureFamily::Statistics:
        ibsi::addStatistics(*region, config, sink);
        break;
      case FeatureFamily::IntensityHistogram:
        ibsi::addIntensityHistogram(*region, config, sink);
        break;
      case FeatureFamily::IntensityVolumeHistogram:
        ibsi::addIntensityVolumeHistogram(*region, config, sink);
        break;
      default:
        break;  // texture, which shares its levels
    }
  }
  addTexture(*region, config, sink);
  return result;
}

tl::expected<RadiomicsResult, RadiomicsRefusal> radiomics(const SuvVolume& volume,
                                                          const std::vector<std::size_t>& voxels,
                                                          const RadiomicsConfig& config) {
  std::vector<std::uint8_t> mask(volume.geometry.voxelCount());
  for (const std::size_t v : voxels) mask.at(v) = 1;
  return radiomics(volume.geometry, volume.suvBw, mask, config);
}

// --- a mask on the image's grid ----------------------------------------------------------------

namespace {

// Text positions and spacings carry rounding; that of a spacing adds up along the grid.
constexpr double kToleranceOfVoxel = 0.02, kToleranceOfDrift = 0.1;

tl::unexpected<RadiomicsRefusal> gridsDiffer(const std::string& how) {
  return tl::unexpected(RadiomicsRefusal{RadiomicsRefusalCode::GridsDiffer,
                                         "the mask does not lie on the image's voxels: " + how});
}

// Index in `grid` of a point.
std::array<double, 3> indexOf(const VolumeGeometry& grid, const PointMm& point) {
  const std::array<const std::array<double, 3>*, 3> axes{&grid.rowDirection, &grid.columnDirection,
                                                         &grid.sliceDirection};
  std::array<double, 3> index{};
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t x = 0; x < 3; ++x) index[a] += (point[x] - grid.originMm[x]) * (*axes[a])[x];
    index[a] /= grid.spacingMm[a];
  }
  return index;
}

}  // namespace

tl::expected<std::vector<std::uint8_t>, RadiomicsRefusal> maskOnGrid(const LabelVolume& mask,
                                                                     const VolumeGeometry& grid) {
  const VolumeGeometry& from = mask.geometry;
  if (mask.labels.size() != from.voxelCount())
    throw ImagingError("radiomics: the mask's voxels do not fill its geometry");
  // A step along each of the mask's axes must be one step along one of the grid's.
  const auto first = indexOf(grid, from.originMm);
  std::array<std::array<int, 3>, 3> step{};
  for (std::size_t m = 0; m < 3; ++m) {
    const auto next = indexOf(grid, from.pointMm(m == 0, m == 1, m == 2));
    int ones = 0;
    for (std::size_t a = 0; a < 3; ++a) {
      step[m][a] = static_cast<int>(std::lround(std::clamp(next[a] - first[a], -9.0, 9.0)));
      ones += std::abs(step[m][a]);
      // The last voxel along this axis must still be where the steps lead.
      const double drift = (next[a] - first[a] - step[m][a]) * std::max(1, from.size[m] - 1);
      if (std::abs(drift) > kToleranceOfDrift)
        return gridsDiffer(
            formatted("its voxels are %g x %g x %g mm, the image's %g x %g x %g mm, "
                      "or its axes are turned",
                      from.spacingMm[0], from.spacingMm[1], from.spacingMm[2], grid.spacingMm[0],
                      grid.spacingMm[1], grid.spacingMm[2]));
    }
    if (ones != 1) return gridsDiffer("its axes are turned against the image's");
  }
  std::array<int, 3> start{};
  for (std::size_t a = 0; a < 3; ++a) {
    if (std::abs(first[a]) > 1e6) return gridsDiffer("it is far away from the image");
    start[a] = static_cast<int>(std::lround(first[a]));
    if (std::abs(first[a] - start[a]) > kToleranceOfVoxel)
      return gridsDiffer("it is shifted by part of a voxel");
  }
  std::vector<std::uint8_t> placed(grid.voxelCount());
  const VoxelIndex maskIndex(from), gridIndex(grid);
  for (std::size_t v = 0; v < mask.labels.size(); ++v) {
    if (mask.labels[v] == 0) continue;
    const auto at = maskIndex(v);
    std::array<int, 3> to = start;
    for (std::size_t m = 0; m < 3; ++m)
      for (std::size_t a = 0; a < 3; ++a) to[a] += at[m] * step[m][a];
    if (!gridIndex.contains(to)) return gridsDiffer("a part of it lies outside the image");
    placed[gridIndex.offset(to)] = 1;
  }
  return placed;
}

}  // namespace fedpet::imaging
