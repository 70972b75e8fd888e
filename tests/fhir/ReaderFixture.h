// Resources as a good server writes them, and a reader to try changes of them on.
#pragma once

#include "fhir/labels/FhirDay.h"
#include "fhir/labels/Readers.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace fedpet::testing {

using nlohmann::json;
using namespace fhir;
using Why = NotUnderstood::Why;
inline constexpr char kLoinc[] = "http://loinc.org", kSct[] = "http://snomed.info/sct",
                      kNcit[] = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
                      kAtc[] = "http://www.whocc.no/atc",
                      kRxNorm[] = "http://www.nlm.nih.gov/research/umls/rxnorm",
                      kUnits[] = "http://unitsofmeasure.org";

inline json coded(const std::string& system, const std::string& code) {
  return {{"coding", {{{"system", system}, {"code", code}}}}};
}
inline json quantity(double value, const std::string& unit) {
  return {{"value", value}, {"unit", unit}, {"system", kUnits}, {"code", unit}};
}
inline json observation(const std::string& loinc) {
  return {{"resourceType", "Observation"}, {"id", "17"},
          {"meta", {{"versionId", "3"}}},  {"status", "final"},
          {"code", coded(kLoinc, loinc)},  {"effectiveDateTime", "2025-01-05T08:00:00+01:00"}};
}
inline json with(json resource, const char* key, json value) {
  resource[key] = std::move(value);
  return resource;
}

class LabelReaders : public ::testing::Test {
 protected:
  PatientFacts read(const json& resource, const Medications* medications = nullptr) {
    PatientFacts facts;
    const ReadContext context{codes_, *dayOf("2026-11-01"), medications};
    const std::string type = resource.value("resourceType", "");
    if (type == "Observation")
      readObservation(resource, context, facts);
    else if (type == "DiagnosticReport")
      readDiagnosticReport(resource, context, facts);
    else if (type == "Condition")
      readCondition(resource, context, facts);
    else if (type == "Encounter")
      readEncounter(resource, context, facts);
    else if (type == "Patient")
      readPatient(resource, context, facts);
    else
      readMedication(resource, context, facts);
    return facts;
  }
  double valueOf(const json& resource) {
    const auto facts = read(resource);
    EXPECT_EQ(facts.laboratory.size(), 1U)
        << resource.dump()
        << (facts.notUnderstood.empty() ? "" : facts.notUnderstood[0].explanation);
    return facts.laboratory.empty() ? -1 : facts.laboratory[0].value;
  }
  void expectRefused(const json& resource, Why why) {
    const auto facts = read(resource);
    EXPECT_TRUE(facts.laboratory.empty() && facts.readings.empty() && facts.immunotherapy.empty() &&
                facts.smoking.empty())
        << resource.dump();
    ASSERT_EQ(facts.notUnderstood.size(), 1U) << resource.dump();
    EXPECT_EQ(toString(facts.notUnderstood[0].why), toString(why))
        << resource.dump() << facts.notUnderstood[0].explanation;
  }
  CodeTable codes_;
};

inline json administration(const std::string& system, const std::string& code) {
  return {{"resourceType", "MedicationAdministration"},
          {"id", "8"},
          {"status", "completed"},
          {"medicationCodeableConcept", coded(system, code)},
          {"effectiveDateTime", "2025-01-10T10:00:00Z"}};
}

}  // namespace fedpet::testing
