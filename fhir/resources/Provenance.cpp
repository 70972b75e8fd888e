#include "fhir/resources/Provenance.h"

namespace fedpet::fhir {

void to_json(Json& json, const Provenance& provenance) {
  json = {{"resourceType", "Provenance"}};
  json["meta"] = provenance.meta;
  json["target"] = provenance.target;
  json["recorded"] = provenance.recorded;
  put(json, "reason", provenance.reason);
  Json agent = {{"type", provenance.agentType},
                {"role", Json::array({provenance.agentRole})},
                {"who", provenance.who}};
  if (!provenance.onBehalfOf.display.empty()) agent["onBehalfOf"] = provenance.onBehalfOf;
  json["agent"] = Json::array({agent});
  json["entity"] = Json::array({{{"role", "source"}, {"what", provenance.source}}});
}

}  // namespace fedpet::fhir
