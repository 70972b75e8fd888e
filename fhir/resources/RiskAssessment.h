#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fhir/resources/DataTypes.h"

namespace fedpet::fhir {

// R4 RiskAssessment: the predictions. `Prediction::percent` is 0 to 100: the element
// probabilityDecimal is a percentage (its comment, and invariant ras-2).
struct RiskAssessment {
  struct Prediction {
    std::string id;                   // of the element: "DCB"
    CodeableConcept outcome;
    double percent = 0;
    Range interval;                   // in percent, around `percent`
    double horizonMonths = 0;         // from now: without it the risk would be for a lifetime
    std::string rationale;
  };
  Meta meta;
  std::optional<Narrative> text;
  std::vector<Identifier> identifier;
  std::string status = "preliminary";
  CodeableConcept method, code;
  Reference subject;
  std::string occurrenceDate;
  Reference performer;
  std::vector<Reference> basis;
  std::vector<Prediction> prediction;
  std::vector<Annotation> note;
};

void to_json(Json&, const RiskAssessment&);

}  // namespace fedpet::fhir
