#include "models/imaging/NativePainter.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "models/imaging/VolumeFilters.h"

namespace fedpet::imaging {
namespace {

// Position along each index axis of a point in the patient.
std::array<double, 3> indexOf(const VolumeGeometry& geometry, const PointMm& p) {
  const std::array directions{geometry.rowDirection, geometry.columnDirection,
                              geometry.sliceDirection};
  std::array<double, 3> index{};
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t c = 0; c < 3; ++c)
      index[a] += (p[c] - geometry.originMm[c]) * directions[a][c];
    index[a] /= geometry.spacingMm[a];
  }
  return index;
}

}  // namespace

NativePainter::NativePainter(const SuvVolume& volume)
    : volume_(volume), owner_(volume.suvBw.size(), 0) {}

std::vector<std::size_t> NativePainter::sphere(const PointMm& centre, double radiusMm) const {
  const VolumeGeometry& geometry = volume_.geometry;
  const auto at = indexOf(geometry, centre);
  std::array<int, 3> low{}, high{};
  for (std::size_t a = 0; a < 3; ++a) {
    const double reach = radiusMm / geometry.spacingMm[a];
    low[a] = std::max(0, static_cast<int>(std::ceil(at[a] - reach)));
    high[a] = std::min(geometry.size[a] - 1, static_cast<int>(std::floor(at[a] + reach)));
  }
  std::vector<std::size_t> voxels;
  for (int k = low[2]; k <= high[2]; ++k)
    for (int j = low[1]; j <= high[1]; ++j)
      for (int i = low[0]; i <= high[0]; ++i)
        if (distanceMm(geometry.pointMm(i, j, k), centre) <= radiusMm)
          voxels.push_back(geometry.offset(i, j, k));
  return voxels;
}

std::vector<std::size_t> NativePainter::tube(const std::vector<PointMm>& line,
                                             double radiusMm) const {
  const VolumeGeometry& geometry = volume_.geometry;
  std::vector<std::size_t> voxels;
  for (const PointMm& point : line)
    for (std::size_t at : sphere(point, radiusMm + 3)) {
      const auto here = VoxelIndex(geometry)(at);
      const PointMm p = geometry.pointMm(here[0], here[1], here[2]);
      if (std::hypot(p[0] - point[0], p[1] - point[1]) <= radiusMm && std::abs(p[2] - point[2]) <= 2.5)
        voxels.push_back(at);
    }
  std::sort(voxels.begin(), voxels.end());
  voxels.erase(std::unique(voxels.begin(), voxels.end()), voxels.end());
  return voxels;
}

std::vector<std::size_t> NativePainter::coolerThan(const std::vector<std::size_t>& voxels,
                                                   double suv) const {
  std::vector<std::size_t> cooler;
  for (std::size_t at : voxels)
    if (static_cast<double>(volume_.suvBw[at]) < suv) cooler.push_back(at);
  return cooler;
}

void NativePainter::claimNative(std::size_t region, const std::vector<std::size_t>& voxels) {
  for (std::size_t at : voxels)
    if (owner_[at] == 0) owner_[at] = static_cast<std::uint8_t>(region + 1);
}

std::vector<std::size_t> NativePainter::freeVoxelsIn(const VolumeGeometry& grid,
                                                     const std::vector<std::size_t>& cells) const {
  if (cells.empty()) return {};
  const VoxelIndex index(grid);
  std::vector<std::uint8_t> inside(grid.voxelCount(), 0);
  std::array<int, 3> low = grid.size, high{-1, -1, -1};
  for (std::size_t cell : cells) {
    inside[cell] = 1;
    const auto here = index(cell);
    for (std::size_t a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], here[a]);
      high[a] = std::max(high[a], here[a]);
    }
  }
  const auto cellOf = [&](const PointMm& p) {
    std::array<int, 3> cell{};
    for (std::size_t a = 0; a < 3; ++a)
      // The last cell reaches to the border of the field, which need not be a whole cell away.
      cell[a] = std::min(static_cast<int>(std::lround((p[a] - grid.originMm[a]) / grid.spacingMm[a])),
                         grid.size[a] - 1);
    return cell;
  };
  const VolumeGeometry& geometry = volume_.geometry;
  std::vector<std::size_t> voxels;
  std::size_t offset = 0;
  for (int k = 0; k < geometry.size[2]; ++k)
    for (int j = 0; j < geometry.size[1]; ++j)
      for (int i = 0; i < geometry.size[0]; ++i, ++offset) {
        if (owner_[offset] != 0) continue;
        const auto cell = cellOf(geometry.pointMm(i, j, k));
        bool within = true;
        for (std::size_t a = 0; a < 3; ++a) within &= cell[a] >= low[a] && cell[a] <= high[a];
        if (within && inside[index.offset(cell)]) voxels.push_back(offset);
      }
  return voxels;
}

