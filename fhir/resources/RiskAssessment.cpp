#include "fhir/resources/RiskAssessment.h"

#include <cassert>

namespace fedpet::fhir {
void to_json(Json& json, const RiskAssessment::Prediction& prediction) {
  json = Json::object();
  put(json, "id", prediction.id);
  // A range and a decimal are a choice (probability[x]), so the interval travels in the extension
  // of the AI Transparency guide: "the confidence interval for the result, expressed as a range".
  json["extension"] = Json::array(
      {Extension{"http://hl7.org/fhir/uv/aitransparency/StructureDefinition/AIconfidence",
                 "valueRange", Json(prediction.interval)}});
  json["outcome"] = prediction.outcome;
  assert(prediction.percent >= 0 && prediction.percent <= 100);  // ras-2
  json["probabilityDecimal"] = decimal(prediction.percent, 1);
  json["whenRange"] = Range{{0, 0, "mo"}, {prediction.horizonMonths, 1, "mo"}};
  put(json, "rationale", prediction.rationale);
}

void to_json(Json& json, const RiskAssessment& risk) {
  json = {{"resourceType", "RiskAssessment"}};
  json["meta"] = risk.meta;
  put(json, "text", risk.text);
  put(json, "identifier", risk.identifier);
  json["status"] = risk.status;
  json["method"] = risk.method;
  json["code"] = risk.code;
  json["subject"] = risk.subject;
  put(json, "occurrenceDateTime", risk.occurrenceDate);
  json["performer"] = risk.performer;
  put(json, "basis", risk.basis);
  put(json, "prediction", risk.prediction);
  put(json, "note", risk.note);
}

}  // namespace fedpet::fhir
