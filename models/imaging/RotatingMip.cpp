#include "models/imaging/ImagingError.h"
#include "models/imaging/Mip.h"
#include "models/imaging/MipAxes.h"

#include <numbers>
#include <thread>

namespace fedpet::imaging {
namespace {

// The volume as the projection sees it: columns to the patient's left, rows to the back, both from
// 0 up; levels from the head down. Distances are measured from the low edge of the first voxel.
class Body {
 public:
  Body(const SuvVolume& volume, const LabelVolume& labels)
      : volume_(volume), labels_(labels), axes_(axesOf(volume.geometry)) {
    const auto& g = volume.geometry;
    const std::array<std::size_t, 3> stride{
        1, static_cast<std::size_t>(g.size[0]),
        static_cast<std::size_t>(g.size[0]) * static_cast<std::size_t>(g.size[1])};
    const PointMm first = g.pointMm(0, 0, 0);
    const PointMm last = g.pointMm(g.size[0] - 1, g.size[1] - 1, g.size[2] - 1);
    for (std::size_t a = 0; a < 3; ++a) {
      count[a] = g.size[axes_[a].index];
      spacingMm[a] = g.spacingMm[axes_[a].index];
      stride_[a] = stride[axes_[a].index];
      lowEdgeMm[a] = std::min(first[a], last[a]) - spacingMm[a] / 2;
    }
  }

  std::array<int, 3> count{};  // columns, rows, levels
  std::array<double, 3> spacingMm{};
  PointMm lowEdgeMm{};  // in patient coordinates

  float suv(int column, int row, int level) const {
    const float value = volume_.suvBw[offset(column, row, level)];
    return std::isfinite(value) ? value : 0;
  }
  std::uint16_t label(int column, int row, int level) const {
    return labels_.labels.empty() ? std::uint16_t{0} : labels_.labels[offset(column, row, level)];
  }
  std::size_t planeSize() const {
    return static_cast<std::size_t>(count[0]) * static_cast<std::size_t>(count[1]);
  }

 private:
  std::size_t offset(int column, int row, int level) const {
    return along(0, column) + along(1, row) + along(2, count[2] - 1 - level);
  }
  std::size_t along(std::size_t axis, int at) const {
    return static_cast<std::size_t>(axes_[axis].reversed ? count[axis] - 1 - at : at) *
           stride_[axis];
  }

