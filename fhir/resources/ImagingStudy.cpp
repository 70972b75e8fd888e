#include "fhir/resources/ImagingStudy.h"

namespace fedpet::fhir {
namespace {

const Coding kPet{"http://dicom.nema.org/resources/ontology/DCM", "PT",
                  "Positron emission tomography"};

Json wadoEndpoint(const std::string& address) {
  return {{"resourceType", "Endpoint"},
          {"id", "wado"},
          {"status", "active"},
          {"connectionType",
           Coding{"http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "dicom-wado-rs",
                  "DICOM WADO-RS"}},
          {"payloadType", Json::array({CodeableConcept{{}, "DICOM"}})},
          {"payloadMimeType", Json::array({"application/dicom"})},
          {"address", address}};
}

}  // namespace

void to_json(Json& json, const ImagingStudy::Series& series) {
  json = {{"uid", series.uid}, {"modality", kPet}};
  put(json, "description", series.description);
  if (series.numberOfInstances > 0) json["numberOfInstances"] = series.numberOfInstances;
}

void to_json(Json& json, const ImagingStudy& study) {
  json = {{"resourceType", "ImagingStudy"}};
  if (!study.wadoRoot.empty()) json["contained"] = Json::array({wadoEndpoint(study.wadoRoot)});
  put(json, "identifier", study.identifier);
  json["status"] = "available";
  json["modality"] = Json::array({kPet});
  json["subject"] = study.subject;
  put(json, "started", study.started);
  if (!study.wadoRoot.empty()) json["endpoint"] = Json::array({Reference{"#wado", {}, {}, {}}});
  put(json, "description", study.description);
  put(json, "series", study.series);
}

}  // namespace fedpet::fhir
