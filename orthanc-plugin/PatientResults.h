// The results of a patient who is named by identifiers of an EHR.
#pragma once

#include "fhir/FhirSite.h"
#include "fhir/TransactionBundle.h"
#include "orthanc-plugin/ResultIndex.h"

#include <vector>

namespace fedpet::plugin {

// Newest examination first. Only identifiers whose naming system the site has configured for the
// images count (system and value alike): the same number elsewhere is another patient.
std::vector<IndexedResult> resultsOf(ResultIndex&, const fhir::FhirSite&,
                                     const std::vector<fhir::PatientKey>&);

}  // namespace fedpet::plugin
