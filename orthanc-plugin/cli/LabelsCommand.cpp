#include "fhir/auth/SigningKey.h"
#include "fhir/labels/FhirDay.h"
#include "fhir/labels/LabelJson.h"
#include "fhir/labels/LabelTable.h"
#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/cli/LabelsOptions.h"
#include "orthanc-plugin/cli/Terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

namespace fedpet::plugin {
namespace {

using fhir::PatientLabels;
using Json = nlohmann::ordered_json;

struct Result {
  std::vector<PatientLabels> labels;
  std::vector<std::string> columns;               // carried over
  std::vector<std::vector<std::string>> carried;  // by patient
  std::vector<std::string> remarks;
  std::optional<std::string> refused;
  std::size_t requests = 0;
};

class BarObserver : public fhir::ReadingObserver {
 public:
  explicit BarObserver(ProgressBar& bar) : bar_(bar) {}
  void onPatients(std::size_t done, std::size_t all) override {
    bar_.show(fmt::format("{} of {} patients", done, all),
              static_cast<int>(100 * done / std::max<std::size_t>(all, 1)));
  }

 private:
  ProgressBar& bar_;
};

std::string textOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// For its owner only, and all of it or nothing.
void writeOwnersFile(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path partial = path.string() + ".partial";
  const int file =
      ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0)
    throw std::runtime_error(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::write(file, text.data() + done, text.size() - done);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  const bool isSafe = done == text.size() && ::fsync(file) == 0;
  ::close(file);
  if (!isSafe || ::rename(partial.c_str(), path.c_str()) != 0) {
    ::unlink(partial.c_str());
    throw std::runtime_error(fmt::format("{} could not be written", path.string()));
  }
}

std::string tableOf(const Result& result) {
  bool hasCentre = false;
  for (const PatientLabels& labels : result.labels) hasCentre = hasCentre || !labels.centre.empty();
  std::string text = "subject_id";
  if (hasCentre) text += ",centre";
  for (const std::string& name : result.columns) text += "," + fhir::csvCell(name);
  for (const std::string& name : fhir::labelColumns()) text += "," + name;
  text += "\n";
  for (std::size_t i = 0; i < result.labels.size(); ++i) {
    const PatientLabels& labels = result.labels[i];
    if (!labels.excluded.empty()) continue;
    const auto cells = labelCells(labels);
    text += fhir::csvCell(labels.subjectId);
    if (hasCentre) text += "," + fhir::csvCell(labels.centre);
    for (const std::string& cell : result.carried[i]) text += "," + fhir::csvCell(cell);
    for (const std::string& name : fhir::labelColumns()) text += "," + cells.at(name);
    text += "\n";
  }
  return text;
}

// The row whose PET is the baseline; when there is none, the newest PET's, with its reason.
PatientLabels labelsOf(fhir::PatientFacts facts, const CohortPatient& patient, bool hasPetDates,
                       const fhir::LabelRules& rules, std::vector<std::string>& cells) {
  cells = patient.rows.front().cells;
  PatientLabels labels = deriveLabels(facts, rules);
  if (!hasPetDates || !labels.treatmentStart) return labels;
  std::vector<fhir::Day> pets;
  for (const CohortRow& row : patient.rows)
    if (row.petDay) pets.push_back(*row.petDay);
  if (pets.empty()) {
    labels.excluded.push_back("no PET has a date");
    return labels;
  }
  const auto chosen = chooseBaselinePet(pets, *labels.treatmentStart, rules);
  const fhir::Day day = chosen ? *chosen : *std::max_element(pets.begin(), pets.end());
  for (const CohortRow& row : patient.rows)
    if (row.petDay == day) cells = row.cells;
  facts.petDay = day;
  return deriveLabels(facts, rules);
}

// A site that has the other kind of readings only should hear of it.
void remarkOtherCriterion(const std::vector<fhir::PatientFacts>& patients,
                          const std::vector<PatientLabels>& labels, const fhir::LabelRules& rules,
                          std::vector<std::string>& remarks) {
  std::size_t only = 0;
  for (std::size_t i = 0; i < patients.size(); ++i)
    if (!labels[i].criterion && labels[i].treatmentStart && !patients[i].readings.empty()) ++only;
  if (only == 0) return;
  const bool recist = rules.criterion == fhir::CriterionChoice::Recist;
  remarks.push_back(fmt::format(
      "{} patients have no {} reading after treatment start but others; --criterion {} would use "
      "those. Do not mix criteria between sites.",
      only, recist ? "RECIST" : "clinical", recist ? "clinical" : "recist"));
}

Result readServer(const LabelsOptions& options, fhir::Day today) {
  if (options.patients.empty() == options.cohort.empty())
    throw CLI::ValidationError("--fhir", "needs --patients or --cohort, one of them");
  if (options.system.empty())
    throw CLI::ValidationError("--system", "name the identifier system of the patients");
  const fhir::LabelRules rules = rulesOf(options, today);
  fhir::CodeTable codes;
  if (!options.conceptMap.empty()) codes.extend(textOf(options.conceptMap));
  const CohortList list =
      options.cohort.empty() ? readPatientList(options.patients) : readCohortList(options.cohort);
  std::vector<fhir::ListedPatient> listed;
  for (const CohortPatient& patient : list.patients) listed.push_back(patient.listed);

  ProgressBar bar(!options.json);
  BarObserver observer(bar);
  fhir::ReadFacts read = readFacts(factsOptionsOf(options, today), codes, listed, observer);
  Result result;
  result.columns = list.columns;
  result.remarks = std::move(read.remarks);
  result.refused = std::move(read.refused);
  result.requests = read.requests;
  for (std::size_t i = 0; i < read.patients.size(); ++i) {
    std::vector<std::string> cells;
    result.labels.push_back(
        labelsOf(read.patients[i], list.patients[i], list.hasPetDates, rules, cells));
    result.carried.push_back(std::move(cells));
  }
  remarkOtherCriterion(read.patients, result.labels, rules, result.remarks);
  return result;
}

Result readTable(const LabelsOptions& options, fhir::Day today) {
  const CsvTable table = readCsv(options.csv);
  table.indexOf("subject_id");
  const fhir::LabelRules rules = rulesOf(options, today);
  const auto& ours = fhir::labelColumns();
  const auto isOurs = [&](const std::string& name) {
    return name == "subject_id" || name == "centre" ||
           std::find(ours.begin(), ours.end(), name) != ours.end();
  };
  Result result;
  for (const std::string& name : table.columns)
    if (!isOurs(name)) result.columns.push_back(name);
  std::map<std::string, std::size_t> first;
  for (const CsvTable::Row& row : table.rows) {
    std::map<std::string, std::string> cells;
    std::vector<std::string> carried;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      std::string cell = isMissing(row.cells[i]) ? "" : row.cells[i];
      if (isOurs(table.columns[i]))
        cells.emplace(table.columns[i], std::move(cell));
      else
        carried.push_back(row.cells[i]);
    }
    const std::string where = fmt::format("{} line {}", options.csv.filename().string(), row.line);
    PatientLabels labels = labelsFromCells(cells, where, rules);
    const auto [place, isNew] = first.emplace(labels.subjectId, result.labels.size());
    if (!isNew) {
      fhir::Evidence evidence;
      evidence.resource = where;
      fhir::Conflict conflict{
          fhir::ConflictKind::Consistency, "", "the subject_id stands in several rows", {evidence}};
      for (PatientLabels* one : {&labels, &result.labels[place->second]})
        one->excluded.assign(1, conflict.explanation);
      labels.conflicts.push_back(conflict);
    }
    result.labels.push_back(std::move(labels));
    result.carried.push_back(std::move(carried));
  }
  return result;
}

Json summaryOf(const Result& result) {
  std::map<std::string, std::size_t> kinds, excluded;
  std::size_t rows = 0, benefit = 0, pfs = 0, os = 0;
  for (const PatientLabels& labels : result.labels) {
    for (const fhir::Conflict& conflict : labels.conflicts)
      ++kinds[std::string(toString(conflict.kind))];
    if (!labels.excluded.empty()) {
      ++excluded[labels.excluded.front()];
      continue;
    }
    ++rows;
    benefit += labels.durableClinicalBenefit.has_value();
    pfs += labels.progressionFreeSurvival.has_value();
    os += labels.overallSurvival.has_value();
  }
  return {{"status", rows > 0 && !result.refused ? "ok" : "refused"},
          {"patients", result.labels.size()},
          {"rows", rows},
          {"withDurableClinicalBenefit", benefit},
          {"withProgressionFreeSurvival", pfs},
          {"withOverallSurvival", os},
          {"excluded", excluded},
          {"conflicts", kinds},
          {"requests", result.requests},
          {"refused", result.refused ? Json(*result.refused) : Json(nullptr)},
          {"remarks", result.remarks}};
}

void show(const Json& summary) {
  fmt::print("{} of {} patients have a row; of these {} with DCB, {} with PFS, {} with OS.\n",
             summary["rows"].get<std::size_t>(), summary["patients"].get<std::size_t>(),
             summary["withDurableClinicalBenefit"].get<std::size_t>(),
             summary["withProgressionFreeSurvival"].get<std::size_t>(),
             summary["withOverallSurvival"].get<std::size_t>());
  for (const auto& [why, count] : summary["excluded"].items())
    fmt::print("  left out, {}: {}\n", count.get<std::size_t>(), why);
  for (const auto& [kind, count] : summary["conflicts"].items())
    fmt::print("  for a person, {}: {}\n", count.get<std::size_t>(), kind);
  for (const auto& remark : summary["remarks"])
    fmt::print("  note: {}\n", remark.get<std::string>());
  if (!summary["refused"].is_null())
    fmt::print(stderr, "fedpet labels: the server refused: {}\n",
               summary["refused"].get<std::string>());
}

ExitCode refuseTable(const TableError& error, bool asJson) {
  if (asJson)
    print({{"status", "refused"}, {"problems", error.problems}});
  else
    fmt::print(stderr, "{}\n", error.what());
  return kExitRefused;
}

ExitCode run(const LabelsOptions& options) {
  if (options.printJwks) {
    if (options.key.empty()) throw CLI::ValidationError("--print-jwks", "needs --key");
    fmt::print("{}", fhir::SigningKey::fromPemFile(options.key).jwks());
    return kExitOk;
  }
  if (options.fhir.empty() == options.csv.empty())
    throw CLI::ValidationError("labels", "give --fhir or --csv, one of them");
  if (options.out.empty())
    throw CLI::ValidationError("--out", "say where the table is to be written");
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const Result result =
      options.csv.empty() ? readServer(options, today) : readTable(options, today);
  const fhir::LabelRules rules = rulesOf(options, today);
  if (!options.evidence.empty())
    writeOwnersFile(
        options.evidence,
        evidenceJson(result.labels, rules).dump(1, ' ', false, Json::error_handler_t::replace) +
            "\n");
  if (!options.conflicts.empty())
    writeOwnersFile(
        options.conflicts,
        conflictsJson(result.labels).dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  const Json summary = summaryOf(result);
  const bool isRefused = summary["status"] == "refused";
  if (!isRefused) writeOwnersFile(options.out, tableOf(result));
  if (options.json)
    print(summary);
  else
    show(summary);
  return isRefused ? kExitRefused : kExitOk;
}

}  // namespace

void addLabelsCommand(CLI::App& app, ExitCode& exitCode) {
  auto options = std::make_shared<LabelsOptions>();
  CLI::App* command = app.add_subcommand(
      "labels",
      "Read outcome labels and baseline covariates of a cohort from an EHR, with their evidence");
  addOptions(*command, *options);
  command->callback([options, &exitCode] {
    try {
      exitCode = run(*options);
    } catch (const TableError& error) {
      exitCode = refuseTable(error, options->json);
    }
  });
}

}  // namespace fedpet::plugin
