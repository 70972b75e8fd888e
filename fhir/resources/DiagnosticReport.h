#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fhir/resources/DataTypes.h"

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
};

void to_json(Json&, const DiagnosticReport&);

}  // namespace fedpet::fhir
