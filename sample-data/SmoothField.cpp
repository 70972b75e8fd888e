#include "sample-data/SmoothField.h"

#include <cmath>

#include "sample-data/StableRandom.h"

namespace fedpet::sample {
namespace {

// The spline averages its nodes: mean sum of squared weights is 0.479 per axis (151/315).
const float kUnitVariance = static_cast<float>(1 / std::pow(151.0 / 315.0, 1.5));

std::array<float, 4> cubicBSpline(double t) {
  const double s = 1 - t;
  return {static_cast<float>(s * s * s / 6),
          static_cast<float>((3 * t * t * t - 6 * t * t + 4) / 6),
          static_cast<float>((3 * s * s * s - 6 * s * s + 4) / 6),
          static_cast<float>(t * t * t / 6)};
}

}  // namespace

SmoothField::SmoothField(const VolumeGeometry& g, double latticeMm, std::uint64_t seed,
                         std::string_view stream) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    for (int n = 0; n < g.size[axis]; ++n) {
      const double x = n * g.spacingMm[axis] / latticeMm;
      const int cell = static_cast<int>(x);
      taps_[axis].push_back({cell, cubicBSpline(x - cell)});
    }
    nodes_[axis] = taps_[axis].back().first + 4;
  }
  StableRandom random(seed, stream);
  lattice_.resize(static_cast<std::size_t>(nodes_[0]) * static_cast<std::size_t>(nodes_[1]) *
                  static_cast<std::size_t>(nodes_[2]));
  for (float& node : lattice_) node = kUnitVariance * static_cast<float>(random.normal(0, 1));
}

void SmoothField::row(int i0, int count, int j, int k, float* out) const {
  const Tap &y = taps_[1][static_cast<std::size_t>(j)], &z = taps_[2][static_cast<std::size_t>(k)];
  const int firstNode = taps_[0][static_cast<std::size_t>(i0)].first;
  const int lastNode = taps_[0][static_cast<std::size_t>(i0 + count - 1)].first + 3;
  thread_local std::vector<float> line;
  line.assign(static_cast<std::size_t>(lastNode - firstNode + 1), 0.0f);
  for (int c = 0; c < 4; ++c)
    for (int b = 0; b < 4; ++b) {
      const float w = z.weight[static_cast<std::size_t>(c)] * y.weight[static_cast<std::size_t>(b)];
      const float* nodes = lattice_.data() +
                           (static_cast<std::size_t>(z.first + c) * static_cast<std::size_t>(nodes_[1]) +
                            static_cast<std::size_t>(y.first + b)) *
                               static_cast<std::size_t>(nodes_[0]) +
                           firstNode;
      for (std::size_t n = 0; n < line.size(); ++n) line[n] += w * nodes[n];
    }
  for (int n = 0; n < count; ++n) {
    const Tap& x = taps_[0][static_cast<std::size_t>(i0 + n)];
    const float* node = line.data() + (x.first - firstNode);
    out[n] = x.weight[0] * node[0] + x.weight[1] * node[1] + x.weight[2] * node[2] +
             x.weight[3] * node[3];
  }
}

}  // namespace fedpet::sample
