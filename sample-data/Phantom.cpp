#include "sample-data/Phantom.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "sample-data/Anatomy.h"
#include "sample-data/Canvas.h"
#include "sample-data/Lesions.h"
#include "sample-data/ScannerChain.h"
#include "sample-data/StableRandom.h"

namespace fedpet::sample {
namespace {

void check(const PhantomSpec& spec) {
  const ScannerSpec& s = spec.scanner;
  const bool sane = spec.weightKg > 0 && spec.heightM > 0.5 && spec.heightM < 2.5 &&
                    s.matrix >= 16 && s.matrix <= 1024 && s.voxelMm[0] > 0.5 &&
                    s.voxelMm[1] > 0.5 && s.voxelMm[2] > 0.5 && s.voxelMm[0] < 20 &&
                    s.voxelMm[1] < 20 && s.voxelMm[2] < 20;
  if (!sane) throw std::invalid_argument("phantom: weight, height, matrix or voxel out of range");
}

VolumeGeometry gridFor(const PhantomSpec& spec, const BodyFrame& frame) {
  const ScannerSpec& scanner = spec.scanner;
  const double bottom = frame.height(spec.withoutThighs ? 850 : 690),
               top = spec.withoutHead ? frame.height(1615) : 24.0;
  VolumeGeometry g;
  g.size = {scanner.matrix, scanner.matrix,
            static_cast<int>(std::ceil((top - bottom) / scanner.voxelMm[2])) + 1};
  g.spacingMm = scanner.voxelMm;
  // The table carries the patient below the centre of the bore; arms and belly need the room.
  g.originMm = {-0.5 * (scanner.matrix - 1) * scanner.voxelMm[0],
                -0.5 * (scanner.matrix - 1) * scanner.voxelMm[1] - 5, bottom};
  return g;
}

void addTexture(Canvas& canvas, double cv, std::uint64_t seed) {
  if (cv <= 0) return;
  const VolumeGeometry& g = canvas.geometry;
  const SmoothField field(g, 8, seed, "texture");
  std::vector<float> row(static_cast<std::size_t>(g.size[0]));
  const auto sigma = static_cast<float>(std::sqrt(std::log1p(cv * cv)));
  for (int k = 0; k < g.size[2]; ++k)
    for (int j = 0; j < g.size[1]; ++j) {
      float* suv = canvas.suv.data() + g.offset(0, j, k);
      const auto last = std::find_if(suv, suv + g.size[0], [](float v) { return v > 0; });
      if (last == suv + g.size[0]) continue;
      field.row(0, g.size[0], j, k, row.data());
      for (std::size_t i = 0; i < row.size(); ++i)
        if (suv[i] > 0) suv[i] *= std::exp(sigma * row[i] - sigma * sigma / 2);
    }
}

std::vector<TissueTruth> tabulate(const Canvas& canvas) {
  std::vector<double> sum(kTissueCount), count(kTissueCount);
  for (std::size_t n = 0; n < canvas.labels.size(); ++n) {
    sum[canvas.labels[n]] += canvas.suv[n];
    count[canvas.labels[n]] += 1;
  }
  std::vector<TissueTruth> table;
  for (int t = 1; t < kTissueCount; ++t) {
    const auto label = static_cast<std::uint16_t>(t);
    if (count[label] == 0) continue;
    TissueTruth truth;
    truth.label = label;
    truth.name = toString(static_cast<Tissue>(t));
    if (t <= labelOf(Organ::Bladder)) truth.organ = static_cast<Organ>(t - 1);
    truth.volumeMl = count[label] * canvas.geometry.voxelVolumeMl();
    truth.trueSuvMean = sum[label] / count[label];
    table.push_back(std::move(truth));
  }
  return table;
}

void averageLesions(PaintedLesions& lesions, const std::vector<float>& suv) {
  std::vector<double> sum(lesions.table.size() + 1), count(lesions.table.size() + 1);
  for (std::size_t n = 0; n < suv.size(); ++n) {
    sum[lesions.labels.labels[n]] += suv[n];
    count[lesions.labels.labels[n]] += 1;
  }
  for (LesionTruth& lesion : lesions.table) {
    // A later lesion may have taken voxels of an earlier one: the count is the final one.
    lesion.maskVolumeMl = count[lesion.label] * lesions.labels.geometry.voxelVolumeMl();
    lesion.trueSuvMean = count[lesion.label] > 0 ? sum[lesion.label] / count[lesion.label] : 0;
  }
}

double liverDiameterMm(const Canvas& canvas) {
  const VolumeGeometry& g = canvas.geometry;
  const auto plane = static_cast<std::size_t>(g.size[0]) * static_cast<std::size_t>(g.size[1]);
  double weighted = 0, liver = 0;
  for (std::size_t k = 0; k < static_cast<std::size_t>(g.size[2]); ++k) {
    double inside = 0, here = 0;
    for (std::size_t n = k * plane; n < (k + 1) * plane; ++n) {
      inside += canvas.suv[n] > 0.12f;
      here += canvas.labels[n] == labelOf(Organ::Liver);
    }
    weighted += here * 2 * std::sqrt(inside * g.spacingMm[0] * g.spacingMm[1] / 3.14159265);
    liver += here;
  }
  return liver > 0 ? weighted / liver : 0;
}

}  // namespace

std::string_view toString(LesionSite site) {
  switch (site) {
    case LesionSite::LungPrimary: return "LungPrimary";
    case LesionSite::LungMetastasis: return "LungMetastasis";
    case LesionSite::RegionalNode: return "RegionalNode";
    case LesionSite::DistantNode: return "DistantNode";
    case LesionSite::Adrenal: return "Adrenal";
    case LesionSite::Liver: return "Liver";
    case LesionSite::Bone: return "Bone";
    case LesionSite::Brain: return "Brain";
    case LesionSite::Pleura: return "Pleura";
    case LesionSite::SoftTissue: return "SoftTissue";
  }
  return "SoftTissue";
}

Code siteOf(LesionSite site) {
  switch (site) {
    case LesionSite::LungPrimary:
    case LesionSite::LungMetastasis: return {"39607008", "SCT", "Lung"};
    case LesionSite::RegionalNode:
    case LesionSite::DistantNode: return {"59441001", "SCT", "Lymph node"};
    case LesionSite::Adrenal: return {"23451007", "SCT", "Adrenal gland"};
    case LesionSite::Liver: return {"10200004", "SCT", "Liver"};
    case LesionSite::Bone: return {"272673000", "SCT", "Bone"};
    case LesionSite::Brain: return {"12738006", "SCT", "Brain"};
    case LesionSite::Pleura: return {"3120008", "SCT", "Pleura"};
    case LesionSite::SoftTissue: return {"87784001", "SCT", "Soft tissue"};
  }
  return {};
}

Phantom makePhantom(const PhantomSpec& spec) {
  check(spec);
  const BodyFrame frame(spec);
  constexpr double kBendMm = 3.5;
  Canvas canvas(gridFor(spec, frame), kBendMm, frame.height(1540), spec.seed);
  paintAnatomy(canvas, spec, frame);
  addTexture(canvas, spec.textureCv, spec.seed);
  PaintedLesions lesions = paintLesions(canvas, spec, frame);

  Phantom phantom;
  phantom.spec = spec;
  phantom.tissueTable = tabulate(canvas);
  averageLesions(lesions, canvas.suv);
  const NoiseReference reference{spec.uptake.liver, liverDiameterMm(canvas)};
  phantom.image = {
      canvas.geometry,
      measure(canvas.suv, canvas.geometry, spec.scanner, reference,
              spec.seed + 0x9e3779b97f4a7c15u * static_cast<std::uint64_t>(spec.scanNumber - 1))};
  phantom.truth = {canvas.geometry, std::move(canvas.suv)};
  phantom.tissues = {canvas.geometry, std::move(canvas.labels)};
  phantom.lesions = std::move(lesions.labels);
  phantom.lesionTable = std::move(lesions.table);
  return phantom;
}

}  // namespace fedpet::sample
