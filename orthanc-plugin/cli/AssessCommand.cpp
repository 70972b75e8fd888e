#include "dicom/DicomError.h"
#include "dicom/PetSeriesReader.h"
#include "dicom/PriorStudyReader.h"
#include "fhir/TransactionBundle.h"
#include "models/response/ResponseModel.h"
#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/cli/Terminal.h"
#include "orthanc-plugin/protocol/AssessmentJson.h"
#include "orthanc-plugin/worker/AssessStudy.h"
#include "orthanc-plugin/worker/ModelLocation.h"
#include "orthanc-plugin/worker/ResultFiles.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

namespace fedpet::plugin {
namespace {

namespace fs = std::filesystem;

struct Assess {
  fs::path directory, out, model, covariates, scanners, combat;
  std::vector<fs::path> priors;
  std::string harmoniseTo;
  std::string lesionRule = std::string(imaging::toString(imaging::LesionRule::FixedSuv4));
  double minimumBodyCoverageMm = AssessmentOptions{}.minimumBodyCoverageMm;
  std::string patientSystem = "urn:oid:1.2.826.0.1.3680043.10.1338.1";
  bool withoutModel = false, json = false;
};

void write(const fs::path& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

void write(const fs::path& path, const std::string& text) {
  write(path, std::as_bytes(std::span(text)));
}

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
      if (name == "ageYears")
        covariates.ageYears = value.get<double>();
      else if (name == "pdl1TpsPercent")
        covariates.pdl1TpsPercent = value.get<double>();
      else if (name == "dNlr")
        covariates.dNlr = value.get<double>();
      else if (name == "nlr")
        covariates.nlr = value.get<double>();
      else if (name == "ldhPerUln")
        covariates.ldhPerUln = value.get<double>();
      else if (name == "albuminGPerDl")
        covariates.albuminGPerDl = value.get<double>();
      else if (name == "ecog")
        covariates.ecog = value.get<int>();
      else if (name == "male")
        covariates.male = value.get<bool>();
      else if (name == "smoker")
        covariates.smoker = value.get<bool>();
      else if (name == "steroids")
        covariates.steroids = value.get<bool>();
      else if (name == "liverMetastases")
        covariates.liverMetastases = value.get<bool>();
      else
        throw std::runtime_error(path.string() + ": unknown covariate \"" + name + "\"");
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(path.string() + ": " + error.what());
  }
  return covariates;
}

std::string contentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

// Each folder is the result of an earlier assessment: sr.dcm, and seg.dcm when there were regions.
EarlierStudies readPriors(const std::vector<fs::path>& folders) {
  EarlierStudies earlier;
  for (const fs::path& folder : folders) {
    const std::string report = contentOf(folder / "sr.dcm");
    const std::string segmentation =
        fs::exists(folder / "seg.dcm") ? contentOf(folder / "seg.dcm") : std::string();
    try {
      earlier.studies.push_back(dicom::readPriorStudy(std::as_bytes(std::span(report)),
                                                      std::as_bytes(std::span(segmentation))));
    } catch (const dicom::DicomError& e) {
      throw std::runtime_error((folder / "sr.dcm").string() + ": " + e.what());
    }
  }
  return earlier;
}

void write(const AssessedStudy& study, const Assess& options,
           const std::vector<std::string>& modelLimits) {
  fs::create_directories(options.out);
  write(options.out / "assessment.json", assessmentToJson(study, 2) + "\n");
  const ResultFiles results = writeResults(study, {.modelLimits = modelLimits});
  for (const ResultFiles::File& file : results.files) write(options.out / file.name, file.content);
  write(options.out / "report.pdf", results.pdf);
  for (const std::string& warning : results.warnings) fmt::print(stderr, "{}\n", warning);
  fhir::FhirSite site;
  site.patientIdentifierSystem = options.patientSystem;
  const auto bundle = fhir::transactionBundle(study.assessment, site, results.pdf);
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
  assessment.harmonisation =
      imaging::readHarmonisationSettings(options.scanners, options.harmoniseTo, options.combat);
  assessment.rotatingMip = !options.out.empty();
  if (!options.priors.empty())
    assessment.priors = [&](const PetSeries&) { return readPriors(options.priors); };
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
  if (!refusals.empty() && meansNotOurs(refusals.front().code))
    return refuse(refusals, options.json);
  if (!options.out.empty())
    write(study, options, model ? model->bundle().limits : std::vector<std::string>());
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
      "assess",
      "Assess the PET series in a folder, without Orthanc: measurements, prediction, "
      "SR, SEG and FHIR resources");
  command->add_option("DIR", options->directory, "Folder with the series, or with its study")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option(
      "--out", options->out,
      "Folder for assessment.json, sr.dcm, seg.dcm, report.dcm, report.pdf, mip.dcm "
      "and fhir.json");
  command
      ->add_option("--prior", options->priors,
                   "Folder with the result (--out) of an earlier study of the same patient; may "
                   "be given several times")
      ->check(CLI::ExistingDirectory);
  command
      ->add_option("--scanners", options->scanners,
                   "JSON that describes the scanners (fedpet harmonise --check)")
      ->check(CLI::ExistingFile);
  command->add_option("--harmonise-to", options->harmoniseTo, "Class to filter images to")
      ->check(CLI::IsMember({"EARL-1"}));
  command->add_option("--combat", options->combat, "JSON with ComBat parameters")
      ->check(CLI::ExistingFile);
  command->add_option("--lesion-rule", options->lesionRule, "How lesions are outlined")
      ->capture_default_str()
      ->check(CLI::IsMember({"SUV4.0", "41%SUVmax", "PERCIST"}));
  command
      ->add_option("--min-coverage", options->minimumBodyCoverageMm,
                   "Shortest series to assess, in mm along the body")
      ->capture_default_str();
  command
      ->add_option("--model", options->model, "Folder of a model bundle (default: the one shipped)")
      ->check(CLI::ExistingDirectory);
  command->add_flag("--no-model", options->withoutModel, "Measure only");
  command
      ->add_option("--covariates", options->covariates,
                   "JSON with what is known besides the images: ageYears, male, smoker, ecog, "
                   "pdl1TpsPercent, dNlr, nlr, ldhPerUln, albuminGPerDl, steroids, liverMetastases")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--patient-system", options->patientSystem,
                   "Naming system of PatientID in the FHIR resources")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the assessment as JSON");
  command->callback([options, &exitCode] { exitCode = run(*options); });
}

}  // namespace fedpet::plugin
