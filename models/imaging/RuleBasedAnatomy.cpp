#include "models/imaging/RuleBasedAnatomy.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <tl/expected.hpp>
#include <utility>

#include "models/imaging/Formatted.h"
#include "models/imaging/ImagingError.h"
#include "models/imaging/NativePainter.h"
#include "models/imaging/PatientGrid.h"

namespace fedpet::imaging {
namespace {

using Voxels = std::vector<std::size_t>;
template <typename T>
using Found = tl::expected<T, Refusal>;

auto notFound(std::string why) {
  return tl::unexpected(Refusal{RefusalCode::RegionNotFound, std::move(why)});
}

double medianSuv(const PatientGrid& grid, Voxels voxels) {
  const auto middle = voxels.begin() + static_cast<std::ptrdiff_t>(voxels.size() / 2);
  std::nth_element(voxels.begin(), middle, voxels.end(),
                   [&](std::size_t a, std::size_t b) { return grid.suv(a) < grid.suv(b); });
  return grid.suv(*middle);
}

double meanSuv(const PatientGrid& grid, const Voxels& voxels) {
  double sum = 0;
  for (std::size_t at : voxels) sum += grid.suv(at);
  return voxels.empty() ? 0 : sum / static_cast<double>(voxels.size());
}

Voxels where(const Voxels& voxels, const std::function<bool(std::size_t)>& wanted) {
  Voxels kept;
  std::copy_if(voxels.begin(), voxels.end(), std::back_inserter(kept), wanted);
  return kept;
}

// Both ascending.
Voxels without(const Voxels& voxels, const Voxels& taken) {
  Voxels kept;
  std::set_difference(voxels.begin(), voxels.end(), taken.begin(), taken.end(), std::back_inserter(kept));
  return kept;
}

// ---- Even uptake: liver and spleen -------------------------------------------------------------

// An organ of even uptake: where cubes of it are even, and the organ around those cubes.
struct EvenOrgan {
  Blob region;
  double suv = 0;     // median of its core
  double edgeMm = 0;  // of the cubes that fitted: the larger, the surer
  double confidence = 0;
};

struct EvenRule {
  BoxMm box;
  double leastSuv, mostSuv;       // mean of a cube
  double mostVariation;           // SD / mean in a cube
  double leastCoreMl;             // volume of the cubes' centres
  std::vector<double> edgesMm;    // tried in turn
  // Of several even places the one that is preferred most; by volume alone when it is not set.
  std::function<double(const Blob&)> preference;
};

std::optional<EvenOrgan> evenOrgan(const PatientGrid& grid, const EvenRule& rule,
                                   const std::function<bool(std::size_t)>& allowed) {
  for (double edge : rule.edgesMm) {
    auto cores = grid.blobs(rule.box, [&](std::size_t at) {
      if (grid.suv(at) < rule.leastSuv || grid.suv(at) > rule.mostSuv || !allowed(at)) return false;
      const CubeUptake cube = grid.cubeAround(at, edge);
      return cube.mean >= rule.leastSuv && cube.mean <= rule.mostSuv &&
             cube.variation <= rule.mostVariation;
    });
    std::erase_if(cores, [&](const Blob& core) { return core.volumeMl < rule.leastCoreMl; });
    if (cores.empty()) continue;
    const Blob& core = *std::max_element(cores.begin(), cores.end(), [&](const Blob& a, const Blob& b) {
      return rule.preference ? rule.preference(a) < rule.preference(b) : a.volumeMl < b.volumeMl;
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

// The block of the right upper abdomen: a landmark even when metastases leave no even uptake.
struct LiverBlock {
  PointMm centre{};
  double suv = 0;    // about its normal tissue
  double domeZ = 0;  // highest level
  double confidence = 0;
};

std::size_t mirrored(const PatientGrid& grid, std::size_t at) {
  const VoxelIndex index(grid.geometry());
  const double x = 2 * grid.midlineX() - grid.pointMm(at)[0];
  auto there = index(at);
  const double column = std::round((x - grid.geometry().originMm[0]) / grid.kSpacingMm);
  there[0] = static_cast<int>(std::clamp(column, 0.0, grid.geometry().size[0] - 1.0));
  return index.offset(there);
}

// Where a cube the size of a right lobe takes up most, less half of what its mirror image does.
// Single hot spots are clipped, so that a tumour does not weigh more than a liver.
constexpr double kLobeEdgeMm = 110;

std::size_t mostLiverLike(const PatientGrid& grid) {
  constexpr double kTrunkCm2 = 300;
  const auto& size = grid.geometry().size;
  std::size_t best = 0;
  double highest = -1e9;
  for (int k = 0; k < size[2]; k += 2) {
    const double z = grid.geometry().pointMm(0, 0, k)[2];
    if (grid.sectionAt(z).areaCm2 < kTrunkCm2) continue;
    for (int j = 0; j < size[1]; j += 2)
      for (int i = 0; i < size[0]; i += 2) {
        const std::size_t at = grid.geometry().offset(i, j, k);
        if (!grid.isBody(at) || grid.pointMm(at)[0] > grid.midlineX() - 20) continue;
        const double score = grid.clippedCubeMean(at, kLobeEdgeMm) -
                             0.5 * grid.clippedCubeMean(mirrored(grid, at), kLobeEdgeMm);
        if (score > highest) highest = score, best = at;
      }
  }
  return best;
}

// From the block's centre up to where neither it nor its surroundings look like liver any more. Not
// towards the midline, where the heart rests on the liver.
double domeAbove(const PatientGrid& grid, const LiverBlock& block) {
  double dome = block.centre[2];
  for (const auto& [dx, dy] : {std::pair{0, 0}, {-25, 0}, {-40, 0}, {-15, -25}, {-15, 25}}) {
    double z = block.centre[2];
    while (z <= grid.highestZ() &&
           grid.discMean({block.centre[0] + dx, block.centre[1] + dy, z}, 20) >= 0.7 * block.suv)
      z += grid.kSpacingMm;
    dome = std::max(dome, z - grid.kSpacingMm);
  }
  return dome;
}

enum class Above { Lung, Tissue, EndOfField };

Above aboveLiver(const PatientGrid& grid, const LiverBlock& block) {
  if (block.domeZ + 60 > grid.highestZ()) return Above::EndOfField;
  // The median of many places: a tumour in the lower lung must not hide the lung.
  std::vector<double> discs;
  for (double up = 25; up <= 60; up += 5)
    for (double dx : {-40.0, 0.0, 40.0})
      for (double dy : {-40.0, 0.0, 40.0})
        discs.push_back(grid.discMean({block.centre[0] + dx, block.centre[1] + dy, block.domeZ + up}, 15));
  const auto middle = discs.begin() + static_cast<std::ptrdiff_t>(discs.size() / 2);
  std::nth_element(discs.begin(), middle, discs.end());
  return *middle < 0.7 * block.suv ? Above::Lung : Above::Tissue;
}

Found<LiverBlock> findLiverBlock(const PatientGrid& grid) {
  const std::size_t centre = mostLiverLike(grid);
  LiverBlock block;
  block.centre = grid.pointMm(centre);
  const PointMm c = block.centre;
  Voxels tissue;
  for (const Blob& blob : grid.blobs({{c[0] - 50, c[1] - 50, c[2] - 50}, {c[0] + 50, c[1] + 50, c[2] + 50}},
                                     [&](std::size_t v) { return grid.suv(v) > 1.3 * grid.medianBodySuv(); }))
    tissue.insert(tissue.end(), blob.voxels.begin(), blob.voxels.end());
  if (tissue.size() < 2000)  // 250 ml
    return notFound("no large uptake on the right of the trunk");
  block.suv = medianSuv(grid, tissue);
  block.domeZ = domeAbove(grid, block);
  block.confidence = 0.95;
  const double cube = grid.clippedCubeMean(centre, kLobeEdgeMm);
  switch (aboveLiver(grid, block)) {
    case Above::Lung: break;
    case Above::EndOfField: block.confidence *= 0.75; break;
    // A lung full of tumour is possible, where the liver itself is beyond doubt.
    case Above::Tissue: block.confidence *= cube > 0.8 * grid.clipSuv() ? 0.6 : 0.4; break;
  }
  // A liver fills the cube, whether it takes up much or little; pelvis, thighs and shoulders have
  // hot spots among muscle and fat, and the same on the other side.
  const auto even = where(tissue, [&](std::size_t v) { return grid.suv(v) >= 0.7 * block.suv; });
  const double cells = std::pow(100 / grid.kSpacingMm + 1, 3);
  if (cube < 0.65 * grid.clipSuv() && static_cast<double>(even.size()) < 0.72 * cells)
    block.confidence *= 0.4;
  if (grid.clippedCubeMean(mirrored(grid, centre), kLobeEdgeMm) > 0.85 * cube)
    block.confidence *= 0.5;
  if (block.suv < 1.0) block.confidence *= 0.7;
  if (c[2] - grid.lowestZ() < 45) block.confidence *= 0.7;  // most of a liver is below the field
  if (block.domeZ - block.centre[2] > 150) block.confidence *= 0.5;
  if (block.confidence < kLeastConfidence)
    return notFound(formatted("uptake of SUV %.1f on the right of the trunk, but not as a liver lies "
                              "below a lung (confidence %.2f)",
                              block.suv, block.confidence));
  return block;
}

Found<EvenOrgan> findEvenLiver(const PatientGrid& grid, const LiverBlock& block) {
  const EvenRule rule{{{block.centre[0] - 110, -1e9, block.domeZ - 210},
                       {grid.midlineX() + 20, 1e9, block.domeZ}},
                      std::max(0.9, 0.55 * block.suv), std::min(5.0, 1.5 * block.suv), 0.2, 2,
                      {55, 45, 35, 25}, {}};
  auto liver = evenOrgan(grid, rule, [](std::size_t) { return true; });
  if (!liver) return notFound("no part of the liver takes up evenly");
  const double edge = liver->edgeMm;
  liver->confidence = block.confidence * (edge > 50 ? 1 : edge > 40 ? 0.9 : edge > 30 ? 0.8 : 0.65);
  if (liver->suv < 1.0 || liver->suv > 3.8 || liver->suv < 0.75 * block.suv)
    liver->confidence *= 0.7;
  return *liver;
}

// What every rule below knows.
struct Landmarks {
  const PatientGrid& grid;
  double liverSuv;
  double mid, dome;  // x of the midline, z of the liver's dome
  std::vector<std::uint8_t> used;  // grid voxels of organs that were found: 1
  void claim(const Voxels& voxels) {
    for (std::size_t at : voxels) used[at] = 1;
  }
};

Found<EvenOrgan> findSpleen(const Landmarks& at) {
  const PatientGrid& grid = at.grid;
  const double least = std::max(0.5 * at.liverSuv, 1.25 * grid.medianBodySuv());
  const EvenRule rule{{{at.mid + 40, -1e9, at.dome - 190}, {at.mid + 190, 1e9, at.dome + 15}},
                      least, 1.7 * at.liverSuv, 0.2, 1, {35, 25},
                      [&](const Blob& core) {
                        // Beside the stomach and above the left kidney, against the ribs.
                        const double dx = (core.centre[0] - at.mid - 90) / 30;
                        const double dz = (core.centre[2] - at.dome + 60) / 40;
                        return core.volumeMl * std::exp(-0.5 * (dx * dx + dz * dz));
                      }};
  auto spleen = evenOrgan(grid, rule, [&](std::size_t v) {
    const PointMm p = grid.pointMm(v);
    return !at.used[v] && p[1] >= grid.sectionAt(p[2]).centreY - 20;
  });
  if (!spleen) return notFound("no even uptake at the back of the left upper abdomen");
  if (spleen->region.volumeMl < 30)
    return notFound(formatted("the even uptake on the left has only %.0f ml", spleen->region.volumeMl));
  spleen->confidence = spleen->edgeMm > 30 ? 0.85 : 0.7;
  const Voxels rim = where(grid.around(spleen->region.voxels, 15), [&](std::size_t v) {
    return !std::binary_search(spleen->region.voxels.begin(), spleen->region.voxels.end(), v);
  });
  if (meanSuv(grid, rim) > 0.8 * spleen->suv) spleen->confidence *= 0.6;
  if (spleen->region.centre[0] < at.mid + 55) spleen->confidence *= 0.7;
  if (spleen->confidence < kLeastConfidence)
    return notFound(formatted("an uptake of SUV %.1f at the left does not stand out (confidence %.2f)",
                              spleen->suv, spleen->confidence));
  return *spleen;
}

// The sphere that lies deepest in the organ.
struct SphereMm {
  PointMm centre{};
  double radius = 0;
};

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

// ---- Hot organs --------------------------------------------------------------------------------

struct Outline {
  Voxels voxels;   // of the grid
  double confidence = 0;
  std::string definition;
  Voxels foreign{};  // inside or beside it, but with a peak of their own: not to be grown into
};

double hotSuv(const Landmarks& at, double timesLiver, double atLeast) {
  return std::max(timesLiver * at.liverSuv, atLeast);
}

// How well a place fits a kidney's middle: 1 where it should be, falling off as a Gaussian.
double kidneyPrior(const Landmarks& at, const PointMm& p, int side) {
  const Section& section = at.grid.sectionAt(p[2]);
  const double dx = (p[0] - at.mid - side * 60) / 25;
  const double dy = (p[1] - section.centreY - 0.38 * (section.back - section.centreY)) / 22;
  const double dz = (p[2] - at.dome + 130) / 45;
  return std::exp(-0.5 * (dx * dx + dy * dy + dz * dz));
}

// Adrenal metastases sit on the kidney's upper pole, where only the uppermost calyx may be hot as
// well. A peak that far up, well above the rest of the kidney, is taken out: a false lesion is
// seen by the reader, a swallowed one is not.
Voxels peaksOnUpperPole(const PatientGrid& grid, const Voxels& kidney, const PointMm& middle,
                        const BoxMm& box) {
  if (kidney.size() < 8) return {};
  const double least = std::max(4.0, 1.4 * medianSuv(grid, kidney));
  const Voxels high = where(kidney, [&](std::size_t v) {
    return grid.pointMm(v)[2] > middle[2] + 36 && grid.suv(v) >= least;
  });
  if (high.empty()) return {};
  // The slope may lead to a peak beyond the outline, or back down into the kidney.
  const Voxels slope = grid.basinOf(high, box, 0.5 * grid.blobOf(high).suvMax);
  const Blob peak = grid.blobOf(slope);
  if (peak.hottest[2] < middle[2] + 36) return {};
  return grid.basinOf(slope, box, 0.5 * peak.suvMax);
}

Found<Outline> findKidney(const Landmarks& at, int side) {
  const PatientGrid& grid = at.grid;
  const double hot = hotSuv(at, 1.3, 2.0);
  const double inner = at.mid + side * 18, outer = at.mid + side * 120;
  const BoxMm box{{std::min(inner, outer), -1e9, at.dome - 270},
                  {std::max(inner, outer), 1e9, at.dome - 45}};
  const auto blobs = grid.blobs(box, [&](std::size_t v) {
    if (grid.suv(v) < hot || at.used[v]) return false;
    const PointMm p = grid.pointMm(v);
    const Section& section = grid.sectionAt(p[2]);
    return p[1] >= section.centreY - 25 && p[1] <= section.back - 20;
  });
  // The middle of the uptake, each voxel by how well it fits and at most 2 x `hot`, so that a hot
  // neighbour does not pull it away.
  double weight = 0, best = 0;
  PointMm middle{};
  for (const Blob& blob : blobs)
    for (std::size_t v : blob.voxels) {
      const PointMm p = grid.pointMm(v);
      const double prior = kidneyPrior(at, p, side), w = prior * std::min(grid.suv(v), 2 * hot);
      best = std::max(best, prior);
      weight += w;
      for (std::size_t a = 0; a < 3; ++a) middle[a] += w * p[a];
    }
  if (best < 0.3) return notFound(formatted("no uptake above SUV %.1f beside the lumbar spine", hot));
  for (double& m : middle) m /= weight;
  // An adult kidney is 12 x 6 x 5 cm at most, and lies nearly upright.
  Outline outline;
  for (const Blob& blob : blobs)
    for (std::size_t v : blob.voxels) {
      const PointMm p = grid.pointMm(v);
      const double dx = (p[0] - middle[0]) / 40, dy = (p[1] - middle[1]) / 38,
                   dz = (p[2] - middle[2]) / 62;
      if (dx * dx + dy * dy + dz * dz <= 1) outline.voxels.push_back(v);
    }
  std::sort(outline.voxels.begin(), outline.voxels.end());
  outline.foreign = peaksOnUpperPole(grid, outline.voxels, middle, box);
  outline.voxels = without(outline.voxels, outline.foreign);
  const double volume = static_cast<double>(outline.voxels.size()) * grid.geometry().voxelVolumeMl();
  if (volume < 2) return notFound(formatted("only %.1f ml above SUV %.1f beside the lumbar spine", volume, hot));
  outline.confidence = volume >= 40 ? 0.8 : 0.6;
  outline.definition = formatted("SUV >= %.1f (smoothed) beside the lumbar spine, with renal pelvis, "
                                 "inside an ellipsoid of 80 x 76 x 124 mm", hot);
  return outline;
}

Found<Outline> findHeart(const Landmarks& at) {
  const PatientGrid& grid = at.grid;
  const double hot = hotSuv(at, 1.25, 2.4);
  const BoxMm box{{at.mid - 40, -1e9, at.dome - 70}, {at.mid + 120, 1e9, at.dome + 110}};
  const auto blobs = grid.blobs(box, [&](std::size_t v) {
    if (grid.suv(v) < hot || at.used[v]) return false;
    const PointMm p = grid.pointMm(v);
    return p[1] <= grid.sectionAt(p[2]).centreY + 25;
  });
  for (const Blob& blob : blobs) {  // largest first
    if (blob.volumeMl < 35) break;
    // The left ventricle rests on the diaphragm; a tumour of its size mostly does not.
    const bool onDiaphragm = blob.extent.low[2] < at.dome + 15 && blob.centre[2] > at.dome - 40 &&
                             blob.centre[2] < at.dome + 55;
    if (!onDiaphragm || blob.centre[0] < at.mid + 5 || blob.volumeMl > 900) continue;
    // Walls differ by a factor of two; a spot that is hotter still is a tumour beside the heart.
    Outline outline{blob.voxels, blob.volumeMl > 80 ? 0.85 : 0.65,
                    formatted("SUV >= %.1f (smoothed) in the left chest on the diaphragm", hot)};
    if (blob.suvMax > 2.3 * medianSuv(grid, blob.voxels)) {
      outline.foreign = grid.basinOf(blob.voxels, box, 0.5 * blob.suvMax);
      outline.voxels = without(outline.voxels, outline.foreign);
      outline.confidence *= 0.7;
    }
    return outline;
  }
  return notFound(formatted("no uptake above SUV %.1f of the size and in the place of a left "
                            "ventricle: the myocardium takes up too little to be outlined",
                            hot));
}

// The hottest uptake in the middle of the pelvis, in a box that some landmark gives.
Found<Outline> bladderIn(const PatientGrid& grid, const BoxMm& box, double hot, double leastMax,
                         const std::function<bool(std::size_t)>& allowed) {
  const auto blobs = grid.blobs(box, [&](std::size_t v) {
    if (grid.suv(v) < hot || !allowed(v)) return false;
    const PointMm p = grid.pointMm(v);
    return p[1] <= grid.sectionAt(p[2]).centreY + 50;
  });
  const Blob* bladder = nullptr;
  for (const Blob& blob : blobs)
    if (blob.volumeMl >= 4 && blob.suvMax >= leastMax &&
        std::abs(blob.hottest[0] - grid.midlineX()) <= 40 &&
        (!bladder || blob.suvSum > bladder->suvSum))
      bladder = &blob;
  if (!bladder)
    return notFound(formatted("no uptake above SUV %.1f in the middle of the pelvis", std::max(hot, leastMax)));
  return Outline{grid.basinOf(bladder->voxels, box, hot), bladder->suvMax > 8 ? 0.85 : 0.6,
                 formatted("SUV >= %.1f (smoothed), downhill from the hottest place in the middle "
                           "of the pelvis",
                           hot)};
}

Found<Outline> findBladder(const Landmarks& at) {
  if (at.grid.lowestZ() > at.dome - 260) return notFound("the pelvis is not in the field");
  return bladderIn(at.grid, {{at.mid - 70, -1e9, at.dome - 480}, {at.mid + 70, 1e9, at.dome - 230}},
                   hotSuv(at, 1.4, 3.0), 0, [&](std::size_t v) { return !at.used[v]; });
}

// Without a liver: a hand's breadth above where the legs part, and hot enough to be urine.
Found<Outline> findBladderAboveLegs(const PatientGrid& grid) {
  const auto legs = grid.legsPartZ();
  if (!legs)
    return notFound("is looked for relative to the liver, which was not found, or to where the legs "
                    "part, which is not in the field");
  auto bladder = bladderIn(grid, {{grid.midlineX() - 70, -1e9, *legs + 20},
                                  {grid.midlineX() + 70, 1e9, *legs + 220}},
                           3.0, 8.0, [](std::size_t) { return true; });
  if (bladder) bladder->confidence = 0.55;
  return bladder;
}

bool inHead(const PatientGrid& grid, const Blob& blob, double z) {
  const Section& head = grid.sectionAt(z);
  return head.areaCm2 > 60 && head.areaCm2 < 420 && blob.extent.low[0] >= head.rightmost - 5 &&
         blob.extent.high[0] <= head.leftmost + 5 && std::abs(blob.centre[0] - head.centreX) < 70;
}

// A whole brain stands out by its size. Raised arms may reach higher than the head.
std::optional<Outline> wholeBrain(const PatientGrid& grid) {
  for (double hot : {3.5, 2.5}) {
    const BoxMm box{{-1e9, -1e9, grid.highestZ() - 450}, {1e9, 1e9, 1e9}};
    for (const Blob& blob : grid.blobs(box, [&](std::size_t v) { return grid.suv(v) >= hot; })) {
      if (blob.volumeMl < 500) break;
      const double height = blob.extent.high[2] - blob.extent.low[2];
      if (blob.volumeMl < 2500 && height > 80 && height < 220 && inHead(grid, blob, blob.centre[2]))
        return Outline{blob.voxels, 0.95, formatted("SUV >= %.1f (smoothed) in the head", hot)};
    }
  }
  return std::nullopt;
}

// A brain that the field cuts off: several parts that reach the upper end of the field.
std::optional<Outline> lowerBrain(const PatientGrid& grid) {
  if (!grid.cutAtTop()) return std::nullopt;
  constexpr double kHot = 3.5;
  const double top = grid.highestZ();
  Outline outline;
  for (const Blob& blob :
       grid.blobs({{-1e9, -1e9, top - 90}, {1e9, 1e9, 1e9}}, [&](std::size_t v) { return grid.suv(v) >= kHot; }))
    if (blob.extent.high[2] > top - 12 && inHead(grid, blob, top - 5))
      outline.voxels.insert(outline.voxels.end(), blob.voxels.begin(), blob.voxels.end());
  if (outline.voxels.empty()) return std::nullopt;
  std::sort(outline.voxels.begin(), outline.voxels.end());
  const Blob brain = grid.blobOf(outline.voxels);
  const double height = brain.extent.high[2] - brain.extent.low[2] + grid.kSpacingMm;
  const bool wide = brain.volumeMl * 10 / height > 18;  // mean area in cm2: more than a node's
  if (!wide || std::abs(brain.centre[0] - grid.sectionAt(top - 5).centreX) > 30) return std::nullopt;
  outline.confidence = 0.65;
  outline.definition =
      formatted("SUV >= %.1f (smoothed) in the head; the field cuts the brain", kHot);
  return outline;
}

Found<Outline> findBrain(const PatientGrid& grid) {
  if (auto whole = wholeBrain(grid)) return *whole;
  if (auto lower = lowerBrain(grid)) return *lower;
  return notFound(grid.cutAtTop() ? "the upper end of the field shows no uptake like a brain's"
                                  : "no uptake of a brain's size in the head");
}

// ---- Lumbar marrow -----------------------------------------------------------------------------

// A straight piece of the vertebral column, from top to bottom, one point a level.
struct SpineLine {
  std::vector<PointMm> points;
  std::vector<double> uptake;  // mean of the 24 mm disc on each level
  double suv = 0, muscleSuv = 0;
};

SpineLine straightLine(const PatientGrid& grid, const PointMm& top, double lengthMm, double dx,
                       double upperY, double lowerY, double radiusMm) {
  SpineLine line;
  for (double down = 0; down <= lengthMm; down += grid.kSpacingMm) {
    const double t = down / lengthMm;
    const PointMm p{top[0] + dx, top[1] + upperY + t * (lowerY - upperY), top[2] - down};
    line.points.push_back(p);
    line.uptake.push_back(grid.discMean(p, radiusMm));
    line.suv += line.uptake.back();
    line.muscleSuv += 0.5 * (grid.discMean({p[0] - 35, p[1] + 38, p[2]}, 9) +
                             grid.discMean({p[0] + 35, p[1] + 38, p[2]}, 9));
  }
  line.suv /= static_cast<double>(line.points.size());
  line.muscleSuv /= static_cast<double>(line.points.size());
  return line;
}

// The straight line near `top` along which discs of nearly a vertebral body's size take up most:
// the great vessels beside it are as bright, but thinner.
SpineLine brightestLine(const PatientGrid& grid, const PointMm& top, double lengthMm) {
  SpineLine best;
  double highest = 0;
  for (double dx = -10; dx <= 10; dx += 5)
    for (double upper = -15; upper <= 15; upper += 5)
      for (double lower = -20; lower <= 20; lower += 5) {
        const SpineLine line = straightLine(grid, top, lengthMm, dx, upper, lower, 16);
        // Nearer to where it is expected counts: 10 mm off costs 4 %.
        const double score = line.suv * (1 - 0.0004 * (dx * dx + 0.5 * (upper * upper + lower * lower)));
        if (score > highest) highest = score, best = line;
      }
  for (std::size_t n = 0; n < best.points.size(); ++n)
    best.uptake[n] = grid.discMean(best.points[n], 12);
  return best;
}

Found<SpineLine> findLumbarSpine(const Landmarks& at, const std::vector<Blob>& kidneys) {
  // L1 begins about 90 mm below the dome of the liver in quiet breathing; the middle of the
  // kidneys lies at L1/L2. The stretch below stays inside L1 to L5 with a vertebra to spare.
  double level = at.dome - 125, mid = at.mid;
  const Section& section = at.grid.sectionAt(level);
  double y = section.centreY + 0.28 * (section.back - section.centreY);
  if (kidneys.size() == 2) {
    level = 0.5 * (kidneys[0].centre[2] + kidneys[1].centre[2]);
    mid = 0.5 * (kidneys[0].centre[0] + kidneys[1].centre[0]);
    y = 0.5 * (kidneys[0].centre[1] + kidneys[1].centre[1]) - 8;
  }
  constexpr double kLengthMm = 80;
  if (at.grid.lowestZ() > level - kLengthMm - 10) return notFound("the lumbar spine is not in the field");
  const SpineLine line = brightestLine(at.grid, {mid, y, level}, kLengthMm);
  if (line.suv < 1.15 * line.muscleSuv)
    return notFound(formatted("the lumbar column (SUV %.2f) does not stand out from the muscle "
                              "beside it (SUV %.2f)",
                              line.suv, line.muscleSuv));
  return line;
}

}  // namespace

// ---- All together ------------------------------------------------------------------------------

namespace {

const std::map<Organ, std::string> kNames{
    {Organ::Brain, "Brain"},
    {Organ::Heart, "Heart"},
    {Organ::Liver, "Liver reference region"},
    {Organ::Spleen, "Spleen reference region"},
    {Organ::LumbarMarrow, "Lumbar marrow reference region"},
    {Organ::LeftKidney, "Left kidney"},
    {Organ::RightKidney, "Right kidney"},
    {Organ::Bladder, "Urinary bladder"},
};

class Search {
 public:
  explicit Search(const SuvVolume& volume) : volume_(volume), grid_(volume), painter_(volume) {}

  Anatomy run() {
    if (const auto brain = findBrain(grid_))
      outline(Organ::Brain, *brain);
    else
      miss(Organ::Brain, brain.error());
    const auto block = findLiverBlock(grid_);
    if (block)
      below(*block);
    else
      missWithoutLiver(block.error());
    painter_.growDownhill();
    painter_.permitAll();
    if (block) ureters();
    collect();
    return std::move(anatomy_);
  }

 private:
  void below(const LiverBlock& block) {
    const auto liver = findEvenLiver(grid_, block);
    Landmarks at{grid_, liver ? liver->suv : block.suv, grid_.midlineX(), block.domeZ, {}};
    at.used.assign(grid_.geometry().voxelCount(), 0);
    if (liver) at.claim(liver->region.voxels);
    liverReference(liver);
    const auto spleen = findSpleen(at);
    if (spleen) at.claim(spleen->region.voxels);
    const auto left = findKidney(at, 1);
    const auto right = plausibleBeside(left, findKidney(at, -1));
    for (const auto& [organ, found] :
         {std::pair{Organ::LeftKidney, left}, {Organ::RightKidney, right},
          {Organ::Heart, findHeart(at)}, {Organ::Bladder, findBladder(at)}}) {
      if (!found) {
        miss(organ, found.error());
        continue;
      }
      at.claim(found->voxels);
      outline(organ, *found);
      if (organ == Organ::LeftKidney || organ == Organ::RightKidney)
        kidneys_.push_back(grid_.blobOf(found->voxels));
      if (organ == Organ::Bladder) bladder_ = grid_.blobOf(found->voxels);
    }
    spleenReference(spleen);
    marrowReference(at);
    midline_ = at.mid;
    dome_ = at.dome;
    }

  // Metastases of the right liver lie where its kidney is sought; they betray themselves beside
  // the left kidney, which is of like size and not lower.
  Found<Outline> plausibleBeside(const Found<Outline>& left, const Found<Outline>& right) const {
    if (!left || !right) return right;
    const Blob l = grid_.blobOf(left->voxels), r = grid_.blobOf(right->voxels);
    const double higher = r.centre[2] - l.centre[2];
    if (higher > 30 || r.volumeMl > 5 * std::max(l.volumeMl, 15.0))
      return notFound(formatted("the uptake on the right (%.0f ml, %.0f mm above the left kidney's) is "
                                "not like a kidney's; it may be of the liver",
                                r.volumeMl, higher));
    return right;
  }

  void liverReference(const Found<EvenOrgan>& liver) {
    if (!liver) return miss(Organ::Liver, liver.error());
    // The right lobe: the half of the liver that lies farther to the right.
    const BoxMm rightLobe{{-1e9, -1e9, -1e9}, {liver->region.centre[0], 1e9, 1e9}};
    const auto sphere = deepestSphere(grid_, liver->region.voxels, rightLobe, 10, 15, 5);
    if (!sphere) return miss(Organ::Liver, sphere.error());
    reference(Organ::Liver, painter_.sphere(sphere->centre, sphere->radius),
              liver->confidence * (sphere->radius < 14 ? 0.8 : 1),
              formatted("sphere of %.0f mm diameter, deepest in the even uptake of the right lobe",
                        2 * sphere->radius));
  }

  void spleenReference(const Found<EvenOrgan>& spleen) {
    if (!spleen) return miss(Organ::Spleen, spleen.error());
    const auto sphere = deepestSphere(grid_, spleen->region.voxels, {}, 7.5, 15, 3);
    if (!sphere) return miss(Organ::Spleen, sphere.error());
    reference(Organ::Spleen, painter_.sphere(sphere->centre, sphere->radius), spleen->confidence,
              formatted("sphere of %.0f mm diameter, deepest in the even uptake at the back of the "
                        "left upper abdomen",
                        2 * sphere->radius));
  }

  void marrowReference(const Landmarks& at) {
    const auto spine = findLumbarSpine(at, kidneys_);
    if (!spine) return miss(Organ::LumbarMarrow, spine.error());
    // Discs are cold: the hotter half of the levels is mostly vertebral bodies.
    auto sorted = spine->uptake;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2),
                     sorted.end());
    const double middle = sorted[sorted.size() / 2];
    std::vector<PointMm> bodies;
    for (std::size_t n = 0; n < spine->points.size(); ++n)
      if (spine->uptake[n] >= middle) bodies.push_back(spine->points[n]);
    const auto voxels = painter_.tube(bodies, 12);
    // A metastasis is not marrow; where there is much of it, the rest is not trusted either.
    const auto normal = painter_.coolerThan(voxels, 2 * middle);
    if (static_cast<double>(normal.size()) < 0.75 * static_cast<double>(voxels.size()))
      return miss(Organ::LumbarMarrow,
                  {RefusalCode::RegionNotFound, "more than a quarter of the lumbar column is hotter "
                                                "than twice its median"});
    reference(Organ::LumbarMarrow, normal, kidneys_.size() == 2 ? 0.6 : 0.45,
              "24 mm wide tube along the brightest straight line of the lumbar column, the hotter "
              "half of its levels over 80 mm from about L1/L2 down; no CT, so the level is known to "
              "about one vertebra");
  }

  // What is left of hot, thin, upright pieces between kidney and bladder: urine on its way.
  void ureters() {
    const double lowest = bladder_ ? bladder_->extent.low[2] : dome_ - 380;
    for (int side : {1, -1}) {
      const Organ kidney = side > 0 ? Organ::LeftKidney : Organ::RightKidney;
      const double inner = midline_ + side * 12, outer = midline_ + side * 75;
      const BoxMm box{{std::min(inner, outer), -1e9, lowest},
                      {std::max(inner, outer), 1e9, dome_ - 100}};
      const Voxels urine = urineIn(painter_.hotPieces(box, 3.0));
      if (urine.empty()) continue;
      const std::string name = side > 0 ? "Left ureter (probable)" : "Right ureter (probable)";
      anatomy_.warnings.push_back(
          formatted("%s: %.1f ml of thin upright uptake were not counted as lesion; check that it "
                    "is not a chain of nodes",
                    name.c_str(), static_cast<double>(urine.size()) * volume_.geometry.voxelVolumeMl()));
      painter_.claimNative(anatomy_.found.size(), urine);
      anatomy_.found.push_back({kidney, RegionRole::Physiological, name, 0.5,
                                "SUV >= 3.0, thin and upright, between kidney and bladder", {}});
    }
  }

  // Long pieces, and the short one that may lead the lowest of them into the bladder.
  Voxels urineIn(const std::vector<Voxels>& pieces) const {
    Voxels urine;
    std::vector<PieceShape> ureters;
    for (const Voxels& piece : pieces)
      if (const PieceShape shape = painter_.shapeOf(piece); isUreter(shape)) {
        ureters.push_back(shape);
        urine.insert(urine.end(), piece.begin(), piece.end());
      }
    for (const Voxels& piece : pieces) {
      const PieceShape shape = painter_.shapeOf(piece);
      const double volumeMl = static_cast<double>(piece.size()) * volume_.geometry.voxelVolumeMl();
      if (!isUreter(shape) && bladder_ && volumeMl <= 2 && leadsIntoBladder(shape, ureters))
        urine.insert(urine.end(), piece.begin(), piece.end());
    }
    return urine;
  }

  bool leadsIntoBladder(const PieceShape& shape, const std::vector<PieceShape>& ureters) const {
    const double gap = shape.centre[2] - 0.5 * shape.lengthMm - bladder_->extent.high[2];
    if (shape.widthMm > 16 || shape.lengthMm > 25 || gap > 15) return false;
    return std::any_of(ureters.begin(), ureters.end(), [&](const PieceShape& ureter) {
      return std::hypot(shape.centre[0] - ureter.centre[0], shape.centre[1] - ureter.centre[1]) < 20 &&
             std::abs(shape.centre[2] - ureter.centre[2]) <
                 0.5 * (shape.lengthMm + ureter.lengthMm) + 20;
    });
  }

  bool isUreter(const PieceShape& shape) const {
    const Section& section = grid_.sectionAt(shape.centre[2]);
    return shape.lengthMm >= 12 && shape.uprightness > 0.6 && shape.lengthMm > 1.9 * shape.widthMm &&
           shape.widthMm < 16 && shape.centre[1] > section.centreY - 45 &&
           shape.centre[1] < section.centreY + 48;  // behind it lies the sacrum
  }

  void outline(Organ organ, const Outline& found) {
    FoundRegion region{organ, RegionRole::Physiological, kNames.at(organ), found.confidence,
                       found.definition + formatted("; grown downhill to SUV %.1f, at most %.0f mm",
                                                    painter_.kFloorSuv, painter_.kReachMm),
                       {}};
    painter_.forbid(grid_.geometry(), found.foreign);
    painter_.claim(anatomy_.found.size(), grid_.geometry(), found.voxels);
    anatomy_.found.push_back(std::move(region));
  }

  void reference(Organ organ, const Voxels& voxels, double confidence, std::string definition) {
    if (confidence < kLeastConfidence || voxels.size() < 10)
      return miss(organ, {RefusalCode::RegionNotFound,
                          formatted("found with a confidence of %.2f only", confidence)});
    painter_.claimNative(anatomy_.found.size(), voxels);
    anatomy_.found.push_back({organ, RegionRole::Reference, kNames.at(organ), confidence,
                              std::move(definition), {}});
  }

  void miss(Organ organ, Refusal why) { anatomy_.missing.push_back({organ, std::move(why)}); }

  void missWithoutLiver(const Refusal& why) {
    miss(Organ::Liver, why);
    if (const auto bladder = findBladderAboveLegs(grid_))
      outline(Organ::Bladder, *bladder);
    else
      miss(Organ::Bladder, bladder.error());
    for (Organ organ : {Organ::Heart, Organ::Spleen, Organ::LumbarMarrow, Organ::LeftKidney,
                        Organ::RightKidney})
      miss(organ, {RefusalCode::RegionNotFound,
                   "is looked for relative to the liver, which was not found"});
  }

  void collect() {
    painter_.collect(anatomy_.found);
    anatomy_.warnings.push_back(
        "bowel, tonsils, muscle and brown fat are not outlined without CT: their uptake counts as "
        "lesion where it fulfils the lesion rule");
    for (const MissingRegion& missing : anatomy_.missing)
      if (missing.organ != Organ::Liver && missing.organ != Organ::Spleen &&
          missing.organ != Organ::LumbarMarrow)
        anatomy_.warnings.push_back(std::string(toString(missing.organ)) +
                                    " was not outlined: its uptake, if any, counts as lesion (" +
                                    missing.refusal.detail + ")");
  }

  const SuvVolume& volume_;
  PatientGrid grid_;
  NativePainter painter_;
  Anatomy anatomy_;
  std::vector<Blob> kidneys_;
  std::optional<Blob> bladder_;
  double midline_ = 0, dome_ = 0;
};

Anatomy nothingIn() {
  Anatomy anatomy;
  for (const auto& [organ, name] : kNames)
    anatomy.missing.push_back({organ, {RefusalCode::RegionNotFound, "the volume holds no voxel"}});
  return anatomy;
}

}  // namespace

Anatomy RuleBasedAnatomy::find(const SuvVolume& volume) const {
  if (volume.suvBw.size() != volume.geometry.voxelCount())
    throw ImagingError("the volume's voxels do not fit its geometry");
  if (volume.suvBw.empty()) return nothingIn();
  return Search(volume).run();
}

}  // namespace fedpet::imaging
