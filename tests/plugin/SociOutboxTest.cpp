#include "orthanc-plugin/SociOutbox.h"
#include "tests/plugin/TemporaryDatabase.h"
#include "tests/support/OutboxStoreContract.h"

namespace fedpet::plugin {
namespace {

// Each opened store has its own connection, as after a restart or in another process.
class OwningOutbox final : public fhir::OutboxStore {
 public:
  explicit OwningOutbox(std::unique_ptr<Database> database)
      : database_(std::move(database)), outbox_(*database_) {}
  std::int64_t enqueue(const fhir::OutboxMessage& m, fhir::OutboxTime t) override {
    return outbox_.enqueue(m, t);
  }
  std::optional<fhir::OutboxEntry> claimDue(fhir::OutboxTime t,
                                            std::chrono::milliseconds d) override {
    return outbox_.claimDue(t, d);
  }
  bool markDelivered(std::int64_t id, std::int64_t revision, fhir::OutboxTime t,
                     const std::vector<std::string>& l) override {
    return outbox_.markDelivered(id, revision, t, l);
  }
  bool retryAt(std::int64_t id, std::int64_t revision, fhir::OutboxTime t,
               std::string_view why) override {
    return outbox_.retryAt(id, revision, t, why);
  }
  bool deadLetter(std::int64_t id, std::int64_t revision, fhir::OutboxTime t,
                  std::string_view why) override {
    return outbox_.deadLetter(id, revision, t, why);
  }
  bool requeue(std::int64_t id, fhir::OutboxTime t) override { return outbox_.requeue(id, t); }
  std::optional<fhir::OutboxEntry> find(std::int64_t id) const override { return outbox_.find(id); }
  std::vector<fhir::OutboxEntry> list(std::optional<fhir::OutboxState> s,
                                      std::size_t n) const override {
    return outbox_.list(s, n);
  }
  fhir::OutboxCounts counts() const override { return outbox_.counts(); }
  std::optional<fhir::OutboxTime> nextDue() const override { return outbox_.nextDue(); }

 private:
  std::unique_ptr<Database> database_;
  SociOutbox outbox_;
};

struct SqliteOutboxes {
  TemporaryDatabase file;
  std::unique_ptr<fhir::OutboxStore> open() { return std::make_unique<OwningOutbox>(file.open()); }
};

}  // namespace
}  // namespace fedpet::plugin

namespace fedpet::testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, OutboxStoreContract, plugin::SqliteOutboxes);
}
