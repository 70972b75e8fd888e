// Inside of the derivation: its parts, in the order in which they are applied.
#pragma once

#include "fhir/labels/Derivation.h"

namespace fedpet::fhir {

void findTreatmentStart(const PatientFacts&, const LabelRules&, PatientLabels&);
// These need treatmentStart.
void deriveOutcomes(const PatientFacts&, const LabelRules&, PatientLabels&);
void deriveCovariates(const PatientFacts&, const LabelRules&, PatientLabels&);
void judgeBaselinePet(const PatientFacts&, const LabelRules&, PatientLabels&);

inline void explain(PatientLabels& labels, const char* columnName, std::string reason) {
  labels.reasons[columnName] = std::move(reason);
}

}  // namespace fedpet::fhir
