// Bodies as formulas. Each shape tells how deep a point lies inside it (mm, negative outside; exact
// near the surface, which is all that partial voxels need) and the box that contains it.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "clinical/Geometry.h"

namespace fedpet::sample {

struct BoxMm {
  PointMm low{}, high{};
};

// Rotation that carries the x axis to `axis`; the other two follow, level with the horizon.
struct Orientation {
  PointMm u{1, 0, 0}, v{0, 1, 0}, w{0, 0, 1};
  static Orientation along(PointMm axis) {
    const double n = std::hypot(axis[0], axis[1], axis[2]);
    Orientation o;
    o.u = {axis[0] / n, axis[1] / n, axis[2] / n};
    const double h = std::hypot(o.u[0], o.u[1]);
    o.v = h > 1e-6 ? PointMm{-o.u[1] / h, o.u[0] / h, 0} : PointMm{0, 1, 0};
    o.w = {o.u[1] * o.v[2] - o.u[2] * o.v[1], o.u[2] * o.v[0] - o.u[0] * o.v[2],
           o.u[0] * o.v[1] - o.u[1] * o.v[0]};
    return o;
  }
};

struct Ellipsoid {
  PointMm centre{};
  std::array<double, 3> semi{1, 1, 1};  // along orientation u, v, w
  Orientation orientation{};

  BoxMm bounds() const {
    BoxMm box;
    for (std::size_t a = 0; a < 3; ++a) {
      const double half = std::hypot(semi[0] * orientation.u[a], semi[1] * orientation.v[a],
                                     semi[2] * orientation.w[a]);
      box.low[a] = centre[a] - half;
      box.high[a] = centre[a] + half;
    }
    return box;
  }
  // First order: (1 - G) / |grad G| with G = sum of squares of the normalised coordinates.
  double insideMm(const PointMm& p) const {
    const PointMm d{p[0] - centre[0], p[1] - centre[1], p[2] - centre[2]};
    const double a = dot(d, orientation.u) / semi[0], b = dot(d, orientation.v) / semi[1],
                 c = dot(d, orientation.w) / semi[2];
    const double gradient = 2 * std::sqrt(sq(a / semi[0]) + sq(b / semi[1]) + sq(c / semi[2]));
    return (1 - (a * a + b * b + c * c)) / (gradient + 1e-9);
  }
  Ellipsoid shrunkBy(double mm) const {
    Ellipsoid inner = *this;
    for (double& s : inner.semi) s = std::max(0.5, s - mm);
    return inner;
  }

 private:
  static double sq(double x) { return x * x; }
  static double dot(const PointMm& a, const PointMm& b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  }
};

// A rod with round ends, its radius changing linearly.
struct Capsule {
  PointMm from{}, to{};
  double fromRadius = 1, toRadius = 1;

  BoxMm bounds() const {
    BoxMm box;
    for (std::size_t a = 0; a < 3; ++a) {
      box.low[a] = std::min(from[a] - fromRadius, to[a] - toRadius);
      box.high[a] = std::max(from[a] + fromRadius, to[a] + toRadius);
    }
    return box;
  }
  double insideMm(const PointMm& p) const {
    double along = 0, length2 = 1e-12;
    for (std::size_t a = 0; a < 3; ++a) {
      const double d = to[a] - from[a];
      along += (p[a] - from[a]) * d;
      length2 += d * d;
    }
    const double t = std::clamp(along / length2, 0.0, 1.0);
    PointMm q;
    for (std::size_t a = 0; a < 3; ++a) q[a] = from[a] + t * (to[a] - from[a]);
    return fromRadius + t * (toRadius - fromRadius) - distanceMm(p, q);
  }
};

// A trunk: superelliptic cross-sections (exponent 2.5: flatter sides than an ellipse) along z.
struct Loft {
  struct Section {
    double z, cx, cy, rx, ry;
  };
  std::vector<Section> sections;  // rising z, at least two

  BoxMm bounds() const {
    BoxMm box{{1e9, 1e9, sections.front().z}, {-1e9, -1e9, sections.back().z}};
    for (const Section& s : sections) {  // smooth interpolation may overshoot by a little
      box.low[0] = std::min(box.low[0], s.cx - 1.1 * s.rx);
      box.high[0] = std::max(box.high[0], s.cx + 1.1 * s.rx);
      box.low[1] = std::min(box.low[1], s.cy - 1.1 * s.ry);
      box.high[1] = std::max(box.high[1], s.cy + 1.1 * s.ry);
    }
    return box;
  }
  double insideMm(const PointMm& p) const {
    const double ends = std::min(p[2] - sections.front().z, sections.back().z - p[2]);
    const Section s = at(std::clamp(p[2], sections.front().z, sections.back().z));
    const double u = std::abs(p[0] - s.cx) / s.rx, v = std::abs(p[1] - s.cy) / s.ry;
    const double u15 = u * std::sqrt(u), v15 = v * std::sqrt(v);
    const double gradient = 2.5 * std::hypot(u15 / s.rx, v15 / s.ry);
    return std::min(ends, (1 - (u15 * u + v15 * v)) / (gradient + 1e-9));
  }
  Section at(double z) const {  // Catmull-Rom on each parameter
    std::size_t n = 1;
    while (n + 1 < sections.size() && sections[n].z < z) ++n;
    const Section &b = sections[n - 1], &c = sections[n];
    const Section &a = sections[n >= 2 ? n - 2 : 0], &d = sections[std::min(n + 1, sections.size() - 1)];
    const double t = std::clamp((z - b.z) / (c.z - b.z), 0.0, 1.0);
    auto smooth = [&](double Section::*m) {
      const double span = c.z - b.z;
      const double m0 = (c.*m - a.*m) / std::max(1e-9, c.z - a.z) * span;
      const double m1 = (d.*m - b.*m) / std::max(1e-9, d.z - b.z) * span;
      const double t2 = t * t, t3 = t2 * t;
      return (2 * t3 - 3 * t2 + 1) * b.*m + (t3 - 2 * t2 + t) * m0 + (-2 * t3 + 3 * t2) * c.*m +
             (t3 - t2) * m1;
    };
    return {z, smooth(&Section::cx), smooth(&Section::cy), std::max(1.0, smooth(&Section::rx)),
            std::max(1.0, smooth(&Section::ry))};
  }
};

// Any formula in a box.
template <typename Depth>
struct Implicit {
  BoxMm box;
  Depth depth;
  BoxMm bounds() const { return box; }
  double insideMm(const PointMm& p) const { return depth(p); }
};
template <typename Depth>
Implicit<Depth> implicit(BoxMm box, Depth depth) {
  return {box, std::move(depth)};
}

}  // namespace fedpet::sample
