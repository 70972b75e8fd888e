#include "models/imaging/radiomics/SurfaceMesh.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <map>
#include <utility>

namespace fedpet::imaging::ibsi {
namespace {

// --- vectors -----------------------------------------------------------------------------------

template <typename T>
std::array<T, 3> minus(const std::array<T, 3>& a, const std::array<T, 3>& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}
template <typename T>
std::array<T, 3> cross(const std::array<T, 3>& a, const std::array<T, 3>& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
template <typename T>
T dot(const std::array<T, 3>& a, const std::array<T, 3>& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

PointMm millimetres(const HalfIndex& at, const std::array<double, 3>& spacingMm) {
  return {static_cast<double>(at[0]) * spacingMm[0] / 2,
          static_cast<double>(at[1]) * spacingMm[1] / 2,
          static_cast<double>(at[2]) * spacingMm[2] / 2};
}

// --- marching cubes ----------------------------------------------------------------------------
// The table of the 256 cases is derived, not typed: on each face of the cube, seen from outside,
// lines run from where the face's border leaves the mask to where it enters it again. Neighbouring
// cubes see a shared face from opposite sides and draw the same line, so the surface is closed.

// Corner c of a cube is at (c & 1, c >> 1 & 1, c >> 2 & 1).
constexpr std::array<std::array<int, 4>, 6> kFaces{{
    {0, 4, 6, 2},
    {1, 3, 7, 5},  // i = 0, i = 1; corners counter-clockwise from outside
    {0, 1, 5, 4},
    {2, 6, 7, 3},  // j
    {0, 2, 3, 1},
    {4, 5, 7, 6},  // k
}};

using Edge = std::pair<int, int>;  // of two corners, the smaller first
Edge edgeOf(int a, int b) { return {std::min(a, b), std::max(a, b)}; }

// The sum of two corners' positions: twice the edge's middle.
HalfIndex middleOf(const Edge& edge) {
  HalfIndex middle{};
  for (std::size_t a = 0; a < 3; ++a)
    middle[a] = ((edge.first >> a) & 1) + ((edge.second >> a) & 1);
  return middle;
}

// Where each line leads to, by the edge that it starts on.
std::map<Edge, Edge> linesOf(unsigned cube) {
  const auto inside = [&](int corner) { return ((cube >> corner) & 1U) != 0; };
  std::map<Edge, Edge> next;
  for (const auto& face : kFaces) {
    for (std::size_t c = 0; c < 4; ++c) {
      if (!inside(face[c]) || inside(face[(c + 1) % 4])) continue;
      // The border leaves the mask here; the line goes around this corner's own stretch of it.
      std::size_t back = c;
      while (inside(face[(back + 3) % 4])) back = (back + 3) % 4;
      next[edgeOf(face[c], face[(c + 1) % 4])] = edgeOf(face[back], face[(back + 3) % 4]);
    }
  }
  return next;
}

double areaOf(const Triangle& t) {
  const PointMm a = millimetres(t[0], {1, 1, 1});
  const PointMm normal =
      cross(minus(millimetres(t[1], {1, 1, 1}), a), minus(millimetres(t[2], {1, 1, 1}), a));
  return std::sqrt(dot(normal, normal)) / 2;
}

struct Filling {
  std::vector<Triangle> triangles;
  double area = 0;
};

// Five and more points are not in one plane, and may be filled in several ways. The classic tables
// of marching cubes do it so that a cube's surface is large rather than small, which keeps the
// volume: their choice is followed. Tries every way; there are at most seven points.
Filling filled(const std::vector<HalfIndex>& loop, std::size_t first, std::size_t last) {
  Filling best;
  for (std::size_t tip = first + 1; tip < last; ++tip) {
    Filling way = filled(loop, first, tip);
    const Filling right = filled(loop, tip, last);
    way.triangles.insert(way.triangles.end(), right.triangles.begin(), right.triangles.end());
    way.triangles.push_back({loop[first], loop[tip], loop[last]});
    way.area += right.area + areaOf(way.triangles.back());
    if (way.area > best.area + 1e-9) best = std::move(way);
  }
  return best;
}

std::vector<Triangle> trianglesOf(unsigned cube) {
  std::vector<Triangle> triangles;
  std::map<Edge, Edge> next = linesOf(cube);
  while (!next.empty()) {
    std::vector<HalfIndex> loop;
    for (auto at = next.begin(); at != next.end();) {
      loop.push_back(middleOf(at->first));
      const Edge following = at->second;
      next.erase(at);
      at = next.find(following);
    }
    const Filling filling = filled(loop, 0, loop.size() - 1);
    triangles.insert(triangles.end(), filling.triangles.begin(), filling.triangles.end());
  }
  return triangles;
}

const std::array<std::vector<Triangle>, 256>& allCases() {
  static const auto cases = [] {
    std::array<std::vector<Triangle>, 256> made;
    for (unsigned cube = 1; cube < 255; ++cube) made[cube] = trianglesOf(cube);
    return made;
  }();
  return cases;
}

// --- convex hull -------------------------------------------------------------------------------
// Points are added one by one; the facets that see the new point are replaced by a cone from their
// outline. Whole numbers of a few thousand keep every determinant exact in 64 bits, so a point in
// the plane of a facet is known to be there, and needs no tolerance.

struct Facet {
  std::array<int, 3> points;
  HalfIndex normal;    // outward
  std::int64_t level;  // normal . x of its plane
};

// Only the ends of each row of vertices can be corners of the hull.
std::vector<HalfIndex> candidates(const std::vector<Triangle>& surface) {
  std::vector<HalfIndex> points;
  for (const Triangle& t : surface) points.insert(points.end(), t.begin(), t.end());
  for (const auto& order :
       {std::array<std::size_t, 3>{2, 1, 0}, std::array<std::size_t, 3>{2, 0, 1},
        std::array<std::size_t, 3>{1, 0, 2}}) {
    std::sort(points.begin(), points.end(), [&](const HalfIndex& a, const HalfIndex& b) {
      for (const std::size_t axis : order)
        if (a[axis] != b[axis]) return a[axis] < b[axis];
      return false;
    });
    const auto sameRow = [&](const HalfIndex& a, const HalfIndex& b) {
      return a[order[0]] == b[order[0]] && a[order[1]] == b[order[1]];
    };
    std::vector<HalfIndex> ends;
    for (std::size_t p = 0; p < points.size(); ++p)
      if (p == 0 || p + 1 == points.size() || !sameRow(points[p - 1], points[p]) ||
          !sameRow(points[p], points[p + 1]))
        if (ends.empty() || ends.back() != points[p]) ends.push_back(points[p]);
    points = std::move(ends);
  }
  return points;
}

class Hull {
 public:
  explicit Hull(std::vector<HalfIndex> points) : points_(std::move(points)) {
    startWithTetrahedron();
    for (std::size_t p = 4; p < points_.size(); ++p) add(static_cast<int>(p));
  }
  std::vector<Triangle> triangles() const {
    std::vector<Triangle> result;
    for (const Facet& f : facets_)
      result.push_back({at(f.points[0]), at(f.points[1]), at(f.points[2])});
    return result;
  }

 private:
  const HalfIndex& at(int point) const { return points_[static_cast<std::size_t>(point)]; }

  Facet facet(int a, int b, int c) const {
    const HalfIndex normal = cross(minus(at(b), at(a)), minus(at(c), at(a)));
    return {{a, b, c}, normal, dot(normal, at(a))};
  }

  // Moves four points that span a volume to the front, far ones, so that few facets come and go.
  void startWithTetrahedron() {
    const auto bringFarthest = [&](std::size_t to, const auto& measure) {
      const auto farthest = std::max_element(
          points_.begin() + static_cast<std::ptrdiff_t>(to), points_.end(),
          [&](const HalfIndex& a, const HalfIndex& b) { return measure(a) < measure(b); });
      std::iter_swap(points_.begin() + static_cast<std::ptrdiff_t>(to), farthest);
    };
    bringFarthest(1, [&](const HalfIndex& p) {
      const HalfIndex d = minus(p, points_[0]);
      return dot(d, d);
    });
    const auto squared = [](const HalfIndex& v) {
      return static_cast<double>(
          dot(std::array<double, 3>{static_cast<double>(v[0]), static_cast<double>(v[1]),
                                    static_cast<double>(v[2])},
              std::array<double, 3>{static_cast<double>(v[0]), static_cast<double>(v[1]),
                                    static_cast<double>(v[2])}));
    };
    bringFarthest(2, [&](const HalfIndex& p) {
      return squared(cross(minus(points_[1], points_[0]), minus(p, points_[0])));
    });
    const HalfIndex normal = cross(minus(points_[1], points_[0]), minus(points_[2], points_[0]));
    bringFarthest(3,
                  [&](const HalfIndex& p) { return std::abs(dot(normal, minus(p, points_[0]))); });
    const bool above = dot(normal, minus(points_[3], points_[0])) > 0;
    assert(dot(normal, minus(points_[3], points_[0])) != 0);  // a surface encloses a volume
    const int b = above ? 2 : 1, c = above ? 1 : 2;           // the base faces away from point 3
    facets_ = {facet(0, b, c), facet(0, c, 3), facet(c, b, 3), facet(b, 0, 3)};
  }

  void add(int point) {
    std::map<std::pair<int, int>, bool> outline;  // directed edges of the facets that see the point
    std::vector<Facet> kept;
    const HalfIndex& p = at(point);
    const auto sees = [&](const Facet& f) { return dot(f.normal, p) > f.level; };
    if (std::none_of(facets_.begin(), facets_.end(), sees)) return;
    for (const Facet& f : facets_) {
      if (!sees(f)) {
        kept.push_back(f);
        continue;
      }
      for (std::size_t e = 0; e < 3; ++e) outline[{f.points[e], f.points[(e + 1) % 3]}] = true;
    }
    for (const auto& [edge, unused] : outline)
      if (!outline.contains({edge.second, edge.first}))
        kept.push_back(facet(edge.first, edge.second, point));
    facets_ = std::move(kept);
  }

  std::vector<HalfIndex> points_;
  std::vector<Facet> facets_;
};

}  // namespace

std::vector<Triangle> surfaceOf(const std::vector<std::uint8_t>& mask, const Box& box) {
  const auto& cases = allCases();
  const Box padded{{box.size[0] + 2, box.size[1] + 2, box.size[2] + 2}};
  std::vector<std::uint8_t> inside(padded.count());
  for (int k = 0; k < box.size[2]; ++k)
    for (int j = 0; j < box.size[1]; ++j)
      std::copy_n(mask.begin() + static_cast<std::ptrdiff_t>(box.offset(0, j, k)), box.size[0],
                  inside.begin() + static_cast<std::ptrdiff_t>(padded.offset(1, j + 1, k + 1)));
  std::vector<Triangle> surface;
  for (int k = 0; k + 1 < padded.size[2]; ++k)
    for (int j = 0; j + 1 < padded.size[1]; ++j)
      for (int i = 0; i + 1 < padded.size[0]; ++i) {
        unsigned cube = 0;
        for (unsigned c = 0; c < 8; ++c)
          cube |= static_cast<unsigned>(inside[padded.offset(i + static_cast<int>(c & 1U),
                                                             j + static_cast<int>(c >> 1U & 1U),
                                                             k + static_cast<int>(c >> 2U))])
                  << c;
        for (Triangle t : cases[cube]) {
          for (HalfIndex& v : t) {
            v[0] += 2 * (i - 1);
            v[1] += 2 * (j - 1);
            v[2] += 2 * (k - 1);
          }
          surface.push_back(t);
        }
      }
  return surface;
}

std::vector<Triangle> convexHullOf(const std::vector<Triangle>& surface) {
  return Hull(candidates(surface)).triangles();
}

SurfaceSize sizeOf(const std::vector<Triangle>& surface, const std::array<double, 3>& spacingMm) {
  SurfaceSize size;
  if (surface.empty()) return size;
  const PointMm origin = millimetres(surface.front()[0], spacingMm);
  for (const Triangle& t : surface) {
    const PointMm a = minus(millimetres(t[0], spacingMm), origin);
    const PointMm b = minus(millimetres(t[1], spacingMm), origin);
    const PointMm c = minus(millimetres(t[2], spacingMm), origin);
    size.volumeMm3 += dot(a, cross(b, c)) / 6;
    const PointMm normal = cross(minus(b, a), minus(c, a));
    size.areaMm2 += std::sqrt(dot(normal, normal)) / 2;
  }
  size.volumeMm3 = std::abs(size.volumeMm3);
  return size;
}

double diameterMm(const std::vector<Triangle>& hull, const std::array<double, 3>& spacingMm) {
  std::vector<HalfIndex> corners;
  for (const Triangle& t : hull) corners.insert(corners.end(), t.begin(), t.end());
  std::sort(corners.begin(), corners.end());
  corners.erase(std::unique(corners.begin(), corners.end()), corners.end());
  std::vector<PointMm> points;
  for (const HalfIndex& c : corners) points.push_back(millimetres(c, spacingMm));
  double squared = 0;
  for (std::size_t a = 0; a < points.size(); ++a)
    for (std::size_t b = a + 1; b < points.size(); ++b) {
      const PointMm d = minus(points[a], points[b]);
      squared = std::max(squared, dot(d, d));
    }
  return std::sqrt(squared);
}

}  // namespace fedpet::imaging::ibsi
