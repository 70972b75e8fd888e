#include "models/imaging/radiomics/VolumeFile.h"

#include "models/imaging/ImagingError.h"

#include <itkImage.h>
#include <itkImageFileReader.h>
#include <itkNiftiImageIO.h>
#include <itkNrrdImageIO.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

namespace fedpet::imaging {
namespace {

using Image = itk::Image<float, 3>;
constexpr std::size_t kMostVoxels = std::size_t{1} << 30;

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& why) {
  throw ImagingError("cannot read " + file.filename().string() + ": " + why);
}

bool endsWith(const std::filesystem::path& file, std::string_view ending) {
  std::string name = file.filename().string();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return name.size() > ending.size() && name.ends_with(ending);
}

bool isNifti(const std::filesystem::path& file) {
  return endsWith(file, ".nii") || endsWith(file, ".nii.gz");
}
bool isNrrd(const std::filesystem::path& file) {
  return endsWith(file, ".nrrd") || endsWith(file, ".nhdr");
}

itk::ImageIOBase::Pointer readerOf(const std::filesystem::path& file) {
  if (isNifti(file)) return itk::NiftiImageIO::New().GetPointer();
  if (isNrrd(file)) return itk::NrrdImageIO::New().GetPointer();
  fail(file, "it is neither NIfTI (.nii, .nii.gz) nor NRRD (.nrrd, .nhdr)");
}

void requireVolume(itk::ImageIOBase& io, const std::filesystem::path& file) {
  if (!io.CanReadFile(file.c_str())) fail(file, "its content is not what its name says");
  io.SetFileName(file.string());
  io.ReadImageInformation();
  if (io.GetNumberOfComponents() != 1) fail(file, "it has several numbers for each voxel");
  std::size_t voxels = 1;
  for (unsigned a = 0; a < io.GetNumberOfDimensions(); ++a) {
    if (a >= 3 && io.GetDimensions(a) > 1) fail(file, "it has more than three dimensions");
    if (io.GetDimensions(a) == 0) fail(file, "it has no voxels");
    if (io.GetDimensions(a) > kMostVoxels / voxels) fail(file, "it is too large");
    voxels *= io.GetDimensions(a);
  }
}

VolumeGeometry geometryOf(const Image& image, const std::filesystem::path& file) {
  VolumeGeometry geometry;
  const auto& size = image.GetLargestPossibleRegion().GetSize();
  const std::array<std::array<double, 3>*, 3> axes{
      &geometry.rowDirection, &geometry.columnDirection, &geometry.sliceDirection};
  for (unsigned a = 0; a < 3; ++a) {
    geometry.size[a] = static_cast<int>(size[a]);
    geometry.spacingMm[a] = image.GetSpacing()[a];
    geometry.originMm[a] = image.GetOrigin()[a];
    if (!(geometry.spacingMm[a] > 0) || !std::isfinite(geometry.originMm[a]))
      fail(file, "its voxel spacing or position is not usable");
    for (unsigned x = 0; x < 3; ++x) (*axes[a])[x] = image.GetDirection()[x][a];
  }
  return geometry;
}

}  // namespace

bool isVolumeFile(const std::filesystem::path& file) { return isNifti(file) || isNrrd(file); }

ScalarVolume readScalarVolume(const std::filesystem::path& file) {
  try {
    const itk::ImageIOBase::Pointer io = readerOf(file);
    requireVolume(*io, file);
    auto reader = itk::ImageFileReader<Image>::New();
    reader->SetImageIO(io);
    reader->SetFileName(file.string());
    reader->Update();
    const Image& image = *reader->GetOutput();
    ScalarVolume volume{geometryOf(image, file), {}};
    const float* voxels = image.GetBufferPointer();
    volume.values.assign(voxels, voxels + volume.geometry.voxelCount());
    return volume;
  } catch (const itk::ExceptionObject& error) {
    fail(file, error.GetDescription());
  }
}

LabelVolume readMaskVolume(const std::filesystem::path& file, std::optional<int> label) {
  const ScalarVolume volume = readScalarVolume(file);
  LabelVolume mask{volume.geometry, std::vector<std::uint16_t>(volume.values.size())};
  std::set<int> labels;
  for (std::size_t v = 0; v < volume.values.size(); ++v) {
    const float value = volume.values[v];
    // Masks scaled by their header carry the rounding of a float.
    if (!(value > -0.001F && value < 65535.5F) || std::abs(value - std::round(value)) > 0.001F)
      fail(file, "a mask's voxels must be whole numbers from 0 on; one of them is " +
                     std::to_string(value));
    const int found = static_cast<int>(std::lround(value));
    if (found == 0) continue;
    labels.insert(found);
    if (!label || found == *label) mask.labels[v] = 1;
  }
  if (label && !labels.contains(*label)) {
    std::string known;
    for (const int l : labels) known += (known.empty() ? "" : ", ") + std::to_string(l);
    fail(file, "it has no label " + std::to_string(*label) +
                   "; its labels are: " + (known.empty() ? "none" : known));
  }
  return mask;
}

}  // namespace fedpet::imaging
