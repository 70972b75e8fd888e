#include "tests/imaging/RuleBasedAnatomyScore.h"

#include "models/imaging/VolumeFilters.h"
#include "sample-data/Anatomy.h"

#include <algorithm>
#include <cmath>

namespace fedpet::testing {
namespace {

using imaging::ImagingFindings;
using sample::Phantom;
using sample::Tissue;

using Voxels = std::vector<std::size_t>;

Voxels where(const LabelVolume& volume, std::uint16_t label) {
  Voxels voxels;
  for (std::size_t at = 0; at < volume.labels.size(); ++at)
    if (volume.labels[at] == label) voxels.push_back(at);
  return voxels;
}

// Which cells of 5 mm hold a voxel of the set within about `reachMm`.
class Near {
 public:
  Near(const Voxels& voxels, const VolumeGeometry& geometry, double reachMm)
      : geometry_(geometry), index_(geometry) {
    cells_.spacingMm = {kCellMm, kCellMm, kCellMm};
    for (std::size_t a = 0; a < 3; ++a)
      cells_.size[a] = static_cast<int>(geometry.size[a] * geometry.spacingMm[a] / kCellMm) + 1;
    imaging::Mask seeds(cells_.voxelCount(), 0);
    for (std::size_t at : voxels) seeds[cellOf(at)] = 1;
    near_ = voxels.empty() ? seeds : imaging::dilated(seeds, cells_, reachMm);
  }
  bool operator()(std::size_t at) const { return near_[cellOf(at)] != 0; }

 private:
  static constexpr double kCellMm = 5;
  std::size_t cellOf(std::size_t at) const {
    const auto here = index_(at);
    std::array<int, 3> cell{};
    for (std::size_t a = 0; a < 3; ++a)
      cell[a] = static_cast<int>(here[a] * geometry_.spacingMm[a] / kCellMm);
    return cells_.offset(cell[0], cell[1], cell[2]);
  }
  VolumeGeometry geometry_, cells_;
  imaging::VoxelIndex index_;
  imaging::Mask near_;
};

double shareWhere(const Voxels& voxels, const std::function<bool(std::size_t)>& wanted) {
  const auto count = std::count_if(voxels.begin(), voxels.end(), wanted);
  return static_cast<double>(count) / static_cast<double>(std::max<std::size_t>(1, voxels.size()));
}

bool isReference(Organ organ) {
  return organ == Organ::Liver || organ == Organ::Spleen || organ == Organ::LumbarMarrow;
}

// A missing reference is a miss when at least this much of the organ is in the field.
double enoughMl(Organ organ) {
  return organ == Organ::Liver ? 800 : organ == Organ::Spleen ? 70 : 60;
}
constexpr double kTraceMl = 1;       // less of an organ in the field is none
constexpr double kShowsMl = 5;       // of at least SUV 4: a hot organ that shows
constexpr double kHotSuv = 4;        // the lesion rule's
constexpr double kTrueHotSuv = 2.5;  // the floor of physiological outlines

class Judge {
 public:
  Judge(const Phantom& phantom, const ImagingFindings& findings)
      : phantom_(phantom), findings_(findings) {}

  OrganScore operator()(Organ organ) const {
    OrganScore score;
    score.organ = organ;
    const Region* region = regionOf(organ);
    const Voxels truth = where(phantom_.tissues, sample::labelOf(organ));
    if (isReference(organ))
      judgeReference(score, region, truth);
    else
      judgeHot(score, region, truth);
    if (region) score.confidence = region->confidence;
    for (const MissingRegion& missing : findings_.missingRegions)
      if (missing.organ == organ) score.why = missing.refusal.detail;
    return score;
  }

 private:
  double ml(std::size_t voxels) const {
    return static_cast<double>(voxels) * phantom_.image.geometry.voxelVolumeMl();
  }
  const Region* regionOf(Organ organ) const {
    for (const Region& region : findings_.regions)
      if (region.organ == organ) return &region;
    return nullptr;
  }

  void judgeReference(OrganScore& score, const Region* region, const Voxels& truth) const {
    if (!region) {
      score.verdict =
          ml(truth.size()) >= enoughMl(score.organ) ? Verdict::Missed : Verdict::Refused;
      return;
    }
    if (ml(truth.size()) < kTraceMl) {
      score.verdict = Verdict::Invented;
      return;
    }
    const Voxels drawn = where(findings_.labels, region->label);
    const bool marrow = score.organ == Organ::LumbarMarrow;
    const std::uint16_t label = sample::labelOf(score.organ);
    score.purity = shareWhere(drawn, [&](std::size_t at) {
      const std::uint16_t there = phantom_.tissues.labels[at];
      return there == label || (marrow && there == labelOf(Tissue::OtherMarrow));
    });
    double mean = 0, trueMean = 0;
    for (std::size_t at : drawn) mean += static_cast<double>(phantom_.image.suvBw[at]);
    for (std::size_t at : truth) trueMean += static_cast<double>(phantom_.truth.suvBw[at]);
    mean /= static_cast<double>(drawn.size());
    trueMean *= phantom_.spec.scanner.calibrationFactor / static_cast<double>(truth.size());
    score.suvError = mean / trueMean - 1;
    const double leastPurity = marrow ? 0.6 : score.organ == Organ::Liver ? 0.95 : 0.9;
    const double mostError = score.organ == Organ::Liver ? 0.15 : 0.25;
    const bool right = *score.purity >= leastPurity && std::abs(*score.suvError) <= mostError;
    score.verdict = right ? Verdict::Right : Verdict::Wrong;
  }

