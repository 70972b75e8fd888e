// New results told to other programs: a small signed POST that names the result and holds none of
// it. Kept in the same durable outbox as the messages to the EHR, so that none is lost, and sent by
// a thread of its own, so that a slow receiver holds up no EHR. docs/integrators.md says how a
// receiver verifies it.
#pragma once

#include "fhir/Delivery.h"
#include "fhir/Outbox.h"
#include "orthanc-plugin/Log.h"
#include "orthanc-plugin/Options.h"
#include "orthanc-plugin/WorkerApi.h"

#include <memory>
#include <string>
#include <vector>

namespace fedpet::plugin {

// Destinations of the outbox begin with this; what follows is the URL without its query.
inline constexpr const char* kWebhookPrefix = "webhook:";

// HMAC-SHA256 over "<id>.<timestamp>.<body>", as "v1,<base64>" (standardwebhooks.com).
std::string webhookSignature(const std::string& secret, const std::string& id,
                             const std::string& timestamp, const std::string& body);

// The notification: a Bundle in the shape of the R4 Subscriptions backport, id-only.
// `facadeUrl`: absolute or empty.
std::string webhookBody(const ResponseAssessment&, const std::string& destination,
                        const std::string& facadeUrl);

class Webhooks {
 public:
  // Throws std::invalid_argument for a configuration that cannot work. `store` is borrowed and
  // hands out webhook messages alone. `publicUrl`: of this Orthanc, or empty.
  Webhooks(const WebhookOptions&, const std::string& publicUrl, fhir::OutboxStore& store, Log);
  ~Webhooks();

  std::vector<fhir::OutboxMessage> messagesAbout(const ResponseAssessment&) const;
  void start();
  void wake();
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedpet::plugin
