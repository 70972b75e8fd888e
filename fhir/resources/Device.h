#pragma once

#include <string>
#include <vector>

#include "fhir/resources/DataTypes.h"

namespace fedpet::fhir {

// R4 Device: one version of the software with one model.
struct Device {
  struct Version {
    std::string type, value;  // the type in words: R4 has no codes for it
  };
  std::vector<Extension> extension;
  std::vector<Identifier> identifier;
  std::string manufacturer, name;  // `name` is a model-name
  CodeableConcept type;
  std::vector<Version> version;
  std::vector<Annotation> note;
};

void to_json(Json&, const Device&);

}  // namespace fedpet::fhir
