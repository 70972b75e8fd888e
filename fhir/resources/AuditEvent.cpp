#include "fhir/resources/AuditEvent.h"

namespace fedpet::fhir {
namespace {

constexpr char kDicom[] = "http://dicom.nema.org/resources/ontology/DCM";
constexpr char kEntityType[] = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
constexpr char kEntityRole[] = "http://terminology.hl7.org/CodeSystem/object-role";

CodeableConcept agentType(const char* code, const char* display) {
  return {{{kDicom, code, display}}, {}};
}

Json clientAgent(const AuditEvent& event) {
  return {{"type", agentType("110153", "Source Role ID")},
          {"who", Reference{{}, {}, {}, event.client}},
          {"requestor", true}};
}

Json serverAgent(const AuditEvent& event) {
  return {{"type", agentType("110152", "Destination Role ID")},
          {"who", Reference{{}, {}, {}, event.server}},
          {"requestor", false},
          // 5: an address as URI (hl7.org/fhir/R4/valueset-network-type.html)
          {"network", {{"address", event.serverAddress}, {"type", "5"}}}};
}

Json patientEntity(const AuditEvent& event) {
  return {{"what", Reference{{}, "Patient", event.patient, {}}},
          {"type", Coding{kEntityType, "1", "Person"}},
          {"role", Coding{kEntityRole, "1", "Patient"}}};
}

Json requestEntity(const AuditEvent& event) {
  return {{"what", Reference{{}, {}, Identifier{{}, {}, event.requestId}, {}}},
          {"type", Coding{"https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
                          "XrequestId",
                          {}}}};
}

}  // namespace

void to_json(Json& json, const AuditEvent& event) {
  json = {{"resourceType", "AuditEvent"},
          {"type", Coding{"http://terminology.hl7.org/CodeSystem/audit-event-type", "rest",
                          "RESTful Operation"}},
          {"subtype", Json::array({Coding{"http://hl7.org/fhir/restful-interaction", event.subtype,
                                          event.subtype}})},
          {"action", "C"},
          {"recorded", event.recorded},
          {"outcome", event.isSuccess ? "0" : "8"}};  // 8: serious failure
  put(json, "outcomeDesc", event.outcomeDesc);
  json["agent"] = Json::array({clientAgent(event), serverAgent(event)});
  json["source"] = {
      {"observer", Reference{{}, {}, {}, event.client}},
      {"type", Json::array({Coding{"http://terminology.hl7.org/CodeSystem/security-source-type",
                                   "4", "Application Server"}})}};
  json["entity"] = Json::array({patientEntity(event), requestEntity(event)});
}

}  // namespace fedpet::fhir