  const SuvVolume& volume_;
  const LabelVolume& labels_;
  std::array<AxisOf, 3> axes_;
  std::array<std::size_t, 3> stride_{};
};

// Where, seen from above, there is anything to show. Air is left out of the rays, and the picture
// is no wider than the patient.
struct Footprint {
  std::vector<std::uint8_t> occupied;  // columns x rows
  double centreXMm = 0, centreYMm = 0, radiusMm = 0;
};

// A voxel of air may hold noise; a column of the body does so on many levels. What is hot or
// labelled is shown wherever it is.
std::vector<std::uint8_t> occupiedColumns(const Body& body) {
  constexpr float kBodySuv = 0.25F, kHotSuv = 1.0F;
  const int enough = std::min(4, body.count[2]);
  std::vector<int> levels(body.planeSize(), 0);
  for (int level = 0; level < body.count[2]; ++level) {
    std::size_t at = 0;
    for (int row = 0; row < body.count[1]; ++row)
      for (int column = 0; column < body.count[0]; ++column, ++at) {
        const float suv = body.suv(column, row, level);
        if (suv >= kHotSuv || body.label(column, row, level) != 0)
          levels[at] = enough;
        else if (suv >= kBodySuv)
          ++levels[at];
      }
  }
  std::vector<std::uint8_t> occupied(levels.size());
  for (std::size_t at = 0; at < levels.size(); ++at) occupied[at] = levels[at] >= enough;
  return occupied;
}

Footprint footprintOf(const Body& body) {
  Footprint footprint{occupiedColumns(body)};
  const double sx = body.spacingMm[0], sy = body.spacingMm[1];
  const auto eachOccupied = [&](auto&& visit) {
    std::size_t at = 0;
    for (int row = 0; row < body.count[1]; ++row)
      for (int column = 0; column < body.count[0]; ++column)
        if (footprint.occupied[at++]) visit((column + 0.5) * sx, (row + 0.5) * sy);
  };
  double left = 1e9, right = -1e9, front = 1e9, back = -1e9;
  eachOccupied([&](double x, double y) {
    left = std::min(left, x), right = std::max(right, x);
    front = std::min(front, y), back = std::max(back, y);
  });
  if (right < left) {  // nothing at all: an empty picture of the whole field
    left = front = 0;
    right = body.count[0] * sx, back = body.count[1] * sy;
    footprint.radiusMm = std::hypot(right, back) / 2;
  }
  footprint.centreXMm = (left + right) / 2;
  footprint.centreYMm = (front + back) / 2;
  eachOccupied([&](double x, double y) {
    footprint.radiusMm =
        std::max(footprint.radiusMm,
                 std::hypot(x - footprint.centreXMm, y - footprint.centreYMm) + std::hypot(sx, sy));
  });
  return footprint;
}

// A level of the volume with a margin of one empty voxel, so that the outermost voxels fade out
// too.
std::size_t paddedColumns(const Body& body) { return static_cast<std::size_t>(body.count[0]) + 2; }
std::size_t paddedSize(const Body& body) {
  return paddedColumns(body) * (static_cast<std::size_t>(body.count[1]) + 2);
}
std::size_t paddedAt(const Body& body, int column, int row) {
  return static_cast<std::size_t>(row + 1) * paddedColumns(body) +
         static_cast<std::size_t>(column + 1);
}

// One point of a ray in a level: weights of the four voxels around it.
struct Sample {
  std::uint32_t at;  // of the voxel with the lower column and row, in the padded level
  float right, back;
};

// The rays of one view in one level: those of column c are [first[c], first[c + 1]).
struct Rays {
  std::vector<std::size_t> first;
  std::vector<Sample> samples;
};

bool nearBody(const Footprint& footprint, const Body& body, int column, int row) {
  for (int r = std::max(row, 0); r <= std::min(row + 1, body.count[1] - 1); ++r)
    for (int c = std::max(column, 0); c <= std::min(column + 1, body.count[0] - 1); ++c)
      if (footprint.occupied[static_cast<std::size_t>(r) * static_cast<std::size_t>(body.count[0]) +
                             static_cast<std::size_t>(c)])
        return true;
  return false;
}

Rays raysOf(double angleDegrees, const Body& body, const Footprint& footprint, int width,
            double pixelMm) {
  const double angle = angleDegrees * std::numbers::pi / 180;
  const double rightX = std::cos(angle), rightY = std::sin(angle);
  const double stepMm = 0.6 * std::min(body.spacingMm[0], body.spacingMm[1]);
  Rays rays{{0}, {}};
  for (int c = 0; c < width; ++c) {
    const double across = (c + 0.5 - width / 2.0) * pixelMm;
    const double half =
        std::sqrt(std::max(0.0, footprint.radiusMm * footprint.radiusMm - across * across));
    const int steps = static_cast<int>(half / stepMm);
    for (int s = -steps; s <= steps; ++s) {
      const double x = footprint.centreXMm + across * rightX - s * stepMm * rightY;
      const double y = footprint.centreYMm + across * rightY + s * stepMm * rightX;
      const double column = x / body.spacingMm[0] - 0.5, row = y / body.spacingMm[1] - 0.5;
      const int i = static_cast<int>(std::floor(column)), j = static_cast<int>(std::floor(row));
      if (i < -1 || j < -1 || i >= body.count[0] || j >= body.count[1]) continue;
      if (!nearBody(footprint, body, i, j)) continue;
      rays.samples.push_back({static_cast<std::uint32_t>(paddedAt(body, i, j)),
                              static_cast<float>(column - i), static_cast<float>(row - j)});
    }
    rays.first.push_back(rays.samples.size());
  }
  return rays;
}

float brightest(const std::vector<float>& plane, std::size_t columns, const Sample* sample,
                const Sample* end) {
  float best = 0;
  for (; sample != end; ++sample) {
    const float* p = plane.data() + sample->at;
    const float front = p[0] + sample->right * (p[1] - p[0]);
    const float back = p[columns] + sample->right * (p[columns + 1] - p[columns]);
    best = std::max(best, front + sample->back * (back - front));
  }
  return best;
}

// The level at a picture's row, between two levels of the volume.
void interpolateLevel(const Body& body, double level, std::vector<float>& padded) {
  const double clamped = std::clamp(level, 0.0, body.count[2] - 1.0);
  const int upper = static_cast<int>(clamped), lower = std::min(upper + 1, body.count[2] - 1);
  const auto weight = static_cast<float>(clamped - upper);
  for (int row = 0; row < body.count[1]; ++row) {
    float* at = padded.data() + paddedAt(body, 0, row);
    for (int column = 0; column < body.count[0]; ++column, ++at) {
      const float a = body.suv(column, row, upper);
      *at = weight == 0 ? a : a + weight * (body.suv(column, row, lower) - a);
    }
  }
}

class Projection {
 public:
  Projection(const Body& body, const RotationOptions& options)
      : body_(body), footprint_(footprintOf(body)), options_(options) {
    mip_.pixelMm = options.pixelMm;
    mip_.suvAtWhite = options.suvAtWhite;
    mip_.width = 2 * static_cast<int>(std::ceil(footprint_.radiusMm / options.pixelMm));
    mip_.height = static_cast<int>(std::ceil(heightMm() / options.pixelMm - 1e-9));
    mip_.topOfAxisMm = {body.lowEdgeMm[0] + footprint_.centreXMm,
                        body.lowEdgeMm[1] + footprint_.centreYMm, body.lowEdgeMm[2] + heightMm()};
    const auto pixels =
        static_cast<std::size_t>(mip_.width) * static_cast<std::size_t>(mip_.height);
    for (int n = 0; n < options.angles; ++n)
      mip_.frames.push_back({360.0 * n / options.angles, std::vector<std::uint8_t>(pixels),
                             std::vector<std::uint8_t>(pixels),
                             std::vector<std::uint16_t>(pixels)});
    // Seen from the other side, a maximum is the same: half the views are mirrored.
    computed_ = options.angles % 2 == 0 ? options.angles / 2 : options.angles;
    for (int n = 0; n < computed_; ++n)
      rays_.push_back(raysOf(frame(n).angleDegrees, body, footprint_, mip_.width, options.pixelMm));
  }

