#include "models/imaging/Measurements.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/VolumeFilters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace fedpet::imaging {
namespace {

constexpr const char* kMeanDefinition = "unweighted mean of the region's voxels, SUVbw";
constexpr const char* kMaxDefinition = "hottest voxel of the region, SUVbw";
constexpr const char* kPeakDefinition =
    "mean SUVbw of the 1 ml sphere (radius 6.2 mm) that is highest, centred on any voxel of the "
    "region; voxels count by their share inside the sphere, which may reach beyond the region";

std::string sulPeakDefinition(const SuvScaling& scaling) {
  return scaling.sulPerSuvBw
             ? formatted("SUVpeak x %.4f: SUL by the lean body mass of Janmahasatian",
                         *scaling.sulPerSuvBw)
             : std::string("SUVpeak as SUL, by the lean body mass of Janmahasatian");
}

struct PeakSample {
  std::array<int, 3> step;
  double weight;  // share of the sphere's volume
};

// The share of the sphere in every voxel around its centre voxel; the weights sum to 1.
std::vector<PeakSample> peakKernel(const VolumeGeometry& geometry) {
  std::array<int, 3> reach{}, samples{};
  for (std::size_t a = 0; a < 3; ++a) {
    const double spacing = geometry.spacingMm[a];
    reach[a] = static_cast<int>(std::floor(kPeakRadiusMm / spacing + 0.5));
    samples[a] = static_cast<int>(std::clamp(std::ceil(spacing / 0.5), 1.0, 32.0));
  }
  const auto position = [&](std::size_t a, int step, int sample) {
    return (step + (sample + 0.5) / samples[a] - 0.5) * geometry.spacingMm[a];
  };
  std::vector<PeakSample> kernel;
  double total = 0;
  for (int k = -reach[2]; k <= reach[2]; ++k)
    for (int j = -reach[1]; j <= reach[1]; ++j)
      for (int i = -reach[0]; i <= reach[0]; ++i) {
        int inside = 0;
        for (int c = 0; c < samples[2]; ++c)
          for (int b = 0; b < samples[1]; ++b)
            for (int a = 0; a < samples[0]; ++a) {
              const double x = position(0, i, a), y = position(1, j, b), z = position(2, k, c);
              inside += x * x + y * y + z * z <= kPeakRadiusMm * kPeakRadiusMm;
            }
        if (inside == 0) continue;
        kernel.push_back({{i, j, k}, static_cast<double>(inside)});
        total += inside;
      }
  for (auto& sample : kernel) sample.weight /= total;
  return kernel;
}

double meanAround(const SuvVolume& volume, const VoxelIndex& index,
                  const std::vector<PeakSample>& kernel, std::size_t centre) {
  const auto here = index(centre);
  double sum = 0, weight = 0;
  for (const PeakSample& sample : kernel) {
    const std::array<int, 3> there{here[0] + sample.step[0], here[1] + sample.step[1],
                                   here[2] + sample.step[2]};
    if (!index.contains(there)) continue;
    sum += sample.weight * static_cast<double>(volume.suvBw[index.offset(there)]);
    weight += sample.weight;
  }
  return sum / weight;
}

Measurement given(Quantity quantity, double value, std::string definition) {
  return {quantity, value, std::move(definition), {}};
}

Measurement refused(Quantity quantity, Refusal why, std::string definition) {
  return {quantity, tl::unexpected(std::move(why)), std::move(definition), {}};
}

// The definitions, once: the same text whether the number is given or refused.
struct WholeBodyDefinitions {
  std::string tmtv, tlg, count, suvMax, suvPeak, sulPeak;
};
constexpr const char* kDmaxDefinition =
    "largest distance between the centroids of two lesions (voxel centres, unweighted); 0 with "
    "one lesion";

WholeBodyDefinitions tumourDefinitions(const std::string& rule, const SuvScaling& scaling) {
  return {"volume of all lesions together; lesions: " + rule,
          "sum over the lesions of volume x SUVmean; lesions: " + rule,
          "number of lesions; lesions: " + rule,
          "hottest voxel of all lesions, SUVbw",
          std::string("highest of all lesions: ") + kPeakDefinition,
          "highest of all lesions: " + sulPeakDefinition(scaling)};
}

std::vector<Measurement> tumourRefused(const Refusal& why, const SuvScaling& scaling) {
  const auto text = tumourDefinitions("refused", scaling);
  return {refused(Quantity::Tmtv, why, text.tmtv),
          refused(Quantity::TotalLesionGlycolysis, why, text.tlg),
          refused(Quantity::LesionCount, why, text.count),
          refused(Quantity::SuvMax, why, text.suvMax),
          refused(Quantity::SuvPeak, why, text.suvPeak),
          refused(Quantity::SulPeak, why, text.sulPeak),
          refused(Quantity::Dmax, why, kDmaxDefinition)};
}

double dmaxMm(const VolumeGeometry& geometry, const std::vector<Lesion>& lesions) {
  std::vector<PointMm> centroids;
  for (const Lesion& lesion : lesions) centroids.push_back(centroidMm(geometry, lesion.voxels));
  double largest = 0;
  for (std::size_t a = 0; a < centroids.size(); ++a)
    for (std::size_t b = a + 1; b < centroids.size(); ++b)
      largest = std::max(largest, distanceMm(centroids[a], centroids[b]));
  return largest;
}

std::vector<Measurement> tumourBurden(const SuvVolume& volume, const LesionFinding& finding,
                                      const SuvScaling& scaling) {
  double volumeMl = 0, glycolysis = 0, hottest = 0, peak = 0;
  for (const Lesion& lesion : finding.lesions) {
    const UptakeStatistics uptake = uptakeOf(volume, lesion.voxels);
    volumeMl += uptake.volumeMl;
    glycolysis += uptake.volumeMl * uptake.mean;
    hottest = std::max(hottest, uptake.maximum);
    peak = std::max(peak, suvPeak(volume, lesion.voxels));
  }
  const auto text = tumourDefinitions(finding.definition, scaling);
  std::vector<Measurement> all{
      given(Quantity::Tmtv, volumeMl, text.tmtv),
      given(Quantity::TotalLesionGlycolysis, glycolysis, text.tlg),
      given(Quantity::LesionCount, static_cast<double>(finding.lesions.size()), text.count)};
  if (finding.lesions.empty()) {
    const Refusal none{RefusalCode::NoLesion, "no lesion by the rule: " + finding.definition};
    all.push_back(refused(Quantity::SuvMax, none, text.suvMax));
    all.push_back(refused(Quantity::SuvPeak, none, text.suvPeak));
    all.push_back(refused(Quantity::SulPeak, none, text.sulPeak));
    all.push_back(refused(Quantity::Dmax, none, kDmaxDefinition));
    return all;
  }
  all.push_back(given(Quantity::SuvMax, hottest, text.suvMax));
  all.push_back(given(Quantity::SuvPeak, peak, text.suvPeak));
  all.push_back({Quantity::SulPeak, sulOf(peak, scaling), text.sulPeak, {}});
  all.push_back(given(Quantity::Dmax, dmaxMm(volume.geometry, finding.lesions), kDmaxDefinition));
  return all;
}

tl::expected<UptakeStatistics, Refusal> referenceUptake(const SuvVolume& volume,
                                                        const Anatomy& anatomy, Organ organ) {
  if (const FoundRegion* region = anatomy.find(organ)) return uptakeOf(volume, region->voxels);
  if (const Refusal* why = anatomy.refusalOf(organ)) return tl::unexpected(*why);
  return tl::unexpected(
      Refusal{RefusalCode::RegionNotFound, std::string(toString(organ)) + " was not looked for"});
}

Measurement ratioToLiver(Quantity quantity, const tl::expected<UptakeStatistics, Refusal>& organ,
                         const tl::expected<UptakeStatistics, Refusal>& liver, const char* words) {
  const std::string definition =
      std::string("SUVmean of the ") + words + " over SUVmean of the liver reference region";
  if (!liver) return refused(quantity, liver.error(), definition);
  if (!organ) return refused(quantity, organ.error(), definition);
  return given(quantity, organ->mean / liver->mean, definition);
}

}  // namespace

