#include "models/imaging/Percist.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/Measurements.h"
#include "models/imaging/VolumeFilters.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace fedpet::imaging {
namespace {

std::vector<PointMm> pointsOf(const VolumeGeometry& geometry,
                              const std::vector<std::size_t>& voxels) {
  const VoxelIndex index(geometry);
  std::vector<PointMm> points;
  points.reserve(voxels.size());
  for (std::size_t at : voxels) {
    const auto here = index(at);
    points.push_back(geometry.pointMm(here[0], here[1], here[2]));
  }
  return points;
}

// Whether a voxel of `lesion` lies within the clearance of one of `region`.
bool isNear(const VolumeGeometry& geometry, const std::vector<PointMm>& region,
            const std::vector<std::size_t>& lesion) {
  PointMm low = region.front(), high = region.front();
  for (const PointMm& p : region)
    for (std::size_t a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], p[a] - kReferenceClearanceMm);
      high[a] = std::max(high[a], p[a] + kReferenceClearanceMm);
    }
  for (const PointMm& q : pointsOf(geometry, lesion)) {
    bool inBox = true;
    for (std::size_t a = 0; a < 3; ++a) inBox &= q[a] >= low[a] && q[a] <= high[a];
    if (inBox && std::any_of(region.begin(), region.end(), [&](const PointMm& p) {
          return distanceMm(p, q) < kReferenceClearanceMm;
        }))
      return true;
  }
  return false;
}

// Why a region cannot be the reference; nullopt: it can.
std::optional<std::string> objection(const PercistInput& input, Organ organ) {
  const FoundRegion* region = input.anatomy.find(organ);
  if (region == nullptr || region->voxels.empty()) {
    const Refusal* why = input.anatomy.refusalOf(organ);
    return why != nullptr ? why->detail : std::string("it was not looked for");
  }
  if (!input.finding) return std::nullopt;
  const auto points = pointsOf(input.volume.geometry, region->voxels);
  for (std::size_t l = 0; l < input.finding->lesions.size(); ++l)
    if (isNear(input.volume.geometry, points, input.finding->lesions[l].voxels))
      return formatted("Lesion %zu is nearer than %.0f mm to it", l + 1, kReferenceClearanceMm);
  return std::nullopt;
}

Measurement numberOf(Quantity quantity, double value, std::string definition) {
  return {quantity, value, std::move(definition), {}};
}

// The hottest lesion's SULpeak, and which one it is.
Measurement hottest(const PercistInput& input, std::string& trackingId) {
  Measurement peak{Quantity::SulPeak, 0.0, "highest SULpeak of all lesions", {}};
  if (!input.finding) {
    peak.value = tl::unexpected(input.finding.error());
    return peak;
  }
  double highest = -std::numeric_limits<double>::infinity();
  for (const Region& region : input.regions) {
    if (region.role != RegionRole::Lesion) continue;
    for (const Measurement& one : region.measurements)
      if (one.quantity == Quantity::SulPeak && one.value && *one.value > highest) {
        highest = *one.value;
        peak.value = highest;
        peak.definition =
            "SULpeak of " + region.name + ", the highest of all lesions; " + one.definition;
        trackingId = region.trackingId;
      }
  }
  if (trackingId.empty())
    peak.value = tl::unexpected(
        Refusal{RefusalCode::NoLesion, "no lesion by the rule: " + input.finding->definition});
  return peak;
}

PercistReading readingOf(const PercistInput& input, Organ organ, double sulPerSuvBw,
                         const std::string& whyNotLiver) {
  const FoundRegion& region = *input.anatomy.find(organ);
  const UptakeStatistics uptake = uptakeOf(input.volume, region.voxels);
  const double mean = uptake.mean * sulPerSuvBw, sd = uptake.standardDeviation * sulPerSuvBw;
  const double threshold = percistThresholdSul(organ, mean, sd);
  const double multiple = organ == Organ::Liver ? kPercistLiverMultiple : kPercistBloodPoolMultiple;

  PercistReading reading;
  reading.reference = organ;
  const std::string rule =
      formatted("%.1f x mean + %.0f SD = %.1f x %.3f + %.0f x %.3f = SUL %.2f", multiple,
                kPercistSdMultiple, multiple, mean, kPercistSdMultiple, sd, threshold);
  reading.definition = "PERCIST 1.0: measurable from SULpeak >= " + rule +
                       "; reference: " + region.name + " (" + region.definition + ")";
  if (!whyNotLiver.empty()) reading.definition += "; the liver is no reference: " + whyNotLiver;
  reading.definition +=
      formatted("; SUL = SUVbw x %.4f by the lean body mass of Janmahasatian", sulPerSuvBw);
  reading.numbers = {
      numberOf(Quantity::ReferenceSulMean, mean, "mean SUL of the voxels of: " + region.name),
      numberOf(Quantity::ReferenceSulSd, sd,
               "standard deviation (n - 1) of SUL over the voxels of: " + region.name),
      numberOf(Quantity::PercistThreshold, threshold, rule),
      hottest(input, reading.hottestTrackingUid)};
  const Measurement& peak = reading.numbers.back();
  reading.measurable = peak.value && *peak.value >= threshold;
  return reading;
}

}  // namespace

double percistThresholdSul(Organ reference, double meanSul, double sdSul) {
  return (reference == Organ::BloodPool ? kPercistBloodPoolMultiple : kPercistLiverMultiple) *
             meanSul +
         kPercistSdMultiple * sdSul;
}

tl::expected<PercistReading, Refusal> readPercist(const PercistInput& input) {
  const auto sulPerSuvBw = sulOf(1, input.scaling);
  if (!sulPerSuvBw) return tl::unexpected(sulPerSuvBw.error());
  const auto liver = objection(input, Organ::Liver);
  if (!liver) return readingOf(input, Organ::Liver, *sulPerSuvBw, {});
  const auto bloodPool = objection(input, Organ::BloodPool);
  if (!bloodPool) return readingOf(input, Organ::BloodPool, *sulPerSuvBw, *liver);
  return tl::unexpected(
      Refusal{RefusalCode::RegionNotFound,
              "no PERCIST reference. Liver: " + *liver + ". Blood pool: " + *bloodPool});
}

}  // namespace fedpet::imaging
