#include "sample-data/PhantomFiles.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "dicom/DicomError.h"
#include "dicom/PetSeriesWriter.h"
#include "dicom/ResultIdentity.h"
#include "dicom/Segmentation.h"

namespace fedpet::sample {
namespace {

constexpr std::uint16_t kFirstLesionLabel = 1000;
constexpr std::string_view kTruthDefinition =
    "Drawn by the generator of synthetic data: voxels that the structure fills at least by half";

RegionRole roleOf(Organ organ) {
  switch (organ) {
    case Organ::Liver:
    case Organ::Spleen:
    case Organ::LumbarMarrow: return RegionRole::Reference;
    default: return RegionRole::Physiological;
  }
}

PointMm centroidMm(const LabelVolume& volume, std::uint16_t label) {
  const VolumeGeometry& g = volume.geometry;
  double sum[3] = {}, count = 0;
  std::size_t n = 0;
  for (int k = 0; k < g.size[2]; ++k)
    for (int j = 0; j < g.size[1]; ++j)
      for (int i = 0; i < g.size[0]; ++i, ++n)
        if (volume.labels[n] == label) {
          sum[0] += i;
          sum[1] += j;
          sum[2] += k;
          ++count;
        }
  return count > 0 ? g.pointMm(sum[0] / count, sum[1] / count, sum[2] / count) : PointMm{};
}

Region regionOf(const TissueTruth& tissue, const LabelVolume& tissues) {
  Region region;
  region.label = tissue.label;
  region.role = roleOf(*tissue.organ);
  region.organ = tissue.organ;
  region.name = tissue.name;
  region.trackingId = "Truth, " + tissue.name;
  region.centroidMm = centroidMm(tissues, tissue.label);
  region.definition = kTruthDefinition;
  return region;
}

Region regionOf(const LesionTruth& lesion) {
  Region region;
  region.label = static_cast<std::uint16_t>(kFirstLesionLabel + lesion.label);
  region.role = RegionRole::Lesion;
  region.name = lesion.name;
  region.trackingId = "Truth, " + lesion.name;
  region.centroidMm = lesion.centroidMm;
  region.definition = kTruthDefinition;
  return region;
}

nlohmann::ordered_json tissuesJson(const Phantom& phantom) {
  auto list = nlohmann::ordered_json::array();
  for (const TissueTruth& t : phantom.tissueTable) {
    nlohmann::ordered_json entry{{"name", t.name}};
    if (t.organ) entry["organ"] = toString(*t.organ);
    entry["volumeMl"] = t.volumeMl;
    entry["trueSuvBwMean"] = t.trueSuvMean;
    list.push_back(std::move(entry));
  }
  return list;
}

nlohmann::ordered_json lesionsJson(const Phantom& phantom) {
  auto list = nlohmann::ordered_json::array();
  for (const LesionTruth& lesion : phantom.lesionTable) {
    const Code site = siteOf(lesion.site);
    list.push_back({{"number", lesion.label},
                    {"site", toString(lesion.site)},
                    {"siteCode", {{"value", site.value}, {"scheme", site.scheme}, {"meaning", site.meaning}}},
                    {"centroidMm", lesion.centroidMm},
                    {"maskVolumeMl", lesion.maskVolumeMl},
                    {"viableVolumeMl", lesion.volumeMl},
                    {"necroticVolumeMl", lesion.necroticVolumeMl},
                    {"plannedSuvBw", lesion.plannedSuv},
                    {"trueSuvBwMean", lesion.trueSuvMean}});
  }
  return list;
}

double tmtvMl(const Phantom& phantom) {
  double sum = 0;
  for (const LesionTruth& lesion : phantom.lesionTable) sum += lesion.maskVolumeMl;
  return sum;
}

void writeFile(const std::filesystem::path& file, std::string_view bytes) {
  std::ofstream out(file, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw dicom::DicomError("cannot write " + file.filename().string());
}

PhantomPatient writePhantom(const Phantom& phantom, int index, std::chrono::days later,
                            const std::filesystem::path& dir) {
  PhantomSeriesFacts facts;
  facts.patientNumber = index;
  facts.scanStart += std::chrono::days(index - 1) + later;
  PetSeries series = toPetSeries(phantom, facts);
  PhantomPatient patient;
  patient.petDirectory = dir / "PT";
  dicom::writePetSeries(series, patient.petDirectory);
  patient.truthJson = dir / "truth.json";
  writeFile(patient.truthJson, truthAsJson(phantom, series));
  if (const auto seg = dicom::writeSegmentation(truthAsStudy(phantom, std::move(series)))) {
    patient.truthSegmentation = dir / "truth-seg.dcm";
    writeFile(patient.truthSegmentation, {reinterpret_cast<const char*>(seg->data()), seg->size()});
  }
  patient.slices = phantom.image.geometry.size[2];
  patient.lesions = static_cast<int>(phantom.lesionTable.size());
  patient.tmtvMl = tmtvMl(phantom);
  return patient;
}

}  // namespace

std::uint64_t patientSeed(std::uint64_t cohortSeed, int index) {
  return cohortSeed + 0x9e3779b97f4a7c15u * static_cast<std::uint64_t>(index - 1);
}

AssessedStudy truthAsStudy(const Phantom& phantom, PetSeries series) {
  AssessedStudy study;
  ResponseAssessment& a = study.assessment;
  a.assessedAt = series.seriesDateTime.value_or(WallClock{});
  series.pixels.clear();
  a.series = std::move(series);
  a.softwareVersion = "synthetic truth 1";
  a.model.name = "synthetic truth";
  a.model.version = "1";
  a.lesionDefinition = kTruthDefinition;
  study.regions = {phantom.tissues.geometry,
                   std::vector<std::uint16_t>(phantom.tissues.labels.size(), 0)};
  for (const TissueTruth& tissue : phantom.tissueTable)
    if (tissue.organ) a.regions.push_back(regionOf(tissue, phantom.tissues));
  for (const LesionTruth& lesion : phantom.lesionTable) a.regions.push_back(regionOf(lesion));
  const std::uint16_t lastOrgan = labelOf(Organ::Bladder);
  for (std::size_t n = 0; n < study.regions.labels.size(); ++n) {
    const std::uint16_t lesion = phantom.lesions.labels[n], tissue = phantom.tissues.labels[n];
    if (lesion > 0)
      study.regions.labels[n] = static_cast<std::uint16_t>(kFirstLesionLabel + lesion);
    else if (tissue <= lastOrgan)
      study.regions.labels[n] = tissue;
  }
  dicom::assignIdentity(a);
  return study;
}

std::string truthAsJson(const Phantom& phantom, const PetSeries& series) {
  const PhantomSpec& spec = phantom.spec;
  const VolumeGeometry& g = phantom.image.geometry;
  nlohmann::ordered_json json{
      {"synthetic", true},
      {"note", "Generated data; no person. trueSuvBwMean is what is in the body; the image shows "
               "it blurred, noisy and times calibrationFactor. SUVbw in g/ml, volumes in ml."},
      {"seed", std::to_string(spec.seed)},  // 64 bits: too long for a JavaScript number
      {"studyInstanceUid", series.study.studyInstanceUid},
      {"seriesInstanceUid", series.seriesInstanceUid},
      {"patient",
       {{"patientId", series.patient.patientId},
        {"sex", spec.sex},
        {"ageYears", spec.ageYears},
        {"heightM", spec.heightM},
        {"weightKg", spec.weightKg},
        {"injectedActivityBq", spec.injectedActivityBq},
        {"uptakeMinutes", spec.uptakeMinutes}}},
      {"scanner",
       {{"model", spec.scanner.model},
        {"psfFwhmMm", spec.scanner.psfFwhmMm},
        {"edgeEnhancement", spec.scanner.edgeEnhancement},
        {"noiseFwhmMm", spec.scanner.noiseFwhmMm},
        {"liverNoiseCov", spec.scanner.liverNoiseCov},
        {"calibrationFactor", spec.scanner.calibrationFactor}}},
      {"grid", {{"size", g.size}, {"spacingMm", g.spacingMm}, {"originMm", g.originMm}}},
      {"lesionCount", phantom.lesionTable.size()},
      {"tmtvMl", tmtvMl(phantom)},
      {"tissues", tissuesJson(phantom)},
      {"lesions", lesionsJson(phantom)}};
  return json.dump(2) + "\n";
}

PhantomPatient writePhantomPatient(const PhantomSpec& spec, int index, const std::filesystem::path& dir) {
  return writePhantom(makePhantom(spec), index, std::chrono::days(0), dir);
}

PhantomPatient writeFollowUp(const PhantomSpec& before, int index, Course course,
                             const std::filesystem::path& dir) {
  return writePhantom(makePhantom(afterTreatment(makePhantom(before), course)), index,
                      kFollowUpAfter, dir / "follow-up");
}

PhantomPatient writePhantomPatient(std::uint64_t seed, int index, const std::filesystem::path& dir) {
  return writePhantomPatient(fromSeed(patientSeed(seed, index)), index, dir);
}

}  // namespace fedpet::sample
