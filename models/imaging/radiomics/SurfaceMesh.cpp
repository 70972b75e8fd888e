#include "models/imaging/radiomics/SurfaceMesh.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
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
// Quickhull (Barber, Dobkin, Huhdanpaa 1996): the farthest point beyond a facet becomes a corner,
// and the facets that see it are replaced by a cone from their outline. Whole numbers of a few
// thousand keep every determinant exact in 64 bits, so a point in the plane of a facet is known to
// be there, and none of the usual tolerances and repairs are needed.

using Exact = std::array<std::int64_t, 3>;
Exact exact(const HalfIndex& p) { return {p[0], p[1], p[2]}; }

// Only the ends of each row of vertices along each axis can be corners of the hull.
std::vector<HalfIndex> endsOfRows(const std::vector<HalfIndex>& points, std::size_t axis) {
  const std::size_t u = (axis + 1) % 3, v = (axis + 2) % 3;
  HalfIndex low = points.front(), high = low;
  for (const HalfIndex& p : points)
    for (std::size_t a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], p[a]);
      high[a] = std::max(high[a], p[a]);
    }
  struct Ends {
    std::int32_t first = INT32_MAX, last = INT32_MIN;
  };
  const auto width = static_cast<std::size_t>(high[u] - low[u] + 1);
  std::vector<Ends> rows(width * static_cast<std::size_t>(high[v] - low[v] + 1));
  for (const HalfIndex& p : points) {
    Ends& row = rows[static_cast<std::size_t>(p[v] - low[v]) * width +
                     static_cast<std::size_t>(p[u] - low[u])];
    row.first = std::min(row.first, p[axis]);
    row.last = std::max(row.last, p[axis]);
  }
  std::vector<HalfIndex> ends;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (rows[r].first == INT32_MAX) continue;
    HalfIndex p{};
    p[u] = low[u] + static_cast<std::int32_t>(r % width);
    p[v] = low[v] + static_cast<std::int32_t>(r / width);
    p[axis] = rows[r].first;
    ends.push_back(p);
    p[axis] = rows[r].last;
    if (rows[r].last != rows[r].first) ends.push_back(p);
  }
  return ends;
}

class Hull {
 public:
  explicit Hull(std::vector<HalfIndex> points)
      : points_(std::move(points)), facetAt_(points_.size(), -1) {
    startWithTetrahedron();
    while (!open_.empty()) {
      const int facet = open_.back();
      open_.pop_back();
      if (!facets_[at(facet)].dead && facets_[at(facet)].farthest >= 0) addFarthestOf(facet);
    }
  }
  std::vector<Triangle> triangles() const {
    std::vector<Triangle> result;
    for (const Facet& f : facets_)
      if (!f.dead)
        result.push_back({point(f.corners[0]), point(f.corners[1]), point(f.corners[2])});
    return result;
  }

 private:
  struct Facet {
    std::array<int, 3> corners{};  // counter-clockwise from outside
    std::array<int, 3> beside{};   // facets across the edges from each corner to the next
    Exact normal{};
    std::int64_t level = 0;     // normal . x of its plane
    std::vector<int> outside;   // points that it sees, each in the list of one facet only
    int farthest = -1;          // of them
    std::int64_t distance = 0;  // of that one, times the normal's length
    bool dead = false, seen = false;
  };
  struct HorizonEdge {
    int from, to, beyond;  // corners, and the facet that stays
  };

  static std::size_t at(int index) { return static_cast<std::size_t>(index); }
  const HalfIndex& point(int index) const { return points_[at(index)]; }
  std::int64_t height(const Facet& f, int p) const {
    return dot(f.normal, exact(point(p))) - f.level;
  }

  int newFacet(int a, int b, int c) {
    Facet f;
    f.corners = {a, b, c};
    f.normal =
        cross(minus(exact(point(b)), exact(point(a))), minus(exact(point(c)), exact(point(a))));
    f.level = dot(f.normal, exact(point(a)));
    facets_.push_back(std::move(f));
    return static_cast<int>(facets_.size()) - 1;
  }

  bool claim(Facet& f, int p) const {
    const std::int64_t distance = height(f, p);
    if (distance <= 0) return false;
    f.outside.push_back(p);
    if (distance > f.distance) {
      f.distance = distance;
      f.farthest = p;
    }
    return true;
  }

