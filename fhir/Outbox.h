// The durable queue between an assessment and the EHRs: at least once, in order per study, and
// never lost. OutboxStore is the storage (the plugin keeps it in its database; tests in memory);
// OutboxCourier empties it. Every implementation passes tests/support/OutboxStoreContract.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir {

// UTC; milliseconds, so that every database keeps it exactly.
using OutboxTime = std::chrono::sys_time<std::chrono::milliseconds>;

struct OutboxMessage {
  // Who it is, per destination: the SOP Instance UID of the SR. The same key names the same result.
  std::string key;
  std::string destination;  // name of a configured EHR
  // Messages of one destination with the same ordering key (the Study Instance UID) are delivered
  // one after the other, in the order they were enqueued. Others overtake freely.
  std::string orderingKey;
  std::string body;         // the transaction bundle, UTF-8 JSON
};

enum class OutboxState {
  Pending,     // waits until dueAt
  Delivering,  // claimed; pending again when the claim runs out, so that a crash loses nothing
  Delivered,
  DeadLetter,  // given up with a reason; a person may requeue it
};
std::string_view toString(OutboxState);  // "Pending": stable, stored in the database
OutboxState outboxStateFromString(std::string_view);  // throws std::invalid_argument

struct OutboxEntry {
  std::int64_t id = 0;  // order of arrival; positive, unique, never used again
  OutboxMessage message;
  OutboxState state = OutboxState::Pending;
  int attempts = 0;     // claims so far: counted when claimed, so that a crash counts too
  OutboxTime enqueuedAt{};
  OutboxTime dueAt{};   // when Pending; the end of the claim when Delivering
  // Grows by one with each claim of an entry and each replacement of its body; what claimDue
  // returned is the permission to settle that claim and no other.
  std::int64_t revision = 0;
  std::string reason;   // of the last failed attempt or the dead letter; empty when Delivered
  std::optional<OutboxTime> settledAt;  // delivered or dead-lettered
  std::vector<std::string> locations;   // of the written resources, once Delivered
};

struct OutboxCounts {
  std::size_t pending = 0, delivering = 0, delivered = 0, deadLetter = 0;
};

// Thread-safe. Each call is one transaction: it happens wholly or not at all, also across a crash.
// A failing store throws std::runtime_error (the room that implements it may throw its own kind).
class OutboxStore {
 public:
  virtual ~OutboxStore() = default;

  // Idempotent by (destination, key). A message that is there with the same body is left as it is,
  // whatever its state. With another body (the study was assessed again) the new body takes the
  // old one's place: Pending, due now, attempts 0, revision + 1, reason and locations cleared;
  // a claim that is under way can then no longer settle it. Returns the entry's id.
  virtual std::int64_t enqueue(const OutboxMessage&, OutboxTime now) = 0;

  // The entry with the lowest id that is due (Pending with dueAt <= now, or Delivering with a
  // claim that ended at or before now) and has no unsettled (Pending or Delivering) entry of the
  // same destination and ordering key before it. It becomes Delivering until now + claimFor,
  // attempts and revision grow by one; the returned entry shows the new values.
  virtual std::optional<OutboxEntry> claimDue(OutboxTime now, std::chrono::milliseconds claimFor) = 0;

  // Settle the claim `revision` of entry `id`. False, and nothing changes, when the entry is not
  // Delivering under that revision (claim ran out and was taken again, body replaced).
  virtual bool markDelivered(std::int64_t id, std::int64_t revision, OutboxTime now,
                             const std::vector<std::string>& locations) = 0;
  virtual bool retryAt(std::int64_t id, std::int64_t revision, OutboxTime dueAt,
                       std::string_view reason) = 0;
  virtual bool deadLetter(std::int64_t id, std::int64_t revision, OutboxTime now,
                          std::string_view reason) = 0;

  // By a person: a DeadLetter or Pending entry becomes Pending, due now, with attempts 0 and
  // enqueuedAt = now (its patience starts anew). False for an unknown id or another state.
  virtual bool requeue(std::int64_t id, OutboxTime now) = 0;

  virtual std::optional<OutboxEntry> find(std::int64_t id) const = 0;
  // Newest first (highest id); nullopt: every state.
  virtual std::vector<OutboxEntry> list(std::optional<OutboxState>, std::size_t limit) const = 0;
  virtual OutboxCounts counts() const = 0;
  // When the next entry becomes due (Pending or Delivering, blocked ones included); nullopt when
  // everything is settled. May be in the past.
  virtual std::optional<OutboxTime> nextDue() const = 0;
};

}  // namespace fedpet::fhir
