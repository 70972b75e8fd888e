// A working outbox in memory, for tests of whoever uses one. Copies of one Storage share it, as
// two processes share a database.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fhir/Outbox.h"

namespace fedpet::testing {

class InMemoryOutboxStore : public fhir::OutboxStore {
 public:
  struct Storage {
    std::mutex mutex;  // guards everything below
    std::int64_t lastId = 0;
    std::map<std::int64_t, fhir::OutboxEntry> entries;
  };

  explicit InMemoryOutboxStore(std::shared_ptr<Storage> storage = std::make_shared<Storage>())
      : storage_(std::move(storage)) {}

  std::int64_t enqueue(const fhir::OutboxMessage& message, fhir::OutboxTime now) override {
    const std::lock_guard lock(storage_->mutex);
    for (auto& [id, entry] : storage_->entries) {
      if (entry.message.key != message.key || entry.message.destination != message.destination)
        continue;
      if (entry.message.body != message.body) {
        fhir::OutboxEntry fresh = newEntry(id, message, now);
        fresh.revision = entry.revision + 1;
        entry = fresh;
      }
      return id;
    }
    const std::int64_t id = ++storage_->lastId;
    storage_->entries[id] = newEntry(id, message, now);
    return id;
  }

  std::optional<fhir::OutboxEntry> claimDue(fhir::OutboxTime now,
                                            std::chrono::milliseconds claimFor) override {
    const std::lock_guard lock(storage_->mutex);
    for (auto& [id, entry] : storage_->entries) {
      if (!isUnsettled(entry) || entry.dueAt > now || isBlocked(entry)) continue;
      entry.state = fhir::OutboxState::Delivering;
      entry.dueAt = now + claimFor;
      ++entry.attempts;
      ++entry.revision;
      return entry;
    }
    return std::nullopt;
  }

  bool markDelivered(std::int64_t id, std::int64_t revision, fhir::OutboxTime now,
                     const std::vector<std::string>& locations) override {
    return settle(id, revision, [&](fhir::OutboxEntry& entry) {
      entry.state = fhir::OutboxState::Delivered;
      entry.settledAt = now;
      entry.reason.clear();
      entry.locations = locations;
    });
  }

  bool retryAt(std::int64_t id, std::int64_t revision, fhir::OutboxTime dueAt,
               std::string_view reason) override {
    return settle(id, revision, [&](fhir::OutboxEntry& entry) {
      entry.state = fhir::OutboxState::Pending;
      entry.dueAt = dueAt;
      entry.reason = reason;
    });
  }

  bool deadLetter(std::int64_t id, std::int64_t revision, fhir::OutboxTime now,
                  std::string_view reason) override {
    return settle(id, revision, [&](fhir::OutboxEntry& entry) {
      entry.state = fhir::OutboxState::DeadLetter;
      entry.settledAt = now;
      entry.reason = reason;
    });
  }

  bool requeue(std::int64_t id, fhir::OutboxTime now) override {
    const std::lock_guard lock(storage_->mutex);
    const auto found = storage_->entries.find(id);
    if (found == storage_->entries.end()) return false;
    fhir::OutboxEntry& entry = found->second;
    if (entry.state != fhir::OutboxState::DeadLetter && entry.state != fhir::OutboxState::Pending)
      return false;
    entry.state = fhir::OutboxState::Pending;
    entry.attempts = 0;
    entry.enqueuedAt = entry.dueAt = now;
    entry.settledAt.reset();
    return true;
  }

  std::optional<fhir::OutboxEntry> find(std::int64_t id) const override {
    const std::lock_guard lock(storage_->mutex);
    const auto found = storage_->entries.find(id);
    if (found == storage_->entries.end()) return std::nullopt;
    return found->second;
  }

  std::vector<fhir::OutboxEntry> list(std::optional<fhir::OutboxState> state,
                                      std::size_t limit) const override {
    const std::lock_guard lock(storage_->mutex);
    std::vector<fhir::OutboxEntry> found;
    for (auto it = storage_->entries.rbegin(); it != storage_->entries.rend(); ++it)
      if ((!state || it->second.state == *state) && found.size() < limit)
        found.push_back(it->second);
    return found;
  }

  fhir::OutboxCounts counts() const override {
    const std::lock_guard lock(storage_->mutex);
    fhir::OutboxCounts counts;
    for (const auto& [id, entry] : storage_->entries) switch (entry.state) {
        case fhir::OutboxState::Pending: ++counts.pending; break;
        case fhir::OutboxState::Delivering: ++counts.delivering; break;
        case fhir::OutboxState::Delivered: ++counts.delivered; break;
        case fhir::OutboxState::DeadLetter: ++counts.deadLetter; break;
      }
    return counts;
  }

  std::optional<fhir::OutboxTime> nextDue() const override {
    const std::lock_guard lock(storage_->mutex);
    std::optional<fhir::OutboxTime> next;
    for (const auto& [id, entry] : storage_->entries)
      if (isUnsettled(entry)) next = next ? std::min(*next, entry.dueAt) : entry.dueAt;
    return next;
  }

 private:
  static bool isUnsettled(const fhir::OutboxEntry& entry) {
    return entry.state == fhir::OutboxState::Pending ||
           entry.state == fhir::OutboxState::Delivering;
  }

  static fhir::OutboxEntry newEntry(std::int64_t id, const fhir::OutboxMessage& message,
                                    fhir::OutboxTime now) {
    fhir::OutboxEntry entry;
    entry.id = id;
    entry.message = message;
    entry.enqueuedAt = entry.dueAt = now;
    return entry;
  }

  bool isBlocked(const fhir::OutboxEntry& entry) const {
    for (const auto& [id, earlier] : storage_->entries)
      if (id < entry.id && isUnsettled(earlier) &&
          earlier.message.destination == entry.message.destination &&
          earlier.message.orderingKey == entry.message.orderingKey)
        return true;
    return false;
  }

  template <typename Change>
  bool settle(std::int64_t id, std::int64_t revision, Change change) {
    const std::lock_guard lock(storage_->mutex);
    const auto found = storage_->entries.find(id);
    if (found == storage_->entries.end()) return false;
    if (found->second.state != fhir::OutboxState::Delivering || found->second.revision != revision)
      return false;
    change(found->second);
    return true;
  }

  std::shared_ptr<Storage> storage_;
};

}  // namespace fedpet::testing
