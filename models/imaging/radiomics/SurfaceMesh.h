// The surface of a mask by marching cubes at level 0.5, and its convex hull. Vertices lie halfway
// between voxel centres, so that their doubled indices are whole numbers: the hull's predicates are
// exact, whatever the form. Internal to models/imaging/radiomics.
#pragma once

#include "models/imaging/radiomics/Region.h"

#include <array>
#include <cstdint>
#include <vector>

namespace fedpet::imaging::ibsi {

// Twice the voxel index along i, j and k.
using HalfIndex = std::array<std::int32_t, 3>;
using Triangle = std::array<HalfIndex, 3>;

// Closed, all triangles turned the same way. Where a face of a cube is ambiguous (two diagonal
// corners inside), the two are separated.
std::vector<Triangle> surfaceOf(const std::vector<std::uint8_t>& mask, const Box& box);

// Triangles of the convex hull, turned outward. The surface must enclose a volume, as every surface
// of surfaceOf() does.
std::vector<Triangle> convexHullOf(const std::vector<Triangle>& surface);

struct SurfaceSize {
  double volumeMm3 = 0, areaMm2 = 0;
};
SurfaceSize sizeOf(const std::vector<Triangle>& surface, const std::array<double, 3>& spacingMm);

// The largest distance between two vertices.
double diameterMm(const std::vector<Triangle>& hull, const std::array<double, 3>& spacingMm);

}  // namespace fedpet::imaging::ibsi
