#include "orthanc-plugin/cli/RadiomicsCommand.h"

#include "dicom/DicomError.h"
#include "dicom/PetSeriesReader.h"
#include "dicom/Segmentation.h"
#include "dicom/StructureSetReader.h"
#include "models/imaging/SuvScaling.h"
#include "models/imaging/radiomics/Radiomics.h"
#include "models/imaging/radiomics/VolumeFile.h"
#include "orthanc-plugin/cli/CommandJson.h"

#include <fmt/format.h>
#include <tl/expected.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::plugin {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::filesystem::path image, mask, config;
  std::string roi;
  std::vector<std::uint16_t> segments;
  std::optional<int> label;
  bool json = false, csv = false, timing = false;
};

// Leaves the command with exit code 3.
struct Refused {
  std::string code, detail;
};

// --- what is read ------------------------------------------------------------------------------

struct Image {
  VolumeGeometry geometry;
  std::vector<float> values;
  std::string frameOfReferenceUid;  // empty for files that have none
  std::string unit;                 // empty: not known
  std::vector<std::string> warnings;
};

Image readPet(const std::filesystem::path& directory) {
  const auto refuseWith = [](const NotAssessable& why) {
    return Refused{std::string(toString(why.code())), why.reasons.front().detail};
  };
  auto series = dicom::readPetSeriesFromDirectory(directory, dicom::PetReadingOptions::anyPet());
  if (!series) throw refuseWith(series.error());
  const auto scaling = imaging::suvScaling(*series);
  if (!scaling) throw refuseWith(scaling.error());
  Image image{{}, {}, series->frameOfReferenceUid, "SUVbw g/ml", series->warnings};
  image.warnings.insert(image.warnings.end(), scaling->warnings.begin(), scaling->warnings.end());
  auto volume = imaging::toSuvVolume(std::move(*series), *scaling);
  if (!volume) throw refuseWith(volume.error());
  image.geometry = volume->geometry;
  image.values = std::move(volume->suvBw);
  return image;
}

Image readImage(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return readPet(path);
  try {
    imaging::ScalarVolume volume = imaging::readScalarVolume(path);
    return {volume.geometry, std::move(volume.values), {}, {}, {}};
  } catch (const imaging::ImagingError& error) {
    throw Refused{"ImageUnreadable", error.what()};
  }
}

struct MaskFile {
  LabelVolume labels;
  std::string roi;  // of a structure set
  std::vector<std::string> warnings;
};

void requireSameFrame(const std::string& mask, const Image& image) {
  if (!mask.empty() && !image.frameOfReferenceUid.empty() && mask != image.frameOfReferenceUid)
    throw Refused{"GridsDiffer",
                  "the mask was drawn in another frame of reference than the image's"};
}

MaskFile readContours(const Options& options, const Image& image) {
  const dicom::StructureSet set = dicom::readStructureSet(options.mask);
  requireSameFrame(set.frameOfReferenceUid, image);
  std::string name = options.roi;
  if (name.empty()) {
    std::string names;
    for (const auto& region : set.regions)
      names += (names.empty() ? "'" : ", '") + region.name + "'";
    if (set.regions.size() != 1)
      throw Refused{"RoiMissing", "choose a region with --roi; the structure set has: " +
                                      (names.empty() ? "none" : names)};
    name = set.regions.front().name;
  }
  dicom::ContourMask mask = dicom::maskOf(set.named(name), image.geometry);
  return {std::move(mask.mask), name, std::move(mask.warnings)};
}

MaskFile readMask(const Options& options, const Image& image) {
  try {
    if (imaging::isVolumeFile(options.mask))
      return {imaging::readMaskVolume(options.mask, options.label), {}, {}};
    const std::string sopClass = dicom::sopClassUidOf(options.mask);
    if (sopClass == dicom::kStructureSetStorage) return readContours(options, image);
    const dicom::SegmentationMask segmentation = dicom::readSegmentation(options.mask);
    requireSameFrame(segmentation.frameOfReferenceUid, image);
    return {dicom::foreground(segmentation, options.segments), {}, {}};
  } catch (const dicom::DicomError& error) {
    throw Refused{"MaskUnreadable", error.what()};
  } catch (const imaging::ImagingError& error) {
    throw Refused{"MaskUnreadable", error.what()};
  }
}

imaging::RadiomicsConfig readConfig(const Options& options, const Image& image) {
  const imaging::RadiomicsConfig defaults =
      image.unit.empty() ? imaging::RadiomicsConfig{} : imaging::petRadiomicsConfig();
  if (options.config.empty()) return defaults;
  std::ifstream file(options.config);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  try {
    return imaging::radiomicsConfigFromJson(text, defaults);
  } catch (const imaging::RadiomicsConfigError& error) {
    throw Refused{"ConfigInvalid", error.what()};
  }
}

// --- what is written ---------------------------------------------------------------------------

struct Report {
  imaging::RadiomicsResult result;
  std::string unit, roi;
  std::vector<std::string> warnings;
  std::optional<double> featuresSeconds;
};

ordered_json valuesOf(const std::vector<imaging::RadiomicFeature>& features) {
  ordered_json values = ordered_json::object();
  for (const auto& feature : features)
    if (feature.value) values[feature.name] = *feature.value;
  return values;
}

ordered_json refusalsOf(const std::vector<imaging::RadiomicFeature>& features) {
  ordered_json refusals = ordered_json::object();
  for (const auto& feature : features)
    if (!feature.value) refusals[feature.name] = feature.value.error();
  return refusals;
}

