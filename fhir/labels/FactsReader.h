// The facts of many patients out of one FHIR server: a few searches per group of patients, several
// groups at a time.
#pragma once

#include "fhir/labels/CodeTable.h"
#include "fhir/labels/PatientFacts.h"
#include "fhir/labels/SearchClient.h"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace fedpet::fhir {

struct ListedPatient {
  std::string identifier;  // value of Patient.identifier
  std::string subjectId;   // pseudonym
  std::string centre;
  std::optional<Day> petDay;
};

struct FactsOptions {
  SearchOptions server;
  std::string identifierSystem;  // of the listed identifiers; must not be empty
  Day today{};                   // later dates have not happened yet
  int concurrency = 4;           // searches at the same time
  int patientsPerSearch = 20;    // 1 is asked for by itself of a server that refuses more
  // "patient.identifier=" instead of the ids found first; a server that refuses it is asked by ids.
  bool chained = false;
};

struct ReadingObserver {
  virtual ~ReadingObserver() = default;
  virtual void onPatients(std::size_t done, std::size_t all) = 0;  // one call at a time
};

struct ReadFacts {
  std::vector<PatientFacts> patients;  // in the order of the list
  std::optional<std::string> refused;  // the server lets us in for nobody: why
  std::vector<std::string> remarks;    // about the server, each once
  std::size_t requests = 0;
};

// A patient who is not found, found twice, or whose record could not be read to the end has the
// reason in PatientFacts::unread. Resources about other patients are dropped whatever the server
// answers. Throws std::invalid_argument for options that cannot work, net::NetError (Tls, or
// Cancelled when told to stop).
ReadFacts readFacts(const FactsOptions&, const CodeTable&, const std::vector<ListedPatient>&,
                    ReadingObserver&, std::stop_token stop = {});

}  // namespace fedpet::fhir