UptakeStatistics uptakeOf(const SuvVolume& volume, const std::vector<std::size_t>& voxels) {
  UptakeStatistics result;
  if (voxels.empty()) return result;
  const auto count = static_cast<double>(voxels.size());
  double sum = 0;
  result.minimum = result.maximum = static_cast<double>(volume.suvBw[voxels.front()]);
  for (std::size_t at : voxels) {
    const auto suv = static_cast<double>(volume.suvBw[at]);
    sum += suv;
    result.minimum = std::min(result.minimum, suv);
    result.maximum = std::max(result.maximum, suv);
  }
  result.mean = sum / count;
  double squares = 0;
  for (std::size_t at : voxels) {
    const double difference = static_cast<double>(volume.suvBw[at]) - result.mean;
    squares += difference * difference;
  }
  result.standardDeviation = voxels.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  result.volumeMl = count * volume.geometry.voxelVolumeMl();
  return result;
}

PointMm centroidMm(const VolumeGeometry& geometry, const std::vector<std::size_t>& voxels) {
  const VoxelIndex index(geometry);
  std::array<double, 3> sum{};
  for (std::size_t at : voxels) {
    const auto here = index(at);
    for (std::size_t a = 0; a < 3; ++a) sum[a] += here[a];
  }
  const auto count = static_cast<double>(voxels.size());
  return geometry.pointMm(sum[0] / count, sum[1] / count, sum[2] / count);
}

