// Inside of fhir/: code systems, and how our codes are written in them.
#pragma once

#include <string>

#include "clinical/Concepts.h"
#include "clinical/Refusal.h"
#include "clinical/ResponseAssessment.h"
#include "fhir/resources/DataTypes.h"

namespace fedpet::fhir {

// URIs under the OID of our private coding scheme.
std::string privateSystem();  // the codes that DICOM and FHIR share
std::string measureSystem();  // what an Observation of ours measures, one code each
std::string modelSystem();    // identifiers of models, where the site gives no base
std::string runSystem();      // tags of runs, where the site gives no base
std::string groupSystem();    // identifiers of measurement groups

// DCM, SCT, UCUM and 99FEDPET; another scheme gives a coding without a system.
Coding codingOf(const Code&);

// Standard codes say "SUVbw"; ours says which one: "SUVmax". Both are given.
CodeableConcept measureOf(fedpet::Quantity);
CodeableConcept measureOf(const ResponsePrediction&);

// HL7 data-absent-reason for a refusal: "not-applicable" when the question does not apply to this
// patient, "unknown" when a fact is missing, "not-performed" when we could not do our part, else
// "error".
std::string absentReasonOf(RefusalCode);
CodeableConcept dataAbsentReason(const Refusal&);

// Security label of every resource that holds a statement of ours.
Coding aiAsserted();

// As JSON text, a collection Bundle of the CodeSystem resources behind privateSystem() and
// measureSystem(), for servers that check codes.
std::string codeSystems();

}  // namespace fedpet::fhir
