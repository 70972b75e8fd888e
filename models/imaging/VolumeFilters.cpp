#include "models/imaging/VolumeFilters.h"

#include <itkBinShrinkImageFilter.h>
#include <itkIdentityTransform.h>
#include <itkImage.h>
#include <itkImportImageFilter.h>
#include <itkLinearInterpolateImageFunction.h>
#include <itkResampleImageFilter.h>
#include <itkSignedMaurerDistanceMapImageFilter.h>
#include <itkSmoothingRecursiveGaussianImageFilter.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "models/imaging/ImagingError.h"

namespace fedpet::imaging {
namespace {

using FloatImage = itk::Image<float, 3>;
using MaskImage = itk::Image<std::uint8_t, 3>;

template <typename Pixel>
typename itk::Image<Pixel, 3>::Pointer wrapped(const std::vector<Pixel>& voxels,
                                               const VolumeGeometry& geometry) {
  auto importer = itk::ImportImageFilter<Pixel, 3>::New();
  typename itk::Image<Pixel, 3>::RegionType region;
  typename itk::Image<Pixel, 3>::DirectionType direction;
  for (unsigned a = 0; a < 3; ++a) {
    region.SetSize(a, static_cast<itk::SizeValueType>(geometry.size[a]));
    direction[a][0] = geometry.rowDirection[a];
    direction[a][1] = geometry.columnDirection[a];
    direction[a][2] = geometry.sliceDirection[a];
  }
  importer->SetRegion(region);
  importer->SetSpacing(geometry.spacingMm.data());
  importer->SetOrigin(geometry.originMm.data());
  importer->SetDirection(direction);
  // ITK asks for a non-const pointer; no filter below writes to its input.
  importer->SetImportPointer(const_cast<Pixel*>(voxels.data()), voxels.size(), false);
  importer->Update();
  typename itk::Image<Pixel, 3>::Pointer image = importer->GetOutput();
  image->DisconnectPipeline();
  return image;
}

std::vector<float> voxelsOf(const FloatImage& image) {
  const float* begin = image.GetBufferPointer();
  return {begin, begin + image.GetBufferedRegion().GetNumberOfPixels()};
}

// Runs an ITK pipeline and keeps ITK's exceptions inside this room.
template <typename Work>
auto translated(Work&& work) {
  try {
    return work();
  } catch (const itk::ExceptionObject& error) {
    throw ImagingError(std::string("image filter failed: ") + error.GetDescription());
  }
}

// The box around the volume in LPS, as a grid of cubes.
VolumeGeometry patientGrid(const VolumeGeometry& source, double spacingMm) {
  PointMm low{1e9, 1e9, 1e9}, high{-1e9, -1e9, -1e9};
  for (int corner = 0; corner < 8; ++corner) {
    const PointMm p = source.pointMm((corner & 1) ? source.size[0] - 1 : 0,
                                     (corner & 2) ? source.size[1] - 1 : 0,
                                     (corner & 4) ? source.size[2] - 1 : 0);
    for (std::size_t a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], p[a]);
      high[a] = std::max(high[a], p[a]);
    }
  }
  VolumeGeometry grid;
  grid.originMm = low;
  grid.spacingMm = {spacingMm, spacingMm, spacingMm};
  for (std::size_t a = 0; a < 3; ++a)
    grid.size[a] = static_cast<int>(std::floor((high[a] - low[a]) / spacingMm)) + 1;
  return grid;
}

}  // namespace

std::vector<std::array<int, 3>> neighbourSteps(Connectivity connectivity) {
  const int farthest = connectivity == Connectivity::Faces6 ? 1
                       : connectivity == Connectivity::Edges18 ? 2 : 3;
  std::vector<std::array<int, 3>> steps;
  for (int k = -1; k <= 1; ++k)
    for (int j = -1; j <= 1; ++j)
      for (int i = -1; i <= 1; ++i) {
        const int manhattan = std::abs(i) + std::abs(j) + std::abs(k);
        if (manhattan > 0 && manhattan <= farthest) steps.push_back({i, j, k});
      }
  return steps;
}

std::vector<std::vector<std::size_t>> components(const Mask& mask, const VolumeGeometry& geometry,
                                                 Connectivity connectivity) {
  std::vector<std::size_t> voxels;
  for (std::size_t at = 0; at < mask.size(); ++at)
    if (mask[at]) voxels.push_back(at);
  return componentsOf(voxels, geometry, connectivity);
}

std::vector<std::vector<std::size_t>> componentsOf(const std::vector<std::size_t>& voxels,
                                                   const VolumeGeometry& geometry,
                                                   Connectivity connectivity) {
  // Most masks are few voxels in a large volume: the levels they span are enough of a map.
  if (voxels.empty()) return {};
  const auto slice = static_cast<std::size_t>(geometry.size[0]) * static_cast<std::size_t>(geometry.size[1]);
  const auto [lowest, highest] = std::minmax_element(voxels.begin(), voxels.end());
  const std::size_t first = *lowest / slice * slice;
  Mask open(*highest - first + 1, 0);
  for (std::size_t at : voxels) open[at - first] = 1;
  const auto isOpen = [&](std::size_t at) {
    return at >= first && at - first < open.size() && open[at - first];
  };

  const auto steps = neighbourSteps(connectivity);
  const VoxelIndex index(geometry);
  std::vector<std::vector<std::size_t>> found;
  for (std::size_t start : voxels) {
    if (!isOpen(start)) continue;
    open[start - first] = 0;
    std::vector<std::size_t> component{start};
    for (std::size_t next = 0; next < component.size(); ++next) {
      const auto here = index(component[next]);
      for (const auto& step : steps) {
        const std::array<int, 3> there{here[0] + step[0], here[1] + step[1], here[2] + step[2]};
        if (!index.contains(there) || !isOpen(index.offset(there))) continue;
        open[index.offset(there) - first] = 0;
        component.push_back(index.offset(there));
      }
    }
    std::sort(component.begin(), component.end());
    found.push_back(std::move(component));
  }
  // Stable: the scan order is already that of the first voxels.
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return found;
}

