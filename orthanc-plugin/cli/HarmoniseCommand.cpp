#include "orthanc-plugin/cli/HarmoniseCommand.h"

#include "dicom/PetSeriesReader.h"
#include "models/imaging/harmonisation/Combat.h"
#include "models/imaging/harmonisation/ScannerProfile.h"
#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/training/CsvTable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fedpet::plugin {
namespace {

using imaging::HarmonisationError;
using nlohmann::ordered_json;

struct Options {
  std::filesystem::path check, series, estimate, out, federated;
  std::string batchColumn = "scanner", reference, imagesFilteredTo;
  std::vector<std::string> inputs, covariates, logarithms;
  bool noEmpiricalBayes = false, json = false;
};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// --- the description of scanners -----------------------------------------------------------------

const imaging::MeasuredRecovery* measuredOf(const imaging::ScannerProfile& profile,
                                            double diameterMm) {
  for (const imaging::MeasuredRecovery& m : profile.recovery)
    if (m.diameterMm == diameterMm) return &m;
  return nullptr;
}

ordered_json optionalJson(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json scannerJson(const imaging::ScannerProfile& profile) {
  const imaging::FilterPlan plan = imaging::planToEarl1(profile);
  ordered_json spheres = ordered_json::array();
  for (const imaging::SphereRecovery& after : plan.recovery) {
    const auto* measured = measuredOf(profile, after.diameterMm);
    spheres.push_back({{"diameterMm", after.diameterMm},
                       {"measuredMax", optionalJson(measured ? measured->max : std::nullopt)},
                       {"measuredMean", optionalJson(measured ? measured->mean : std::nullopt)},
                       {"expectedMax", after.max},
                       {"expectedMean", after.mean}});
  }
  return {{"name", profile.name},
          {"class", profile.accreditation},
          {"psfFwhmMm", optionalJson(plan.psf ? std::optional(plan.psf->fwhmMm) : std::nullopt)},
          {"edgeEnhancement",
           optionalJson(plan.psf ? std::optional(plan.psf->edgeEnhancement) : std::nullopt)},
          {"fitRms", optionalJson(plan.fitRms)},
          {"filterFwhmMm", optionalJson(plan.fwhmMm)},
          {"reachesTarget", plan.reachesTarget},
          {"reason", plan.reason},
          {"spheres", std::move(spheres)}};
}

void printScanner(const imaging::ScannerProfile& profile) {
  const imaging::FilterPlan plan = imaging::planToEarl1(profile);
  fmt::print("{} ({})\n", profile.name,
             profile.accreditation.empty() ? "no class" : profile.accreditation);
  if (plan.psf)
    fmt::print("  effective resolution {:.1f} mm FWHM, edge enhancement {:.2f}{}\n",
               plan.psf->fwhmMm, plan.psf->edgeEnhancement,
               plan.fitRms ? fmt::format(", fits its recovery within {:.3f}", *plan.fitRms) : "");
  if (plan.fwhmMm)
    fmt::print("  to EARL-1: Gaussian of {:.1f} mm FWHM\n", *plan.fwhmMm);
  else
    fmt::print("  to EARL-1: no filter, {}\n", plan.reason);
  fmt::print("  {} EARL-1{}\n", plan.reachesTarget ? "meets" : "does NOT meet",
             plan.reachesTarget ? "" : ": its numbers must not be pooled with those of EARL-1");
  if (plan.recovery.empty()) return;
  fmt::print("  sphere   measured max  mean   expected max  mean   EARL-1 max      mean\n");
  const auto text = [](const std::optional<double>& v) {
    return v ? fmt::format("{:.2f}", *v) : std::string("-");
  };
  for (std::size_t n = 0; n < plan.recovery.size(); ++n) {
    const imaging::SphereRecovery& after = plan.recovery[n];
    const imaging::RecoveryLimits& limits = imaging::earl1Limits()[n];
    const auto* measured = measuredOf(profile, after.diameterMm);
    fmt::print("  {:>3} mm {:>14} {:>5} {:>14.2f} {:>5.2f}   {:.2f} to {:.2f}  {:.2f} to {:.2f}\n",
               after.diameterMm, text(measured ? measured->max : std::nullopt),
               text(measured ? measured->mean : std::nullopt), after.max, after.mean, limits.maxLow,
               limits.maxHigh, limits.meanLow, limits.meanHigh);
  }
}

// Which description fits a series, beside the facts that descriptions go by.
ordered_json seriesJson(const std::vector<imaging::ScannerProfile>& profiles,
                        const std::filesystem::path& folder) {
  const auto series = dicom::readPetSeriesFromDirectory(folder, dicom::PetReadingOptions::anyPet());
  if (!series)
    throw HarmonisationError("the series cannot be read: " + series.error().reasons.front().detail);
  const auto found = imaging::findScanner(profiles, *series);
  ordered_json scanner = nullptr;
  if (found && *found != nullptr) scanner = (*found)->name;
  ordered_json json{{"scanner", std::move(scanner)},
                    {"manufacturer", series->manufacturer},
                    {"model", series->manufacturerModel},
                    {"station", series->stationName},
                    {"institution", series->institutionName},
                    {"software", series->softwareVersions},
                    {"reconstruction", series->reconstructionMethod},
                    {"seriesDescription", series->seriesDescription}};
  if (!found) json["ambiguous"] = found.error();
  return json;
}

void printSeries(const ordered_json& series) {
  for (const auto& [fact, value] : series.items())
    if (fact != "scanner") fmt::print("  {:<18} {}\n", fact, value.get<std::string>());
  fmt::print("  fits               {}\n", series["scanner"].is_null()
                                              ? "no single description: nothing will be harmonised"
                                              : series["scanner"].get<std::string>());
}

void check(const Options& options) {
  const auto profiles = imaging::readScannerProfiles(options.check);
  ordered_json scanners = ordered_json::array();
  for (const imaging::ScannerProfile& profile : profiles) {
    if (options.json)
      scanners.push_back(scannerJson(profile));
    else
      printScanner(profile);
  }
  ordered_json series;
  if (!options.series.empty()) series = seriesJson(profiles, options.series);
  if (!options.json) {
    if (!series.is_null()) fmt::print("Series\n"), printSeries(series);
    return;
  }
  ordered_json report{{"target", "EARL-1"},
                      {"targetFwhmMm", imaging::earl1FwhmMm()},
                      {"scanners", std::move(scanners)}};
  if (!series.is_null()) report["series"] = std::move(series);
  print(report);
}

// --- ComBat --------------------------------------------------------------------------------------

// "tmtv" or "tmtv_ml=TMTV": a column, and the quantity that stands in it.
struct InputColumn {
  std::string column, quantity;
};

std::string quantityNamed(const std::string& name) {
  for (const char* known : {"TMTV", "TLG", "SUVmax", "SUVpeak", "SULpeak", "LesionCount", "Dmax",
                            "SLR", "BLR", "LiverSUVmean", "LiverSUVsd"})
    if (lower(known) == lower(name)) return known;
  throw HarmonisationError(
      "\"" + name +
      "\" is no whole-body quantity; known are TMTV, TLG, SUVmax, SUVpeak, "
      "SULpeak, LesionCount, Dmax, SLR, BLR, LiverSUVmean, LiverSUVsd. A column "
      "of another name is given as column=quantity");
}

std::vector<InputColumn> inputColumns(const Options& options) {
  std::vector<InputColumn> columns;
  for (const std::string& text : options.inputs) {
    const auto equals = text.find('=');
    const std::string column = text.substr(0, equals);
    columns.push_back(
        {column, quantityNamed(equals == std::string::npos ? text : text.substr(equals + 1))});
    for (std::size_t n = 0; n + 1 < columns.size(); ++n)
      if (columns[n].quantity == columns.back().quantity)
        throw HarmonisationError(columns.back().quantity + " is named twice among the inputs");
  }
  return columns;
}

std::optional<double> numberIn(const CsvTable::Row& row, std::size_t column, const CsvTable& table,
                               bool isSex = false) {
  std::string cell = row.cells.at(column);
  cell.erase(0, cell.find_first_not_of(" \t"));
  cell.erase(cell.find_last_not_of(" \t") + 1);
  if (isMissing(cell)) return std::nullopt;
  const std::string word = lower(cell);
  if (isSex && (word == "m" || word == "male")) return 1;
  if (isSex && (word == "f" || word == "female")) return 0;
  if (word == "yes" || word == "true") return 1;
  if (word == "no" || word == "false") return 0;
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size() || !std::isfinite(value))
    throw TableError({fmt::format("line {}, column \"{}\": \"{}\" is not a number", row.line,
                                  table.columns.at(column), cell)});
  return value;
}

bool isLogarithmic(const Options& options, const InputColumn& input) {
  // The statistics of a consortium are those of the columns as they are.
  if (options.logarithms.empty())
    return options.federated.empty() && (input.quantity == "TMTV" || input.quantity == "TLG");
  return std::any_of(options.logarithms.begin(), options.logarithms.end(), [&](const auto& name) {
    return lower(name) == lower(input.quantity) || name == input.column;
  });
}

imaging::CombatTable combatTable(const Options& options, const std::vector<InputColumn>& inputs,
                                 const CsvTable& csv) {
  imaging::CombatTable table;
  std::vector<std::size_t> inputAt, covariateAt;
  for (const InputColumn& input : inputs) {
    table.inputs.push_back(input.quantity);
    table.logarithm.push_back(isLogarithmic(options, input));
    inputAt.push_back(csv.indexOf(input.column));
  }
  for (const std::string& name : options.covariates) {
    const auto known = imaging::covariateNamed(name);
    if (!known)
      throw HarmonisationError("\"" + name + "\" is no covariate that an assessment knows: " +
                               imaging::covariateNames());
    table.covariates.push_back(*known);
    covariateAt.push_back(csv.indexOf(name));
  }
  const std::size_t batchAt = csv.indexOf(options.batchColumn);
  for (const CsvTable::Row& row : csv.rows) {
    imaging::CombatTable::Row patient{row.cells.at(batchAt), {}, {}};
    if (isMissing(patient.scanner))
      throw TableError({fmt::format("line {}: the scanner is missing", row.line)});
    for (const std::size_t at : inputAt) patient.inputs.push_back(numberIn(row, at, csv));
    for (std::size_t c = 0; c < covariateAt.size(); ++c)
      patient.covariates.push_back(
          numberIn(row, covariateAt[c], csv, table.covariates[c] == "male"));
    table.rows.push_back(std::move(patient));
  }
  return table;
}

// Mean and standard deviation within sites, from a consortium's statistics with ComBat.
std::map<std::string, std::pair<double, double>> federatedScales(
    const std::filesystem::path& path, const std::vector<InputColumn>& inputs) {
  std::ifstream file(path);
  const auto json = ordered_json::parse(file, nullptr, false);
  std::map<std::string, std::pair<double, double>> scales;
  if (!json.is_object() || json.value("format", "") != "fedpet-statistics" ||
      !json.contains("combat"))
    throw HarmonisationError(path.filename().string() +
                             " is not the result of a plan for statistics with ComBat");
  for (const InputColumn& input : inputs)
    for (const auto& column : json["combat"].at("columns"))
      if (column.at("name") == input.column)
        scales[input.quantity] = {column.at("mean").get<double>(), column.at("sd").get<double>()};
  if (scales.empty())
    throw HarmonisationError(path.filename().string() + " has none of the columns of --inputs");
  return scales;
}

void printEstimate(const imaging::CombatModel& model) {
  fmt::print("{:<24} {:<12} {:>8} {:>9} {:>8}\n", "scanner", "input", "patients", "shift/sd",
             "scale");
  for (const imaging::CombatScanner& scanner : model.scanners)
    for (const imaging::CombatInput& input : model.inputs) {
      const imaging::CombatShift& s = scanner.inputs.at(input.input);
      fmt::print("{:<24} {:<12} {:>8} {:>9.3f} {:>8.3f}\n", scanner.scanner,
                 input.input + (input.logarithm ? " (log)" : ""), s.patients, s.shift, s.scale);
    }
}

void estimate(const Options& options) {
  const auto inputs = inputColumns(options);
  imaging::CombatSettings settings;
  settings.reference = options.reference;
  settings.empiricalBayes = !options.noEmpiricalBayes;
  settings.imagesFilteredTo = options.imagesFilteredTo;
  if (!options.federated.empty()) settings.federated = federatedScales(options.federated, inputs);
  const imaging::CombatEstimate result =
      imaging::estimateCombat(combatTable(options, inputs, readCsv(options.estimate)), settings);
  const std::string text = imaging::combatToJson(result.model);
  std::ofstream file(options.out, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error(options.out.string() + " cannot be written");
  if (options.json) {
    print({{"out", options.out.string()},
           {"parameters", ordered_json::parse(text)},
           {"warnings", result.warnings}});
    return;
  }
  printEstimate(result.model);
  for (const std::string& warning : result.warnings) fmt::print(stderr, "Warning: {}\n", warning);
}

int run(const Options& options) {
  const auto refused = [&](const char* code, const char* detail) {
    if (options.json)
      print({{"status", "refused"}, {"reasons", {{{"code", code}, {"detail", detail}}}}});
    else
      fmt::print(stderr, "{}: {}\n", code, detail);
    return kExitRefused;
  };
  try {
    options.check.empty() ? estimate(options) : check(options);
    return kExitOk;
  } catch (const HarmonisationError& error) {
    return refused(options.check.empty() ? "EstimateImpossible" : "DescriptionInvalid",
                   error.what());
  } catch (const TableError& error) {
    return refused("TableInvalid", error.what());
  }
}

}  // namespace

void addHarmoniseCommand(CLI::App& app, ExitCode& exitCode) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "harmonise", "Check a description of scanners, or estimate ComBat (docs/harmonisation.md)");
  auto* check =
      command->add_option("--check", options->check,
                          "Description of the scanners: prints the filter of each to EARL-1");
  check->check(CLI::ExistingFile);
  command
      ->add_option("--series", options->series,
                   "Folder with a DICOM PET series: says which description fits it")
      ->check(CLI::ExistingDirectory)
      ->needs(check);
  auto* estimate =
      command->add_option("--estimate", options->estimate,
                          "CSV table, one row a patient, from which ComBat is estimated");
  estimate->check(CLI::ExistingFile)->excludes(check);
  command->add_option("--batch-column", options->batchColumn,
                      "Column with the scanner's name in the description (default: scanner)");
  auto* inputs = command->add_option("--inputs", options->inputs,
                                     "Columns to adjust: tmtv,slr or column=quantity");
  inputs->delimiter(',');
  command->add_option("--covariates", options->covariates, "Columns whose effect is kept: age,sex")
      ->delimiter(',');
  command
      ->add_option("--log", options->logarithms,
                   "Inputs taken as logarithms (default: TMTV and TLG; none: no input)")
      ->delimiter(',');
  command->add_option("--reference", options->reference,
                      "Scanner to which the others are brought (default: the mean of all)");
  command->add_flag("--no-empirical-bayes", options->noEmpiricalBayes,
                    "Take each input by itself, without shrinking over the inputs");
  command
      ->add_option("--images-filtered-to", options->imagesFilteredTo,
                   "What the images of the table had been filtered to (default: nothing)")
      ->check(CLI::IsMember({"EARL-1"}));
  command
      ->add_option("--federated", options->federated,
                   "Result of a consortium's statistics with ComBat: its means and deviations")
      ->check(CLI::ExistingFile)
      ->needs(estimate);
  auto* out = command->add_option("--out", options->out, "File for the parameters (JSON)");
  estimate->needs(inputs)->needs(out);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exitCode] {
    if (options->check.empty() && options->estimate.empty())
      throw CLI::RequiredError("--check or --estimate");
    exitCode = run(*options);
  });
}

}  // namespace fedpet::plugin
