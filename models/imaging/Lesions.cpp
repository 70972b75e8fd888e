#include "models/imaging/Lesions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "models/imaging/Formatted.h"
#include "models/imaging/ImagingError.h"
#include "models/imaging/Measurements.h"
#include "models/imaging/VolumeFilters.h"

namespace fedpet::imaging {
namespace {

struct Named {
  LesionRule rule;
  std::string_view name;
};
constexpr std::array kRules{
    Named{LesionRule::FixedSuv4, "SUV4.0"},
    Named{LesionRule::Percent41OfMax, "41%SUVmax"},
    Named{LesionRule::PercistLiver, "PERCIST"},
};

// What is not lesion whatever its uptake: index of the region + 1, 0 is free.
std::vector<std::uint8_t> physiologicalMap(const SuvVolume& volume, const Anatomy& anatomy) {
  std::vector<std::uint8_t> map(volume.suvBw.size(), 0);
  for (std::size_t r = 0; r < anatomy.found.size(); ++r) {
    if (anatomy.found[r].role != RegionRole::Physiological) continue;
    for (std::size_t at : anatomy.found[r].voxels) map[at] = static_cast<std::uint8_t>(r + 1);
  }
  return map;
}

Mask hotterThan(const SuvVolume& volume, const std::vector<std::uint8_t>& excluded,
                double thresholdSuvBw) {
  Mask mask(volume.suvBw.size());
  const auto threshold = static_cast<float>(thresholdSuvBw);
  for (std::size_t at = 0; at < mask.size(); ++at)
    mask[at] = volume.suvBw[at] >= threshold && !excluded[at];
  return mask;
}

std::optional<Organ> touchedOrgan(const std::vector<std::size_t>& voxels, const VoxelIndex& index,
                                  const std::vector<std::uint8_t>& excluded,
                                  const Anatomy& anatomy) {
  const auto steps = neighbourSteps(Connectivity::Edges18);
  for (std::size_t at : voxels) {
    const auto here = index(at);
    for (const auto& step : steps) {
      const std::array<int, 3> there{here[0] + step[0], here[1] + step[1], here[2] + step[2]};
      if (!index.contains(there)) continue;
      if (const auto region = excluded[index.offset(there)]) return anatomy.found[region - 1].organ;
    }
  }
  return std::nullopt;
}

std::vector<Lesion> byFixedThreshold(const SuvVolume& volume,
                                     const std::vector<std::uint8_t>& excluded,
                                     double thresholdSuvBw) {
  std::vector<Lesion> lesions;
  for (auto& component : components(hotterThan(volume, excluded, thresholdSuvBw), volume.geometry,
                                    Connectivity::Edges18))
    lesions.push_back({std::move(component), thresholdSuvBw, std::nullopt});
  return lesions;
}

// One seed component under the 41 % rule.
struct Seed {
  std::vector<std::size_t> voxels;
  float suvMax = 0;
};

std::vector<Seed> hottestFirst(std::vector<std::vector<std::size_t>> seedComponents,
                               const SuvVolume& volume) {
  std::vector<Seed> seeds;
  for (auto& component : seedComponents) {
    float suvMax = 0;
    for (std::size_t at : component) suvMax = std::max(suvMax, volume.suvBw[at]);
    seeds.push_back({std::move(component), suvMax});
  }
  std::stable_sort(seeds.begin(), seeds.end(),
                   [](const Seed& a, const Seed& b) { return a.suvMax > b.suvMax; });
  return seeds;
}

// From the voxels of `seed` at or above the threshold to every 18-neighbour at or above it that
// is free and within reach of the seed voxel it grew from. Marks what it takes in `taken`.
std::vector<std::size_t> grown(const Seed& seed, float threshold, const SuvVolume& volume,
                               double reachMm, std::vector<std::uint8_t>& taken) {
  const VoxelIndex index(volume.geometry);
  const auto steps = neighbourSteps(Connectivity::Edges18);
  const auto& spacing = volume.geometry.spacingMm;
  std::vector<std::size_t> voxels, roots;
  for (std::size_t at : seed.voxels)
    if (volume.suvBw[at] >= threshold && !taken[at]) {
      taken[at] = 1;
      voxels.push_back(at);
    }
  roots = voxels;
  for (std::size_t next = 0; next < voxels.size(); ++next) {
    const auto here = index(voxels[next]);
    const auto root = index(roots[next]);
    for (const auto& step : steps) {
      const std::array<int, 3> there{here[0] + step[0], here[1] + step[1], here[2] + step[2]};
      if (!index.contains(there)) continue;
      const std::size_t to = index.offset(there);
      if (taken[to] || volume.suvBw[to] < threshold) continue;
      const double distance = std::hypot((there[0] - root[0]) * spacing[0],
                                         (there[1] - root[1]) * spacing[1],
                                         (there[2] - root[2]) * spacing[2]);
      if (distance > reachMm) continue;
      taken[to] = 1;
      voxels.push_back(to);
      roots.push_back(roots[next]);
    }
  }
  return voxels;
}

std::vector<Lesion> by41Percent(const SuvVolume& volume, const std::vector<std::uint8_t>& excluded,
                                const LesionOptions& options) {
  auto taken = excluded;
  std::vector<Lesion> lesions;
  const auto seeds = hottestFirst(components(hotterThan(volume, excluded, kFixedSuvThreshold),
                                             volume.geometry, Connectivity::Edges18),
                                  volume);
  const double voxelMl = volume.geometry.voxelVolumeMl();
  for (const Seed& seed : seeds) {
    // 41 % of a single noisy voxel of SUV 5 is below SUV 2.1 and would draw a lesion into muscle.
    if (static_cast<double>(seed.voxels.size()) * voxelMl + 1e-9 < options.minimumVolumeMl) continue;
    const double threshold = kBoundaryFraction * static_cast<double>(seed.suvMax);
    // Empty when a hotter neighbour's boundary took it all.
    auto voxels = grown(seed, static_cast<float>(threshold), volume, options.boundaryReachMm, taken);
    std::sort(voxels.begin(), voxels.end());
    // A hot lesion's boundary lies above 4.0, and a second peak of the same seed component may
    // then stand apart: it is a lesion of its own with the same boundary.
    for (auto& piece : componentsOf(voxels, volume.geometry, Connectivity::Edges18))
      lesions.push_back({std::move(piece), threshold, std::nullopt});
  }
  return lesions;
}

tl::expected<double, Refusal> percistThreshold(const SuvVolume& volume, const Anatomy& anatomy) {
  const FoundRegion* liver = anatomy.find(Organ::Liver);
  if (!liver) {
    const Refusal* why = anatomy.refusalOf(Organ::Liver);
    return tl::unexpected(Refusal{RefusalCode::RegionNotFound,
                                  "the PERCIST rule needs the liver reference region: " +
                                      (why ? why->detail : std::string("not looked for"))});
  }
  const UptakeStatistics uptake = uptakeOf(volume, liver->voxels);
  return 1.5 * uptake.mean + 2 * uptake.standardDeviation;
}

std::string definitionOf(LesionRule rule, double thresholdSuvBw, const LesionOptions& options) {
  std::string text;
  switch (rule) {
    case LesionRule::FixedSuv4:
      text = formatted("SUVbw >= %.1f", kFixedSuvThreshold);
      break;
    case LesionRule::Percent41OfMax:
      text = formatted(
          "seeds of SUVbw >= %.1f and at least %.1f ml, boundary at %.0f %% of each lesion's SUVmax, "
          "at most %.0f mm from its seed",
          kFixedSuvThreshold, options.minimumVolumeMl, kBoundaryFraction * 100, options.boundaryReachMm);
      break;
    case LesionRule::PercistLiver:
      text = formatted(
          "PERCIST 1.0 threshold, 1.5 x liver mean + 2 SD = SUVbw %.2f (the same voxels as on SUL, "
          "which is SUVbw times one factor for the patient)",
          thresholdSuvBw);
      break;
  }
  return text + formatted(", 18-connected, components of at least %.1f ml", options.minimumVolumeMl) +
         ", physiological regions excluded";
}

void dropSmall(LesionFinding& finding, double voxelVolumeMl, double minimumVolumeMl) {
  std::vector<Lesion> kept;
  for (Lesion& lesion : finding.lesions) {
    const double volumeMl = static_cast<double>(lesion.voxels.size()) * voxelVolumeMl;
    if (volumeMl + 1e-9 >= minimumVolumeMl) {
      kept.push_back(std::move(lesion));
    } else {
      ++finding.droppedComponents;
      finding.droppedVolumeMl += volumeMl;
    }
  }
  finding.lesions = std::move(kept);
}

}  // namespace

std::string_view toString(LesionRule rule) {
  for (const auto& entry : kRules)
    if (entry.rule == rule) return entry.name;
  throw std::invalid_argument("lesion rule outside its table");
}

LesionRule lesionRuleFromString(std::string_view name) {
  for (const auto& entry : kRules)
    if (entry.name == name) return entry.rule;
  throw std::invalid_argument("unknown lesion rule: " + std::string(name));
}

tl::expected<LesionFinding, Refusal> findLesions(const SuvVolume& volume, const Anatomy& anatomy,
                                                 LesionRule rule, const LesionOptions& options) {
  if (volume.suvBw.size() != volume.geometry.voxelCount())
    throw ImagingError("the volume's voxels do not fit its geometry");
  double threshold = kFixedSuvThreshold;
  if (rule == LesionRule::PercistLiver) {
    const auto percist = percistThreshold(volume, anatomy);
    if (!percist) return tl::unexpected(percist.error());
    threshold = *percist;
  }
  const auto excluded = physiologicalMap(volume, anatomy);
  LesionFinding finding;
  finding.rule = rule;
  finding.definition = definitionOf(rule, threshold, options);
  finding.lesions = rule == LesionRule::Percent41OfMax
                        ? by41Percent(volume, excluded, options)
                        : byFixedThreshold(volume, excluded, threshold);
  dropSmall(finding, volume.geometry.voxelVolumeMl(), options.minimumVolumeMl);
  std::stable_sort(finding.lesions.begin(), finding.lesions.end(),
                   [](const Lesion& a, const Lesion& b) {
                     return a.voxels.size() != b.voxels.size() ? a.voxels.size() > b.voxels.size()
                                                               : a.voxels < b.voxels;
                   });
  const VoxelIndex index(volume.geometry);
  for (Lesion& lesion : finding.lesions)
    lesion.touching = touchedOrgan(lesion.voxels, index, excluded, anatomy);
  return finding;
}

}  // namespace fedpet::imaging
