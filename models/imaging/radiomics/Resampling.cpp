#include "models/imaging/radiomics/Resampling.h"

#include <itkBSplineInterpolateImageFunction.h>
#include <itkImage.h>
#include <itkResampleImageFilter.h>
#include <vnl/algo/vnl_fft_base.hxx>

#include <algorithm>
#include <cmath>
#include <complex>

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

std::vector<double> splined(const std::vector<double>& input, const Box& box,
                            const Resampling& resampling) {
  auto spline = itk::BSplineInterpolateImageFunction<Image, double, double>::New();
  spline->SetSplineOrder(3);
  auto filter = itk::ResampleImageFilter<Image, Image, double>::New();
  const Image::Pointer image = imageOf(input, box);
  filter->SetInput(image);
  filter->SetInterpolator(spline);
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

// What an output voxel takes of two neighbours along an axis.
struct Tap {
  std::size_t low = 0, high = 0;
  double lowShare = 0, highShare = 0;
};

std::vector<Tap> tapsOf(double first, double step, int outputs, int inputs, bool linear) {
  std::vector<Tap> taps(static_cast<std::size_t>(outputs));
  for (int m = 0; m < outputs; ++m) {
    const double at = first + m * step;
    if (at < -0.5 || at >= inputs - 0.5) continue;  // outside: nothing
    const double inside = std::clamp(linear ? at : std::floor(at + 0.5), 0.0, inputs - 1.0);
    Tap& tap = taps[static_cast<std::size_t>(m)];
    tap.low = static_cast<std::size_t>(inside);
    tap.high = std::min(tap.low + 1, static_cast<std::size_t>(inputs - 1));
    tap.highShare = inside - static_cast<double>(tap.low);
    tap.lowShare = 1 - tap.highShare;
  }
  return taps;
}

// One axis: the volume seen as `outer` blocks of `size` along the axis by `inner` values.
std::vector<double> along(const std::vector<double>& input, std::size_t outer, std::size_t size,
                          std::size_t inner, const std::vector<Tap>& taps) {
  std::vector<double> output(outer * taps.size() * inner);
  double* out = output.data();
  for (std::size_t o = 0; o < outer; ++o)
    for (const Tap& tap : taps) {
      const double* low = &input[(o * size + tap.low) * inner];
      const double* high = &input[(o * size + tap.high) * inner];
      for (std::size_t i = 0; i < inner; ++i)
        *out++ = tap.lowShare * low[i] + tap.highShare * high[i];
    }
  return output;
}

}  // namespace

std::vector<double> resampled(const std::vector<double>& input, const Box& box,
                              const Resampling& resampling, InterpolationMethod method) {
  if (method == InterpolationMethod::Cubic) return splined(input, box, resampling);
  std::vector<double> values = input;
  std::array<std::size_t, 3> size{};
  for (std::size_t a = 0; a < 3; ++a) size[a] = static_cast<std::size_t>(box.size[a]);
  for (std::size_t a = 0; a < 3; ++a) {
    const auto taps = tapsOf(resampling.first[a], resampling.step[a], resampling.output.size[a],
                             box.size[a], method == InterpolationMethod::Linear);
    const std::size_t inner = a == 0 ? 1 : a == 1 ? size[0] : size[0] * size[1];
    const std::size_t outer = a == 0 ? size[1] * size[2] : a == 1 ? size[2] : 1;
    values = along(values, outer, size[a], inner, taps);
    size[a] = taps.size();
  }
  return values;
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
