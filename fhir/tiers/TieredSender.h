// The way to one destination in the highest tier that it supports.
#pragma once

#include "fhir/EhrConnection.h"
#include "fhir/hl7v2/OruSender.h"
#include "fhir/tiers/AuditTrail.h"
#include "fhir/tiers/Tier.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace fedpet::fhir {

struct TieredOptions {
  EhrOptions ehr;                         // baseUrl may be empty: no FHIR
  Hl7Options hl7;                         // mllpUrl may be empty: no HL7 v2
  std::string tier = "auto";              // or "T1" to "T5"
  std::string fhirVersion = "R4";         // or "R5": what is written
  std::chrono::hours readAgainAfter{24};  // the server's /metadata
  std::string auditFile;     // of the local copies of audit events, see AuditTrail; or empty
  std::string organization;  // the site, as audit events name it
};

struct TierReport {
  std::optional<TierChoice> choice;  // nullopt before the server was asked
  std::string server;                // "HAPI FHIR Server 8.4.0, FHIR 4.0.1"; or empty
  std::optional<std::chrono::system_clock::time_point> readAt;
  std::string trouble;       // why /metadata could not be read the last time; or empty
  std::string auditTrouble;  // why the last audit event could not be kept; or empty
};

// deliver() by one thread at a time; report() at any time.
class TieredSender : public BundleSender {
 public:
  // Throws std::invalid_argument or net::NetError (Tls) for options that cannot work; asks nobody.
  explicit TieredSender(TieredOptions);
  ~TieredSender() override;

  // A tier whose interaction the server answers with 404, 405, 410 or 501 is looked up anew, and
  // the message sent once more when the choice is another one then.
  DeliveryOutcome deliver(const std::string& bundle, const std::string& requestId,
                          std::stop_token stop = {}) override;

  TierReport report() const;

 private:
  // The outcome that stops the delivery when the server could not be asked.
  std::optional<DeliveryOutcome> choose(const std::stop_token&);
  std::optional<DeliveryOutcome> readMetadata(const std::stop_token&);
  DeliveryOutcome sendBy(const TierChoice&, const std::string& bundle, const std::string& requestId,
                         const std::stop_token&);
  void audit(const TierChoice&, const std::string& bundle, const std::string& requestId,
             const DeliveryOutcome&, const std::stop_token&);
  TierWishes wishes() const;
  bool auditsThere() const;  // the server lists AuditEvent

  TieredOptions options_;
  std::unique_ptr<EhrConnection> connection_;  // null without a base URL
  std::unique_ptr<OruSender> oru_;             // null without an MLLP address
  AuditTrail trail_;
  std::optional<ServerCapability> server_;  // nullopt: not read, or it gives none
  bool isStale_ = true;
  mutable std::mutex mutex_;  // guards report_
  TierReport report_;
};

}  // namespace fedpet::fhir
