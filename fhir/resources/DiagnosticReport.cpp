#include "fhir/resources/DiagnosticReport.h"

namespace fedpet::fhir {

void to_json(Json& json, const DiagnosticReport& report) {
  json = {{"resourceType", "DiagnosticReport"}};
  json["meta"] = report.meta;
  put(json, "text", report.text);
  put(json, "extension", report.extension);
  put(json, "identifier", report.identifier);
  put(json, "basedOn", report.basedOn);
  json["status"] = report.status;
  put(json, "category", report.category);
  json["code"] = report.code;
  json["subject"] = report.subject;
  put(json, "effectiveDateTime", report.effectiveDate);
  put(json, "issued", report.issued);
  put(json, "performer", report.performer);
  put(json, "result", report.result);
  put(json, "imagingStudy", report.imagingStudy);
  put(json, "conclusion", report.conclusion);
  put(json, "conclusionCode", report.conclusionCode);
  put(json, "presentedForm", report.presentedForm);
}

}  // namespace fedpet::fhir
