#include "tests/support/AssessmentBuilder.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace fedpet::testing {
namespace {

constexpr std::string_view kLesionDefinition =
    "SUVbw >= 4.0, 18-connected, components of at least 0.5 ml, physiological uptake removed";

struct OrganSample {
  Organ organ;
  RegionRole role;
  std::string_view name, definition;
  std::array<int, 3> centre;
  int radius;  // voxels
  double suvMean, suvSd;
};

constexpr std::array kOrganSamples{
    OrganSample{Organ::Brain, RegionRole::Physiological, "Brain",
                "largest component above SUV 5.0 in the top 25 cm", {16, 16, 36}, 3, 8.1, 1.2},
    OrganSample{Organ::Liver, RegionRole::Reference, "Liver reference region",
                "30 mm sphere in the right lobe", {9, 16, 20}, 3, 2.1, 0.2},
    OrganSample{Organ::Spleen, RegionRole::Reference, "Spleen reference region",
                "20 mm sphere", {24, 20, 21}, 2, 1.8, 0.2},
    OrganSample{Organ::LumbarMarrow, RegionRole::Reference, "Lumbar marrow reference region",
                "five 15 mm spheres, L1 to L5", {16, 24, 15}, 2, 1.5, 0.3},
    OrganSample{Organ::Bladder, RegionRole::Physiological, "Urinary bladder",
                "lowest midline component above SUV 5.0", {16, 14, 3}, 2, 21.0, 4.0},
};

VolumeGeometry sampleGeometry() {
  VolumeGeometry geometry;
  geometry.size = {32, 32, 40};
  geometry.spacingMm = {5, 5, 6};
  geometry.originMm = {-77.5, -77.5, -600};
  return geometry;
}

std::string uid(int number) { return "2.25.4711" + std::to_string(100000 + number); }

bool contains(const std::vector<Organ>& organs, Organ organ) {
  return std::find(organs.begin(), organs.end(), organ) != organs.end();
}

void paintSphere(LabelVolume& volume, const OrganSample& sample, std::uint16_t label) {
  const int r = sample.radius;
  for (int k = -r; k <= r; ++k)
    for (int j = -r; j <= r; ++j)
      for (int i = -r; i <= r; ++i)
        if (i * i + j * j + k * k <= r * r)
          volume.labels[volume.geometry.offset(sample.centre[0] + i, sample.centre[1] + j,
                                               sample.centre[2] + k)] = label;
}

// The seven offsets of a lesion: a voxel and its face neighbours.
std::vector<std::size_t> crossAt(const VolumeGeometry& g, int i, int j, int k) {
  return {g.offset(i, j, k),     g.offset(i - 1, j, k), g.offset(i + 1, j, k),
          g.offset(i, j - 1, k), g.offset(i, j + 1, k), g.offset(i, j, k - 1),
          g.offset(i, j, k + 1)};
}

// Crosses four voxels apart never touch, not even by a corner.
void paintLesions(LabelVolume& volume, int count, std::uint16_t firstLabel) {
  int painted = 0;
  for (int k = 2; k < 38; k += 4)
    for (int j = 2; j < 30; j += 4)
      for (int i = 2; i < 30; i += 4) {
        if (painted == count) return;
        const auto voxels = crossAt(volume.geometry, i, j, k);
        const bool free = std::all_of(voxels.begin(), voxels.end(),
                                      [&](std::size_t v) { return volume.labels[v] == 0; });
        if (!free) continue;
        for (const std::size_t v : voxels)
          volume.labels[v] = static_cast<std::uint16_t>(firstLabel + painted);
        ++painted;
      }
  assert(painted == count);
}

PetSeries sampleSeries(const VolumeGeometry& geometry, const std::string& patientName) {
  using namespace std::chrono;
  PetSeries series;
  series.patient = {.patientId = "TEST-0001",
                    .issuerOfPatientId = "",
                    .patientName = patientName,
                    .birthDate = "19600214",
                    .sex = "F",
                    .ageYears = 66};
  series.study = {.studyInstanceUid = uid(1),
                  .studyId = "S1",
                  .studyDate = "20261124",
                  .studyTime = "101500",
                  .studyDescription = "PET WB FDG",
                  .accessionNumber = "A4711",
                  .referringPhysicianName = "Physician^Referring"};
  series.seriesInstanceUid = uid(2);
  series.frameOfReferenceUid = uid(3);
  series.sopClassUid = "1.2.840.10008.5.1.4.1.1.128";
  series.seriesDescription = "WB AC";
  series.manufacturer = "ACME";
  series.manufacturerModel = "Scanner 1";
  series.imageType = {"ORIGINAL", "PRIMARY"};
  series.seriesType = {"WHOLE BODY", "IMAGE"};
  series.correctedImage = {"DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"};
  series.attenuationCorrectionMethod = "CT";
  series.units = "BQML";
  series.decayCorrection = "START";
  const WallClock scan = local_days{2026y / November / 24} + 11h;
  series.radiopharmaceutical = {.name = "FDG",
                                .agentCode = Code{"35321007", "SCT", "FDG F^18^"},
                                .nuclideCode = Code{"77004003", "SCT", "^18^Fluorine"},
                                .injectedActivityBq = 250e6,
                                .halfLifeSeconds = 6586.2,
                                .startDateTime = scan - 60min,
                                .startTimeOfDay = 10h};
  series.patientWeightKg = 68.5;
  series.patientHeightM = 1.66;
  series.seriesDateTime = scan;
  for (int k = 0; k < geometry.size[2]; ++k)
    series.slices.push_back({.sopInstanceUid = uid(1000 + k),
                             .positionMm = geometry.pointMm(0, 0, k),
                             .rescaleSlope = 0.5,
                             .rescaleIntercept = 0,
                             .acquisitionDateTime = scan,
                             .frameReferenceTime = {},
                             .actualFrameDuration = {}});
  series.geometry = geometry;
  return series;
}

Measurement measured(Quantity quantity, tl::expected<double, Refusal> value,
                     std::string definition, int uidNumber) {
  return {quantity, std::move(value), std::move(definition), uid(uidNumber)};
}

struct Extent {
  int voxels = 0;
  PointMm centroidMm{};
};

Extent extentOf(const LabelVolume& volume, std::uint16_t label) {
  Extent extent;
  const auto& g = volume.geometry;
  for (int k = 0; k < g.size[2]; ++k)
    for (int j = 0; j < g.size[1]; ++j)
      for (int i = 0; i < g.size[0]; ++i) {
        if (volume.labels[g.offset(i, j, k)] != label) continue;
        ++extent.voxels;
        const PointMm p = g.pointMm(i, j, k);
        for (std::size_t a = 0; a < 3; ++a) extent.centroidMm[a] += p[a];
      }
  if (extent.voxels > 0)
    for (double& c : extent.centroidMm) c /= extent.voxels;
  return extent;
}

Region organRegion(const LabelVolume& volume, const OrganSample& sample, std::uint16_t label) {
  const Extent extent = extentOf(volume, label);
  const int first = 2000 + 10 * label;
  Region region;
  region.label = label;
  region.role = sample.role;
  region.organ = sample.organ;
  region.name = sample.name;
  region.trackingId = sample.name;
  region.trackingUid = uid(first);
  region.confidence = 0.9;
  region.centroidMm = extent.centroidMm;
  region.definition = sample.definition;
  region.measurements = {
      measured(Quantity::OrganVolume, extent.voxels * volume.geometry.voxelVolumeMl(),
               "sum of segmented voxels", first + 1),
      measured(Quantity::SuvMean, sample.suvMean, "mean of segmented voxels", first + 2),
      measured(Quantity::SuvMax, sample.suvMean + 3 * sample.suvSd, "hottest voxel", first + 3)};
  return region;
}

Region lesionRegion(const LabelVolume& volume, int index, std::uint16_t label) {
  const Extent extent = extentOf(volume, label);
  const double volumeMl = extent.voxels * volume.geometry.voxelVolumeMl();
  const double suvMean = 5.0 + 0.25 * (index % 8);
  const int first = 10000 + 10 * index;
  Region region;
  region.label = label;
  region.role = RegionRole::Lesion;
  region.name = region.trackingId = "Lesion " + std::to_string(index + 1);
  region.trackingUid = uid(first);
  region.confidence = 0.75;
  region.centroidMm = extent.centroidMm;
  region.definition = kLesionDefinition;
  region.measurements = {
      measured(Quantity::SuvMax, 1.8 * suvMean, "hottest voxel", first + 1),
      measured(Quantity::SuvMean, suvMean, "mean of segmented voxels", first + 2),
      measured(Quantity::SuvPeak, 1.5 * suvMean, "1 ml sphere (radius 6.2 mm), hottest position",
               first + 3),
      measured(Quantity::MetabolicVolume, volumeMl, "sum of segmented voxels", first + 4),
      measured(Quantity::Glycolysis, volumeMl * suvMean, "volume x SUVmean", first + 5)};
  return region;
}

double valueOf(const Region& region, Quantity quantity) {
  for (const Measurement& m : region.measurements)
    if (m.quantity == quantity) return *m.value;
  return 0;
}

double largestDistanceMm(const std::vector<Region>& regions) {
  double largest = 0;
  for (const Region& a : regions)
    for (const Region& b : regions)
      if (a.role == RegionRole::Lesion && b.role == RegionRole::Lesion)
        largest = std::max(largest, distanceMm(a.centroidMm, b.centroidMm));
  return largest;
}

tl::expected<double, Refusal> ratio(const std::vector<Organ>& missing, Organ organ, double value) {
  for (const Organ needed : {Organ::Liver, organ})
    if (contains(missing, needed))
      return tl::make_unexpected(
          Refusal{RefusalCode::RegionNotFound, std::string(toString(needed)) + " not found"});
  return value;
}

std::vector<Measurement> wholeBody(const std::vector<Region>& regions,
                                   const std::vector<Organ>& missing) {
  double volumeMl = 0, glycolysisG = 0;
  int lesions = 0;
  for (const Region& region : regions) {
    if (region.role != RegionRole::Lesion) continue;
    ++lesions;
    volumeMl += valueOf(region, Quantity::MetabolicVolume);
    glycolysisG += valueOf(region, Quantity::Glycolysis);
  }
  tl::expected<double, Refusal> dmaxMm = largestDistanceMm(regions);
  if (lesions < 2)
    dmaxMm = tl::make_unexpected(
        Refusal{RefusalCode::NoLesion, "a distance needs two lesions, found " +
                                           std::to_string(lesions)});
  return {
      measured(Quantity::Tmtv, volumeMl, std::string(kLesionDefinition), 101),
      measured(Quantity::TotalLesionGlycolysis, glycolysisG, "sum of lesion volume x SUVmean", 102),
      measured(Quantity::LesionCount, lesions, std::string(kLesionDefinition), 103),
      measured(Quantity::Dmax, dmaxMm, "between lesion centroids", 104),
      measured(Quantity::SpleenToLiverRatio, ratio(missing, Organ::Spleen, 1.8 / 2.1),
               "ratio of SUVmean, reference regions", 105),
      measured(Quantity::MarrowToLiverRatio, ratio(missing, Organ::LumbarMarrow, 1.5 / 2.1),
               "ratio of SUVmean, reference regions", 106),
      measured(Quantity::LiverSuvMean, ratio(missing, Organ::Liver, 2.1),
               "30 mm sphere in the right lobe", 107),
      measured(Quantity::LiverSuvSd, ratio(missing, Organ::Liver, 0.2),
               "30 mm sphere in the right lobe", 108)};
}

ResponsePrediction prediction(Endpoint endpoint, double horizonMonths, std::string event,
                              Probability probability, int uidNumber) {
  return {.endpoint = endpoint,
          .horizonMonths = horizonMonths,
          .event = std::move(event),
          .result = probability,
          .contributions = {{"TMTV", 14.7, "ml", 0.42},
                            {"SLR", 0.857, "{ratio}", -0.05},
                            {"dNLR", std::nullopt, "{ratio}", 0.0}},
          .calibrationNote = "calibrated on 1000 synthetic patients; slope 0.98, intercept 0.01",
          .observationUid = uid(uidNumber)};
}

std::vector<ResponsePrediction> samplePredictions() {
  return {prediction(Endpoint::DurableClinicalBenefit, 6, "no progression within 6 months",
                     {0.62, 0.48, 0.74, 0.9}, 201),
          prediction(Endpoint::ProgressionFreeSurvival, 12, "no progression or death within 12 months",
                     {0.31, 0.2, 0.44, 0.9}, 202),
          prediction(Endpoint::OverallSurvival, 12, "alive at 12 months", {0.58, 0.45, 0.7, 0.9},
                     203)};
}

StudySummary earlierStudy(int number, WallClock scannedAt, std::string producer,
                          std::string lesionDefinition, double tmtvMl, double sulPeak) {
  StudySummary summary;
  summary.studyInstanceUid = uid(500 + number);
  summary.seriesInstanceUid = uid(510 + number);
  summary.srSopInstanceUid = uid(520 + number);
  summary.scannedAt = scannedAt;
  summary.producer = std::move(producer);
  summary.lesionDefinition = std::move(lesionDefinition);
  summary.tmtvMl = tmtvMl;
  summary.tlgG = 6 * tmtvMl;
  summary.suvMax = 2 * sulPeak;
  summary.sulPeak = sulPeak;
  summary.lesionCount = 4;
  return summary;
}

std::vector<StudySummary> samplePriors() {
  using namespace std::chrono;
  return {earlierStudy(1, local_days{2026y / March / 2} + 9h, "QIICR dcmqi", "", 31.5, 9.4),
          earlierStudy(2, local_days{2026y / August / 17} + 10h, "fedpet 0.1.0",
                       std::string(kLesionDefinition), 22.4, 8.25)};
}

PercistReading samplePercist(const std::string& hottestTrackingUid) {
  PercistReading reading;
  reading.definition = "measurable from 1.5 x liver mean + 2 SD";
  reading.numbers = {
      measured(Quantity::ReferenceSulMean, 1.43, "30 mm sphere in the right lobe", 301),
      measured(Quantity::ReferenceSulSd, 0.14, "30 mm sphere in the right lobe", 302),
      measured(Quantity::PercistThreshold, 2.42, "1.5 x 1.43 + 2 x 0.14, rounded down", 303),
      measured(Quantity::SulPeak, 5.61, "hottest lesion, 1 ml sphere", 304)};
  reading.measurable = true;
  reading.hottestTrackingUid = hottestTrackingUid;
  return reading;
}

Comparison sampleComparison(const std::vector<Region>& lesions) {
  Comparison c;
  c.earlier = samplePriors().back();
  c.percist = MetabolicResponse::Partial;
  c.iPercist = MetabolicResponse::Partial;
  c.reasons = {"SULpeak fell by 32 % and by 2.64, at least 30 % and 0.8 are asked for"};
  c.changes = {measured(Quantity::SulPeakChange, -32, "hottest lesion of each study", 401),
               measured(Quantity::TmtvChange, -34.5, "same lesion rule", 402),
               measured(Quantity::TlgChange, -41, "same lesion rule", 403)};
  const auto change = [](LesionFate fate, std::string id, std::string trackingUid) {
    LesionChange lesion;
    lesion.fate = fate;
    lesion.trackingId = std::move(id);
    lesion.trackingUid = std::move(trackingUid);
    return lesion;
  };
  for (const Region& region : lesions) {
    const LesionFate fate = &region == &lesions.back() ? LesionFate::New : LesionFate::Matched;
    LesionChange lesion = change(fate, region.trackingId, region.trackingUid);
    lesion.volumeMl = valueOf(region, Quantity::MetabolicVolume);
    lesion.sulPeak = 0.68 * valueOf(region, Quantity::SuvPeak);
    if (fate == LesionFate::Matched) {
      lesion.earlierVolumeMl = 1.5 * *lesion.volumeMl;
      lesion.earlierSulPeak = 1.4 * *lesion.sulPeak;
      lesion.distanceMm = 4;
    }
    c.lesions.push_back(std::move(lesion));
  }
  c.lesions.push_back(change(LesionFate::Resolved, "Lesion 9 of the earlier study", uid(599)));
  c.lesions.back().earlierVolumeMl = 2.2;
  c.alignment = "same frame of reference, shifted by the liver, 3 mm";
  c.warnings = {"Uptake times differ by 12 min."};
  c.percistUid = uid(404);
  c.iPercistUid = uid(405);
  return c;
}

void addCourse(ResponseAssessment& a) {
  std::vector<Region> lesions;
  for (const Region& region : a.regions)
    if (region.role == RegionRole::Lesion) lesions.push_back(region);
  assert(!lesions.empty());
  a.priors = samplePriors();
  a.percist = samplePercist(lesions.front().trackingUid);
  a.comparison = sampleComparison(lesions);
}

Harmonisation sampleHarmonisation() {
  Harmonisation h;
  h.scanner = "PET 2";
  h.scannerClass = "EARL-2";
  h.targetClass = "EARL-1";
  h.filterFwhmMm = 5.2;
  h.adjusted = {{"SLR", 0.857, 0.871}};
  h.statement = "Filtered from EARL-2 to EARL-1 (Gaussian, 5.2 mm FWHM); SLR adjusted by ComBat.";
  return h;
}

}  // namespace

