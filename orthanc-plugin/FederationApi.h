// The federation's part of the REST API: this site's membership, and, where this Orthanc hosts the
// consortium, its coordinator under /fedpet/consortium.
#pragma once

#include "federation/coordinator/Coordinator.h"
#include "orthanc-plugin/FederationLink.h"
#include "orthanc-plugin/Router.h"

namespace fedpet::plugin {

// Null when this site takes part in no consortium. Borrowed.
void addFederationRoutes(Router&, FederationLink*);

inline constexpr const char* kConsortiumBase = "/fedpet/consortium";
// A request below kConsortiumBase to the coordinator and its answer back. Orthanc's HTTPS server
// has done the TLS; who speaks is known by the request's own signature.
HttpResponse askCoordinator(federation::Coordinator&, const HttpRequest&);

}  // namespace fedpet::plugin
