// Inside of fhir/: the R4 data types that our resources are made of (hl7.org/fhir/R4/datatypes).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fhir/resources/Json.h"

namespace fedpet::fhir {

struct Coding {
  std::string system, code, display;
};

struct CodeableConcept {
  std::vector<Coding> coding;
  std::string text;
};

struct Identifier {
  std::optional<CodeableConcept> type;
  std::string system, value;
};

struct Reference {
  std::string reference, type;
  std::optional<Identifier> identifier;  // logical, where the resource is not ours to know
  std::string display;
};

struct Quantity {
  double value = 0;
  int decimals = 2;
  std::string ucum;  // "g/ml{SUVbw}"; a person reads "g/ml SUVbw"
};

struct Range {
  Quantity low, high;
};

struct Annotation {
  std::string text;
};

struct Extension {
  std::string url, valueName;  // "valueRange"
  Json value;
};

struct Meta {
  std::vector<Coding> security, tag;
};

struct Narrative {
  std::string div;  // an XHTML element; Narrative.h builds it
};

void to_json(Json&, const Coding&);
void to_json(Json&, const CodeableConcept&);
void to_json(Json&, const Identifier&);
void to_json(Json&, const Reference&);
void to_json(Json&, const Quantity&);
void to_json(Json&, const Range&);
void to_json(Json&, const Annotation&);
void to_json(Json&, const Extension&);
void to_json(Json&, const Meta&);
void to_json(Json&, const Narrative&);

// A UCUM code as a person reads it, its annotation without braces ("g/ml SUVbw", "count"): programs
// that compare units skip annotations, so the reader has to see which SUV it is.
std::string readableUnit(const std::string& ucum);

// "urn:dicom:uid" | "urn:oid:<uid>", as DICOM UIDs are written in FHIR.
Identifier dicomUid(const std::string& uid, std::optional<CodeableConcept> type = std::nullopt);

// "identifier=<system>%7C<value>" for a conditional reference, create or update: the separators
// inside system and value escaped (hl7.org/fhir/R4/search.html#escaping), then percent-encoded.
std::string tokenQuery(const std::string& parameter, const std::string& system,
                       const std::string& value);
std::string identifierQuery(const Identifier&);

}  // namespace fedpet::fhir
