// A hospital of any size for the test EHR: patients whose labels are known, with as many other
// records as wanted.
#pragma once

#include "fhir/labels/FhirDay.h"

#include <nlohmann/json.hpp>

#include <string>

namespace fedpet::testing {

inline constexpr char kSystem[] = "urn:oid:1.2.250.1.999.1";

class HospitalBuilder {
 public:
  // Pembrolizumab from 2025-01-10; progression after `progressionDays`, or stable until then.
  HospitalBuilder& patient(const std::string& id, int progressionDays, bool progresses) {
    using nlohmann::json;
    current_ = id;
    add("Patient", id,
        {{"identifier", {{{"system", kSystem}, {"value", id}}}},
         {"gender", "female"},
         {"birthDate", "1960-01-10"}});
    add("MedicationAdministration", id + "-ici",
        {{"status", "completed"},
         {"medicationCodeableConcept", code("http://www.whocc.no/atc", "L01FF02")},
         {"subject", subject()},
         {"effectiveDateTime", "2025-01-10T09:00:00Z"}});
    const auto end = fhir::toText(*fhir::dayOf("2025-01-10") + std::chrono::days{progressionDays});
    observation("reading", "21976-6", end,
                {{"valueCodeableConcept", code("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
                                               progresses ? "C159716" : "C159546")}});
    return *this;
  }
  HospitalBuilder& measured(const std::string& loinc, const std::string& day, double value,
                            const std::string& unit) {
    return observation(loinc + "-" + std::to_string(count_), loinc, day,
                       {{"valueQuantity", quantity(value, unit)}});
  }
  HospitalBuilder& ldh(const std::string& day, double value, double limit) {
    return observation("ldh-" + std::to_string(count_), "2532-0", day,
                       {{"valueQuantity", quantity(value, "U/L")},
                        {"referenceRange", {{{"high", quantity(limit, "U/L")}}}}});
  }
  HospitalBuilder& encounter(const std::string& day) {
    add("Encounter", current_ + "-e" + std::to_string(count_),
        {{"status", "finished"},
         {"class", {{"code", "AMB"}}},
         {"subject", subject()},
         {"period", {{"start", day}, {"end", day}}}});
    return *this;
  }
  HospitalBuilder& resource(nlohmann::json any) { return all_.push_back(std::move(any)), *this; }
  nlohmann::json subject() const { return {{"reference", "Patient/" + current_}}; }
  static nlohmann::json code(const std::string& system, const std::string& value) {
    return {{"coding", {{{"system", system}, {"code", value}}}}};
  }
  static nlohmann::json quantity(double value, const std::string& unit) {
    return {
        {"value", value}, {"unit", unit}, {"system", "http://unitsofmeasure.org"}, {"code", unit}};
  }
  std::size_t size() const { return all_.size(); }
  std::string json() const { return all_.dump(); }

 private:
  void add(const std::string& type, const std::string& id, nlohmann::json body) {
    body["resourceType"] = type;
    body["id"] = id;
    all_.push_back(std::move(body));
    ++count_;
  }
  HospitalBuilder& observation(const std::string& name, const std::string& loinc,
                               const std::string& day, nlohmann::json value) {
    nlohmann::json body{{"status", "final"},
                        {"code", code("http://loinc.org", loinc)},
                        {"subject", subject()},
                        {"effectiveDateTime", day}};
    body.update(value);
    add("Observation", current_ + "-" + name, std::move(body));
    return *this;
  }

  nlohmann::json all_ = nlohmann::json::array();
  std::string current_;
  int count_ = 0;
};

}  // namespace fedpet::testing
