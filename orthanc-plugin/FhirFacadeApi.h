// /fedpet/fhir/: the results of this site as a read-only FHIR R4 server, for integrators who have
// none of their own. docs/integrators.md shows how it is asked.
#pragma once

#include "fhir/FhirSite.h"
#include "orthanc-plugin/Ledger.h"
#include "orthanc-plugin/ResultIndex.h"
#include "orthanc-plugin/Router.h"
#include "orthanc-plugin/Time.h"

#include <string>

namespace fedpet::plugin {

struct FhirFacadeParts {
  Ledger& ledger;
  ResultIndex& index;
  fhir::FhirSite site;
  std::string publicUrl;  // of this Orthanc; empty: as the caller has named it (Host), by
  std::string scheme;     // "http" or "https"
  Clock now;
};

// Adds GET /fedpet/fhir/metadata, /fedpet/fhir/{type} and /fedpet/fhir/{type}/{id}. The ledger and
// the index are borrowed. Every other answer than a result is an OperationOutcome.
void addFhirFacadeRoutes(Router&, FhirFacadeParts);

// Results that one request looks into at most; a page may hold less than asked for and go on.
inline constexpr std::size_t kMostExaminedResults = 200;

}  // namespace fedpet::plugin
