// Organs of even uptake, liver and spleen: how they are found, and a reference sphere inside.
#pragma once

#include "models/imaging/anatomy/VoxelSets.h"

#include <functional>
#include <optional>
#include <vector>

namespace fedpet::imaging::anatomy {

// An organ of even uptake: where cubes of it are even, and the organ around those cubes.
struct EvenOrgan {
  Blob region;
  double suv = 0;     // median of its core
  double edgeMm = 0;  // of the cubes that fitted: the larger, the surer
  double confidence = 0;
};

struct EvenRule {
  BoxMm box;
  double leastSuv, mostSuv;     // mean of a cube
  double mostVariation;         // SD / mean in a cube
  double leastCoreMl;           // volume of the cubes' centres
  std::vector<double> edgesMm;  // tried in turn
  // How well a place fits the organ, 0 to 1: of several even places the one with the highest fit
  // times the root of its volume is taken, and none below kLeastFit.
  std::function<double(const Blob&)> fit;
  static constexpr double kLeastFit = 0.15;
};

std::optional<EvenOrgan> evenOrgan(const PatientGrid& grid, const EvenRule& rule,
                                   const std::function<bool(std::size_t)>& allowed);

// The sphere that lies deepest in the organ.
struct SphereMm {
  PointMm centre{};
  double radius = 0;
};

Found<SphereMm> deepestSphere(const PatientGrid& grid, const Voxels& region, const BoxMm& within,
                              double leastRadiusMm, double mostRadiusMm, double marginMm);

}  // namespace fedpet::imaging::anatomy
