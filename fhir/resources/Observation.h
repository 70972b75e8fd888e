#pragma once

#include "fhir/resources/DataTypes.h"

#include <optional>
#include <string>
#include <vector>

namespace fedpet::fhir {

// R4 Observation. Invariant obs-6: a value or a dataAbsentReason, never both.
struct Observation {
  struct Component {
    CodeableConcept code;
    Quantity value;
  };
  Meta meta;
  std::optional<Narrative> text;
  std::vector<Identifier> identifier;
  std::vector<Reference> basedOn, partOf;
  std::string status = "preliminary";
  std::vector<CodeableConcept> category;
  CodeableConcept code;
  Reference subject;
  std::string effectiveDate, issued;  // a date; an instant in UTC
  std::vector<Reference> performer;
  std::optional<Quantity> value;
  std::optional<CodeableConcept> valueConcept;  // instead of `value`
  std::optional<CodeableConcept> dataAbsentReason;
  std::vector<Annotation> note;
  std::optional<CodeableConcept> bodySite, method;
  std::optional<Reference> device;
  std::vector<Reference> hasMember, derivedFrom;
  std::vector<Component> component;
};

void to_json(Json&, const Observation&);

}  // namespace fedpet::fhir
