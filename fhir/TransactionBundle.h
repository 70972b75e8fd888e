// An assessment as one FHIR R4 transaction: Device, ImagingStudy, Observations, RiskAssessment,
// DiagnosticReport and Provenance, each written under a condition, so that sending it again
// changes nothing. docs/fhir.md shows the resources and their identifiers.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "fhir/FhirSite.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace fedpet::fhir {

// Why an assessment must not be sent: the record it belongs to cannot be named for certain.
struct DeliveryRefusal {
  enum class Reason {
    PatientIdMissing,      // no PatientID in the images
    PatientSystemUnknown,  // the site has not said which naming system the PatientID is from
  };
  Reason reason = Reason::PatientIdMissing;
  std::string detail;  // for the person who can put it right
};

// The Patient of these images in the EHR's words: a naming system and the number in it.
struct PatientKey {
  std::string system, value;
};
tl::expected<PatientKey, DeliveryRefusal> patientKeyOf(const PatientIdentity&, const FhirSite&);

// The bundle as JSON text in UTF-8, without line breaks. The same assessment and site give the
// same text. Any assessment has a bundle, a refused study too: silence looks like an outage.
// `pdf`, the report for people, goes with the DiagnosticReport when it is not empty.
tl::expected<std::string, DeliveryRefusal> transactionBundle(const ResponseAssessment&,
                                                             const FhirSite&,
                                                             std::span<const std::byte> pdf = {});

}  // namespace fedpet::fhir
