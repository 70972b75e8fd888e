// Hands transaction bundles to one FHIR R4 server and judges its answer.
#pragma once

#include "fhir/Delivery.h"
#include "fhir/EhrConnection.h"
#include "fhir/RetryAfter.h"

#include <string>

namespace fedpet::fhir {

// Not thread-safe. A bundle counts as delivered only when the server confirms every entry of it:
// a transaction-response Bundle with one 2xx status each.
class EhrClient : public BundleSender {
 public:
  // Throws std::invalid_argument for a base URL that net::parseUrl refuses, net::NetError (Tls)
  // for unreadable certificate files.
  explicit EhrClient(EhrOptions);

  DeliveryOutcome deliver(const std::string& bundle, const std::string& requestId,
                          std::stop_token stop = {}) override;

 private:
  EhrConnection connection_;
};

// The same over a connection that others use too.
DeliveryOutcome postTransaction(EhrConnection&, const std::string& bundle,
                                const std::string& requestId, const std::stop_token&);

}  // namespace fedpet::fhir
