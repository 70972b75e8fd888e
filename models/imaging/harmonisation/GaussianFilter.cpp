#include "models/imaging/harmonisation/GaussianFilter.h"

#include "models/imaging/ImagingError.h"

#include <itkDiscreteGaussianImageFilter.h>
#include <itkImage.h>
#include <itkImportImageFilter.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace fedpet::imaging {
namespace {

using Image = itk::Image<float, 3>;

Image::Pointer wrapped(SuvVolume& volume) {
  auto importer = itk::ImportImageFilter<float, 3>::New();
  Image::RegionType region;
  for (unsigned a = 0; a < 3; ++a)
    region.SetSize(a, static_cast<itk::SizeValueType>(volume.geometry.size[a]));
  importer->SetRegion(region);
  importer->SetSpacing(volume.geometry.spacingMm.data());
  importer->SetImportPointer(volume.suvBw.data(), volume.suvBw.size(), false);
  importer->Update();
  return importer->GetOutput();
}

}  // namespace

void filterGaussian(SuvVolume& volume, double fwhmMm) {
  if (volume.suvBw.size() != volume.geometry.voxelCount())
    throw ImagingError("the voxels do not fill the geometry of the image");
  if (!std::all_of(volume.suvBw.begin(), volume.suvBw.end(),
                   [](float v) { return std::isfinite(v); }))
    throw ImagingError("an image with voxels that are not finite cannot be filtered");
  if (!(fwhmMm > 0) || volume.suvBw.empty()) return;
  try {
    const double sigmaMm = fwhmMm / (2 * std::sqrt(2 * std::log(2.0)));
    auto filter = itk::DiscreteGaussianImageFilter<Image, Image>::New();
    filter->SetInput(wrapped(volume));
    filter->SetVariance(sigmaMm * sigmaMm);
    filter->SetUseImageSpacing(true);
    filter->SetMaximumError(1e-4);  // of the kernel's area
    filter->SetMaximumKernelWidth(129);
    filter->Update();
    const float* begin = filter->GetOutput()->GetBufferPointer();
    std::copy_n(begin, volume.suvBw.size(), volume.suvBw.begin());
  } catch (const itk::ExceptionObject& error) {
    throw ImagingError(std::string("the image filter failed: ") + error.GetDescription());
  }
}

}  // namespace fedpet::imaging
