// T2 and T3: the resources of one bundle one by one. Each is written under its condition, or after
// a search for it where the server makes no conditional writes, so that a delivery that broke off
// anywhere can be repeated from its start: what is there is found again.
#pragma once

#include "fhir/EhrConnection.h"
#include "fhir/tiers/Parcel.h"
#include "fhir/tiers/Tier.h"

#include <tl/expected.hpp>

#include <stop_token>
#include <string>

namespace fedpet::fhir {

// The patient is searched first; anything but one match is Rejected, for a person to look at.
// `server` null: nothing is taken for granted, each write has its search before it.
// The locations of Delivered are in the order of writing.
// A server whose search lags behind its writes may get a resource twice when the connection breaks
// between the two, unless it makes conditional creates.
DeliveryOutcome writeSingly(EhrConnection&, const ServerCapability* server, const TierChoice&,
                            Parcel, const std::string& requestId, const std::stop_token&);

}  // namespace fedpet::fhir
