#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>

#include "dicom/PetSeriesReader.h"
#include "dicom/Segmentation.h"
#include "dicom/StructuredReport.h"
#include "fhir/TransactionBundle.h"
#include "models/response/ResponseModel.h"
#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/cli/Terminal.h"
#include "orthanc-plugin/protocol/AssessmentJson.h"
#include "orthanc-plugin/worker/AssessStudy.h"
#include "orthanc-plugin/worker/ModelLocation.h"

namespace fedpet::plugin {
namespace {

namespace fs = std::filesystem;

struct Assess {
  fs::path directory, out, model, covariates;
  std::string lesionRule = std::string(imaging::toString(imaging::LesionRule::FixedSuv4));
  double minimumBodyCoverageMm = AssessmentOptions{}.minimumBodyCoverageMm;
  std::string patientSystem = "urn:oid:1.2.826.0.1.3680043.10.1338.1";
  bool withoutModel = false, json = false;
};

void write(const fs::path& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

void write(const fs::path& path, const std::string& text) { write(path, std::as_bytes(std::span(text))); }

// {"ageYears": 63, "ecog": 1, "pdl1TpsPercent": 60, ...}: unknown names are an error, a typing
// mistake must not silently become a missing value.
ClinicalCovariates readCovariates(const fs::path& path) {
  ClinicalCovariates covariates;
  if (path.empty()) return covariates;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  try {
    const auto json = nlohmann::json::parse(file);
    for (const auto& [name, value] : json.items()) {
      if (name == "ageYears") covariates.ageYears = value.get<double>();
      else if (name == "pdl1TpsPercent") covariates.pdl1TpsPercent = value.get<double>();
      else if (name == "dNlr") covariates.dNlr = value.get<double>();
      else if (name == "nlr") covariates.nlr = value.get<double>();
      else if (name == "ldhPerUln") covariates.ldhPerUln = value.get<double>();
      else if (name == "albuminGPerDl") covariates.albuminGPerDl = value.get<double>();
      else if (name == "ecog") covariates.ecog = value.get<int>();
      else if (name == "male") covariates.male = value.get<bool>();
      else if (name == "smoker") covariates.smoker = value.get<bool>();
      else if (name == "steroids") covariates.steroids = value.get<bool>();
      else if (name == "liverMetastases") covariates.liverMetastases = value.get<bool>();
      else throw std::runtime_error(path.string() + ": unknown covariate \"" + name + "\"");
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(path.string() + ": " + error.what());
  }
  return covariates;
}

void writeResults(const AssessedStudy& study, const Assess& options) {
  fs::create_directories(options.out);
  write(options.out / "assessment.json", assessmentToJson(study, 2) + "\n");
  const auto segmentation = dicom::writeSegmentation(study);
  if (segmentation) write(options.out / "seg.dcm", *segmentation);
  write(options.out / "sr.dcm", dicom::writeStructuredReport(study.assessment));
  fhir::FhirSite site;
  site.patientIdentifierSystem = options.patientSystem;
  const auto bundle = fhir::transactionBundle(study.assessment, site);
  if (bundle)
    write(options.out / "fhir.json", *bundle + "\n");
  else
    fmt::print(stderr, "No FHIR resources: {}\n", bundle.error().detail);
}

ExitCode run(const Assess& options) {
  auto series = dicom::readPetSeriesFromDirectory(options.directory);
  if (!series) return refuse(series.error().reasons, options.json);
  AssessmentOptions assessment;
  assessment.measurement.lesionRule = imaging::lesionRuleFromString(options.lesionRule);
  assessment.minimumBodyCoverageMm = options.minimumBodyCoverageMm;
  assessment.covariates = readCovariates(options.covariates);
  const auto model = options.withoutModel
                         ? nullptr
                         : response::ResponseModel::load(
                               options.model.empty() ? defaultModelDirectory() : options.model);
  AssessedStudy study;
  {
    ProgressBar bar(!options.json);
    study = assessStudy(std::move(*series), model.get(), assessment, utcNow(),
                        [&](std::string_view stage, int percent) { bar.show(stage, percent); });
  }
  const auto& refusals = study.assessment.refusals;
  if (!refusals.empty() && meansNotOurs(refusals.front().code)) return refuse(refusals, options.json);
  if (!options.out.empty()) writeResults(study, options);
  if (options.json) {
    study.mips.clear();  // pictures are for the page; assessment.json has them
    fmt::print("{}\n", assessmentToJson(study));
  } else {
    fmt::print("{}", assessmentTable(study.assessment));
    if (!options.out.empty()) fmt::print("\nWritten to {}\n", options.out.string());
  }
  return refusals.empty() ? kExitOk : kExitRefused;
}

}  // namespace

void addAssessCommand(CLI::App& app, ExitCode& exitCode) {
  auto options = std::make_shared<Assess>();
  CLI::App* command = app.add_subcommand(
      "assess", "Assess the PET series in a folder, without Orthanc: measurements, prediction, "
                "SR, SEG and FHIR resources");
  command->add_option("DIR", options->directory, "Folder with the series, or with its study")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("--out", options->out,
                      "Folder for assessment.json, sr.dcm, seg.dcm and fhir.json");
  command->add_option("--lesion-rule", options->lesionRule, "How lesions are outlined")
      ->capture_default_str()
      ->check(CLI::IsMember({"SUV4.0", "41%SUVmax", "PERCIST"}));
  command->add_option("--min-coverage", options->minimumBodyCoverageMm,
                      "Shortest series to assess, in mm along the body")
      ->capture_default_str();
  command->add_option("--model", options->model, "Folder of a model bundle (default: the one shipped)")
      ->check(CLI::ExistingDirectory);
  command->add_flag("--no-model", options->withoutModel, "Measure only");
  command->add_option("--covariates", options->covariates,
                      "JSON with what is known besides the images: ageYears, male, smoker, ecog, "
                      "pdl1TpsPercent, dNlr, nlr, ldhPerUln, albuminGPerDl, steroids, liverMetastases")
      ->check(CLI::ExistingFile);
  command->add_option("--patient-system", options->patientSystem,
                      "Naming system of PatientID in the FHIR resources")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the assessment as JSON");
  command->callback([options, &exitCode] { exitCode = run(*options); });
}

}  // namespace fedpet::plugin
