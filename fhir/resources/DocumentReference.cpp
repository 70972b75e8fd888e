#include "fhir/resources/DocumentReference.h"

namespace fedpet::fhir {

void to_json(Json& json, const DocumentReference& document) {
  json = {{"resourceType", "DocumentReference"}};
  put(json, "identifier", document.identifier);
  json["status"] = "current";
  put(json, "docStatus", document.docStatus);
  json["type"] = document.type;
  json["subject"] = document.subject;
  put(json, "date", document.date);
  put(json, "description", document.description);
  for (const Coding& label : document.securityLabel)
    json["securityLabel"].push_back(CodeableConcept{{label}, {}});
  Json content = {{"attachment", document.attachment}};
  if (!document.format.code.empty()) content["format"] = document.format;
  json["content"] = Json::array({content});
  if (document.related.is_array() && !document.related.empty())
    json["context"] = {{"related", document.related}};
}

}  // namespace fedpet::fhir