AssessmentBuilder::AssessmentBuilder() = default;

AssessmentBuilder& AssessmentBuilder::withCourse() {
  course_ = true;
  return *this;
}

AssessmentBuilder& AssessmentBuilder::withHarmonisation() {
  harmonised_ = true;
  return *this;
}

AssessmentBuilder& AssessmentBuilder::withLesions(int count) {
  assert(count >= 0 && count <= 400);
  lesionCount_ = count;
  return *this;
}

AssessmentBuilder& AssessmentBuilder::refused(RefusalCode code, std::string detail) {
  refusals_.push_back({code, std::move(detail)});
  return *this;
}

AssessmentBuilder& AssessmentBuilder::withoutOrgan(Organ organ) {
  missingOrgans_.push_back(organ);
  return *this;
}

AssessmentBuilder& AssessmentBuilder::withRefusedPredictions(RefusalCode code,
                                                             std::string detail) {
  predictionRefusal_ = {{code, std::move(detail)}};
  return *this;
}

AssessmentBuilder& AssessmentBuilder::withoutPredictions() {
  predictions_ = false;
  return *this;
}

AssessmentBuilder& AssessmentBuilder::withPatientName(std::string utf8Name) {
  patientName_ = std::move(utf8Name);
  return *this;
}

LabelVolume AssessmentBuilder::labels() const {
  LabelVolume volume;
  if (!refusals_.empty()) return volume;
  volume.geometry = sampleGeometry();
  volume.labels.assign(volume.geometry.voxelCount(), 0);
  std::uint16_t label = 0;
  for (const OrganSample& sample : kOrganSamples)
    if (!contains(missingOrgans_, sample.organ)) paintSphere(volume, sample, ++label);
  paintLesions(volume, lesionCount_, static_cast<std::uint16_t>(label + 1));
  return volume;
}

