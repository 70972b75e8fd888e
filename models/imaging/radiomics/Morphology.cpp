#include "models/imaging/radiomics/Morphology.h"

#include "models/imaging/radiomics/Resampling.h"
#include "models/imaging/radiomics/SurfaceMesh.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace fedpet::imaging::ibsi {
namespace {

using std::numbers::pi;
using Matrix = std::array<std::array<double, 3>, 3>;

PointMm positionOf(const Voxel& v, const std::array<double, 3>& spacingMm) {
  return {v.i * spacingMm[0], v.j * spacingMm[1], v.k * spacingMm[2]};
}

// Eigenvalues of a symmetric matrix, descending, by Jacobi's rotations.
std::array<double, 3> eigenvalues(Matrix m) {
  for (int sweep = 0; sweep < 30; ++sweep)
    for (const auto& [p, q] : {std::pair<std::size_t, std::size_t>{0, 1}, {0, 2}, {1, 2}}) {
      if (m[p][q] == 0) continue;
      const double theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
      const double t = std::copysign(1, theta) / (std::abs(theta) + std::hypot(theta, 1));
      const double c = 1 / std::hypot(t, 1), s = t * c;
      for (std::size_t k = 0; k < 3; ++k) {  // columns
        const double kp = m[k][p], kq = m[k][q];
        m[k][p] = c * kp - s * kq;
        m[k][q] = s * kp + c * kq;
      }
      for (std::size_t k = 0; k < 3; ++k) {  // rows
        const double pk = m[p][k], qk = m[q][k];
        m[p][k] = c * pk - s * qk;
        m[q][k] = s * pk + c * qk;
      }
    }
  std::array<double, 3> values{m[0][0], m[1][1], m[2][2]};
  std::sort(values.begin(), values.end(), std::greater<>());
  for (double& v : values) v = std::max(v, 0.0);
  return values;
}

struct PointCloud {
  PointMm centre{};
  std::array<double, 3> eigenvalues{};  // of the covariance
};

// The IBSI's reference values are those of the sample's covariance; PyRadiomics divides by n.
PointCloud pointCloud(const Region& region, RadiomicsConvention convention) {
  const auto n = static_cast<double>(region.morphologicalVoxels.size());
  PointCloud cloud;
  for (const Voxel& v : region.morphologicalVoxels) {
    const PointMm p = positionOf(v, region.spacingMm);
    for (std::size_t a = 0; a < 3; ++a) cloud.centre[a] += p[a] / n;
  }
  const double divisor = convention == RadiomicsConvention::PyRadiomics ? n : n - 1;
  Matrix covariance{};
  for (const Voxel& v : region.morphologicalVoxels) {
    const PointMm p = positionOf(v, region.spacingMm);
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = 0; b < 3; ++b)
        covariance[a][b] += (p[a] - cloud.centre[a]) * (p[b] - cloud.centre[b]) / divisor;
  }
  cloud.eigenvalues = eigenvalues(covariance);
  return cloud;
}

// Surface of an ellipsoid with the semi-axes a >= b >= c, by the manual's series up to nu = 20.
double ellipsoidArea(double a, double b, double c) {
  const double alpha = std::sqrt(1 - b * b / (a * a)), beta = std::sqrt(1 - c * c / (a * a));
  // (alpha beta)^nu P_nu((alpha^2 + beta^2) / (2 alpha beta)) by Legendre's recurrence multiplied
  // through, so that a round ellipsoid (alpha = 0) needs no division.
  const double x = (alpha * alpha + beta * beta) / 2, product = alpha * beta;
  double previous = 1, current = x, sum = 1 + current / (1 - 4.0);
  for (int nu = 2; nu <= 20; ++nu) {
    const double next = ((2 * nu - 1) * x * current - (nu - 1) * product * product * previous) / nu;
    previous = current;
    current = next;
    sum += current / (1 - 4.0 * nu * nu);
  }
  return 4 * pi * a * b * sum;
}

