#include "sample-data/ScannerChain.h"

#include <algorithm>
#include <cmath>

#include "sample-data/StableRandom.h"

namespace fedpet::sample {
namespace {

constexpr double kFwhmPerSigma = 2.3548200450309493;

// Half of a discrete Gaussian (Lindeberg 1990): weights exp(-t) I_n(t) have exactly the variance
// t, even when sigma is a fraction of a voxel, where a sampled Gaussian is far off.
std::vector<float> discreteGaussian(double varianceVoxel2) {
  if (varianceVoxel2 <= 1e-6) return {1.0f};
  const int reach = std::max(1, static_cast<int>(std::ceil(4 * std::sqrt(varianceVoxel2))));
  const double t = varianceVoxel2;
  std::vector<double> half(static_cast<std::size_t>(reach + 1));
  double sum = 0;
  for (int n = 0; n <= reach; ++n) {
    // I_n(t) = sum over m of (t/2)^(2m+n) / (m! (m+n)!)
    double term = std::exp(-t);
    for (int f = 1; f <= n; ++f) term *= t / 2 / f;
    double value = 0;
    for (int m = 0; m < 200 && term > 1e-18; ++m) {
      value += term;
      term *= (t / 2) * (t / 2) / ((m + 1.0) * (m + 1 + n));
    }
    half[static_cast<std::size_t>(n)] = value;
    sum += n == 0 ? value : 2 * value;
  }
  std::vector<float> weights;
  for (const double w : half) weights.push_back(static_cast<float>(w / sum));
  return weights;
}

// One axis of a separable symmetric filter. `stride` voxels apart along the axis, `width` voxels
// side by side are done at once, so that every pass reads memory in order.
void filterLines(float* data, std::size_t length, std::size_t stride, std::size_t width,
                 const std::vector<float>& half, std::vector<float>& scratch) {
  const std::size_t reach = half.size() - 1;
  scratch.assign((length + 2 * reach) * width, 0.0f);
  for (std::size_t n = 0; n < length; ++n)
    std::copy_n(data + n * stride, width, scratch.data() + (n + reach) * width);
  for (std::size_t n = 0; n < length; ++n) {
    float* out = data + n * stride;
    const float* middle = scratch.data() + (n + reach) * width;
    for (std::size_t x = 0; x < width; ++x) out[x] = half[0] * middle[x];
    for (std::size_t r = 1; r <= reach; ++r) {
      const float *before = middle - r * width, *after = middle + r * width;
      for (std::size_t x = 0; x < width; ++x) out[x] += half[r] * (before[x] + after[x]);
    }
  }
}

void filter(std::vector<float>& volume, const VolumeGeometry& g,
            const std::array<std::vector<float>, 3>& half) {
  const auto nx = static_cast<std::size_t>(g.size[0]), ny = static_cast<std::size_t>(g.size[1]),
             nz = static_cast<std::size_t>(g.size[2]);
  std::vector<float> scratch;
  for (std::size_t k = 0; k < nz; ++k) {
    float* plane = volume.data() + k * nx * ny;
    if (half[0].size() > 1)
      for (std::size_t j = 0; j < ny; ++j) filterLines(plane + j * nx, nx, 1, 1, half[0], scratch);
    if (half[1].size() > 1) filterLines(plane, ny, nx, nx, half[1], scratch);
  }
  if (half[2].size() > 1)
    for (std::size_t j = 0; j < ny; ++j)
      filterLines(volume.data() + j * nx, nz, nx * ny, nx, half[2], scratch);
}

double varianceVoxel2(double fwhmMm, double spacingMm) {
  const double sigma = fwhmMm / kFwhmPerSigma / spacingMm;
  return sigma * sigma;
}

std::array<std::vector<float>, 3> kernels(const VolumeGeometry& g, double fwhmMm, double already) {
  std::array<std::vector<float>, 3> half;
  for (std::size_t a = 0; a < 3; ++a)
    half[a] = discreteGaussian(std::max(0.0, varianceVoxel2(fwhmMm, g.spacingMm[a]) - already));
  return half;
}

constexpr double kVoxelBoxVariance = 1.0 / 12;  // of a box one voxel wide

// White noise of SD 1. The sum of four uniforms stands in for a normal number: it is exact
// integer arithmetic, and the filter that follows makes it normal anyway.
void whiteNoise(std::vector<float>& out, std::uint64_t seed) {
  StableRandom random(seed, "scanner noise");
  constexpr float kScale = 1.0f / 65536, kUnit = 1.7320508f;  // variance of four uniforms is 1/3
  for (float& value : out) {
    const std::uint64_t b = random.bits();
    const auto sum = static_cast<float>((b & 0xffff) + (b >> 16 & 0xffff) + (b >> 32 & 0xffff) + (b >> 48));
    value = ((sum + 2.0f) * kScale - 2.0f) * kUnit;
  }
}

double gainOf(const std::array<std::vector<float>, 3>& half) {  // SD after / before, white input
  double gain = 1;
  for (const auto& h : half) {
    double squares = 0;
    for (std::size_t n = 0; n < h.size(); ++n) squares += (n == 0 ? 1.0 : 2.0) * h[n] * h[n];
    gain *= squares;
  }
  return std::sqrt(gain);
}

double bodyDiameterMm(const float* plane, const VolumeGeometry& g) {
  std::size_t inside = 0;
  const std::size_t n = static_cast<std::size_t>(g.size[0]) * static_cast<std::size_t>(g.size[1]);
  for (std::size_t v = 0; v < n; ++v) inside += plane[v] > 0.12f;
  return 2 * std::sqrt(static_cast<double>(inside) * g.spacingMm[0] * g.spacingMm[1] / 3.14159265);
}

// SD of the noise in a slice relative to the reference slice. Attenuation of 511 keV in water is
// 0.0096 / mm; scatter correction and reconstruction leave about half of it in the exponent of the
// variance. The sensitivity of overlapping beds ripples along z.
double sliceFactor(double diameterMm, double referenceMm, double zMm) {
  if (referenceMm <= 0) return 1;
  constexpr double kBedPitchMm = 160;
  const double thickness = std::exp(0.25 * 0.0096 * (std::max(150.0, diameterMm) - referenceMm));
  return thickness * (1 + 0.08 * std::cos(2 * 3.14159265 * zMm / kBedPitchMm));
}

}  // namespace

void blur(std::vector<float>& volume, const VolumeGeometry& g, double fwhmMm) {
  if (fwhmMm > 0) filter(volume, g, kernels(g, fwhmMm, kVoxelBoxVariance));
}

std::vector<float> measure(const std::vector<float>& truth, const VolumeGeometry& g,
                           const ScannerSpec& scanner, const NoiseReference& reference,
                           std::uint64_t seed) {
  std::vector<float> image = truth;
  blur(image, g, scanner.psfFwhmMm);
  if (scanner.edgeEnhancement > 0) {
    // Resolution recovery overshoots at edges: add back what a second blur takes away.
    std::vector<float> smooth = image;
    filter(smooth, g, kernels(g, scanner.psfFwhmMm, 0));
    const auto gain = static_cast<float>(scanner.edgeEnhancement);
    for (std::size_t n = 0; n < image.size(); ++n) image[n] += gain * (image[n] - smooth[n]);
  }
  const auto planeSize = static_cast<std::size_t>(g.size[0]) * static_cast<std::size_t>(g.size[1]);
  const auto calibration = static_cast<float>(scanner.calibrationFactor);
  if (scanner.liverNoiseCov <= 0) {
    for (float& v : image) v = std::max(0.0f, v) * calibration;
    return image;
  }
  std::vector<float> noise(image.size());
  whiteNoise(noise, seed);
  const auto half = kernels(g, scanner.noiseFwhmMm, 0);
  filter(noise, g, half);
  const double unit = scanner.liverNoiseCov * std::sqrt(reference.suv) / gainOf(half);
  for (int k = 0; k < g.size[2]; ++k) {
    const std::size_t first = static_cast<std::size_t>(k) * planeSize;
    const double diameter = bodyDiameterMm(truth.data() + first, g);
    const auto sd = static_cast<float>(
        unit * sliceFactor(diameter, reference.bodyDiameterMm, g.pointMm(0, 0, k)[2]));
    for (std::size_t n = first; n < first + planeSize; ++n) {
      // Randoms and scatter leave a little noise where there is no activity.
      const float activity = std::max(0.0f, image[n]) + 0.004f;
      image[n] = std::max(0.0f, image[n] + sd * std::sqrt(activity) * noise[n]) * calibration;
    }
  }
  return image;
}

}  // namespace fedpet::sample
