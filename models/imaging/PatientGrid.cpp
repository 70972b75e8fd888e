#include "models/imaging/PatientGrid.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <queue>
#include <unordered_map>

namespace fedpet::imaging {
namespace {

// Fat takes up about 0.3 and a lung 0.5; air and scatter outside the body stay below.
constexpr double kBodySuv = 0.2;
// A trunk; a head or a thigh has less.
constexpr double kTrunkAreaCm2 = 300;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

PatientGrid::PatientGrid(const SuvVolume& volume)
    : smooth_(smoothed(resampledAlongPatientAxes(volume, kSpacingMm), kSmoothingMm)) {
  findBody();
  describeSections();
  sumUp();
}

PointMm PatientGrid::pointMm(std::size_t at) const {
  const auto here = VoxelIndex(geometry())(at);
  return geometry().pointMm(here[0], here[1], here[2]);
}

void PatientGrid::findBody() {
  Mask tissue(smooth_.suvBw.size());
  for (std::size_t at = 0; at < tissue.size(); ++at) tissue[at] = suv(at) >= kBodySuv;
  body_.assign(tissue.size(), 0);
  const auto parts = components(tissue, geometry(), Connectivity::Faces6);
  if (parts.empty()) return;
  // The largest part is the patient; raised arms and parted legs may stand apart from it.
  for (const auto& part : parts) {
    if (part.size() * 50 < parts.front().size()) break;
    for (std::size_t at : part) body_[at] = 1;
  }
  fillHolesSliceWise(body_, geometry());
  std::vector<double> uptake;
  for (std::size_t at = 0; at < body_.size(); ++at)
    if (body_[at]) uptake.push_back(suv(at));
  bodyVolumeMl_ = static_cast<double>(uptake.size()) * geometry().voxelVolumeMl();
  medianBodySuv_ = median(std::move(uptake));
}

void PatientGrid::describeSections() {
  const VolumeGeometry& grid = geometry();
  const auto sliceVoxels =
      static_cast<std::size_t>(grid.size[0]) * static_cast<std::size_t>(grid.size[1]);
  VolumeGeometry plane = grid;
  plane.size[2] = 1;
  sections_.assign(static_cast<std::size_t>(grid.size[2]), {});
  std::vector<double> middles;
  int lowest = -1, highest = -1;
  for (int k = 0; k < grid.size[2]; ++k) {
    const auto first = body_.begin() + static_cast<std::ptrdiff_t>(grid.offset(0, 0, k));
    const auto parts = components(Mask(first, first + static_cast<std::ptrdiff_t>(sliceVoxels)),
                                  plane, Connectivity::Faces6);
    if (parts.empty()) continue;
    if (lowest < 0) lowest = k;
    highest = k;
    Section& section = sections_[static_cast<std::size_t>(k)];
    section.leftmost = section.back = -1e9;
    section.rightmost = section.front = 1e9;
    const VoxelIndex index(plane);
    for (std::size_t at : parts.front()) {
      const auto here = index(at);
      const PointMm p = grid.pointMm(here[0], here[1], k);
      section.leftmost = std::max(section.leftmost, p[0]);
      section.rightmost = std::min(section.rightmost, p[0]);
      section.front = std::min(section.front, p[1]);
      section.back = std::max(section.back, p[1]);
      section.centreX += p[0];
      section.centreY += p[1];
    }
    const auto count = static_cast<double>(parts.front().size());
    section.centreX /= count;
    section.centreY /= count;
    const double pixelCm2 = grid.spacingMm[0] * grid.spacingMm[1] / 100;
    section.areaCm2 = count * pixelCm2;
    if (parts.size() > 1) section.secondAreaCm2 = static_cast<double>(parts[1].size()) * pixelCm2;
    if (section.areaCm2 >= kTrunkAreaCm2) middles.push_back(section.centreX);
  }
  midlineX_ = median(middles);
  if (highest < 0) return;
  if (middles.empty()) midlineX_ = sections_[static_cast<std::size_t>(highest)].centreX;
  lowestZ_ = grid.pointMm(0, 0, lowest)[2];
  highestZ_ = grid.pointMm(0, 0, highest)[2];
  // The vertex tapers: a body that ends in a wide section has been cut.
  cutAtTop_ = highest >= grid.size[2] - 2 &&
              sections_[static_cast<std::size_t>(highest)].areaCm2 > 60;
}

const Section& PatientGrid::sectionAt(double z) const {
  const double k = std::round((z - geometry().originMm[2]) / geometry().spacingMm[2]);
  const auto last = static_cast<double>(sections_.size()) - 1;
  return sections_[static_cast<std::size_t>(std::clamp(k, 0.0, last))];
}

std::optional<double> PatientGrid::legsPartZ() const {
  constexpr double kLegCm2 = 60;
  std::optional<double> highest;
  double together = 0;  // mm of levels without legs since the last with
  for (double z = lowestZ_; z <= highestZ_ && together < 60; z += kSpacingMm) {
    const Section& section = sectionAt(z);
    const bool apart = section.secondAreaCm2 > kLegCm2 && section.areaCm2 < 2 * section.secondAreaCm2;
    together = apart ? 0 : together + kSpacingMm;
    if (apart) highest = z;
  }
  return highest;
}

std::vector<Blob> PatientGrid::blobs(const BoxMm& box,
                                     const std::function<bool(std::size_t)>& wanted) const {
  const VolumeGeometry& grid = geometry();
  std::array<int, 3> low{}, high{};
  for (std::size_t a = 0; a < 3; ++a) {
    const double last = grid.size[a] - 1;
    low[a] = static_cast<int>(
        std::ceil(std::clamp((box.low[a] - grid.originMm[a]) / kSpacingMm, 0.0, last + 1)));
    high[a] = static_cast<int>(
        std::floor(std::clamp((box.high[a] - grid.originMm[a]) / kSpacingMm, -1.0, last)));
  }
  std::vector<std::size_t> voxels;
  for (int k = low[2]; k <= high[2]; ++k)
    for (int j = low[1]; j <= high[1]; ++j)
      for (int i = low[0]; i <= high[0]; ++i) {
        const std::size_t at = grid.offset(i, j, k);
        if (body_[at] && wanted(at)) voxels.push_back(at);
      }
  std::vector<Blob> result;
  for (auto& part : componentsOf(voxels, geometry(), Connectivity::Edges18))
    result.push_back(blobOf(std::move(part)));
  return result;
}

Blob PatientGrid::blobOf(std::vector<std::size_t> voxels) const {
  Blob blob;
  blob.extent = {{1e9, 1e9, 1e9}, {-1e9, -1e9, -1e9}};
  for (std::size_t at : voxels) {
    const PointMm p = pointMm(at);
    for (std::size_t a = 0; a < 3; ++a) {
      blob.centre[a] += p[a];
      blob.extent.low[a] = std::min(blob.extent.low[a], p[a]);
      blob.extent.high[a] = std::max(blob.extent.high[a], p[a]);
    }
    blob.suvSum += suv(at);
    if (suv(at) > blob.suvMax) {
      blob.suvMax = suv(at);
      blob.hottest = p;
    }
  }
  for (double& c : blob.centre) c /= std::max(1.0, static_cast<double>(voxels.size()));
  blob.volumeMl = static_cast<double>(voxels.size()) * geometry().voxelVolumeMl();
  blob.voxels = std::move(voxels);
  return blob;
}

void PatientGrid::sumUp() {
  const auto& size = geometry().size;
  const auto row = static_cast<std::size_t>(size[0]) + 1;
  const auto slice = row * (static_cast<std::size_t>(size[1]) + 1);
  sums_.assign(slice * (static_cast<std::size_t>(size[2]) + 1), 0);
  squares_ = clipped_ = sums_;
  clipSuv_ = std::clamp(3 * medianBodySuv_, 1.8, 3.0);
  std::size_t at = 0;
  for (int k = 0; k < size[2]; ++k)
    for (int j = 0; j < size[1]; ++j) {
      double sum = 0, square = 0, clip = 0;
      for (int i = 0; i < size[0]; ++i, ++at) {
        const double value = suv(at);
        sum += value;
        square += value * value;
        clip += std::min(value, clipSuv_);
        const std::size_t to = static_cast<std::size_t>(k + 1) * slice +
                               static_cast<std::size_t>(j + 1) * row + static_cast<std::size_t>(i + 1);
        const auto add = [&](std::vector<double>& table, double line) {
          table[to] = line + table[to - row] + table[to - slice] - table[to - row - slice];
        };
        add(sums_, sum);
        add(squares_, square);
        add(clipped_, clip);
      }
    }
}

struct PatientGrid::Cube {
  std::array<std::size_t, 3> low{}, high{};  // high is one past the last
  double count() const {
    return static_cast<double>((high[0] - low[0]) * (high[1] - low[1]) * (high[2] - low[2]));
  }
};

PatientGrid::Cube PatientGrid::cubeOf(std::size_t at, double edgeMm) const {
  const int half = static_cast<int>(std::round((edgeMm / kSpacingMm - 1) / 2));
  const auto here = VoxelIndex(geometry())(at);
  Cube cube;
  for (std::size_t a = 0; a < 3; ++a) {
    cube.low[a] = static_cast<std::size_t>(std::max(0, here[a] - half));
    cube.high[a] = static_cast<std::size_t>(std::min(geometry().size[a], here[a] + half + 1));
  }
  return cube;
}

double PatientGrid::total(const std::vector<double>& table, const Cube& cube) const {
  const auto row = static_cast<std::size_t>(geometry().size[0]) + 1;
  const auto slice = row * (static_cast<std::size_t>(geometry().size[1]) + 1);
  const auto corner = [&](std::size_t i, std::size_t j, std::size_t k) {
    return table[k * slice + j * row + i];
  };
  const auto& [low, high] = std::pair(cube.low, cube.high);
  return corner(high[0], high[1], high[2]) - corner(low[0], high[1], high[2]) -
         corner(high[0], low[1], high[2]) - corner(high[0], high[1], low[2]) +
         corner(low[0], low[1], high[2]) + corner(low[0], high[1], low[2]) +
         corner(high[0], low[1], low[2]) - corner(low[0], low[1], low[2]);
}

CubeUptake PatientGrid::cubeAround(std::size_t at, double edgeMm) const {
  const Cube cube = cubeOf(at, edgeMm);
  CubeUptake uptake;
  uptake.mean = total(sums_, cube) / cube.count();
  const double variance = total(squares_, cube) / cube.count() - uptake.mean * uptake.mean;
  uptake.variation = uptake.mean > 0 ? std::sqrt(std::max(0.0, variance)) / uptake.mean : 1e9;
  return uptake;
}

double PatientGrid::clippedCubeMean(std::size_t at, double edgeMm) const {
  const Cube cube = cubeOf(at, edgeMm);
  return total(clipped_, cube) / cube.count();
}

double PatientGrid::discMean(const PointMm& centre, double radiusMm) const {
  const VolumeGeometry& grid = geometry();
  const auto toIndex = [&](std::size_t a, double mm) {
    return static_cast<int>(std::lround((mm - grid.originMm[a]) / kSpacingMm));
  };
  const int k = toIndex(2, centre[2]);
  if (k < 0 || k >= grid.size[2]) return 0;
  double sum = 0, count = 0;
  for (int j = std::max(0, toIndex(1, centre[1] - radiusMm));
       j <= std::min(grid.size[1] - 1, toIndex(1, centre[1] + radiusMm)); ++j)
    for (int i = std::max(0, toIndex(0, centre[0] - radiusMm));
         i <= std::min(grid.size[0] - 1, toIndex(0, centre[0] + radiusMm)); ++i) {
      const PointMm p = grid.pointMm(i, j, k);
      if (std::hypot(p[0] - centre[0], p[1] - centre[1]) > radiusMm) continue;
      sum += suv(grid.offset(i, j, k));
      ++count;
    }
  return count > 0 ? sum / count : 0;
}

std::vector<std::size_t> PatientGrid::basinOf(const std::vector<std::size_t>& from,
                                              const BoxMm& box, double leastSuv) const {
  if (from.empty()) return {};
  constexpr double kTolerance = 1.25;
  const std::size_t seed = *std::max_element(
      from.begin(), from.end(), [&](std::size_t a, std::size_t b) { return suv(a) < suv(b); });
  const VoxelIndex index(geometry());
  const auto steps = neighbourSteps(Connectivity::Edges18);
  // The highest pass first: a voxel is reached over the way whose lowest point is highest.
  std::priority_queue<std::pair<double, std::size_t>> open;
  Mask taken(smooth_.suvBw.size(), 0);
  std::vector<std::size_t> basin;
  open.emplace(suv(seed), seed);
  taken[seed] = 1;
  while (!open.empty()) {
    const auto [lowest, at] = open.top();
    open.pop();
    basin.push_back(at);
    const auto here = index(at);
    for (const auto& step : steps) {
      const std::array<int, 3> there{here[0] + step[0], here[1] + step[1], here[2] + step[2]};
      if (!index.contains(there)) continue;
      const std::size_t to = index.offset(there);
      if (taken[to] || suv(to) < leastSuv || suv(to) > kTolerance * lowest ||
          !box.contains(pointMm(to)))
        continue;
      taken[to] = 1;
      open.emplace(std::min(lowest, suv(to)), to);
    }
  }
  std::sort(basin.begin(), basin.end());
  return basin;
}

std::vector<Blob> PatientGrid::basinsIn(const std::vector<std::size_t>& voxels,
                                        double mergeShare) const {
  std::vector<std::size_t> downhill = voxels;
  std::stable_sort(downhill.begin(), downhill.end(),
                   [&](std::size_t a, std::size_t b) { return suv(a) > suv(b); });
  const VoxelIndex index(geometry());
  const auto steps = neighbourSteps(Connectivity::Edges18);
  std::unordered_map<std::size_t, std::size_t> basinOfVoxel;
  // Basins that were found to be one point to the one with the higher peak.
  std::vector<std::size_t> parent;
  std::vector<double> peak;
  const auto root = [&](std::size_t basin) {
    while (parent[basin] != basin) basin = parent[basin];
    return basin;
  };
  for (std::size_t at : downhill) {
    const auto here = index(at);
    std::optional<std::size_t> mine;
    for (const auto& step : steps) {
      const std::array<int, 3> there{here[0] + step[0], here[1] + step[1], here[2] + step[2]};
      if (!index.contains(there)) continue;
      const auto neighbour = basinOfVoxel.find(index.offset(there));
      if (neighbour == basinOfVoxel.end()) continue;
      const std::size_t other = root(neighbour->second);
      if (!mine || *mine == other) {
        mine = other;
        continue;
      }
      // This voxel is the pass between the two: all higher ones have been seen.
      const auto [low, high] = std::minmax(*mine, other, [&](std::size_t a, std::size_t b) {
        return peak[a] < peak[b];
      });
      if (suv(at) >= mergeShare * peak[low]) parent[low] = high;
      mine = high;
    }
    if (!mine) {
      mine = parent.size();
      parent.push_back(*mine);
      peak.push_back(suv(at));
    }
    basinOfVoxel[at] = *mine;
  }
  std::map<std::size_t, std::vector<std::size_t>> members;
  for (std::size_t at : voxels) members[root(basinOfVoxel[at])].push_back(at);
  std::vector<Blob> basins;
  for (auto& [basin, its] : members) {
    std::sort(its.begin(), its.end());
    basins.push_back(blobOf(std::move(its)));
  }
  std::stable_sort(basins.begin(), basins.end(),
                   [](const Blob& a, const Blob& b) { return a.volumeMl > b.volumeMl; });
  return basins;
}

PatientGrid::Cutout PatientGrid::cutout(const std::vector<std::size_t>& voxels,
                                        double marginMm) const {
  const VoxelIndex index(geometry());
  std::array<int, 3> low{geometry().size}, high{-1, -1, -1};
  for (std::size_t at : voxels) {
    const auto here = index(at);
    for (std::size_t a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], here[a]);
      high[a] = std::max(high[a], here[a]);
    }
  }
  // One voxel more than asked, so that every region has an outside.
  const int margin = static_cast<int>(std::ceil(marginMm / kSpacingMm)) + 1;
  Cutout cut;
  cut.geometry = geometry();
  for (std::size_t a = 0; a < 3; ++a) {
    cut.first[a] = low[a] - margin;
    cut.geometry.size[a] = high[a] - low[a] + 1 + 2 * margin;
  }
  cut.mask.assign(cut.geometry.voxelCount(), 0);
  for (std::size_t at : voxels) {
    const auto here = index(at);
    cut.mask[cut.geometry.offset(here[0] - cut.first[0], here[1] - cut.first[1],
                                 here[2] - cut.first[2])] = 1;
  }
  return cut;
}

