// The grid on which the patient is painted, shape over shape, with partial voxels at the edges.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "clinical/Geometry.h"
#include "sample-data/Shapes.h"
#include "sample-data/SmoothField.h"

namespace fedpet::sample {

struct VoxelVisit {
  PointMm p;           // where the voxel's centre lies in the unbent anatomy
  std::size_t offset;  // into suv and labels
  int i, j, k;
};

class Canvas {
 public:
  static constexpr std::uint16_t kKeepLabel = 0xffff;

  // `bendMm`: SD of the smooth displacement that keeps organs from looking like formulas.
  Canvas(const VolumeGeometry& g, double bendMm, double headZ, std::uint64_t seed)
      : geometry(g), suv(g.voxelCount(), 0.0f), labels(g.voxelCount(), 0),
        bendMm_(bendMm), headZ_(headZ), cellMm_(std::cbrt(g.voxelVolumeMl() * 1000)),
        bend_{SmoothField(g, 70, seed, "bend x"), SmoothField(g, 70, seed, "bend y"),
              SmoothField(g, 70, seed, "bend z")} {}

  template <typename Visitor>
  void forEachIn(const BoxMm& box, Visitor&& visit) const {
    int low[3], high[3];
    const double margin = 3 * bendMm_ + cellMm_;
    for (std::size_t a = 0; a < 3; ++a) {
      const double first = (box.low[a] - margin - geometry.originMm[a]) / geometry.spacingMm[a];
      const double last = (box.high[a] + margin - geometry.originMm[a]) / geometry.spacingMm[a];
      low[a] = static_cast<int>(std::clamp(std::floor(first), 0.0, 1.0 * geometry.size[a]));
      high[a] = static_cast<int>(std::clamp(std::ceil(last), -1.0, geometry.size[a] - 1.0));
    }
    const int count = high[0] - low[0] + 1;
    if (count <= 0) return;
    std::vector<float> shift[3];
    for (auto& s : shift) s.assign(static_cast<std::size_t>(count), 0.0f);
    for (int k = low[2]; k <= high[2]; ++k)
      for (int j = low[1]; j <= high[1]; ++j) {
        const PointMm start = geometry.pointMm(low[0], j, k);
        // The skull is stiffer than the belly.
        const double amount = bendMm_ * (start[2] > headZ_ ? 0.35 : 1.0);
        if (amount > 0)
          for (std::size_t a = 0; a < 3; ++a) bend_[a].row(low[0], count, j, k, shift[a].data());
        for (int n = 0; n < count; ++n) {
          const auto s = static_cast<std::size_t>(n);
          VoxelVisit voxel{{start[0] + n * geometry.spacingMm[0] + amount * shift[0][s],
                            start[1] + amount * shift[1][s], start[2] + amount * shift[2][s]},
                           geometry.offset(low[0] + n, j, k), low[0] + n, j, k};
          visit(voxel);
        }
      }
  }

  double coverage(double insideMm) const { return std::clamp(0.5 + insideMm / cellMm_, 0.0, 1.0); }

  // `value(p)`: SUV at a point; `allowed(label)`: whether a voxel with this label may be painted.
  template <typename Shape, typename Value, typename Allowed>
  void paint(const Shape& shape, std::uint16_t label, Value&& value, Allowed&& allowed) {
    forEachIn(shape.bounds(), [&](const VoxelVisit& v) {
      const double part = coverage(shape.insideMm(v.p));
      if (part <= 0 || !allowed(labels[v.offset])) return;
      float& there = suv[v.offset];
      there += static_cast<float>(part) * (static_cast<float>(value(v.p)) - there);
      if (part >= 0.5 && label != kKeepLabel) labels[v.offset] = label;
    });
  }
  template <typename Shape>
  void paint(const Shape& shape, std::uint16_t label, double value) {
    paint(shape, label, [value](const PointMm&) { return value; },
          [](std::uint16_t) { return true; });
  }

  VolumeGeometry geometry;
  std::vector<float> suv;
  std::vector<std::uint16_t> labels;

 private:
  double bendMm_, headZ_, cellMm_;
  SmoothField bend_[3];
};

}  // namespace fedpet::sample
