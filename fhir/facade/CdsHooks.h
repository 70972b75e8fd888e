// Inside of fhir/: a CDS Hooks service (cds-hooks.hl7.org/2.0) as functions on JSON: a request in,
// what it asks for; an assessment in, a card out.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "fhir/TransactionBundle.h"
#include "fhir/resources/Json.h"

#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir {

struct CdsService {
  const char *hook, *id, *title, *description;
};
const std::vector<CdsService>& cdsServices();
Json cdsDiscovery();  // the answer of GET /cds-services

struct CdsRequest {
  std::vector<PatientKey>
      patient;  // identifiers of the prefetched Patient; those without system left out
  // order-select: an immune checkpoint inhibitor is among the draft orders (ATC as of 2021 and
  // before, RxNorm ingredients: fhir/labels/CodeTable.h). patient-view: always true.
  bool concernsImmunotherapy = true;
};
inline constexpr std::size_t kLargestCdsRequest = 1024 * 1024;

// Throws FacadeError: 400 for what is no request of this service, 412 without the prefetched
// patient, 413.
CdsRequest readCdsRequest(const CdsService&, const std::string& body);

// One card: the number with its interval and horizon, or why there is none, and its limits. No
// suggestion: what to do is the clinician's. `resultPage`: absolute; empty: no link.
Json cdsCard(const ResponseAssessment&, const std::string& resultPage);

}  // namespace fedpet::fhir
