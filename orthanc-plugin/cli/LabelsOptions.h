// What `fedpet labels` is asked for.
#pragma once

#include "fhir/labels/Derivation.h"
#include "fhir/labels/FactsReader.h"
#include "orthanc-plugin/training/CsvTable.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::plugin {

struct LabelsOptions {
  std::string fhir, system;
  std::filesystem::path csv, patients, cohort;
  std::filesystem::path out, evidence, conflicts, conceptMap;
  // How the server lets us in: one of these, or none.
  std::string clientId, tokenUrl, user;
  std::vector<std::string> scopes;
  std::filesystem::path key, tokenFile, passwordFile;
  std::filesystem::path caFile, certificate, certificateKey, proxyPasswordFile;
  std::string proxy, proxyUser;
  std::string criterion = "recist", dataCutOff;
  fhir::LabelRules rules;
  int concurrency = 4, patientsPerSearch = 20, secondsPerRequest = 60;
  bool chained = false, json = false, printJwks = false;
};

void addOptions(CLI::App&, LabelsOptions&);

// The server and how to get in. Throws fhir::AuthError, std::invalid_argument,
// CLI::ValidationError.
fhir::FactsOptions factsOptionsOf(const LabelsOptions&, fhir::Day today);
// The site's own choices. `today` is the data cut-off unless one is given.
fhir::LabelRules rulesOf(const LabelsOptions&, fhir::Day today);

// One PET of a cohort, or one patient of a list.
struct CohortRow {
  std::size_t line = 0;
  std::optional<fhir::Day> petDay;
  std::vector<std::string> cells;  // of CohortList::columns
};
struct CohortPatient {
  fhir::ListedPatient listed;
  std::vector<CohortRow> rows;
};
struct CohortList {
  std::vector<std::string> columns;  // carried over into the result as they are
  bool hasPetDates = false;
  std::vector<CohortPatient> patients;
};
// Throws TableError.
CohortList readPatientList(const std::filesystem::path&);
CohortList readCohortList(const std::filesystem::path&);

}  // namespace fedpet::plugin