void NativePainter::claim(std::size_t region, const VolumeGeometry& grid,
                          const std::vector<std::size_t>& cells) {
  const auto voxels = freeVoxelsIn(grid, cells);
  claimNative(region, voxels);
  front_.insert(front_.end(), voxels.begin(), voxels.end());
}

void NativePainter::forbid(const VolumeGeometry& grid, const std::vector<std::size_t>& cells) {
  for (std::size_t at : freeVoxelsIn(grid, cells)) owner_[at] = kForbidden;
}

void NativePainter::permitAll() { std::replace(owner_.begin(), owner_.end(), kForbidden, std::uint8_t{0}); }

std::vector<std::vector<std::size_t>> NativePainter::hotPieces(const BoxMm& box, double suv) const {
  std::vector<std::size_t> hot;
  const VoxelIndex index(volume_.geometry);
  for (std::size_t at = 0; at < owner_.size(); ++at) {
    if (volume_.suvBw[at] < static_cast<float>(suv) || owner_[at] != 0) continue;
    const auto here = index(at);
    if (box.contains(volume_.geometry.pointMm(here[0], here[1], here[2]))) hot.push_back(at);
  }
  return componentsOf(hot, volume_.geometry, Connectivity::Edges18);
}

PieceShape NativePainter::shapeOf(const std::vector<std::size_t>& voxels) const {
  const VoxelIndex index(volume_.geometry);
  const auto count = static_cast<double>(voxels.size());
  PieceShape shape;
  std::vector<PointMm> points;
  for (std::size_t at : voxels) {
    const auto here = index(at);
    points.push_back(volume_.geometry.pointMm(here[0], here[1], here[2]));
    for (std::size_t a = 0; a < 3; ++a) shape.centre[a] += points.back()[a] / count;
  }
  std::array<std::array<double, 3>, 3> moment{};
  for (const PointMm& p : points)
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = 0; b < 3; ++b)
        moment[a][b] += (p[a] - shape.centre[a]) * (p[b] - shape.centre[b]) / count;
  // The longest axis by power iteration, from a start that no axis is perpendicular to.
  PointMm axis{0.3, 0.4, 0.86};
  double variance = 0;
  for (int n = 0; n < 50; ++n) {
    PointMm next{};
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = 0; b < 3; ++b) next[a] += moment[a][b] * axis[b];
    variance = std::hypot(next[0], next[1], next[2]);
    if (variance < 1e-9) break;  // a single voxel has no axis
    for (std::size_t a = 0; a < 3; ++a) axis[a] = next[a] / variance;
  }
  // A rod of length L has the variance L^2 / 12 along itself.
  shape.lengthMm = std::sqrt(12 * variance) + 1e-9;
  const double volumeMm3 = count * volume_.geometry.voxelVolumeMl() * 1000;
  shape.widthMm = std::sqrt(4 * volumeMm3 / (3.14159265 * std::max(shape.lengthMm, 1.0)));
  shape.uprightness = std::abs(axis[2]);
  return shape;
}

void NativePainter::growDownhill() {
  const VoxelIndex index(volume_.geometry);
  const auto steps = neighbourSteps(Connectivity::Faces6);
  const auto& spacing = volume_.geometry.spacingMm;
  auto roots = front_;
  for (std::size_t next = 0; next < front_.size(); ++next) {
    const std::size_t at = front_[next];
    const auto here = index(at), root = index(roots[next]);
    const float highest = volume_.suvBw[at] * 1.1F + 0.2F;
    for (const auto& step : steps) {
      const std::array<int, 3> there{here[0] + step[0], here[1] + step[1], here[2] + step[2]};
      if (!index.contains(there)) continue;
      const std::size_t to = index.offset(there);
      const float suv = volume_.suvBw[to];
      if (owner_[to] != 0 || suv < static_cast<float>(kFloorSuv) || suv > highest) continue;
      const double distance = std::hypot((there[0] - root[0]) * spacing[0],
                                         (there[1] - root[1]) * spacing[1],
                                         (there[2] - root[2]) * spacing[2]);
      if (distance > kReachMm) continue;
      owner_[to] = owner_[at];
      front_.push_back(to);
      roots.push_back(roots[next]);
    }
  }
}

void NativePainter::collect(std::vector<FoundRegion>& regions) const {
  for (std::size_t at = 0; at < owner_.size(); ++at)
    if (owner_[at] != 0 && owner_[at] != kForbidden) regions[owner_[at] - 1U].voxels.push_back(at);
}

}  // namespace fedpet::imaging
