#include "models/imaging/followup/Alignment.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/VolumeFilters.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace fedpet::imaging {
namespace {

// How far an organ's outline wanders between two studies of a patient, relative to a kidney: the
// bladder fills, a reference sphere goes where its organ is deepest.
double weightOf(Organ organ) {
  switch (organ) {
    case Organ::Bladder:
      return 0.2;
    case Organ::Liver:
    case Organ::Heart:
    case Organ::BloodPool:
      return 0.5;
    case Organ::Spleen:
      return 0.7;
    case Organ::Brain:
    case Organ::LumbarMarrow:
    case Organ::LeftKidney:
    case Organ::RightKidney:
      return 1;
  }
  return 0;
}

constexpr double kHuberMm = 10;  // beyond it a landmark counts less
constexpr double kScaleRange = 0.05;
constexpr double kScaleInertiaMm = 400;  // spread of landmarks that moves the scale half-way

struct AxisFit {
  double scale = 1, shift = 0;
};

AxisFit fitAxis(const std::vector<Landmark>& landmarks, const std::vector<double>& weights,
                std::size_t axis) {
  double total = 0, meanEarlier = 0, meanNow = 0;
  for (std::size_t n = 0; n < landmarks.size(); ++n) {
    total += weights[n];
    meanEarlier += weights[n] * landmarks[n].earlier[axis];
    meanNow += weights[n] * landmarks[n].now[axis];
  }
  meanEarlier /= total;
  meanNow /= total;
  double squares = total * kScaleInertiaMm * kScaleInertiaMm / 4, products = squares;
  for (std::size_t n = 0; n < landmarks.size(); ++n) {
    const double e = landmarks[n].earlier[axis] - meanEarlier;
    squares += weights[n] * e * e;
    products += weights[n] * e * (landmarks[n].now[axis] - meanNow);
  }
  AxisFit fit;
  fit.scale = std::clamp(products / squares, 1 - kScaleRange, 1 + kScaleRange);
  fit.shift = meanNow - fit.scale * meanEarlier;
  return fit;
}

double medianShift(const std::vector<Landmark>& landmarks, std::size_t axis) {
  std::vector<double> shifts;
  for (const Landmark& l : landmarks) shifts.push_back(l.now[axis] - l.earlier[axis]);
  std::sort(shifts.begin(), shifts.end());
  const std::size_t middle = shifts.size() / 2;
  return shifts.size() % 2 ? shifts[middle] : (shifts[middle - 1] + shifts[middle]) / 2;
}

double medianDistanceMm(const Alignment& alignment, const std::vector<Landmark>& landmarks) {
  std::vector<double> off;
  for (const Landmark& l : landmarks) off.push_back(distanceMm(alignment.toNow(l.earlier), l.now));
  std::sort(off.begin(), off.end());
  return off[off.size() / 2];
}

std::string describe(const Alignment& alignment, const std::vector<Landmark>& landmarks) {
  std::string organs;
  for (const Landmark& l : landmarks)
    organs += (organs.empty() ? "" : ", ") + std::string(toString(l.organ));
  return formatted(
      "aligned by %zu organs (%s): scale %.3f, %.3f, %.3f, shift %.0f, %.0f, %.0f mm, "
      "residual %.1f mm",
      landmarks.size(), organs.c_str(), alignment.scale[0], alignment.scale[1], alignment.scale[2],
      alignment.shiftMm[0], alignment.shiftMm[1], alignment.shiftMm[2], alignment.residualMm);
}

bool isFinite(const PointMm& p) {
  return std::isfinite(p[0]) && std::isfinite(p[1]) && std::isfinite(p[2]);
}

std::map<std::uint16_t, PointMm> centroidsOf(const LabelVolume& labels) {
  struct Sum {
    std::array<double, 3> index{};
    double count = 0;
  };
  std::map<std::uint16_t, Sum> sums;
  const VoxelIndex index(labels.geometry);
  for (std::size_t at = 0; at < labels.labels.size(); ++at) {
    if (labels.labels[at] == 0) continue;
    Sum& sum = sums[labels.labels[at]];
    const auto here = index(at);
    for (std::size_t a = 0; a < 3; ++a) sum.index[a] += here[a];
    sum.count += 1;
  }
  std::map<std::uint16_t, PointMm> centroids;
  for (const auto& [label, sum] : sums)
    centroids[label] = labels.geometry.pointMm(sum.index[0] / sum.count, sum.index[1] / sum.count,
                                               sum.index[2] / sum.count);
  return centroids;
}

}  // namespace

