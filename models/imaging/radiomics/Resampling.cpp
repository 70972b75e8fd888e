#include "models/imaging/radiomics/Resampling.h"

#include <itkBSplineInterpolateImageFunction.h>
#include <itkImage.h>
#include <itkImportImageFilter.h>
#include <itkLinearInterpolateImageFunction.h>
#include <itkNearestNeighborInterpolateImageFunction.h>
#include <itkResampleImageFilter.h>
#include <vnl/algo/vnl_fft_base.hxx>

#include <algorithm>
#include <complex>
#include <cstdlib>

namespace fedpet::imaging::ibsi {
namespace {

using Image = itk::Image<double, 3>;

itk::Size<3> sizeOf(const Box& box) {
  itk::Size<3> size;
  for (unsigned a = 0; a < 3; ++a) size[a] = static_cast<itk::SizeValueType>(box.size[a]);
  return size;
}

// A copy on unit spacing, so that ITK's physical coordinates are voxel indices.
Image::Pointer imageOf(const std::vector<double>& values, const Box& box) {
  auto image = Image::New();
  image->SetRegions(Image::RegionType(sizeOf(box)));
  image->Allocate();
  std::copy(values.begin(), values.end(), image->GetBufferPointer());
  return image;
}

itk::InterpolateImageFunction<Image, double>::Pointer interpolator(InterpolationMethod method) {
  switch (method) {
    case InterpolationMethod::Nearest:
      return itk::NearestNeighborInterpolateImageFunction<Image, double>::New().GetPointer();
    case InterpolationMethod::Linear:
      return itk::LinearInterpolateImageFunction<Image, double>::New().GetPointer();
    case InterpolationMethod::Cubic:
      break;
  }
  auto spline = itk::BSplineInterpolateImageFunction<Image, double, double>::New();
  spline->SetSplineOrder(3);
  return spline.GetPointer();
}

}  // namespace

std::vector<double> resampled(const std::vector<double>& input, const Box& box,
                              const Resampling& resampling, InterpolationMethod method) {
  const Image::Pointer image = imageOf(input, box);
  auto filter = itk::ResampleImageFilter<Image, Image, double>::New();
  filter->SetInput(image);
  filter->SetInterpolator(interpolator(method));
  Image::PointType first;
  Image::SpacingType step;
  for (unsigned a = 0; a < 3; ++a) {
    first[a] = resampling.first[a];
    step[a] = resampling.step[a];
  }
  filter->SetOutputOrigin(first);
  filter->SetOutputSpacing(step);
  filter->SetSize(sizeOf(resampling.output));
  filter->SetDefaultPixelValue(0);
  filter->SetNumberOfWorkUnits(1);  // lesions are small: threads cost more than they bring
  filter->Update();
  const double* values = filter->GetOutput()->GetBufferPointer();
  return {values, values + resampling.output.count()};
}

namespace {

// VNL's transform knows the factors 2, 3 and 5 only.
int transformable(int size) {
  for (;; ++size) {
    int rest = size;
    for (const int factor : {2, 3, 5})
      while (rest % factor == 0) rest /= factor;
    if (rest == 1) return size;
  }
}

// VNL's transform itself, in place: ITK's filters around it ask for the headers of FFTW here.
class Fourier : private vnl_fft_base<3, double> {
 public:
  explicit Fourier(const Box& box) {
    for (int a = 0; a < 3; ++a) factors_[a].resize(box.size[static_cast<std::size_t>(2 - a)]);
  }
  void forward(std::vector<std::complex<double>>& values) { transform(values.data(), 1); }
  // Without the division by the number of values.
  void backward(std::vector<std::complex<double>>& values) { transform(values.data(), -1); }
};

// Distance from 0 around the ring of `size` places.
double ringDistance(int at, int size) { return std::min(at, size - at); }

}  // namespace

TwoVolumes convolved(const TwoVolumes& volumes, const Box& box,
                     double (*kernel)(const std::array<double, 3>& offsetMm),
                     const std::array<double, 3>& spacingMm) {
  Box padded;  // twice the box: what goes around the ring does not reach the box
  for (std::size_t a = 0; a < 3; ++a) padded.size[a] = transformable(2 * box.size[a] - 1);
  std::vector<std::complex<double>> weights, input(padded.count());
  weights.reserve(padded.count());
  for (int k = 0; k < padded.size[2]; ++k)
    for (int j = 0; j < padded.size[1]; ++j)
      for (int i = 0; i < padded.size[0]; ++i)
        weights.emplace_back(kernel({ringDistance(i, padded.size[0]) * spacingMm[0],
                                     ringDistance(j, padded.size[1]) * spacingMm[1],
                                     ringDistance(k, padded.size[2]) * spacingMm[2]}));
  const auto eachRow = [&](const auto& visit) {
    for (int k = 0; k < box.size[2]; ++k)
      for (int j = 0; j < box.size[1]; ++j) visit(box.offset(0, j, k), padded.offset(0, j, k));
  };
  const auto row = static_cast<std::size_t>(box.size[0]);
  eachRow([&](std::size_t from, std::size_t to) {
    for (std::size_t i = 0; i < row; ++i)
      input[to + i] = {volumes.first[from + i], volumes.second[from + i]};
  });

  Fourier fourier(padded);
  fourier.forward(input);
  fourier.forward(weights);
  const auto count = static_cast<double>(padded.count());
  for (std::size_t v = 0; v < input.size(); ++v) input[v] *= weights[v] / count;
  fourier.backward(input);

  TwoVolumes result{std::vector<double>(box.count()), std::vector<double>(box.count())};
  eachRow([&](std::size_t to, std::size_t from) {
    for (std::size_t i = 0; i < row; ++i) {
      result.first[to + i] = input[from + i].real();
      result.second[to + i] = input[from + i].imag();
    }
  });
  return result;
}

}  // namespace fedpet::imaging::ibsi
