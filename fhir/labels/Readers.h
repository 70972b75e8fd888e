// One FHIR resource to facts, by the code table. A reader takes any JSON: what it cannot use as a
// fact, it reports with the reason (NotUnderstood), and it never guesses.
#pragma once

#include "fhir/labels/CodeTable.h"
#include "fhir/labels/PatientFacts.h"

#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fedpet::fhir {

// Medication resources that others point at, by "Medication/17".
using Medications = std::map<std::string, nlohmann::json>;

struct ReadContext {
  const CodeTable& codes;
  Day today{};  // what is dated later has not happened
  const Medications* medications = nullptr;
};

void readPatient(const nlohmann::json&, const ReadContext&, PatientFacts&);
void readObservation(const nlohmann::json&, const ReadContext&, PatientFacts&);
void readDiagnosticReport(const nlohmann::json&, const ReadContext&, PatientFacts&);
void readCondition(const nlohmann::json&, const ReadContext&, PatientFacts&);
void readEncounter(const nlohmann::json&, const ReadContext&, PatientFacts&);
// MedicationAdministration, MedicationRequest, MedicationStatement.
void readMedication(const nlohmann::json&, const ReadContext&, PatientFacts&);

// "Medication/17" when the resource points at one that is not contained in it.
std::string medicationReference(const nlohmann::json&);

// --- shared by the readers -----------------------------------------------------------------------

struct Coded {
  Concept meaning;
  std::string system, code;
};
// Each coding of a CodeableConcept that the table knows with one of these meanings.
std::vector<Coded> knownCodings(const nlohmann::json& codeableConcept, const CodeTable&,
                                const std::set<Concept>& wanted);
// A CodeableConcept in words, for evidence: its codes, else its text (printable, cut).
std::string inWords(const nlohmann::json& codeableConcept);

Evidence evidenceOf(const nlohmann::json& resource, std::string date = {});
void notUnderstood(PatientFacts&, NotUnderstood::Why, std::string fact, std::string explanation,
                   Evidence);
void noteContact(PatientFacts&, Day, const Evidence&);
// Security label AIAST: an algorithm wrote it, perhaps this program itself.
bool isByAlgorithm(const nlohmann::json& resource);
// The day in the first of these members that is there: a dateTime, or a Period's start.
struct Dated {
  std::string text;        // as written; empty: none is there
  std::optional<Day> day;  // absent: too imprecise, or no date
};
Dated datedBy(const nlohmann::json& resource, std::initializer_list<const char*> members);
// The day, or its absence reported for `fact`.
std::optional<Day> usableDay(const Dated&, const ReadContext&, const std::string& fact,
                             const Evidence&, PatientFacts&);

}  // namespace fedpet::fhir
