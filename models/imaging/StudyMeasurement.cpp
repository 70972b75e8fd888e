#include "models/imaging/StudyMeasurement.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/ImagingError.h"
#include "models/imaging/Measurements.h"
#include "models/imaging/Mip.h"
#include "models/imaging/Percist.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace fedpet::imaging {
namespace {

// Below it there is only air and the table: the coldest tissue, fat, is near 0.3 (Ramos 2001 and
// common experience); 100 ml is a slab of a few millimetres.
constexpr float kTissueSuv = 0.1F;
constexpr double kLeastBodyMl = 100;
// A reference region that shares more than this with lesions does not show normal tissue.
constexpr double kLargestOverlapWithLesions = 0.25;

struct CleanVolume {
  std::optional<SuvVolume> copy;  // only when a voxel had to be replaced
  std::size_t notFinite = 0;
};

CleanVolume cleaned(const SuvVolume& volume) {
  CleanVolume clean;
  clean.notFinite = static_cast<std::size_t>(std::count_if(
      volume.suvBw.begin(), volume.suvBw.end(), [](float suv) { return !std::isfinite(suv); }));
  if (clean.notFinite == 0) return clean;
  clean.copy = volume;
  for (float& suv : clean.copy->suvBw)
    if (!std::isfinite(suv)) suv = 0;
  return clean;
}

std::optional<NotAssessable> reasonToRefuse(const SuvVolume& volume, std::size_t notFinite) {
  if (volume.suvBw.empty())
    return NotAssessable(RefusalCode::UnreadableDicom, "the volume holds no voxel");
  if (notFinite == volume.suvBw.size())
    return NotAssessable(RefusalCode::UnreadableDicom, "no voxel holds a finite SUV");
  const auto tissue = std::count_if(volume.suvBw.begin(), volume.suvBw.end(),
                                    [](float suv) { return suv >= kTissueSuv; });
  const double tissueMl = static_cast<double>(tissue) * volume.geometry.voxelVolumeMl();
  if (tissueMl < kLeastBodyMl)
    return NotAssessable(RefusalCode::TooLittleBody,
                         formatted("only %.0f ml of the volume take up the tracer (SUV >= %.1f)",
                                   tissueMl, static_cast<double>(kTissueSuv)));
  return std::nullopt;
}

// Lesions win over reference regions, so that the labels are disjoint and a reference shows normal
// tissue only; a reference that loses much of itself is refused.
void separateFromLesions(Anatomy& anatomy, const std::vector<Lesion>& lesions,
                         std::size_t voxelCount) {
  std::vector<std::uint8_t> inLesion(voxelCount, 0);
  for (const Lesion& lesion : lesions)
    for (std::size_t at : lesion.voxels) inLesion[at] = 1;
  std::vector<FoundRegion> kept;
  for (FoundRegion& region : anatomy.found) {
    const auto before = static_cast<double>(region.voxels.size());
    std::erase_if(region.voxels, [&](std::size_t at) { return inLesion[at] != 0; });
    const double lost = before - static_cast<double>(region.voxels.size());
    if (lost <= kLargestOverlapWithLesions * before) {
      kept.push_back(std::move(region));
    } else {
      anatomy.missing.push_back(
          {region.organ,
           {RefusalCode::RegionNotFound, formatted("%s: %.0f %% of it is lesion by the rule in use",
                                                   region.name.c_str(), 100 * lost / before)}});
    }
  }
  anatomy.found = std::move(kept);
}

Region lesionRegion(const SuvVolume& volume, const Lesion& lesion, std::size_t number,
                    const std::string& rule, const SuvScaling& scaling) {
  Region region;
  region.role = RegionRole::Lesion;
  region.name = "Lesion " + std::to_string(number);
  region.trackingId = region.name;
  region.confidence = lesion.touching ? 0.5 : 0.7;
  region.centroidMm = centroidMm(volume.geometry, lesion.voxels);
  region.definition = formatted("SUVbw >= %.2f; rule: ", lesion.thresholdSuvBw) + rule;
  if (lesion.touching)
    region.definition += "; touches physiological uptake (" +
                         std::string(toString(*lesion.touching)) + "), the border is a guess";
  region.measurements = measureLesion(volume, lesion, scaling);
  return region;
}

Region organRegion(const SuvVolume& volume, const FoundRegion& found) {
  Region region;
  region.role = found.role;
  region.organ = found.organ;
  region.name = found.name;
  region.trackingId = found.name;
  region.confidence = found.confidence;
  region.centroidMm = centroidMm(volume.geometry, found.voxels);
  region.definition = found.definition;
  region.measurements = measureOrgan(volume, found);
  return region;
}

void add(Region region, const std::vector<std::size_t>& voxels, ImagingFindings& findings) {
  region.label = static_cast<std::uint16_t>(findings.regions.size() + 1);
  for (std::size_t at : voxels) findings.labels.labels[at] = region.label;
  findings.regions.push_back(std::move(region));
}

void warnOfLesions(const LesionFinding& finding, std::vector<std::string>& warnings) {
  if (finding.droppedComponents > 0)
    warnings.push_back(formatted(
        "%zu components below the smallest lesion volume (%.1f ml together) were not counted",
        finding.droppedComponents, finding.droppedVolumeMl));
  for (std::size_t l = 0; l < finding.lesions.size(); ++l)
    if (finding.lesions[l].touching)
      warnings.push_back(formatted("Lesion %zu touches physiological uptake (%s): check the border",
                                   l + 1,
                                   std::string(toString(*finding.lesions[l].touching)).c_str()));
  warnings.insert(warnings.end(), finding.warnings.begin(), finding.warnings.end());
}

}  // namespace

