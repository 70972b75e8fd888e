#pragma once

#include "fhir/resources/DataTypes.h"

#include <string>
#include <vector>

namespace fedpet::fhir {

// R4 DocumentReference: one object of ours, inside or by its address.
struct DocumentReference {
  std::vector<Identifier> identifier;
  CodeableConcept type;
  std::string docStatus;  // "preliminary"; empty: the object's own matter
  Json subject;           // a Reference
  std::string date;       // instant
  std::string description;
  std::vector<Coding> securityLabel;
  Json attachment;  // an Attachment, of ours or taken over from another resource
  Coding format;    // a DICOM SOP class; may be empty
  Json related;     // a list of References to what it belongs to; or null
};

void to_json(Json&, const DocumentReference&);

}  // namespace fedpet::fhir
