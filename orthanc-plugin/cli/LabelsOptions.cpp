#include "orthanc-plugin/cli/LabelsOptions.h"

#include "fhir/auth/BackendServices.h"
#include "fhir/labels/FhirDay.h"
#include "fhir/labels/LabelTable.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace fedpet::plugin {
namespace {

// What the readers ask for (fhir/labels/FactsReader.cpp).
const std::vector<std::string> kScopes{
    "system/Patient.rs",           "system/Observation.rs",
    "system/DiagnosticReport.rs",  "system/MedicationAdministration.rs",
    "system/MedicationRequest.rs", "system/MedicationStatement.rs",
    "system/Medication.rs",        "system/Condition.rs",
    "system/Encounter.rs"};

std::string firstLineOf(const std::filesystem::path& path, const char* what) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  if (line.empty())
    throw std::invalid_argument(fmt::format("the {} file cannot be read or is empty", what));
  return line;
}

// The pseudonym of a patient for whom none is given; the evidence file tells whose it is.
std::string numbered(std::size_t index) { return fmt::format("S{:04}", index + 1); }

void requireDistinctPseudonyms(const CohortList& list) {
  std::map<std::string, std::string> owners;
  std::vector<std::string> problems;
  for (const CohortPatient& patient : list.patients) {
    const auto [owner, isNew] = owners.emplace(patient.listed.subjectId, patient.listed.identifier);
    if (!isNew)
      problems.push_back(fmt::format("Line {}: the pseudonym \"{}\" is another patient's already.",
                                     patient.rows.front().line, patient.listed.subjectId));
  }
  if (!problems.empty()) throw TableError(std::move(problems));
}

std::size_t indexOrNone(const CsvTable& table, const std::string& name) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), name);
  return static_cast<std::size_t>(found - table.columns.begin());
}

// Columns that the result takes over: all that have no meaning here.
std::vector<std::size_t> carriedColumns(const CsvTable& table, CohortList& list) {
  std::set<std::string> ours(fhir::labelColumns().begin(), fhir::labelColumns().end());
  std::vector<std::string> problems;
  std::vector<std::size_t> carried;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::string& name = table.columns[i];
    if (name == "patient_id" || name == "subject_id" || name == "centre" || name == "pet_date")
      continue;
    if (ours.contains(name))
      problems.push_back(
          fmt::format("Column \"{}\" is one that this command writes: rename or remove it.", name));
    carried.push_back(i);
    list.columns.push_back(name);
  }
  if (!problems.empty()) throw TableError(std::move(problems));
  return carried;
}

}  // namespace