tl::expected<ImagingFindings, NotAssessable> measureStudy(const SuvVolume& source,
                                                          const SuvScaling& scaling,
                                                          const AnatomyFinder& finder,
                                                          const MeasurementOptions& options,
                                                          const ProgressObserver& progress) {
  if (source.suvBw.size() != source.geometry.voxelCount())
    throw ImagingError("the volume's voxels do not fit its geometry");
  const auto report = [&](std::string_view stage, double done) {
    if (progress) progress(stage, done);
  };
  const CleanVolume clean = cleaned(source);
  const SuvVolume& volume = clean.copy ? *clean.copy : source;
  if (auto reason = reasonToRefuse(volume, clean.notFinite)) return tl::unexpected(*reason);

  ImagingFindings findings;
  if (clean.notFinite > 0)
    findings.warnings.push_back(
        formatted("%zu voxels hold no finite number and were counted as 0", clean.notFinite));
  report("organs", 0);
  Anatomy anatomy = finder.find(volume);

  report("lesions", 0.6);
  auto finding = findLesions(volume, anatomy, options.lesionRule, options.lesions);
  if (finding) {
    if (options.lesionRule == LesionRule::PercistLiver)
      finding->definition += scaling.sulPerSuvBw
                                 ? formatted("; SUL = SUVbw x %.4f", *scaling.sulPerSuvBw)
                                 : "; SUL itself is not known for this patient";
    separateFromLesions(anatomy, finding->lesions, volume.suvBw.size());
    findings.lesionDefinition = finding->definition;
    warnOfLesions(*finding, findings.warnings);
  } else {
    findings.lesionDefinition =
        std::string(toString(options.lesionRule)) + " (refused: " + finding.error().detail + ")";
  }
  findings.missingRegions = anatomy.missing;
  findings.warnings.insert(findings.warnings.end(), anatomy.warnings.begin(),
                           anatomy.warnings.end());

  report("measurements", 0.7);
  findings.labels = {volume.geometry, std::vector<std::uint16_t>(volume.suvBw.size(), 0)};
  if (finding) {
    if (finding->lesions.size() + anatomy.found.size() > 65535)
      return tl::unexpected(NotAssessable(
          RefusalCode::OutOfDistribution,
          formatted("%zu lesions: the threshold or the SUV is wrong", finding->lesions.size())));
    for (std::size_t l = 0; l < finding->lesions.size(); ++l)
      add(lesionRegion(volume, finding->lesions[l], l + 1, finding->definition, scaling),
          finding->lesions[l].voxels, findings);
  }
  for (const FoundRegion& found : anatomy.found)
    add(organRegion(volume, found), found.voxels, findings);
  findings.wholeBody = measureWholeBody(volume, anatomy, finding, scaling);
  if (auto reading = readPercist({volume, scaling, anatomy, finding, findings.regions}))
    findings.percist = std::move(*reading);
  else
    findings.percistRefusal = reading.error();

  report("pictures", 0.9);
  findings.mips = mipViews(volume, findings.labels, findings.regions, options.mipSuvAtWhite);
  report("done", 1);
  return findings;
}

}  // namespace fedpet::imaging
