#include "models/imaging/followup/LesionMatching.h"

#include "models/imaging/VolumeFilters.h"
#include "models/imaging/followup/Assignment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>

namespace fedpet::imaging {
namespace {

// Enough to know a distance to a few millimetres and a share to a few percent, and few enough for
// all pairs of a hundred lesions.
constexpr std::size_t kMostPoints = 1500;

struct Shape {
  std::uint16_t label = 0;
  std::vector<PointMm> voxels, surface;  // samples, in the coordinates of this study
  PointMm centroid{}, low{}, high{};
};

std::vector<std::size_t> sampled(const std::vector<std::size_t>& all) {
  const std::size_t step = (all.size() + kMostPoints - 1) / kMostPoints;
  std::vector<std::size_t> some;
  for (std::size_t n = 0; n < all.size(); n += std::max<std::size_t>(step, 1))
    some.push_back(all[n]);
  return some;
}

bool isSurface(const LabelVolume& volume, const VoxelIndex& index, std::size_t at) {
  static const auto steps = neighbourSteps(Connectivity::Faces6);
  const auto here = index(at);
  for (const auto& step : steps) {
    const std::array<int, 3> there{here[0] + step[0], here[1] + step[1], here[2] + step[2]};
    if (!index.contains(there) || volume.labels[index.offset(there)] != volume.labels[at])
      return true;
  }
  return false;
}

template <typename ToNow>
std::vector<Shape> shapesOf(const LesionMasks& masks, const ToNow& toNow) {
  const VoxelIndex index(masks.volume.geometry);
  std::unordered_map<std::uint16_t, std::vector<std::size_t>> voxels;
  for (std::uint16_t label : masks.labels) voxels[label];
  for (std::size_t at = 0; at < masks.volume.labels.size(); ++at)
    if (masks.volume.labels[at] != 0)
      if (const auto found = voxels.find(masks.volume.labels[at]); found != voxels.end())
        found->second.push_back(at);
  const auto place = [&](std::size_t at) {
    const auto here = index(at);
    return toNow(masks.volume.geometry.pointMm(here[0], here[1], here[2]));
  };
  std::vector<Shape> shapes;
  for (std::uint16_t label : masks.labels) {
    const auto& all = voxels[label];
    Shape shape;
    shape.label = label;
    std::vector<std::size_t> border;
    for (std::size_t at : all)
      if (isSurface(masks.volume, index, at)) border.push_back(at);
    for (std::size_t at : sampled(all)) shape.voxels.push_back(place(at));
    for (std::size_t at : sampled(border)) shape.surface.push_back(place(at));
    shape.low.fill(std::numeric_limits<double>::infinity());
    shape.high.fill(-std::numeric_limits<double>::infinity());
    for (const PointMm& p : shape.voxels)
      for (std::size_t a = 0; a < 3; ++a)
        shape.centroid[a] += p[a] / static_cast<double>(shape.voxels.size());
    for (const PointMm& p : shape.surface)
      for (std::size_t a = 0; a < 3; ++a) {
        shape.low[a] = std::min(shape.low[a], p[a]);
        shape.high[a] = std::max(shape.high[a], p[a]);
      }
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::uint16_t labelAt(const LabelVolume& volume, const PointMm& p) {
  const auto at = voxelAt(volume.geometry, p);
  return at ? volume.labels[*at] : std::uint16_t{0};
}

double squaredDistance(const PointMm& a, const PointMm& b) {
  const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return x * x + y * y + z * z;
}

// How two shapes lie to each other, seen from the voxels of the first.
struct Lie {
  double gapMm = std::numeric_limits<double>::infinity();
  double shareInside = 0;  // of the first in the second, widened by kPartSlackMm
};

template <typename LabelOf>
Lie lieOf(const Shape& first, const Shape& second, const LabelOf& secondLabelAt) {
  Lie lie;
  std::size_t inside = 0;
  for (const PointMm& p : first.voxels) {
    double least = std::numeric_limits<double>::infinity();
    if (secondLabelAt(p) == second.label)
      least = 0;
    else
      for (const PointMm& q : second.surface) least = std::min(least, squaredDistance(p, q));
    lie.gapMm = std::min(lie.gapMm, std::sqrt(least));
    inside += least <= kPartSlackMm * kPartSlackMm;
  }
  lie.shareInside = static_cast<double>(inside) / static_cast<double>(first.voxels.size());
  return lie;
}

bool mayMeet(const Shape& a, const Shape& b, double reachMm) {
  for (std::size_t c = 0; c < 3; ++c)
    if (a.low[c] > b.high[c] + reachMm || b.low[c] > a.high[c] + reachMm) return false;
  return true;
}

struct Meeting {
  double gapMm = std::numeric_limits<double>::infinity();
  double nowInEarlier = 0, earlierInNow = 0;
};

using Meetings = std::vector<std::vector<Meeting>>;  // [now][earlier]

Meetings meetingsOf(const LesionMasks& now, const LesionMasks& earlier, const Alignment& alignment,
                    const std::vector<Shape>& nows, const std::vector<Shape>& earliers) {
  const double reach = matchingReachMm(alignment);
  const auto nowLabel = [&](const PointMm& p) { return labelAt(now.volume, p); };
  const auto earlierLabel = [&](const PointMm& p) {
    return labelAt(earlier.volume, alignment.toEarlier(p));
  };
  Meetings meetings(nows.size(), std::vector<Meeting>(earliers.size()));
  for (std::size_t n = 0; n < nows.size(); ++n)
    for (std::size_t e = 0; e < earliers.size(); ++e) {
      if (!mayMeet(nows[n], earliers[e], reach)) continue;
      const Lie there = lieOf(nows[n], earliers[e], earlierLabel);
      const Lie back = lieOf(earliers[e], nows[n], nowLabel);
      meetings[n][e] = {std::min(there.gapMm, back.gapMm), there.shareInside, back.shareInside};
    }
  return meetings;
}

// Overlap first; among lesions that lie close together, the nearer centres.
std::vector<std::vector<double>> costsOf(const Meetings& meetings, const std::vector<Shape>& nows,
                                         const std::vector<Shape>& earliers, double reachMm,
                                         double aloneCost) {
  std::vector<std::vector<double>> costs(nows.size(),
                                         std::vector<double>(earliers.size(), aloneCost));
  for (std::size_t n = 0; n < nows.size(); ++n)
    for (std::size_t e = 0; e < earliers.size(); ++e)
      if (meetings[n][e].gapMm <= reachMm)
        costs[n][e] = meetings[n][e].gapMm +
                      std::min(0.2 * distanceMm(nows[n].centroid, earliers[e].centroid), 10.0);
  return costs;
}

// The other lesion of which this one is the largest part, if it is by half or more.
template <typename ShareWith>
std::optional<std::size_t> wholeOf(std::size_t count, const ShareWith& shareWith) {
  std::optional<std::size_t> whole;
  double largest = 0;
  for (std::size_t other = 0; other < count; ++other)
    if (const double share = shareWith(other); share >= kPartShare && share > largest) {
      largest = share;
      whole = other;
    }
  return whole;
}

}  // namespace

double matchingReachMm(const Alignment& alignment) {
  return std::clamp(1.5 * alignment.residualMm, 10.0, 20.0);
}

LesionMatches matchLesions(const LesionMasks& now, const LesionMasks& earlier,
                           const Alignment& alignment) {
  const auto nows = shapesOf(now, [](const PointMm& p) { return p; });
  const auto earliers = shapesOf(earlier, [&](const PointMm& p) { return alignment.toNow(p); });
  const Meetings meetings = meetingsOf(now, earlier, alignment, nows, earliers);
  const double reach = matchingReachMm(alignment), alone = reach + 11;
  const auto pairs =
      cheapestPairs(costsOf(meetings, nows, earliers, reach, alone), earliers.size(), alone);

  LesionMatches matches;
  std::vector<bool> paired(earliers.size(), false);
  for (std::size_t n = 0; n < nows.size(); ++n) {
    if (pairs[n]) {
      matches.pairs.push_back({n, *pairs[n], meetings[n][*pairs[n]].gapMm});
      paired[*pairs[n]] = true;
    } else if (const auto e = wholeOf(earliers.size(), [&](std::size_t other) {
                 return meetings[n][other].nowInEarlier;
               })) {
      matches.splits.push_back({n, *e, meetings[n][*e].gapMm});
    } else {
      matches.fresh.push_back(n);
    }
  }
  for (std::size_t e = 0; e < earliers.size(); ++e) {
    if (paired[e]) continue;
    if (const auto n = wholeOf(nows.size(),
                               [&](std::size_t other) { return meetings[other][e].earlierInNow; }))
      matches.merges.push_back({*n, e, meetings[*n][e].gapMm});
    else
      matches.resolved.push_back(e);
  }
  return matches;
}

}  // namespace fedpet::imaging
