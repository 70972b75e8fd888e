#include "models/imaging/Mip.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "models/imaging/ImagingError.h"
#include "models/imaging/MipAxes.h"

namespace fedpet::imaging {
std::array<AxisOf, 3> axesOf(const VolumeGeometry& geometry) {
  const std::array directions{geometry.rowDirection, geometry.columnDirection,
                              geometry.sliceDirection};
  std::array<AxisOf, 3> axes;
  std::array<bool, 3> used{};
  for (std::size_t patient : {std::size_t{2}, std::size_t{1}, std::size_t{0}}) {
    double best = -1;
    for (std::size_t index = 0; index < 3; ++index) {
      const double along = directions[index][patient];
      if (used[index] || std::abs(along) <= best) continue;
      best = std::abs(along);
      axes[patient] = {index, along < 0};
    }
    used[axes[patient].index] = true;
  }
  return axes;
}

std::vector<std::uint8_t> rolesByLabel(const std::vector<Region>& regions) {
  std::vector<std::uint8_t> roles(65536, 0);
  for (const Region& region : regions)
    roles[region.label] = region.role == RegionRole::Lesion          ? 1
                          : region.role == RegionRole::Physiological ? 2 : 3;
  roles[0] = 0;
  return roles;
}

void requireFit(const SuvVolume& volume, const LabelVolume& labels) {
  const std::size_t voxels = volume.geometry.voxelCount();
  if (volume.suvBw.size() != voxels || (!labels.labels.empty() && labels.labels.size() != voxels))
    throw ImagingError("the volume's voxels or labels do not fit its geometry");
}

namespace {

MipView emptyView(const char* name, const VolumeGeometry& geometry, std::size_t across,
                  std::size_t down, double suvAtWhite) {
  MipView view;
  view.name = name;
  view.width = geometry.size[across];
  view.height = geometry.size[down];
  view.pixelWidthMm = geometry.spacingMm[across];
  view.pixelHeightMm = geometry.spacingMm[down];
  view.suvAtWhite = suvAtWhite;
  const auto pixels = static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.height);
  view.suv.assign(pixels, 0);
  view.role.assign(pixels, 0);
  return view;
}

// Where the voxel of this index along `axis` is drawn.
std::size_t place(const AxisOf& axis, const VolumeGeometry& geometry,
                  const std::array<int, 3>& at, bool largeFirst) {
  const int index = at[axis.index];
  const bool flip = axis.reversed != largeFirst;
  return static_cast<std::size_t>(flip ? geometry.size[axis.index] - 1 - index : index);
}

}  // namespace

std::vector<MipView> mipViews(const SuvVolume& volume, const LabelVolume& labels,
                              const std::vector<Region>& regions, double suvAtWhite) {
  const VolumeGeometry& geometry = volume.geometry;
  const std::size_t voxels = geometry.voxelCount();
  requireFit(volume, labels);
  if (voxels == 0) return {};
  const auto axes = axesOf(geometry);
  const auto roles = rolesByLabel(regions);
  MipView coronal = emptyView("coronal", geometry, axes[0].index, axes[2].index, suvAtWhite);
  MipView sagittal = emptyView("sagittal", geometry, axes[1].index, axes[2].index, suvAtWhite);
  std::vector<float> coronalMax(coronal.suv.size(), 0), sagittalMax(sagittal.suv.size(), 0);

  std::size_t offset = 0;
  std::array<int, 3> at{};
  for (at[2] = 0; at[2] < geometry.size[2]; ++at[2])
    for (at[1] = 0; at[1] < geometry.size[1]; ++at[1])
      for (at[0] = 0; at[0] < geometry.size[0]; ++at[0], ++offset) {
        const std::size_t row = place(axes[2], geometry, at, true);
        const std::size_t c = row * static_cast<std::size_t>(coronal.width) +
                              place(axes[0], geometry, at, false);
        const std::size_t s = row * static_cast<std::size_t>(sagittal.width) +
                              place(axes[1], geometry, at, false);
        const float suv = volume.suvBw[offset];
        if (suv > coronalMax[c]) coronalMax[c] = suv;
        if (suv > sagittalMax[s]) sagittalMax[s] = suv;
        const std::uint8_t role = labels.labels.empty() ? 0 : roles[labels.labels[offset]];
        if (role == 0) continue;
        if (coronal.role[c] == 0 || role < coronal.role[c]) coronal.role[c] = role;
        if (sagittal.role[s] == 0 || role < sagittal.role[s]) sagittal.role[s] = role;
      }
  for (std::size_t p = 0; p < coronalMax.size(); ++p)
    coronal.suv[p] = brightness(coronalMax[p], suvAtWhite);
  for (std::size_t p = 0; p < sagittalMax.size(); ++p)
    sagittal.suv[p] = brightness(sagittalMax[p], suvAtWhite);
  return {std::move(coronal), std::move(sagittal)};
}

}  // namespace fedpet::imaging
