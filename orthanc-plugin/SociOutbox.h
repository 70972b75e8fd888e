// The queue of messages to the EHRs, in the plugin's own database, so that the end of a job and
// the message about it are one transaction.
#pragma once

#include "fhir/Outbox.h"
#include "orthanc-plugin/Schema.h"

namespace fedpet::plugin {

// Which messages claimDue and nextDue see. Couriers of their own, so that a slow receiver of one
// kind holds up none of the other. Destinations of webhooks begin with "webhook:".
enum class OutboxLane { All, Ehr, Webhooks };

class SociOutbox final : public fhir::OutboxStore {
 public:
  explicit SociOutbox(Database& database, OutboxLane lane = OutboxLane::All)  // borrowed
      : database_(database), lane_(lane) {}

  // enqueue() inside a transaction that is already open, of what is known about a series.
  static std::int64_t enqueueIn(soci::session&, const fhir::OutboxMessage&, fhir::OutboxTime now,
                                const std::string& seriesId = {});
  // The series is gone from the archive: the bodies of its messages go once they are delivered,
  // which may have been long ago. What is still to be delivered, or was given up, keeps its body.
  static void forgetIn(soci::session&, const std::string& seriesId);

  std::int64_t enqueue(const fhir::OutboxMessage&, fhir::OutboxTime now) override;
  std::optional<fhir::OutboxEntry> claimDue(fhir::OutboxTime now,
                                            std::chrono::milliseconds claimFor) override;
  bool markDelivered(std::int64_t id, std::int64_t revision, fhir::OutboxTime now,
                     const std::vector<std::string>& locations) override;
  bool retryAt(std::int64_t id, std::int64_t revision, fhir::OutboxTime dueAt,
               std::string_view reason) override;
  bool deadLetter(std::int64_t id, std::int64_t revision, fhir::OutboxTime now,
                  std::string_view reason) override;
  bool requeue(std::int64_t id, fhir::OutboxTime now) override;
  std::optional<fhir::OutboxEntry> find(std::int64_t id) const override;
  std::vector<fhir::OutboxEntry> list(std::optional<fhir::OutboxState>,
                                      std::size_t limit) const override;
  fhir::OutboxCounts counts() const override;
  std::optional<fhir::OutboxTime> nextDue() const override;

 private:
  Database& database_;
  OutboxLane lane_;
};

}  // namespace fedpet::plugin
