#include "fhir/resources/Device.h"

namespace fedpet::fhir {

void to_json(Json& json, const Device::Version& version) {
  json = {{"type", CodeableConcept{{}, version.type}}, {"value", version.value}};
}

void to_json(Json& json, const Device& device) {
  json = {{"resourceType", "Device"}};
  put(json, "extension", device.extension);
  put(json, "identifier", device.identifier);
  json["status"] = "active";
  put(json, "manufacturer", device.manufacturer);
  json["deviceName"] = Json::array({{{"name", device.name}, {"type", "model-name"}}});
  json["type"] = device.type;
  put(json, "version", device.version);
  put(json, "note", device.note);
}

}  // namespace fedpet::fhir
