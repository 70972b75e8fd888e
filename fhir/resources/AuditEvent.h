#pragma once

#include "fhir/resources/DataTypes.h"

#include <string>
#include <vector>

namespace fedpet::fhir {

// R4 AuditEvent of a write by REST, after IHE BALP (Basic Audit Log Patterns 1.1, PatientCreate):
// type "rest", a client and a server as agents, the patient and the request as entities.
struct AuditEvent {
  std::string subtype;   // a restful-interaction: "transaction", "create"
  std::string recorded;  // instant
  bool isSuccess = true;
  std::string outcomeDesc;     // empty when it went well
  std::string client, server;  // as a reader knows them
  std::string serverAddress;
  Identifier patient;
  std::string requestId;  // of the request's X-Request-Id
};

void to_json(Json&, const AuditEvent&);

}  // namespace fedpet::fhir