  // Four points that span a volume: the first, and three that lie far from what there is.
  void startWithTetrahedron() {
    const auto farthest = [&](const auto& measure) {
      int best = 0;
      double most = -1;
      for (int p = 0; p < static_cast<int>(points_.size()); ++p)
        if (const double m = measure(exact(point(p))); m > most) {
          most = m;
          best = p;
        }
      return best;
    };
    const auto squared = [](const Exact& v) {
      const auto [x, y, z] = v;
      return static_cast<double>(x) * static_cast<double>(x) +
             static_cast<double>(y) * static_cast<double>(y) +
             static_cast<double>(z) * static_cast<double>(z);
    };
    const Exact origin = exact(point(0));
    const int b = farthest([&](const Exact& p) { return squared(minus(p, origin)); });
    const Exact line = minus(exact(point(b)), origin);
    const int c = farthest([&](const Exact& p) { return squared(cross(line, minus(p, origin))); });
    const Exact normal = cross(line, minus(exact(point(c)), origin));
    const int d = farthest([&](const Exact& p) {
      return std::abs(static_cast<double>(dot(normal, minus(p, origin))));
    });
    const std::int64_t side = dot(normal, minus(exact(point(d)), origin));
    assert(side != 0);                                     // a surface encloses a volume
    const int e = side > 0 ? c : b, f = side > 0 ? b : c;  // the base faces away from d
    for (const auto& [x, y, z] :
         {std::array{0, e, f}, std::array{0, f, d}, std::array{f, e, d}, std::array{e, 0, d}})
      newFacet(x, y, z);
    facets_[0].beside = {3, 2, 1};
    facets_[1].beside = {0, 2, 3};
    facets_[2].beside = {0, 3, 1};
    facets_[3].beside = {0, 1, 2};
    for (int p = 0; p < static_cast<int>(points_.size()); ++p)
      for (Facet& facet : facets_)
        if (claim(facet, p)) break;
    open_ = {0, 1, 2, 3};
  }

  void addFarthestOf(int start) {
    const int corner = facets_[at(start)].farthest;
    // The facets that see the corner are connected; around them runs one closed line.
    std::vector<int> visible{start};
    std::vector<HorizonEdge> horizon;
    facets_[at(start)].seen = true;
    for (std::size_t v = 0; v < visible.size(); ++v)
      for (std::size_t edge = 0; edge < 3; ++edge) {
        const Facet& f = facets_[at(visible[v])];
        const int beyond = f.beside[edge];
        Facet& neighbour = facets_[at(beyond)];
        if (neighbour.seen) continue;
        if (height(neighbour, corner) > 0) {
          neighbour.seen = true;
          visible.push_back(beyond);
        } else {
          horizon.push_back({f.corners[edge], f.corners[(edge + 1) % 3], beyond});
        }
      }
    const int first = static_cast<int>(facets_.size());
    for (const HorizonEdge& e : horizon) facetAt_[at(e.from)] = newFacet(e.from, e.to, corner);
    for (std::size_t h = 0; h < horizon.size(); ++h) {
      const HorizonEdge& e = horizon[h];
      const int made = first + static_cast<int>(h), next = facetAt_[at(e.to)];
      facets_[at(made)].beside[0] = e.beyond;
      facets_[at(made)].beside[1] = next;
      facets_[at(next)].beside[2] = made;
      Facet& beyond = facets_[at(e.beyond)];
      for (std::size_t edge = 0; edge < 3; ++edge)
        if (beyond.corners[edge] == e.to) beyond.beside[edge] = made;
    }
    for (const int v : visible) {
      facets_[at(v)].dead = true;
      for (const int p : std::exchange(facets_[at(v)].outside, {}))
        for (std::size_t made = at(first); made < facets_.size(); ++made)
          if (p != corner && claim(facets_[made], p)) break;
    }
    for (int made = first; made < static_cast<int>(facets_.size()); ++made) open_.push_back(made);
  }

  std::vector<HalfIndex> points_;
  std::vector<Facet> facets_;
  std::vector<int> facetAt_;  // by point: the new facet whose outline edge begins there
  std::vector<int> open_;     // facets that may have points outside
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
  const auto row = static_cast<std::size_t>(padded.size[0]);
  const std::size_t slice = row * static_cast<std::size_t>(padded.size[1]);
  for (int k = 0; k + 1 < padded.size[2]; ++k)
    for (int j = 0; j + 1 < padded.size[1]; ++j) {
      unsigned left = 0;  // the four corners that this cube shares with the one before it
      for (int i = 0; i + 1 < padded.size[0]; ++i) {
        const std::uint8_t* c = &inside[padded.offset(i + 1, j, k)];
        const unsigned right =
            static_cast<unsigned>(c[0] | c[row] << 2 | c[slice] << 4 | c[slice + row] << 6);
        const unsigned cube = left | right << 1;
        left = right;
        for (const Triangle& t : cases[cube]) {
          surface.push_back(t);
          for (HalfIndex& v : surface.back()) {
            v[0] += 2 * (i - 1);
            v[1] += 2 * (j - 1);
            v[2] += 2 * (k - 1);
          }
        }
      }
    }
  return surface;
}

std::vector<Triangle> convexHullOf(const std::vector<Triangle>& surface) {
  std::vector<HalfIndex> points;
  points.reserve(3 * surface.size());
  for (const Triangle& t : surface) points.insert(points.end(), t.begin(), t.end());
  for (std::size_t axis = 0; axis < 3; ++axis) points = endsOfRows(points, axis);
  return Hull(std::move(points)).triangles();
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
  // Each corner once; the hull's triangles name it about six times.
  std::vector<HalfIndex> corners;
  for (const Triangle& t : hull) corners.insert(corners.end(), t.begin(), t.end());
  std::sort(corners.begin(), corners.end());
  corners.erase(std::unique(corners.begin(), corners.end()), corners.end());
  std::vector<PointMm> points;
  points.reserve(corners.size());
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
