#include "fhir/resources/Observation.h"

#include <cassert>

namespace fedpet::fhir {

void to_json(Json& json, const Observation::Component& component) {
  json = {{"code", component.code}, {"valueQuantity", component.value}};
}

void to_json(Json& json, const Observation& observation) {
  assert(!!observation.value + !!observation.valueConcept + !!observation.dataAbsentReason <=
         1);  // obs-6
  json = {{"resourceType", "Observation"}};
  json["meta"] = observation.meta;
  put(json, "text", observation.text);
  put(json, "identifier", observation.identifier);
  put(json, "basedOn", observation.basedOn);
  put(json, "partOf", observation.partOf);
  json["status"] = observation.status;
  put(json, "category", observation.category);
  json["code"] = observation.code;
  json["subject"] = observation.subject;
  put(json, "effectiveDateTime", observation.effectiveDate);
  put(json, "issued", observation.issued);
  put(json, "performer", observation.performer);
  put(json, "valueQuantity", observation.value);
  put(json, "valueCodeableConcept", observation.valueConcept);
  put(json, "dataAbsentReason", observation.dataAbsentReason);
  put(json, "note", observation.note);
  put(json, "bodySite", observation.bodySite);
  put(json, "method", observation.method);
  put(json, "device", observation.device);
  put(json, "hasMember", observation.hasMember);
  put(json, "derivedFrom", observation.derivedFrom);
  put(json, "component", observation.component);
}

}  // namespace fedpet::fhir
