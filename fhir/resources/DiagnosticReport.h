#pragma once

#include "fhir/resources/Attachment.h"
#include "fhir/resources/DataTypes.h"

#include <optional>
#include <string>
#include <vector>

namespace fedpet::fhir {

// R4 DiagnosticReport. `performer` must not be a Device there: it is the organisation.
struct DiagnosticReport {
  Meta meta;
  std::optional<Narrative> text;
  std::vector<Extension> extension;
  std::vector<Identifier> identifier;
  std::vector<Reference> basedOn;
  std::string status = "preliminary";
  std::vector<CodeableConcept> category;
  CodeableConcept code;
  Reference subject;
  std::string effectiveDate, issued;
  std::vector<Reference> performer, result, imagingStudy;
  std::string conclusion;
  std::vector<CodeableConcept> conclusionCode;
  std::vector<Attachment> presentedForm;
};

void to_json(Json&, const DiagnosticReport&);

}  // namespace fedpet::fhir