double centreOfMassShift(const Region& region, const PointMm& centre) {
  PointMm weighted{};
  double total = 0;
  for (std::size_t v = 0; v < region.intensities.size(); ++v) {
    const PointMm p = positionOf(region.intensityVoxels[v], region.spacingMm);
    for (std::size_t a = 0; a < 3; ++a) weighted[a] += region.intensities[v] * p[a];
    total += region.intensities[v];
  }
  if (total == 0) return kUndefined;
  for (double& w : weighted) w /= total;
  return distanceMm(weighted, centre);
}

double inverseDistance(const std::array<double, 3>& offsetMm) {
  const double distance = std::hypot(offsetMm[0], offsetMm[1], offsetMm[2]);
  return distance == 0 ? 0 : 1 / distance;
}

struct Autocorrelation {
  double moranI = kUndefined, gearyC = kUndefined;
};

// Sums over all pairs of voxels, w = 1 / distance, y = x - mean:
//   sum w, sum w y1 y2, and sum w (y1 - y2)^2 = 2 sum w y1^2 - 2 sum w y1 y2,
// which are convolutions of the mask and of y with w.
Autocorrelation autocorrelation(const Region& region) {
  std::array<int, 3> first{1 << 30, 1 << 30, 1 << 30}, last{};
  for (const Voxel& v : region.intensityVoxels) {
    const std::array<int, 3> at{v.i, v.j, v.k};
    for (std::size_t a = 0; a < 3; ++a) {
      first[a] = std::min(first[a], at[a]);
      last[a] = std::max(last[a], at[a]);
    }
  }
  const Box box{{last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1}};
  const auto n = static_cast<double>(region.intensities.size());
  const double mean =
      std::accumulate(region.intensities.begin(), region.intensities.end(), 0.0) / n;
  TwoVolumes volumes{std::vector<double>(box.count()), std::vector<double>(box.count())};
  double squares = 0;
  for (std::size_t v = 0; v < region.intensities.size(); ++v) {
    const Voxel& voxel = region.intensityVoxels[v];
    const std::size_t at = box.offset(voxel.i - first[0], voxel.j - first[1], voxel.k - first[2]);
    const double y = region.intensities[v] - mean;
    volumes.first[at] = 1;
    volumes.second[at] = y;
    squares += y * y;
  }
  if (squares == 0) return {};
  const TwoVolumes sums = convolved(volumes, box, inverseDistance, region.spacingMm);
  double weights = 0, products = 0, weightedSquares = 0;
  for (std::size_t at = 0; at < box.count(); ++at) {
    if (volumes.first[at] == 0) continue;
    const double y = volumes.second[at];
    weights += sums.first[at];
    products += y * sums.second[at];
    weightedSquares += y * y * sums.first[at];
  }
  return {n / weights * products / squares,
          (n - 1) / (2 * weights) * (2 * weightedSquares - 2 * products) / squares};
}

}  // namespace