ResponseAssessment AssessmentBuilder::build() const {
  using namespace std::chrono;
  ResponseAssessment a;
  a.series = sampleSeries(sampleGeometry(), patientName_);
  a.identity = {.srSeriesUid = uid(10),
                .srSopInstanceUid = uid(11),
                .segSeriesUid = uid(12),
                .segSopInstanceUid = uid(13),
                .deviceUid = uid(14),
                .pdfSeriesUid = {},
                .pdfSopInstanceUid = {},
                .mipSeriesUid = {},
                .mipSopInstanceUid = {}};
  a.assessedAt = local_days{2026y / November / 24} + 11h + 42min + 7s;
  a.softwareVersion = "0.1.0";
  a.model = {.name = "synthetic-logistic-cox",
             .version = "1.0.0",
             .sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
             .trainingData = "synthetic cohort, 4000 patients, seed 20261124",
             .trainedOnSyntheticData = true};
  a.refusals = refusals_;
  a.lesionDefinition = kLesionDefinition;
  if (!refusals_.empty()) return a;

  a.suv = SuvScaling{.suvBwPerUnit = 2.74e-4,
                     .sulPerSuvBw = 0.68,
                     .sulRefusal = std::nullopt,
                     .uptakeMinutes = 60,
                     .method = "BQML, START: decayed from injection to the series time",
                     .warnings = {}};
  a.warnings = {"Station clock has no time zone; local time assumed."};
  const LabelVolume volume = labels();
  std::uint16_t label = 0;
  for (const OrganSample& sample : kOrganSamples) {
    if (contains(missingOrgans_, sample.organ))
      a.missingRegions.push_back(
          {sample.organ, {RefusalCode::RegionNotFound, "no plausible candidate"}});
    else
      a.regions.push_back(organRegion(volume, sample, ++label));
  }
  for (int n = 0; n < lesionCount_; ++n) a.regions.push_back(lesionRegion(volume, n, ++label));
  a.wholeBody = wholeBody(a.regions, missingOrgans_);
  if (predictions_) a.predictions = samplePredictions();
  for (ResponsePrediction& p : a.predictions) {
    if (predictionRefusal_.empty()) continue;
    p.result = tl::make_unexpected(predictionRefusal_.front());
    p.contributions.clear();
  }
  if (course_) addCourse(a);
  if (harmonised_) a.harmonisation = sampleHarmonisation();
  return a;
}

AssessedStudy AssessmentBuilder::study() const {
  AssessedStudy study;
  study.assessment = build();
  study.regions = labels();
  return study;
}

}  // namespace fedpet::testing
