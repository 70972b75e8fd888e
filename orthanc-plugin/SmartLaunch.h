// The server's part of the SMART App Launch: which EHRs may open the page, the page itself with
// their addresses in its policy, and the results of the patient in context. The login itself is
// between the browser and the EHR (ui-extension/src/smart.ts).
#pragma once

#include "fhir/FhirSite.h"
#include "orthanc-plugin/Options.h"
#include "orthanc-plugin/ResultIndex.h"
#include "orthanc-plugin/Router.h"

#include <string>

namespace fedpet::plugin {

// "default-src 'none'; ... connect-src 'self' https://ehr.example.org ...".
std::string launchPolicy(const SmartOptions&);

// Adds GET /fedpet/app/launch.html (before the routes of the page), GET /fedpet/smart/configuration
// and POST /fedpet/smart/results. The index is borrowed.
void addSmartRoutes(Router&, const SmartOptions&, ResultIndex&, fhir::FhirSite);

}  // namespace fedpet::plugin
