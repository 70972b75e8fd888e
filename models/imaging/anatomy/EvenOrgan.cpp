#include "models/imaging/anatomy/EvenOrgan.h"

#include "models/imaging/Formatted.h"

#include <algorithm>
#include <cmath>

namespace fedpet::imaging::anatomy {

std::optional<EvenOrgan> evenOrgan(const PatientGrid& grid, const EvenRule& rule,
                                   const std::function<bool(std::size_t)>& allowed) {
  for (double edge : rule.edgesMm) {
    auto cores = grid.blobs(rule.box, [&](std::size_t at) {
      if (grid.suv(at) < rule.leastSuv || grid.suv(at) > rule.mostSuv || !allowed(at)) return false;
      const CubeUptake cube = grid.cubeAround(at, edge);
      return cube.mean >= rule.leastSuv && cube.mean <= rule.mostSuv &&
             cube.variation <= rule.mostVariation;
    });
    std::erase_if(cores, [&](const Blob& core) {
      return core.volumeMl < rule.leastCoreMl || rule.fit(core) < rule.kLeastFit;
    });
    if (cores.empty()) continue;
    const Blob& core =
        *std::max_element(cores.begin(), cores.end(), [&](const Blob& a, const Blob& b) {
          return rule.fit(a) * std::sqrt(a.volumeMl) < rule.fit(b) * std::sqrt(b.volumeMl);
        });
    EvenOrgan organ;
    organ.edgeMm = edge;
    organ.suv = medianSuv(grid, core.voxels);
    const Voxels near = where(grid.around(core.voxels, edge / 2 + 5), [&](std::size_t at) {
      return grid.suv(at) > 0.65 * organ.suv && grid.suv(at) < 1.45 * organ.suv && allowed(at);
    });
    organ.region = grid.blobOf(near);
    return organ;
  }
  return std::nullopt;
}

Found<SphereMm> deepestSphere(const PatientGrid& grid, const Voxels& region, const BoxMm& within,
                              double leastRadiusMm, double mostRadiusMm, double marginMm) {
  const auto depth = grid.depthMm(region);
  SphereMm sphere;
  double deepest = 0;
  for (std::size_t n = 0; n < region.size(); ++n) {
    const PointMm p = grid.pointMm(region[n]);
    if (depth[n] <= deepest || !within.contains(p)) continue;
    deepest = depth[n];
    sphere.centre = p;
  }
  sphere.radius = std::min(mostRadiusMm, deepest - marginMm);
  if (sphere.radius < leastRadiusMm)
    return notFound(formatted("no sphere of %.0f mm diameter fits inside, %.0f mm from the edge",
                              2 * leastRadiusMm, marginMm));
  return sphere;
}

}  // namespace fedpet::imaging::anatomy