std::vector<double> PatientGrid::depthMm(const std::vector<std::size_t>& region) const {
  if (region.empty()) return {};
  Cutout cut = cutout(region, 0);
  for (auto& voxel : cut.mask) voxel = !voxel;
  const auto distance = distanceMapMm(cut.mask, cut.geometry);
  std::vector<double> depth;
  const VoxelIndex index(geometry());
  for (std::size_t at : region) {
    const auto here = index(at);
    depth.push_back(static_cast<double>(distance[cut.geometry.offset(
        here[0] - cut.first[0], here[1] - cut.first[1], here[2] - cut.first[2])]));
  }
  return depth;
}

std::vector<std::size_t> PatientGrid::around(const std::vector<std::size_t>& voxels,
                                             double radiusMm) const {
  if (voxels.empty()) return {};
  const Cutout cut = cutout(voxels, radiusMm);
  const Mask wide = dilated(cut.mask, cut.geometry, radiusMm);
  const VoxelIndex index(cut.geometry), whole(geometry());
  std::vector<std::size_t> result;
  for (std::size_t at = 0; at < wide.size(); ++at) {
    if (!wide[at]) continue;
    auto there = index(at);
    for (std::size_t a = 0; a < 3; ++a) there[a] += cut.first[a];
    if (whole.contains(there)) result.push_back(whole.offset(there));
  }
  return result;
}

}  // namespace fedpet::imaging
