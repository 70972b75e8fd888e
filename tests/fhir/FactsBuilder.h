// Patients for the derivation: a built patient is complete, and a test shows only what matters.
#pragma once

#include "fhir/labels/Derivation.h"
#include "fhir/labels/FhirDay.h"

#include <string>
#include <utility>

namespace fedpet::testing {

inline fhir::Day day(const std::string& text) { return fhir::dayOf(text).value(); }

inline fhir::Evidence evidence(const std::string& resource, const std::string& date) {
  fhir::Evidence e;
  e.resource = resource;
  e.version = "1";
  e.date = date;
  return e;
}

// Pembrolizumab since 2025-01-10; nothing else is on record.
class FactsBuilder {
 public:
  FactsBuilder() {
    facts_.subjectId = "S1";
    facts_.identifier = "P1";
    facts_.patientResource = "Patient/1";
    facts_.patientEvidence = evidence("Patient/1", "");
    given("2025-01-10");
  }
  FactsBuilder& withoutTreatment() { return facts_.immunotherapy.clear(), *this; }
  FactsBuilder& given(const std::string& date,
                      fhir::TreatmentSource source = fhir::TreatmentSource::Administration) {
    facts_.immunotherapy.push_back({day(date), source, "pembrolizumab",
                                    evidence(std::string(toString(source)) + "/" + next(), date)});
    return *this;
  }
  FactsBuilder& read(const std::string& date, fhir::Response response,
                     fhir::Criterion criterion = fhir::Criterion::Recist) {
    facts_.readings.push_back(
        {day(date), criterion, response, evidence("Observation/" + next(), date)});
    return *this;
  }
  FactsBuilder& measured(fhir::Laboratory what, const std::string& date, double value) {
    facts_.laboratory.push_back(
        {what, day(date.substr(0, 10)), date, value, evidence("Observation/" + next(), date)});
    return *this;
  }
  FactsBuilder& died(const std::string& date) {
    facts_.deceased = true;
    if (!date.empty()) facts_.deathDay = day(date);
    return *this;
  }
  FactsBuilder& seen(const std::string& date) {
    facts_.contacts.push_back({day(date), evidence("Encounter/" + next(), date)});
    return *this;
  }
  FactsBuilder& with(void (*change)(fhir::PatientFacts&)) { return change(facts_), *this; }
  fhir::PatientFacts& facts() { return facts_; }
  operator fhir::PatientFacts() const { return facts_; }

 private:
  std::string next() { return std::to_string(++count_); }
  fhir::PatientFacts facts_;
  int count_ = 0;
};

inline FactsBuilder aPatient() { return {}; }

inline fhir::LabelRules rules() {
  fhir::LabelRules r;
  r.dataCutOff = day("2026-11-01");
  return r;
}

inline fhir::PatientLabels labelsOf(const fhir::PatientFacts& facts,
                                    const fhir::LabelRules& r = rules()) {
  return deriveLabels(facts, r);
}

inline int conflictsOf(const fhir::PatientLabels& labels, fhir::ConflictKind kind) {
  int count = 0;
  for (const auto& conflict : labels.conflicts) count += conflict.kind == kind;
  return count;
}

}  // namespace fedpet::testing