std::optional<std::size_t> voxelAt(const VolumeGeometry& g, const PointMm& p) {
  const std::array directions{g.rowDirection, g.columnDirection, g.sliceDirection};
  std::array<int, 3> at{};
  for (std::size_t a = 0; a < 3; ++a) {
    double along = 0;
    for (std::size_t c = 0; c < 3; ++c) along += (p[c] - g.originMm[c]) * directions[a][c];
    const double index = along / g.spacingMm[a];
    if (!(index > -0.5 && index < g.size[a] - 0.5)) return std::nullopt;
    at[a] = static_cast<int>(std::lround(index));
  }
  return VoxelIndex(g).offset(at);
}

bool isSound(const LabelVolume& labels) {
  const VolumeGeometry& g = labels.geometry;
  for (std::size_t a = 0; a < 3; ++a)
    if (g.size[a] <= 0 || !std::isfinite(g.spacingMm[a]) || g.spacingMm[a] <= 0) return false;
  if (!isFinite(g.originMm) || !isFinite(g.rowDirection) || !isFinite(g.columnDirection) ||
      !isFinite(g.sliceDirection))
    return false;
  return labels.labels.size() == g.voxelCount();
}

std::vector<Landmark> landmarksOf(const std::vector<Region>& now, const PriorStudy& prior) {
  if (!isSound(prior.labels)) return {};
  const auto centroids = centroidsOf(prior.labels);
  std::map<Organ, PointMm> earlier;
  for (const PriorRegion& region : prior.regions)
    if (region.role != RegionRole::Lesion && region.organ && region.label != 0)
      if (const auto found = centroids.find(region.label); found != centroids.end())
        earlier.emplace(*region.organ, found->second);
  std::vector<Landmark> landmarks;
  for (const Region& region : now) {
    if (region.role == RegionRole::Lesion || !region.organ || !isFinite(region.centroidMm))
      continue;
    const auto found = earlier.find(*region.organ);
    if (found == earlier.end()) continue;
    landmarks.push_back({*region.organ, found->second, region.centroidMm});
    earlier.erase(found);
  }
  return landmarks;
}

tl::expected<Alignment, std::string> alignedByLandmarks(const std::vector<Landmark>& landmarks) {
  if (landmarks.size() < kLeastLandmarks)
    return tl::unexpected(
        formatted("the two studies have %zu outlined organs in common, at least %zu "
                  "are needed to compare places",
                  landmarks.size(), kLeastLandmarks));
  Alignment alignment;
  for (std::size_t a = 0; a < 3; ++a) alignment.shiftMm[a] = medianShift(landmarks, a);
  std::vector<double> weights(landmarks.size());
  for (int round = 0; round < 20; ++round) {
    double sum = 0, squares = 0;
    for (std::size_t n = 0; n < landmarks.size(); ++n) {
      const double off = distanceMm(alignment.toNow(landmarks[n].earlier), landmarks[n].now);
      weights[n] = weightOf(landmarks[n].organ) * (off > kHuberMm ? kHuberMm / off : 1);
      sum += weights[n];
      squares += weights[n] * off * off;
    }
    alignment.residualMm = std::sqrt(squares / sum);
    for (std::size_t a = 0; a < 3; ++a) {
      const AxisFit fit = fitAxis(landmarks, weights, a);
      alignment.scale[a] = fit.scale;
      alignment.shiftMm[a] = fit.shift;
    }
  }
  if (alignment.residualMm > kWorstResidualMm)
    return tl::unexpected(
        formatted("the organs of the two studies do not fit together (residual "
                  "%.0f mm, at most %.0f mm)",
                  alignment.residualMm, kWorstResidualMm));
  alignment.description = describe(alignment, landmarks);
  return alignment;
}

tl::expected<Alignment, std::string> align(const ResponseAssessment& now, const PriorStudy& prior) {
  if (!isSound(prior.labels))
    return tl::unexpected(
        std::string("the earlier study has no segmentation, so places cannot be "
                    "compared"));
  const auto landmarks = landmarksOf(now.regions, prior);
  if (!prior.frameOfReferenceUid.empty() &&
      prior.frameOfReferenceUid == now.series.frameOfReferenceUid) {
    Alignment alignment;
    alignment.description = "both studies share one frame of reference";
    // An anonymiser may have given one UID to all studies: the organs must not contradict it.
    if (landmarks.size() < kLeastLandmarks ||
        medianDistanceMm(alignment, landmarks) <= kWorstResidualMm)
      return alignment;
  }
  return alignedByLandmarks(landmarks);
}

}  // namespace fedpet::imaging