  RotatingMip run(const std::vector<std::uint8_t>& roles) && {
    const int middle = mip_.height / 2;
    std::thread lower([&] { drawRows(middle, mip_.height); });
    drawRows(0, middle);
    lower.join();
    for (int n = 0; n < computed_; ++n) drawRegions(frame(n), roles);
    for (int n = computed_; n < options_.angles; ++n) mirror(frame(n - computed_), frame(n));
    return std::move(mip_);
  }

 private:
  double heightMm() const { return body_.count[2] * body_.spacingMm[2]; }
  MipFrame& frame(int n) { return mip_.frames[static_cast<std::size_t>(n)]; }
  std::size_t pixelAt(int column, int row) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(mip_.width) +
           static_cast<std::size_t>(column);
  }

  void drawRows(int first, int end) {
    std::vector<float> plane(paddedSize(body_), 0);
    const std::size_t columns = paddedColumns(body_);
    for (int row = first; row < end; ++row) {
      interpolateLevel(body_, (row + 0.5) * mip_.pixelMm / body_.spacingMm[2] - 0.5, plane);
      for (int n = 0; n < computed_; ++n) {
        const Rays& rays = rays_[static_cast<std::size_t>(n)];
        std::uint8_t* pixels = frame(n).suv.data() + pixelAt(0, row);
        for (std::size_t c = 0; c + 1 < rays.first.size(); ++c)
          pixels[c] = brightness(brightest(plane, columns, rays.samples.data() + rays.first[c],
                                           rays.samples.data() + rays.first[c + 1]),
                                 mip_.suvAtWhite);
      }
    }
  }

