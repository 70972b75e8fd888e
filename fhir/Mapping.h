// Inside of fhir/: from an assessment to the resources. One function per resource, each in the
// words of both sides; TransactionBundle.cpp puts them into a bundle.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "clinical/ResponseAssessment.h"
#include "fhir/FhirSite.h"
#include "fhir/resources/Bundle.h"
#include "fhir/resources/Device.h"
#include "fhir/resources/DiagnosticReport.h"
#include "fhir/resources/DocumentReference.h"
#include "fhir/resources/ImagingStudy.h"
#include "fhir/resources/Observation.h"
#include "fhir/resources/Provenance.h"
#include "fhir/resources/RiskAssessment.h"

namespace fedpet::fhir {

// What all resources of one bundle refer to.
struct Context {
  const ResponseAssessment& assessment;
  const FhirSite& site;
  std::span<const std::byte> pdf;    // the report for people; may be empty
  Reference patient, study, device;  // device and study by the urn:uuid: of their entry
};

// An Observation with the reference by which others of the bundle name it.
struct NamedObservation {
  Reference self;
  Observation observation;
};

struct NamedDocument {
  Reference self;
  DocumentReference document;
};

Device deviceOf(const ResponseAssessment&, const FhirSite&);
ImagingStudy imagingStudyOf(const Context&);
NamedObservation measurementOf(const Context&, const Measurement&);
// The group itself; `members` are written beside it.
NamedObservation wholeBodyGroupOf(const Context&, const std::vector<NamedObservation>& members);
NamedObservation lesionGroupOf(const Context&, const Region&,
                               const std::vector<NamedObservation>& members);
// The reading by PERCIST 1.0, its group first; empty when the study has none.
std::vector<NamedObservation> percistOf(const Context&);
// The comparison with an earlier study, its group first; empty when there is none.
std::vector<NamedObservation> comparisonOf(const Context&);
std::string comparisonSentence(const ResponseAssessment&);  // or empty
// The prediction as a plain number, for an EHR that knows no RiskAssessment.
NamedObservation predictedProbabilityOf(const Context&, const ResponsePrediction&);
RiskAssessment riskAssessmentOf(const Context&, const std::vector<NamedObservation>& basis);
// What all our Observations have in common.
Observation commonObservation(const Context&);
CodeableConcept measurementGroup();  // the category of a group
// SR and FHIR are joined on this: the Observation UID (0040,A171) of the SR's content item.
Identifier observationIdentifier(const std::string& uid);
DiagnosticReport diagnosticReportOf(const Context&, const std::vector<Reference>& results,
                                    const std::vector<Reference>& risks);
// The SR and the SEG by their WADO-RS addresses; empty when the site gives no root for them.
std::vector<NamedDocument> dicomObjectsOf(const Context&);
Provenance provenanceOf(const Context&, const std::vector<Reference>& targets);

// Everything there is to say about an assessment, in the order in which it can be written. The
// patient is named as the caller's reader needs it.
Transaction transactionOf(const ResponseAssessment&, const FhirSite&,
                          std::span<const std::byte> pdf, const Reference& patient);

// "urn:uuid:..." derived from a name that is unique for its resource: the same at every run.
Reference bundleReference(std::string_view uniqueName);

Identifier accessionOf(const Context&);

std::string dateText(WallClock);               // "2026-11-24"
std::string dateOf(const ResponseAssessment&);     // of the examination, "2026-11-24"; or empty
std::string instantOf(const ResponseAssessment&);  // of the assessment, "2026-11-24T11:42:07Z"

int decimalsOf(fedpet::Quantity);
std::string textOf(double value, int decimals, std::string_view unit);  // "14.70 ml"
std::string textOf(const Refusal&);        // "not given: Weight missing (PatientWeight is 0)"
std::string textOf(const Measurement&);    // value with unit, or why there is none
std::string textOf(const ResponsePrediction&);
bool isUsable(const Probability&);         // finite and within 0 to 1
// Empty when the model was trained on real data, or when nothing is predicted.
std::string syntheticNote(const ResponseAssessment&);

}  // namespace fedpet::fhir
