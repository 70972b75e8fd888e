#pragma once

#include <string>
#include <vector>

#include "fhir/resources/DataTypes.h"

namespace fedpet::fhir {

// R4 Provenance: which device made what from which study, on whose behalf.
struct Provenance {
  Meta meta;
  std::vector<Reference> target;
  std::string recorded;
  std::vector<CodeableConcept> reason;
  CodeableConcept agentType, agentRole;
  Reference who, onBehalfOf;  // onBehalfOf may be empty
  Reference source;
};

void to_json(Json&, const Provenance&);

}  // namespace fedpet::fhir