void printJson(const Report& report) {
  const imaging::RadiomicsResult& result = report.result;
  ordered_json json{{"status", "ok"}};
  json["intensityUnit"] = report.unit.empty() ? ordered_json(nullptr) : ordered_json(report.unit);
  if (!report.roi.empty()) json["roi"] = report.roi;
  json["configHash"] = result.configHash;
  json["config"] = ordered_json::parse(imaging::toJson(result.config));
  json["features"] = valuesOf(result.features);
  json["refused"] = refusalsOf(result.features);
  if (!result.diagnostics.empty()) json["diagnostics"] = valuesOf(result.diagnostics);
  json["notStandardised"] = imaging::unstandardisedFeatures();
  json["warnings"] = report.warnings;
  if (report.featuresSeconds) json["timing"]["featuresSeconds"] = *report.featuresSeconds;
  print(json);
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

void printCsv(const Report& report) {
  const imaging::RadiomicsResult& result = report.result;
  fmt::print("# configHash {}\n# config {}\n", result.configHash,
             ordered_json::parse(imaging::toJson(result.config)).dump());
  for (const std::string& warning : report.warnings) fmt::print("# warning {}\n", warning);
  fmt::print("feature,value,refused\n");
  for (const auto* list : {&result.features, &result.diagnostics})
    for (const auto& feature : *list)
      if (feature.value)
        fmt::print("{},{},\n", feature.name, *feature.value);
      else
        fmt::print("{},,{}\n", feature.name, quoted(feature.value.error()));
}

void printTable(const Report& report) {
  const imaging::RadiomicsResult& result = report.result;
  for (const auto* list : {&result.features, &result.diagnostics})
    for (const auto& feature : *list)
      if (feature.value)
        fmt::print("{:<28} {:.6g}\n", feature.name, *feature.value);
      else
        fmt::print("{:<28} refused: {}\n", feature.name, feature.value.error());
  if (!report.unit.empty()) fmt::print("Intensities are {}.\n", report.unit);
  if (!report.roi.empty()) fmt::print("Region: {}\n", report.roi);
  for (const std::string& warning : report.warnings) fmt::print("Warning: {}\n", warning);
  fmt::print("Configuration {} (--json prints it)\n", result.configHash);
}

// --- the command -------------------------------------------------------------------------------

// The shortest of five times: what the features cost when nothing else runs.
double secondsOf(const std::function<void()>& work) {
  double shortest = HUGE_VAL;
  for (int round = 0; round < 5; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    shortest = std::min(shortest, took.count());
  }
  return shortest;
}

Report measure(const Options& options) {
  Image image = readImage(options.image);
  const imaging::RadiomicsConfig config = readConfig(options, image);
  MaskFile mask = readMask(options, image);
  const auto placed = imaging::maskOnGrid(mask.labels, image.geometry);
  if (!placed)
    throw Refused{std::string(imaging::toString(placed.error().code)), placed.error().detail};
  auto result = imaging::radiomics(image.geometry, image.values, *placed, config);
  if (!result)
    throw Refused{std::string(imaging::toString(result.error().code)), result.error().detail};
  Report report{std::move(*result), image.unit, mask.roi, std::move(image.warnings), {}};
  if (options.timing)
    report.featuresSeconds =
        secondsOf([&] { (void)imaging::radiomics(image.geometry, image.values, *placed, config); });
  for (const auto* list : {&mask.warnings, &report.result.warnings})
    report.warnings.insert(report.warnings.end(), list->begin(), list->end());
  return report;
}

ExitCode run(const Options& options) {
  try {
    const Report report = measure(options);
    if (options.json)
      printJson(report);
    else if (options.csv)
      printCsv(report);
    else
      printTable(report);
    return kExitOk;
  } catch (const Refused& refused) {
    if (options.json)
      print({{"status", "refused"},
             {"reasons", {{{"code", refused.code}, {"detail", refused.detail}}}}});
    else
      fmt::print(stderr, "{}: {}\n", refused.code, refused.detail);
    return kExitRefused;
  }
}

}  // namespace

void addRadiomicsCommand(CLI::App& app, ExitCode& exitCode) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "radiomics", "Compute the radiomic features of IBSI 1 for one region of an image");
  command
      ->add_option("--image", options->image,
                   "NIfTI or NRRD file, or a folder with a DICOM PET series (measured in SUVbw)")
      ->required()
      ->check(CLI::ExistingPath);
  command
      ->add_option("--mask", options->mask,
                   "NIfTI or NRRD file, DICOM SEG or RTSTRUCT, on the image's voxels")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--roi", options->roi, "Name of the RTSTRUCT's region");
  command->add_option("--segments", options->segments,
                      "Segment numbers of the SEG (default: those coded as lesion)");
  command->add_option("--label", options->label,
                      "Label of the NIfTI or NRRD mask (default: all but 0)");
  command->add_option("--config", options->config, "Image processing as JSON (docs/radiomics.md)")
      ->check(CLI::ExistingFile);
  auto* json = command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--csv", options->csv, "Print CSV")->excludes(json);
  command
      ->add_flag("--timing", options->timing,
                 "Add how long the features take, without reading the files")
      ->needs(json);
  command->callback([options, &exitCode] { exitCode = run(*options); });
}

}  // namespace fedpet::plugin
