#include "fhir/labels/LabelJson.h"

#include "fhir/labels/FhirDay.h"
#include "fhir/labels/LabelTable.h"

namespace fedpet::fhir {
namespace {

using Json = nlohmann::ordered_json;

void put(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

Json toJson(const Evidence& evidence) {
  Json json = Json::object();
  put(json, "resource", evidence.resource);
  put(json, "version", evidence.version);
  put(json, "date", evidence.date);
  put(json, "system", evidence.system);
  put(json, "code", evidence.code);
  put(json, "value", evidence.value);
  return json;
}

Json toJson(const std::vector<Evidence>& all) {
  Json list = Json::array();
  for (const Evidence& evidence : all) list.push_back(toJson(evidence));
  return list;
}

Json labelsJson(const PatientLabels& labels) {
  const auto cells = labelCells(labels);
  Json json = Json::object();
  for (const std::string& name : labelColumns()) {
    Json label = Json::object();
    put(label, "value", cells.at(name));
    if (const auto reason = labels.reasons.find(name); reason != labels.reasons.end())
      label["reason"] = reason->second;
    if (const auto evidence = labels.evidence.find(name); evidence != labels.evidence.end())
      label["evidence"] = toJson(evidence->second);
    if (!label.empty()) json[name] = std::move(label);
  }
  return json;
}

}  // namespace

Json toJson(const LabelRules& rules) {
  return {{"criterion", rules.criterion == CriterionChoice::Recist ? "recist" : "clinical"},
          {"benefitMonths", rules.benefitMonths},
          {"petWindowDays", rules.petWindowDays},
          {"laboratoryWindowDays", rules.laboratoryWindowDays},
          {"ecogWindowDays", rules.ecogWindowDays},
          {"pdl1WindowDays", rules.pdl1WindowDays},
          {"earlierTreatmentDays", rules.earlierTreatmentDays},
          {"iRecistConfirmationDays", rules.iRecistConfirmationDays},
          {"steroidThresholdMg", rules.steroidThresholdMg},
          {"noSteroidRecordMeansNo", rules.noSteroidRecordMeansNo},
          {"noLiverMetastasisRecordMeansNo", rules.noLiverMetastasisRecordMeansNo},
          {"dataCutOff", toText(rules.dataCutOff)}};
}

Json evidenceJson(const std::vector<PatientLabels>& all, const LabelRules& rules) {
  Json patients = Json::array();
  for (const PatientLabels& labels : all) {
    Json patient{{"subject_id", labels.subjectId}};
    put(patient, "identifier", labels.identifier);
    if (labels.treatmentStart) {
      patient["treatment_start"] = {{"date", toText(*labels.treatmentStart)},
                                    {"source", toString(*labels.treatmentSource)},
                                    {"drug", labels.drug},
                                    {"evidence", toJson(labels.evidence.at("treatment_start"))}};
    }
    if (!labels.excluded.empty()) patient["excluded"] = labels.excluded;
    patient["labels"] = labelsJson(labels);
    patients.push_back(std::move(patient));
  }
  return {{"format", "fedpet-label-evidence"},
          {"version", 1},
          {"rules", toJson(rules)},
          {"patients", std::move(patients)}};
}

Json conflictsJson(const std::vector<PatientLabels>& all) {
  Json conflicts = Json::array();
  for (const PatientLabels& labels : all)
    for (const Conflict& conflict : labels.conflicts) {
      Json json{{"subject_id", labels.subjectId}};
      put(json, "identifier", labels.identifier);
      json["kind"] = toString(conflict.kind);
      put(json, "label", conflict.label);
      json["explanation"] = conflict.explanation;
      json["evidence"] = toJson(conflict.evidence);
      conflicts.push_back(std::move(json));
    }
  return {
      {"format", "fedpet-label-conflicts"}, {"version", 1}, {"conflicts", std::move(conflicts)}};
}

}  // namespace fedpet::fhir