void addOptions(CLI::App& app, LabelsOptions& o) {
  auto* source = app.add_option_group("From");
  source->add_option("--fhir", o.fhir, "FHIR server to read from: https://ehr.example/fhir");
  source->add_option("--csv", o.csv, "Check a table of labels instead (the same columns)")
      ->check(CLI::ExistingFile);
  auto* who = app.add_option_group("Whose");
  who->add_option("--patients", o.patients,
                  "File of patient identifiers: one a line, with \",PSEUDONYM\" if wanted")
      ->check(CLI::ExistingFile);
  who->add_option("--cohort", o.cohort,
                  "CSV with patient_id and, if wanted, subject_id, centre, pet_date and more "
                  "columns, which are kept")
      ->check(CLI::ExistingFile);
  who->add_option("--system", o.system, "Identifier system (URI) of these identifiers");
  app.add_option("--out", o.out, "Cohort table to write (CSV, pseudonyms only)");
  app.add_option("--evidence", o.evidence, "Evidence of every label (JSON; names patients)");
  app.add_option("--conflicts", o.conflicts, "What a person must decide (JSON; names patients)");
  app.add_option("--concept-map", o.conceptMap, "FHIR ConceptMap with the site's own codes")
      ->check(CLI::ExistingFile);
  app.add_option("--criterion", o.criterion, "Readings that count")
      ->check(CLI::IsMember({"recist", "clinical"}))
      ->capture_default_str();
  app.add_option("--data-cutoff", o.dataCutOff,
                 "Last day of the data: 2026-06-30 (default: today)");
  app.add_option("--pet-window", o.rules.petWindowDays,
                 "Days before treatment in which a PET is a baseline")
      ->check(CLI::Range(1, 365))
      ->capture_default_str();
  app.add_option("--laboratory-window", o.rules.laboratoryWindowDays, "The same for blood values")
      ->check(CLI::Range(1, 365))
      ->capture_default_str();
  app.add_flag("--steroids-complete", o.rules.noSteroidRecordMeansNo,
               "Our medication records are complete: no steroid on record means none");
  app.add_flag("--liver-complete", o.rules.noLiverMetastasisRecordMeansNo,
               "Our problem lists are complete: no liver metastasis on record means none");
  app.add_option("--client-id", o.clientId, "SMART Backend Services: our id at the server");
  app.add_option("--key", o.key,
                 "... and our private key (PEM, EC P-384 or RSA, readable by its owner only)")
      ->check(CLI::ExistingFile);
  app.add_option("--token-url", o.tokenUrl, "... and the token address (default: SMART discovery)");
  app.add_option("--scope", o.scopes,
                 "... and the scopes (default: system/*.rs of the types read)");
  app.add_flag("--print-jwks", o.printJwks,
               "Print the public half of --key for the server's administrator, and end");
  app.add_option("--token-file", o.tokenFile, "File with a bearer token")->check(CLI::ExistingFile);
  app.add_option("--user", o.user, "Name for HTTP Basic");
  app.add_option("--password-file", o.passwordFile, "File with the password for it")
      ->check(CLI::ExistingFile);
  app.add_option("--ca", o.caFile, "PEM of the authority that the server's certificate is of")
      ->check(CLI::ExistingFile);
  app.add_option("--cert", o.certificate, "PEM of our certificate (mutual TLS)")
      ->check(CLI::ExistingFile);
  app.add_option("--cert-key", o.certificateKey, "PEM of its key")->check(CLI::ExistingFile);
  app.add_option("--proxy", o.proxy, "http://proxy.example:3128");
  app.add_option("--proxy-user", o.proxyUser, "Name at the proxy");
  app.add_option("--proxy-password-file", o.proxyPasswordFile, "File with the password for it")
      ->check(CLI::ExistingFile);
  app.add_option("--concurrency", o.concurrency, "Searches at the same time")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  app.add_option("--patients-per-search", o.patientsPerSearch, "Patients asked for together")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--timeout", o.secondsPerRequest, "Seconds for one request")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  app.add_flag("--chained", o.chained, "Search by patient.identifier where the server can");
  app.add_flag("--json", o.json, "Print JSON");
}

fhir::FactsOptions factsOptionsOf(const LabelsOptions& o, fhir::Day today) {
  fhir::FactsOptions options;
  options.identifierSystem = o.system;
  options.today = today;
  options.concurrency = o.concurrency;
  options.patientsPerSearch = o.patientsPerSearch;
  options.chained = o.chained;
  fhir::SearchOptions& server = options.server;
  server.baseUrl = o.fhir;
  server.limits.request = std::chrono::seconds{o.secondsPerRequest};
  net::HttpClientOptions& http = server.http;
  http.caFile = o.caFile;
  http.clientCertificateFile = o.certificate;
  http.clientKeyFile = o.certificateKey;
  http.proxyUrl = o.proxy;
  if (!o.proxyUser.empty())
    http.proxyAuthorization =
        net::basicCredentials(o.proxyUser, firstLineOf(o.proxyPasswordFile, "proxy password"));
  const bool secret = !o.clientId.empty() || !o.tokenFile.empty() || !o.user.empty();
  if (secret && !fhir::mayCarrySecrets(net::parseUrl(o.fhir)))
    throw std::invalid_argument("credentials are sent over https only");
  if (!o.clientId.empty()) {
    if (o.key.empty()) throw std::invalid_argument("--client-id needs --key");
    fhir::BackendServicesOptions backend;
    backend.fhirBaseUrl = o.fhir;
    backend.clientId = o.clientId;
    backend.tokenUrl = o.tokenUrl;
    backend.scopes = o.scopes.empty() ? kScopes : o.scopes;
    const auto limits = fhir::BackendServicesOptions::defaultHttp();
    backend.http = http;
    backend.http.overallTimeout = limits.overallTimeout;
    backend.http.maxBodyBytes = limits.maxBodyBytes;
    server.tokens =
        std::make_shared<fhir::BackendServices>(backend, fhir::SigningKey::fromPemFile(o.key));
  } else if (!o.tokenFile.empty()) {
    server.bearerToken = firstLineOf(o.tokenFile, "token");
  } else if (!o.user.empty()) {
    server.user = o.user;
    server.password = firstLineOf(o.passwordFile, "password");
  }
  return options;
}

