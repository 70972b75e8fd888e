#include "orthanc-plugin/SociOutbox.h"

#include <nlohmann/json.hpp>

namespace fedpet::plugin {
namespace {

using fhir::OutboxEntry;
using fhir::OutboxMessage;
using fhir::OutboxState;
using fhir::OutboxTime;
using soci::into;
using soci::use;

long long millis(OutboxTime t) { return t.time_since_epoch().count(); }
OutboxTime instant(long long ms) { return OutboxTime(std::chrono::milliseconds(ms)); }

struct EntryRow {
  long long id = 0, enqueuedAt = 0, dueAt = 0, revision = 0, settledAt = 0;
  std::string destination, key, orderingKey, body, state, reason, locations;
  int attempts = 0;
};

constexpr const char* kColumns =
    "o.id, o.destination, o.key, o.ordering_key, o.body, o.state, o.attempts, o.enqueued_at, "
    "o.due_at, o.revision, o.reason, o.settled_at, o.locations";

OutboxEntry toEntry(const EntryRow& r) {
  OutboxEntry e;
  e.id = r.id;
  e.message = {r.key, r.destination, r.orderingKey, r.body};
  e.state = fhir::outboxStateFromString(r.state);
  e.attempts = r.attempts;
  e.enqueuedAt = instant(r.enqueuedAt);
  e.dueAt = instant(r.dueAt);
  e.revision = r.revision;
  e.reason = r.reason;
  if (r.settledAt != 0) e.settledAt = instant(r.settledAt);
  e.locations = nlohmann::json::parse(r.locations).get<std::vector<std::string>>();
  return e;
}

std::vector<OutboxEntry> select(soci::session& sql, const std::string& clause,
                                const std::vector<std::string>& texts,
                                const std::vector<long long>& numbers,
                                const char* from = "FROM outbox o ") {
  EntryRow r;
  soci::statement s(sql);
  s.exchange(into(r.id));
  for (std::string* text : {&r.destination, &r.key, &r.orderingKey, &r.body, &r.state})
    s.exchange(into(*text));
  s.exchange(into(r.attempts));
  for (long long* n : {&r.enqueuedAt, &r.dueAt, &r.revision}) s.exchange(into(*n));
  s.exchange(into(r.reason));
  s.exchange(into(r.settledAt));
  s.exchange(into(r.locations));
  for (const std::string& text : texts) s.exchange(use(text));
  for (const long long& number : numbers) s.exchange(use(number));
  s.alloc();
  s.prepare(std::string("SELECT ") + kColumns + " " + from + clause);
  s.define_and_bind();
  s.execute();
  std::vector<OutboxEntry> entries;
  while (s.fetch()) entries.push_back(toEntry(r));
  return entries;
}

// A condition on the destination, to be put behind others.
const char* laneClause(OutboxLane lane) {
  switch (lane) {
    case OutboxLane::All:
      return "";
    case OutboxLane::Ehr:
      return " AND substr(o.destination, 1, 8) <> 'webhook:'";
    case OutboxLane::Webhooks:
      return " AND substr(o.destination, 1, 8) = 'webhook:'";
  }
  return "";
}

std::optional<OutboxEntry> first(std::vector<OutboxEntry> entries) {
  return entries.empty() ? std::nullopt : std::optional(std::move(entries.front()));
}

// Ends a claim; false when it is no longer this one's to end.
bool settle(Database& database, std::int64_t id, std::int64_t revision, OutboxState state,
            long long dueAt, long long settledAt, std::string_view reason,
            const std::vector<std::string>& locations) {
  return database.transaction([&](soci::session& sql) {
    const std::string newState(toString(state)), why(reason),
        list = nlohmann::json(locations).dump();
    const long long entry = id, claim = revision;
    soci::statement s = (sql.prepare << "UPDATE outbox SET state = :a, due_at = CASE WHEN :b > 0 "
                                        "THEN :c ELSE due_at END, settled_at = :d, reason = :e, "
                                        "locations = :f, body = CASE WHEN source_deleted = 1 "
                                        "AND :i = 'Delivered' THEN '' ELSE body END "
                                        "WHERE id = :g AND revision = :h AND "
                                        "state = 'Delivering'",
                         use(newState), use(dueAt), use(dueAt), use(settledAt), use(why), use(list),
                         use(newState), use(entry), use(claim));
    s.execute(true);
    return s.get_affected_rows() == 1;
  });
}

}  // namespace

std::int64_t SociOutbox::enqueueIn(soci::session& sql, const OutboxMessage& m, OutboxTime now,
                                   const std::string& seriesId) {
  const long long t = millis(now);
  const auto old =
      first(select(sql, "WHERE o.destination = :d AND o.key = :k", {m.destination, m.key}, {}));
  if (!old) {
    sql << "INSERT INTO outbox (destination, key, ordering_key, body, state, attempts, "
           "enqueued_at, due_at, revision, reason, settled_at, locations, series_id) "
           "VALUES (:a, :b, :c, :d, 'Pending', 0, :e, :f, 0, '', 0, '[]', :g)",
        use(m.destination), use(m.key), use(m.orderingKey), use(m.body), use(t), use(t),
        use(seriesId);
    return first(select(sql, "WHERE o.destination = :d AND o.key = :k", {m.destination, m.key}, {}))
        .value()
        .id;
  }
  const long long id = old->id;
  sql << "UPDATE outbox SET series_id = :a, source_deleted = 0 WHERE id = :b", use(seriesId),
      use(id);
  if (old->message.body != m.body) {
    sql << "UPDATE outbox SET body = :a, ordering_key = :b, state = 'Pending', attempts = 0, "
           "enqueued_at = :c, due_at = :d, revision = revision + 1, reason = '', settled_at = 0, "
           "locations = '[]' WHERE id = :e",
        use(m.body), use(m.orderingKey), use(t), use(t), use(id);
  }
  return old->id;
}

void SociOutbox::forgetIn(soci::session& sql, const std::string& seriesId) {
  if (seriesId.empty()) return;  // of no series: not this one's either
  sql << "UPDATE outbox SET source_deleted = 1, body = CASE WHEN state = 'Delivered' THEN '' "
         "ELSE body END WHERE series_id = :s",
      use(seriesId);
}

std::int64_t SociOutbox::enqueue(const OutboxMessage& message, OutboxTime now) {
  return database_.transaction([&](soci::session& sql) { return enqueueIn(sql, message, now); });
}

std::optional<OutboxEntry> SociOutbox::claimDue(OutboxTime now,
                                                std::chrono::milliseconds claimFor) {
  return database_.transaction([&](soci::session& sql) -> std::optional<OutboxEntry> {
    auto entry = first(
        select(sql,
               "WHERE o.state IN ('Pending', 'Delivering') AND o.due_at <= :t AND NOT EXISTS ("
               "SELECT 1 FROM outbox b WHERE b.destination = o.destination AND "
               "b.ordering_key = o.ordering_key AND b.id < o.id AND "
               "b.state IN ('Pending', 'Delivering'))" +
                   std::string(laneClause(lane_)) + " ORDER BY o.id LIMIT 1",
               {}, {millis(now)},
               // In the order of ids by itself; SQLite's own choice would sort all that is due.
               "FROM outbox o INDEXED BY outbox_unsettled "));
    if (!entry) return std::nullopt;
    entry->state = OutboxState::Delivering;
    entry->dueAt = now + claimFor;
    ++entry->attempts;
    ++entry->revision;
    const long long due = millis(entry->dueAt), id = entry->id, revision = entry->revision;
    sql << "UPDATE outbox SET state = 'Delivering', due_at = :a, attempts = :b, revision = :c "
           "WHERE id = :d",
        use(due), use(entry->attempts), use(revision), use(id);
    return entry;
  });
}

bool SociOutbox::markDelivered(std::int64_t id, std::int64_t revision, OutboxTime now,
                               const std::vector<std::string>& locations) {
  return settle(database_, id, revision, OutboxState::Delivered, 0, millis(now), "", locations);
}

bool SociOutbox::retryAt(std::int64_t id, std::int64_t revision, OutboxTime dueAt,
                         std::string_view reason) {
  return settle(database_, id, revision, OutboxState::Pending, millis(dueAt), 0, reason, {});
}

bool SociOutbox::deadLetter(std::int64_t id, std::int64_t revision, OutboxTime now,
                            std::string_view reason) {
  return settle(database_, id, revision, OutboxState::DeadLetter, 0, millis(now), reason, {});
}

bool SociOutbox::requeue(std::int64_t id, OutboxTime now) {
  return database_.transaction([&](soci::session& sql) {
    const long long entry = id, t = millis(now);
    soci::statement s =
        (sql.prepare << "UPDATE outbox SET state = 'Pending', due_at = :a, enqueued_at = :b, "
                        "attempts = 0, settled_at = 0 WHERE id = :c AND "
                        "state IN ('DeadLetter', 'Pending')",
         use(t), use(t), use(entry));
    s.execute(true);
    return s.get_affected_rows() == 1;
  });
}

std::optional<OutboxEntry> SociOutbox::find(std::int64_t id) const {
  return database_.transaction(
      [&](soci::session& sql) { return first(select(sql, "WHERE o.id = :i", {}, {id})); });
}

std::vector<OutboxEntry> SociOutbox::list(std::optional<OutboxState> state,
                                          std::size_t limit) const {
  return database_.transaction([&](soci::session& sql) {
    const auto n = static_cast<long long>(limit);
    return state ? select(sql, "WHERE o.state = :s ORDER BY o.id DESC LIMIT :l",
                          {std::string(toString(*state))}, {n})
                 : select(sql, "ORDER BY o.id DESC LIMIT :l", {}, {n});
  });
}

fhir::OutboxCounts SociOutbox::counts() const {
  return database_.transaction([](soci::session& sql) {
    fhir::OutboxCounts counts;
    std::string state;
    long long n = 0;
    soci::statement s =
        (sql.prepare << "SELECT state, COUNT(*) FROM outbox GROUP BY state", into(state), into(n));
    s.execute();
    while (s.fetch()) {
      const auto number = static_cast<std::size_t>(n);
      switch (fhir::outboxStateFromString(state)) {
        case OutboxState::Pending:
          counts.pending = number;
          break;
        case OutboxState::Delivering:
          counts.delivering = number;
          break;
        case OutboxState::Delivered:
          counts.delivered = number;
          break;
        case OutboxState::DeadLetter:
          counts.deadLetter = number;
          break;
      }
    }
    return counts;
  });
}

std::optional<OutboxTime> SociOutbox::nextDue() const {
  return database_.transaction([&](soci::session& sql) {
    long long due = -1;
    sql << "SELECT COALESCE(MIN(o.due_at), -1) FROM outbox o "
           "WHERE o.state IN ('Pending', 'Delivering')"
        << laneClause(lane_),
        into(due);
    return due < 0 ? std::nullopt : std::optional(instant(due));
  });
}

}  // namespace fedpet::plugin