void addMorphology(const Region& region, const RadiomicsConfig& config, FeatureSink& sink) {
  const std::vector<Triangle> surface = surfaceOf(region.morphological, region.box);
  const std::vector<Triangle> hull = convexHullOf(surface);
  const auto [volume, area] = sizeOf(surface, region.spacingMm);
  const auto [hullVolume, hullArea] = sizeOf(hull, region.spacingMm);
  const double compactness2 = 36 * pi * volume * volume / (area * area * area);
  sink.add("morph_volume", volume);
  sink.add("morph_vol_approx", static_cast<double>(region.morphologicalVoxels.size()) *
                                   region.spacingMm[0] * region.spacingMm[1] * region.spacingMm[2]);
  sink.add("morph_area_mesh", area);
  sink.add("morph_av", area / volume);
  sink.add("morph_comp_1", volume / (std::sqrt(pi) * std::pow(area, 1.5)));
  sink.add("morph_comp_2", compactness2);
  sink.add("morph_sph_dispr", 1 / std::cbrt(compactness2));
  sink.add("morph_sphericity", std::cbrt(compactness2));
  sink.add("morph_asphericity", 1 / std::cbrt(compactness2) - 1);

  const PointCloud cloud = pointCloud(region, config.convention);
  const auto [major, minor, least] = cloud.eigenvalues;
  sink.add("morph_com", centreOfMassShift(region, cloud.centre),
           "the region's intensities add up to 0: there is no centre of mass");
  sink.add("morph_diam", diameterMm(hull, region.spacingMm));
  const char* flat = "the region's voxels lie in one plane or on one line";
  sink.add("morph_pca_maj_axis", 4 * std::sqrt(major));
  sink.add("morph_pca_min_axis", 4 * std::sqrt(minor));
  sink.add("morph_pca_least_axis", 4 * std::sqrt(least));
  sink.add("morph_pca_elongation", std::sqrt(minor / major));
  sink.add("morph_pca_flatness", std::sqrt(least / major));

  std::array<double, 3> edge{};
  for (std::size_t a = 0; a < 3; ++a) {
    std::int32_t low = surface.front()[0][a], high = low;
    for (const Triangle& t : hull)
      for (const HalfIndex& v : t) {
        low = std::min(low, v[a]);
        high = std::max(high, v[a]);
      }
    edge[a] = static_cast<double>(high - low) * region.spacingMm[a] / 2;
  }
  sink.add("morph_vol_dens_aabb", volume / (edge[0] * edge[1] * edge[2]));
  sink.add("morph_area_dens_aabb",
           area / (2 * (edge[0] * edge[1] + edge[0] * edge[2] + edge[1] * edge[2])));
  const double a = 2 * std::sqrt(major), b = 2 * std::sqrt(minor), c = 2 * std::sqrt(least);
  // Voxel centres of a plate leave rounding, not exactly 0, in the smallest eigenvalue.
  const bool isFlat = least <= 1e-9 * major;
  sink.add("morph_vol_dens_aee", isFlat ? kUndefined : 3 * volume / (4 * pi * a * b * c), flat);
  sink.add("morph_area_dens_aee", isFlat ? kUndefined : area / ellipsoidArea(a, b, c), flat);
  sink.add("morph_vol_dens_conv_hull", volume / hullVolume);
  sink.add("morph_area_dens_conv_hull", area / hullArea);
  sink.add("morph_integ_int",
           volume * std::accumulate(region.intensities.begin(), region.intensities.end(), 0.0) /
               static_cast<double>(region.intensities.size()));
}

void addSpatialAutocorrelation(const Region& region, FeatureSink& sink) {
  const Autocorrelation autocorrelated = autocorrelation(region);
  const char* constant = "all intensities of the region are equal";
  sink.add("morph_moran_i", autocorrelated.moranI, constant);
  sink.add("morph_geary_c", autocorrelated.gearyC, constant);
}

void addLocalIntensity(const Region& region, FeatureSink& sink) {
  std::array<int, 3> reach{};
  for (std::size_t a = 0; a < 3; ++a)
    reach[a] = static_cast<int>(std::floor(kPeakRadiusMm / region.spacingMm[a]));
  std::vector<std::array<int, 3>> sphere;
  for (int k = -reach[2]; k <= reach[2]; ++k)
    for (int j = -reach[1]; j <= reach[1]; ++j)
      for (int i = -reach[0]; i <= reach[0]; ++i)
        if (std::hypot(i * region.spacingMm[0], j * region.spacingMm[1], k * region.spacingMm[2]) <=
            kPeakRadiusMm)
          sphere.push_back({i, j, k});

  const double hottest = *std::max_element(region.intensities.begin(), region.intensities.end());
  double local = -HUGE_VAL, global = -HUGE_VAL;
  for (std::size_t v = 0; v < region.intensities.size(); ++v) {
    const Voxel& at = region.intensityVoxels[v];
    double sum = 0;
    std::size_t count = 0;
    for (const auto& [i, j, k] : sphere) {
      if (!region.box.contains(at.i + i, at.j + j, at.k + k)) continue;
      sum += region.image[region.box.offset(at.i + i, at.j + j, at.k + k)];
      ++count;
    }
    const double peak = sum / static_cast<double>(count);
    global = std::max(global, peak);
    if (region.intensities[v] == hottest) local = std::max(local, peak);
  }
  sink.add("loc_peak_loc", local);
  sink.add("loc_peak_glob", global);
}

}  // namespace fedpet::imaging::ibsi