  // Pixels whose centres lie in [from, to), at least the one that holds the middle.
  static std::array<int, 2> covered(double from, double to, int count) {
    int first = static_cast<int>(std::ceil(from - 0.5)),
        last = static_cast<int>(std::ceil(to - 0.5)) - 1;
    if (last < first) first = last = static_cast<int>(std::floor((from + to) / 2));
    return {std::clamp(first, 0, count - 1), std::clamp(last, 0, count - 1)};
  }

  void drawRegions(MipFrame& view, const std::vector<std::uint8_t>& roles) const {
    const double angle = view.angleDegrees * std::numbers::pi / 180;
    const double cosine = std::cos(angle), sine = std::sin(angle);
    const double half =
        (std::abs(cosine) * body_.spacingMm[0] + std::abs(sine) * body_.spacingMm[1]) / 2;
    std::vector<float> shown(view.suv.size(), 0);
    for (int level = 0; level < body_.count[2]; ++level)
      for (int row = 0; row < body_.count[1]; ++row)
        for (int column = 0; column < body_.count[0]; ++column) {
          const std::uint16_t label = body_.label(column, row, level);
          const std::uint8_t role = roles[label];
          if (role == 0) continue;
          const double across =
              ((column + 0.5) * body_.spacingMm[0] - footprint_.centreXMm) * cosine +
              ((row + 0.5) * body_.spacingMm[1] - footprint_.centreYMm) * sine;
          const auto [left, right] =
              covered((across - half) / mip_.pixelMm + mip_.width / 2.0,
                      (across + half) / mip_.pixelMm + mip_.width / 2.0, mip_.width);
          const double top = level * body_.spacingMm[2] / mip_.pixelMm;
          const auto [upper, lower] =
              covered(top, top + body_.spacingMm[2] / mip_.pixelMm, mip_.height);
          const float suv = body_.suv(column, row, level);
          for (int y = upper; y <= lower; ++y)
            for (int x = left; x <= right; ++x) {
              const std::size_t at = pixelAt(x, y);
              const bool wins = view.role[at] == 0 || role < view.role[at] ||
                                (role == view.role[at] &&
                                 (suv > shown[at] || (suv == shown[at] && label < view.label[at])));
              if (!wins) continue;
              view.role[at] = role;
              view.label[at] = label;
              shown[at] = suv;
            }
        }
  }

  void mirror(const MipFrame& from, MipFrame& to) const {
    for (int row = 0; row < mip_.height; ++row)
      for (int column = 0; column < mip_.width; ++column) {
        const std::size_t source = pixelAt(mip_.width - 1 - column, row), at = pixelAt(column, row);
        to.suv[at] = from.suv[source];
        to.role[at] = from.role[source];
        to.label[at] = from.label[source];
      }
  }

  const Body& body_;
  Footprint footprint_;
  RotationOptions options_;
  RotatingMip mip_;
  int computed_ = 0;
  std::vector<Rays> rays_;
};

}  // namespace

RotatingMip rotatingMip(const SuvVolume& volume, const LabelVolume& labels,
                        const std::vector<Region>& regions, const RotationOptions& options) {
  requireFit(volume, labels);
  if (options.angles < 1 || !(options.pixelMm > 0) || !(options.suvAtWhite > 0))
    throw ImagingError("angles, pixel size and SUV at white of a projection must be above 0");
  if (volume.geometry.voxelCount() == 0) return {};
  const Body body(volume, labels);
  return Projection(body, options).run(rolesByLabel(regions));
}

}  // namespace fedpet::imaging