fhir::LabelRules rulesOf(const LabelsOptions& o, fhir::Day today) {
  fhir::LabelRules rules = o.rules;
  rules.criterion =
      o.criterion == "clinical" ? fhir::CriterionChoice::Clinical : fhir::CriterionChoice::Recist;
  rules.dataCutOff = today;
  if (!o.dataCutOff.empty()) {
    const auto day = fhir::dayOf(o.dataCutOff);
    if (!day) throw CLI::ValidationError("--data-cutoff", "write the day as 2026-06-30");
    rules.dataCutOff = std::min(*day, today);
  }
  return rules;
}

CohortList readPatientList(const std::filesystem::path& path) {
  std::ifstream file(path);
  CohortList list;
  std::set<std::string> seen;
  std::vector<std::string> problems;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    const auto comma = line.find(',');
    CohortPatient patient;
    patient.listed.identifier = line.substr(0, comma);
    patient.listed.subjectId =
        comma == std::string::npos ? numbered(list.patients.size()) : line.substr(comma + 1);
    patient.rows.push_back({number, std::nullopt, {}});
    if (patient.listed.identifier.empty() || patient.listed.subjectId.empty())
      problems.push_back(fmt::format("Line {}: an identifier or a pseudonym is empty.", number));
    else if (!seen.insert(patient.listed.identifier).second)
      problems.push_back(fmt::format("Line {}: the patient is listed twice.", number));
    list.patients.push_back(std::move(patient));
  }
  if (list.patients.empty()) problems.push_back("The file lists no patient.");
  if (!problems.empty()) throw TableError(std::move(problems));
  requireDistinctPseudonyms(list);
  return list;
}

CohortList readCohortList(const std::filesystem::path& path) {
  const CsvTable table = readCsv(path);
  CohortList list;
  const std::size_t id = table.indexOf("patient_id"), none = table.columns.size();
  const std::size_t subject = indexOrNone(table, "subject_id"),
                    centre = indexOrNone(table, "centre"), pet = indexOrNone(table, "pet_date");
  list.hasPetDates = pet != none;
  const auto carried = carriedColumns(table, list);
  std::map<std::string, std::size_t> places;
  std::vector<std::string> problems;
  for (const CsvTable::Row& row : table.rows) {
    const std::string& identifier = row.cells[id];
    if (isMissing(identifier)) {
      problems.push_back(fmt::format("Line {}: patient_id is missing.", row.line));
      continue;
    }
    const auto [place, isNew] = places.emplace(identifier, list.patients.size());
    if (isNew) {
      CohortPatient patient;
      patient.listed.identifier = identifier;
      const bool named = subject != none && !isMissing(row.cells[subject]);
      patient.listed.subjectId = named ? row.cells[subject] : numbered(list.patients.size());
      if (centre != none) patient.listed.centre = row.cells[centre];
      list.patients.push_back(std::move(patient));
    }
    CohortRow one{row.line, std::nullopt, {}};
    if (pet != none && !isMissing(row.cells[pet])) {
      one.petDay = fhir::dayOf(row.cells[pet]);
      if (!one.petDay)
        problems.push_back(fmt::format("Line {}: pet_date \"{}\" is no day; write 2026-01-31.",
                                       row.line, row.cells[pet]));
    }
    for (const std::size_t i : carried) one.cells.push_back(row.cells[i]);
    list.patients[place->second].rows.push_back(std::move(one));
  }
  if (list.patients.empty()) problems.push_back("The table lists no patient.");
  if (!problems.empty()) throw TableError(std::move(problems));
  requireDistinctPseudonyms(list);
  return list;
}

}  // namespace fedpet::plugin