  void judgeHot(OrganScore& score, const Region* region, const Voxels& truth) const {
    Voxels hot, trulyHot;
    for (std::size_t at : truth) {
      if (phantom_.image.suvBw[at] >= kHotSuv) hot.push_back(at);
      if (phantom_.truth.suvBw[at] >= kTrueHotSuv) trulyHot.push_back(at);
    }
    // The organ itself and what is filed under it (its ureter).
    Voxels drawn, all;
    for (const Region& r : findings_.regions)
      if (r.organ == score.organ) {
        const Voxels these = where(findings_.labels, r.label);
        all.insert(all.end(), these.begin(), these.end());
        if (&r == region) drawn = these;
      }
    std::sort(all.begin(), all.end());
    const double uncovered = shareWhere(
        hot, [&](std::size_t at) { return !std::binary_search(all.begin(), all.end(), at); });
    score.uncoveredMl = uncovered * ml(hot.size());
    if (!region) {
      score.verdict = ml(hot.size()) >= kShowsMl ? Verdict::Missed : Verdict::Refused;
      return;
    }
    if (ml(truth.size()) < kTraceMl) {
      score.verdict = Verdict::Invented;
      return;
    }
    Voxels both;
    std::set_intersection(drawn.begin(), drawn.end(), trulyHot.begin(), trulyHot.end(),
                          std::back_inserter(both));
    if (!trulyHot.empty())
      score.dice = 2.0 * static_cast<double>(both.size()) /
                   static_cast<double>(drawn.size() + trulyHot.size());
    for (std::size_t at : all) score.swallowedMl += isSwallowed(score.organ, at) ? ml(1) : 0;
    const Near near(truth, phantom_.image.geometry, 15);
    const bool inPlace = shareWhere(drawn, [&](std::size_t at) { return near(at); }) >= 0.8;
    const bool right =
        inPlace && uncovered <= 0.2 && score.swallowedMl <= std::max(2.0, 0.05 * ml(drawn.size()));
    score.verdict = right ? Verdict::Right : Verdict::Wrong;
  }

  bool isSwallowed(Organ organ, std::size_t at) const {
    const std::uint16_t lesion = phantom_.lesions.labels[at];
    if (lesion == 0 || phantom_.image.suvBw[at] < kHotSuv) return false;
    return organ != Organ::Brain ||
           phantom_.lesionTable[lesion - 1U].site != sample::LesionSite::Brain;
  }

  const Phantom& phantom_;
  const ImagingFindings& findings_;
};

LabelVolume lesionMask(const ImagingFindings& findings) {
  std::vector<std::uint8_t> isLesion(findings.regions.size() + 1, 0);
  for (const Region& region : findings.regions)
    isLesion[region.label] = region.role == RegionRole::Lesion;
  LabelVolume mask = findings.labels;
  for (std::uint16_t& label : mask.labels) label = isLesion[label];
  return mask;
}

std::map<std::string, double> falseMl(const Phantom& phantom, const LabelVolume& mask) {
  std::map<std::string, double> byTissue;
  imaging::Mask foreground(mask.labels.begin(), mask.labels.end());
  for (const auto& component :
       imaging::components(foreground, mask.geometry, imaging::Connectivity::Edges18)) {
    const bool touches = std::any_of(component.begin(), component.end(), [&](std::size_t at) {
      return phantom.lesions.labels[at] != 0;
    });
    if (touches) continue;
    // A component is named after the hottest voxel's tissue: its rim lies in the neighbours.
    const std::size_t hottest =
        *std::max_element(component.begin(), component.end(), [&](std::size_t a, std::size_t b) {
          return phantom.image.suvBw[a] < phantom.image.suvBw[b];
        });
    const auto tissue = static_cast<Tissue>(phantom.tissues.labels[hottest]);
    byTissue[std::string(toString(tissue))] +=
        static_cast<double>(component.size()) * mask.geometry.voxelVolumeMl();
  }
  return byTissue;
}

}  // namespace

std::string_view toString(Verdict verdict) {
  switch (verdict) {
    case Verdict::Right:
      return "right";
    case Verdict::Wrong:
      return "wrong";
    case Verdict::Invented:
      return "invented";
    case Verdict::Missed:
      return "missed";
    case Verdict::Refused:
      return "refused";
  }
  return "";
}

CaseScore judge(const Phantom& phantom, const ImagingFindings& findings) {
  CaseScore score;
  const Judge judged(phantom, findings);
  for (Organ organ : kJudgedOrgans) score.organs.push_back(judged(organ));
  const LabelVolume mask = lesionMask(findings);
  score.lesions = imaging::compareMasks(phantom.lesions, mask);
  score.falsePositiveMlByTissue = falseMl(phantom, mask);
  score.warnings = findings.warnings;
  return score;
}

}  // namespace fedpet::testing
