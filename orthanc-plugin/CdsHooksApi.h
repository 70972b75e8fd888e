// /fedpet/cds-services: the newest result of a patient as a card in the EHR
// (cds-hooks.hl7.org/2.0). Who may ask is decided before us, by Orthanc's users or a reverse proxy:
// docs/integrators.md.
#pragma once

#include "fhir/FhirSite.h"
#include "orthanc-plugin/Ledger.h"
#include "orthanc-plugin/ResultIndex.h"
#include "orthanc-plugin/Router.h"

#include <string>

namespace fedpet::plugin {

struct CdsHooksParts {
  Ledger& ledger;
  ResultIndex& index;
  fhir::FhirSite site;
  std::string publicUrl;  // of this Orthanc, for the link of a card; empty: no link
};

// Adds GET /fedpet/cds-services and POST /fedpet/cds-services/{id}. Ledger and index are borrowed.
void addCdsHooksRoutes(Router&, CdsHooksParts);

}  // namespace fedpet::plugin