SuvVolume resampledAlongPatientAxes(const SuvVolume& volume, double spacingMm) {
  return translated([&] {
    FloatImage::Pointer source = wrapped(volume.suvBw, volume.geometry);
    auto shrink = itk::BinShrinkImageFilter<FloatImage, FloatImage>::New();
    bool finer = false;
    for (unsigned a = 0; a < 3; ++a) {
      const double ratio = spacingMm / volume.geometry.spacingMm[a];
      const auto factor = static_cast<unsigned>(
          std::clamp(std::floor(ratio + 0.25), 1.0, static_cast<double>(volume.geometry.size[a])));
      shrink->SetShrinkFactor(a, factor);
      finer |= factor > 1;
    }
    if (finer) {
      shrink->SetInput(source);
      shrink->Update();
      source = shrink->GetOutput();
    }
    const VolumeGeometry grid = patientGrid(volume.geometry, spacingMm);
    auto resample = itk::ResampleImageFilter<FloatImage, FloatImage>::New();
    resample->SetInput(source);
    resample->SetTransform(itk::IdentityTransform<double, 3>::New());
    resample->SetInterpolator(itk::LinearInterpolateImageFunction<FloatImage>::New());
    resample->SetDefaultPixelValue(0);
    resample->SetOutputOrigin(grid.originMm.data());
    resample->SetOutputSpacing(grid.spacingMm.data());
    FloatImage::SizeType size;
    for (unsigned a = 0; a < 3; ++a) size[a] = static_cast<itk::SizeValueType>(grid.size[a]);
    resample->SetSize(size);
    resample->Update();
    return SuvVolume{grid, voxelsOf(*resample->GetOutput())};
  });
}

SuvVolume smoothed(const SuvVolume& volume, double fwhmMm) {
  // The recursive filter needs four samples along each axis; fewer are left as they are.
  if (*std::min_element(volume.geometry.size.begin(), volume.geometry.size.end()) < 4)
    return volume;
  return translated([&] {
    auto filter = itk::SmoothingRecursiveGaussianImageFilter<FloatImage, FloatImage>::New();
    filter->SetInput(wrapped(volume.suvBw, volume.geometry));
    filter->SetSigma(fwhmMm / (2 * std::sqrt(2 * std::log(2.0))));
    filter->Update();
    return SuvVolume{volume.geometry, voxelsOf(*filter->GetOutput())};
  });
}

void fillHolesSliceWise(Mask& mask, const VolumeGeometry& geometry) {
  const int nx = geometry.size[0], ny = geometry.size[1];
  const auto sliceVoxels = static_cast<std::size_t>(nx) * static_cast<std::size_t>(ny);
  std::vector<std::uint8_t> outside(sliceVoxels);
  std::vector<int> queue;
  for (int k = 0; k < geometry.size[2]; ++k) {
    std::uint8_t* slice = mask.data() + geometry.offset(0, 0, k);
    std::fill(outside.begin(), outside.end(), std::uint8_t{0});
    queue.clear();
    const auto visit = [&](int i, int j) {
      const int at = j * nx + i;
      if (i < 0 || j < 0 || i >= nx || j >= ny || slice[at] || outside[static_cast<std::size_t>(at)])
        return;
      outside[static_cast<std::size_t>(at)] = 1;
      queue.push_back(at);
    };
    for (int i = 0; i < nx; ++i) visit(i, 0), visit(i, ny - 1);
    for (int j = 0; j < ny; ++j) visit(0, j), visit(nx - 1, j);
    for (std::size_t next = 0; next < queue.size(); ++next) {
      const int i = queue[next] % nx, j = queue[next] / nx;
      visit(i - 1, j), visit(i + 1, j), visit(i, j - 1), visit(i, j + 1);
    }
    for (std::size_t at = 0; at < sliceVoxels; ++at) slice[at] = outside[at] ? 0 : 1;
  }
}

std::vector<float> distanceMapMm(const Mask& mask, const VolumeGeometry& geometry) {
  return translated([&] {
    auto filter = itk::SignedMaurerDistanceMapImageFilter<MaskImage, FloatImage>::New();
    filter->SetInput(wrapped(mask, geometry));
    filter->SetUseImageSpacing(true);
    filter->SetSquaredDistance(false);
    filter->SetInsideIsPositive(false);
    filter->Update();
    auto distance = voxelsOf(*filter->GetOutput());
    for (float& d : distance) d = std::max(d, 0.0F);
    return distance;
  });
}

Mask dilated(const Mask& mask, const VolumeGeometry& geometry, double radiusMm) {
  if (std::find(mask.begin(), mask.end(), std::uint8_t{1}) == mask.end()) return mask;
  const auto distance = distanceMapMm(mask, geometry);
  Mask result(mask.size());
  for (std::size_t at = 0; at < result.size(); ++at)
    result[at] = distance[at] <= static_cast<float>(radiusMm) + 1e-3F;
  return result;
}

}  // namespace fedpet::imaging
