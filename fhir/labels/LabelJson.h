// The evidence of a cohort's labels, and the conflicts for a person, as JSON (docs/labels.md
// describes both). They name patients: they stay at the site.
#pragma once

#include "fhir/labels/Derivation.h"

#include <nlohmann/json.hpp>

#include <vector>

namespace fedpet::fhir {

nlohmann::ordered_json toJson(const LabelRules&);
nlohmann::ordered_json evidenceJson(const std::vector<PatientLabels>&, const LabelRules&);
nlohmann::ordered_json conflictsJson(const std::vector<PatientLabels>&);

}  // namespace fedpet::fhir