double suvPeak(const SuvVolume& volume, const std::vector<std::size_t>& voxels) {
  if (voxels.empty()) return 0;
  const auto kernel = peakKernel(volume.geometry);
  const VoxelIndex index(volume.geometry);
  double highest = meanAround(volume, index, kernel, voxels.front());
  for (std::size_t at : voxels) highest = std::max(highest, meanAround(volume, index, kernel, at));
  return highest;
}

tl::expected<double, Refusal> sulOf(double suvBw, const SuvScaling& scaling) {
  if (scaling.sulPerSuvBw) return suvBw * *scaling.sulPerSuvBw;
  return tl::unexpected(scaling.sulRefusal.value_or(
      Refusal{RefusalCode::HeightOrSexMissing, "no lean body mass is known for this patient"}));
}

std::vector<Measurement> measureLesion(const SuvVolume& volume, const Lesion& lesion,
                                       const SuvScaling& scaling) {
  const UptakeStatistics uptake = uptakeOf(volume, lesion.voxels);
  const double peak = suvPeak(volume, lesion.voxels);
  return {given(Quantity::MetabolicVolume, uptake.volumeMl, "voxel count x voxel volume"),
          given(Quantity::Glycolysis, uptake.volumeMl * uptake.mean, "volume x SUVmean"),
          given(Quantity::SuvMax, uptake.maximum, kMaxDefinition),
          given(Quantity::SuvMean, uptake.mean, kMeanDefinition),
          given(Quantity::SuvPeak, peak, kPeakDefinition),
          {Quantity::SulPeak, sulOf(peak, scaling), sulPeakDefinition(scaling), {}},
          given(Quantity::SuvMin, uptake.minimum, "coldest voxel of the region, SUVbw")};
}

std::vector<Measurement> measureOrgan(const SuvVolume& volume, const FoundRegion& region) {
  const UptakeStatistics uptake = uptakeOf(volume, region.voxels);
  return {given(Quantity::SuvMean, uptake.mean, kMeanDefinition),
          given(Quantity::SuvMax, uptake.maximum, kMaxDefinition),
          given(Quantity::OrganVolume, uptake.volumeMl,
                region.role == RegionRole::Reference
                    ? "volume of the reference region, not of the organ"
                    : "voxel count x voxel volume of the outlined uptake")};
}

std::vector<Measurement> measureWholeBody(const SuvVolume& volume, const Anatomy& anatomy,
                                          const tl::expected<LesionFinding, Refusal>& finding,
                                          const SuvScaling& scaling) {
  auto all =
      finding ? tumourBurden(volume, *finding, scaling) : tumourRefused(finding.error(), scaling);
  const auto liver = referenceUptake(volume, anatomy, Organ::Liver);
  const auto spleen = referenceUptake(volume, anatomy, Organ::Spleen);
  const auto marrow = referenceUptake(volume, anatomy, Organ::LumbarMarrow);
  all.push_back(
      ratioToLiver(Quantity::SpleenToLiverRatio, spleen, liver, "spleen reference region"));
  all.push_back(
      ratioToLiver(Quantity::MarrowToLiverRatio, marrow, liver, "lumbar marrow reference region"));
  const char* mean = "mean SUVbw of the liver reference region";
  const char* sd =
      "standard deviation (n - 1) of SUVbw over the voxels of the liver reference region";
  if (liver) {
    all.push_back(given(Quantity::LiverSuvMean, liver->mean, mean));
    all.push_back(given(Quantity::LiverSuvSd, liver->standardDeviation, sd));
  } else {
    all.push_back(refused(Quantity::LiverSuvMean, liver.error(), mean));
    all.push_back(refused(Quantity::LiverSuvSd, liver.error(), sd));
  }
  return all;
}

}  // namespace fedpet::imaging
