#include "fhir/tiers/R5.h"

#include <utility>

namespace fedpet::fhir {
namespace {

// hl7.org/fhir/R5: the "R4 Diff" of each resource.
void rename(Json& object, const char* from, const char* to) {
  Json renamed = Json::object();
  for (auto& [key, value] : object.items()) renamed[key == from ? to : key] = std::move(value);
  object = std::move(renamed);
}

Json asConcept(const Json& coding) { return {{"coding", Json::array({coding})}}; }

// integer64 is a JSON string (hl7.org/fhir/R5/json.html#primitive).
void attachmentInR5(Json& attachment) {
  if (attachment.contains("size"))
    attachment["size"] = std::to_string(attachment["size"].get<std::int64_t>());
}

void deviceInR5(Json& device) {
  rename(device, "deviceName", "name");
  for (Json& name : device["name"]) {
    rename(name, "name", "value");
    name["type"] = "user-friendly-name";  // "model-name" is none of R5's codes
  }
  device["type"] = Json::array({device["type"]});
}

void modalitiesInR5(Json& study) {
  for (Json& modality : study["modality"]) modality = asConcept(modality);
  if (study.contains("series"))
    for (Json& series : study["series"]) series["modality"] = asConcept(series["modality"]);
  if (study.contains("contained"))
    for (Json& endpoint : study["contained"]) {
      endpoint["connectionType"] = Json::array({asConcept(endpoint["connectionType"])});
      Json payload = Json::object();
      for (const auto& [from, to] :
           {std::pair{"payloadType", "type"}, {"payloadMimeType", "mimeType"}}) {
        if (endpoint.contains(from)) payload[to] = endpoint[from];
        endpoint.erase(from);
      }
      endpoint["payload"] = Json::array({payload});
    }
}

void reportInR5(Json& report) {
  rename(report, "imagingStudy", "study");
  if (report.contains("presentedForm"))
    for (Json& form : report["presentedForm"]) attachmentInR5(form);
}

void provenanceInR5(Json& provenance) {
  rename(provenance, "reason", "authorization");
  if (provenance.contains("authorization"))
    for (Json& reason : provenance["authorization"]) reason = {{"concept", reason}};
}

void documentInR5(Json& document) {
  for (Json& content : document["content"]) {
    attachmentInR5(content["attachment"]);
    if (content.contains("format"))
      content["profile"] = Json::array({{{"valueCoding", content["format"]}}});
    content.erase("format");
  }
  // R4's context.related has no successor; the report names the study. R5's own `context` is an
  // encounter or an appointment.
  document.erase("context");
}

}  // namespace

Json resourceInR5(Json resource) {
  const std::string type = resource.value("resourceType", "");
  if (type == "Device") deviceInR5(resource);
  if (type == "ImagingStudy") modalitiesInR5(resource);
  if (type == "DiagnosticReport") reportInR5(resource);
  if (type == "Provenance") provenanceInR5(resource);
  if (type == "DocumentReference") documentInR5(resource);
  return resource;  // our Observations and RiskAssessments are the same in both
}

std::string bundleInR5(const std::string& r4Bundle) {
  Json bundle = Json::parse(r4Bundle);
  for (Json& entry : bundle["entry"])
    entry["resource"] = resourceInR5(std::move(entry["resource"]));
  return bundle.dump();
}

}  // namespace fedpet::fhir
