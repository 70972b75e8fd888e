#include "federation/coordinator/Store.h"

#include <nlohmann/json.hpp>

namespace fedpet::federation {
namespace {

using soci::into;
using soci::use;

// Runs `query`, whose columns were bound by `bind(statement, row)`, and collects the rows.
template <typename Row, typename Bind, typename... Parameters>
std::vector<Row> collect(soci::session& sql, const std::string& query, Bind bind,
                         const Parameters&... parameters) {
  std::vector<Row> rows;
  Row row;
  soci::statement statement(sql);
  bind(statement, row);
  (statement.exchange(use(parameters)), ...);
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
  for (bool more = statement.execute(true); more; more = statement.fetch()) rows.push_back(row);
  return rows;
}

template <typename Row>
std::optional<Row> firstOf(std::vector<Row> rows) {
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

void bindMember(soci::statement& s, MemberRow& r) {
  s.exchange(into(r.site));
  s.exchange(into(r.invitedAt));
  s.exchange(into(r.enrolledAt));
  s.exchange(into(r.revokedAt));
  s.exchange(into(r.revocationReason));
}
void bindCertificate(soci::statement& s, CertificateRow& r) {
  for (std::string* text : {&r.serial, &r.site, &r.publicKeyHex, &r.pem}) s.exchange(into(*text));
  for (long long* n : {&r.issuedAt, &r.notAfter, &r.activatedAt, &r.endedAt}) s.exchange(into(*n));
}
void bindInvitation(soci::statement& s, InvitationRow& r) {
  s.exchange(into(r.tokenHash));
  s.exchange(into(r.site));
  s.exchange(into(r.expires));
  s.exchange(into(r.serial));
}
constexpr const char* kPlanColumns =
    "hash, document, title, status, reason, proposed_at, changed_at, number, attempt, failures, "
    "retry_at, state_blob, input_blob, outcome_blob, result_blob";
void bindPlan(soci::statement& s, PlanRow& r) {
  for (std::string* text : {&r.hash, &r.document, &r.title, &r.status, &r.reason})
    s.exchange(into(*text));
  s.exchange(into(r.proposedAt));
  s.exchange(into(r.changedAt));
  for (int* n : {&r.number, &r.attempt, &r.failures}) s.exchange(into(*n));
  s.exchange(into(r.retryAt));
  for (std::string* text : {&r.stateBlob, &r.inputBlob, &r.outcomeBlob, &r.resultBlob})
    s.exchange(into(*text));
}
constexpr const char* kDecisionColumns =
    "plan, site, approved, decider, reason, decided_at, hash, document";
void bindDecision(soci::statement& s, DecisionRow& r) {
  s.exchange(into(r.plan));
  s.exchange(into(r.site));
  s.exchange(into(r.approved));
  s.exchange(into(r.by));
  s.exchange(into(r.reason));
  s.exchange(into(r.decidedAt));
  s.exchange(into(r.hash));
  s.exchange(into(r.document));
}
void bindProgress(soci::statement& s, ProgressRow& r) {
  s.exchange(into(r.number));
  s.exchange(into(r.contributorsJson));
  s.exchange(into(r.metricsJson));
  s.exchange(into(r.seconds));
  s.exchange(into(r.closedAt));
}
const std::string kRoundColumns =
    "id, plan, number, attempt, part, start_document, status, failure, opened_at, closed_at";
void bindRound(soci::statement& s, RoundRow& r) {
  s.exchange(into(r.id));
  s.exchange(into(r.plan));
  for (int* n : {&r.number, &r.attempt, &r.part}) s.exchange(into(*n));
  for (std::string* text : {&r.startDocument, &r.status, &r.failure}) s.exchange(into(*text));
  s.exchange(into(r.openedAt));
  s.exchange(into(r.closedAt));
}
void bindMessage(soci::statement& s, MessageRow& r) {
  s.exchange(into(r.site));
  s.exchange(into(r.step));
  s.exchange(into(r.hash));
  s.exchange(into(r.document));
}
void bindBlob(soci::statement& s, BlobRow& r) {
  s.exchange(into(r.sha256));
  s.exchange(into(r.size));
  s.exchange(into(r.readable));
}
void bindRelease(soci::statement& s, ReleaseRow& r) {
  for (std::string* text : {&r.hash, &r.plan, &r.document, &r.title}) s.exchange(into(*text));
  s.exchange(into(r.releasedAt));
}

struct EventRow {
  long long at = 0;
  std::string kind, site;
  int step = 0;
  std::string reason;
};
void bindEvent(soci::statement& s, EventRow& r) {
  s.exchange(into(r.at));
  s.exchange(into(r.kind));
  s.exchange(into(r.site));
  s.exchange(into(r.step));
  s.exchange(into(r.reason));
}
EventRow rowOf(const Event& event) {
  EventRow row;
  row.at = toRow(event.at);
  if (const auto* spoke = std::get_if<SiteSpoke>(&event.what)) {
    row.kind = "spoke";
    row.site = spoke->site;
    row.step = static_cast<int>(spoke->step);
  } else if (const auto* gone = std::get_if<SiteWithdrew>(&event.what)) {
    row.kind = "withdrew";
    row.site = gone->site;
    row.reason = gone->reason;
  } else if (const auto* cancelled = std::get_if<Cancelled>(&event.what)) {
    row.kind = "cancelled";
    row.reason = cancelled->reason;
  } else {
    row.kind = "time";
  }
  return row;
}
Event eventOf(const EventRow& row) {
  Event event{fromRow(row.at), TimePassed{}};
  if (row.kind == "spoke") event.what = SiteSpoke{row.site, static_cast<Step>(row.step)};
  if (row.kind == "withdrew") event.what = SiteWithdrew{row.site, row.reason};
  if (row.kind == "cancelled") event.what = Cancelled{row.reason};
  return event;
}

struct AuditRow {
  long long sequence = 0, at = 0;
  std::string kind, facts, previous, hash;
};
void bindAudit(soci::statement& s, AuditRow& r) {
  s.exchange(into(r.sequence));
  s.exchange(into(r.at));
  for (std::string* text : {&r.kind, &r.facts, &r.previous, &r.hash}) s.exchange(into(*text));
}
constexpr const char* kAuditColumns = "sequence, happened_at, kind, facts, previous, hash";

Hash256 hashOf(const std::string& hex) {
  const Bytes bytes = fromHex(hex);
  Hash256 hash{};
  if (bytes.size() != hash.size()) throw storage::DatabaseError("an audit hash is damaged");
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}
AuditEntry entryOf(const AuditRow& row) {
  AuditEntry entry;
  entry.sequence = static_cast<std::uint64_t>(row.sequence);
  entry.time = fromRow(row.at);
  entry.kind = row.kind;
  entry.factsJson = row.facts;
  entry.previous = hashOf(row.previous);
  entry.hash = hashOf(row.hash);
  return entry;
}

}  // namespace

std::string storable(std::string_view text, std::size_t mostBytes) {
  // The JSON writer replaces what is not UTF-8; reading it back gives valid text.
  const std::string valid =
      nlohmann::json::parse(nlohmann::json(std::string(text.substr(0, mostBytes)))
                                .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
          .get<std::string>();
  std::string clean;
  for (const char c : valid) clean += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return clean;
}

// --- meta, members -----------------------------------------------------------------------------

std::optional<std::string> Records::meta(const std::string& name) {
  return firstOf(collect<std::string>(
      sql_, "SELECT value FROM meta WHERE name = :n",
      [](soci::statement& s, std::string& value) { s.exchange(into(value)); }, name));
}

void Records::setMeta(const std::string& name, const std::string& value) {
  sql_ << "INSERT INTO meta (name, value) VALUES (:n, :v) "
          "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      use(name), use(value);
}

std::vector<MemberRow> Records::members() {
  return collect<MemberRow>(
      sql_,
      "SELECT site, invited_at, enrolled_at, revoked_at, revocation_reason FROM members "
      "ORDER BY site",
      bindMember);
}

void Records::save(const MemberRow& r) {
  sql_ << "INSERT INTO members (site, invited_at, enrolled_at, revoked_at, revocation_reason) "
          "VALUES (:s, :i, :e, :r, :w) ON CONFLICT (site) DO UPDATE SET "
          "invited_at = excluded.invited_at, enrolled_at = excluded.enrolled_at, "
          "revoked_at = excluded.revoked_at, revocation_reason = excluded.revocation_reason",
      use(r.site), use(r.invitedAt), use(r.enrolledAt), use(r.revokedAt), use(r.revocationReason);
}

std::vector<CertificateRow> Records::certificates() {
  return collect<CertificateRow>(
      sql_,
      "SELECT serial, site, public_key, pem, issued_at, not_after, activated_at, ended_at "
      "FROM certificates ORDER BY sequence",
      bindCertificate);
}

void Records::save(const CertificateRow& r) {
  sql_ << "INSERT INTO certificates (serial, site, public_key, pem, issued_at, not_after, "
          "activated_at, ended_at) VALUES (:a, :b, :c, :d, :e, :f, :g, :h) "
          "ON CONFLICT (serial) DO UPDATE SET activated_at = excluded.activated_at, "
          "ended_at = excluded.ended_at",
      use(r.serial), use(r.site), use(r.publicKeyHex), use(r.pem), use(r.issuedAt), use(r.notAfter),
      use(r.activatedAt), use(r.endedAt);
}

std::optional<InvitationRow> Records::invitation(const std::string& tokenHash) {
  return firstOf(collect<InvitationRow>(
      sql_, "SELECT token_hash, site, expires, serial FROM invitations WHERE token_hash = :t",
      bindInvitation, tokenHash));
}

void Records::save(const InvitationRow& r) {
  sql_ << "INSERT INTO invitations (token_hash, site, expires, serial) VALUES (:t, :s, :e, :n) "
          "ON CONFLICT (token_hash) DO UPDATE SET serial = excluded.serial",
      use(r.tokenHash), use(r.site), use(r.expires), use(r.serial);
}

void Records::dropUnusedInvitations(const std::string& site) {
  sql_ << "DELETE FROM invitations WHERE site = :s AND serial = ''", use(site);
}

void Records::addNonce(const std::string& site, const std::string& nonce, Seconds signedAt) {
  const long long at = toRow(signedAt);
  sql_ << "INSERT INTO nonces (site, nonce, signed_at) VALUES (:s, :n, :t) "
          "ON CONFLICT (site, nonce) DO NOTHING",
      use(site), use(nonce), use(at);
}

std::vector<std::tuple<std::string, std::string, Seconds>> Records::nonces() {
  struct Row {
    std::string site, nonce;
    long long at = 0;
  };
  std::vector<std::tuple<std::string, std::string, Seconds>> result;
  for (const Row& row : collect<Row>(sql_, "SELECT site, nonce, signed_at FROM nonces",
                                     [](soci::statement&s, Row&r) {
                                       s.exchange(into(r.site));
                                       s.exchange(into(r.nonce));
                                       s.exchange(into(r.at));
                                     }))
    result.emplace_back(row.site, row.nonce, fromRow(row.at));
  return result;
}

void Records::dropNoncesBefore(Seconds time) {
  const long long at = toRow(time);
  sql_ << "DELETE FROM nonces WHERE signed_at < :t", use(at);
}

// --- plans -------------------------------------------------------------------------------------

std::vector<PlanRow> Records::plans() {
  return collect<PlanRow>(sql_, std::string("SELECT ") + kPlanColumns + " FROM plans ORDER BY id",
                          bindPlan);
}

std::optional<PlanRow> Records::plan(const std::string& hash) {
  return firstOf(collect<PlanRow>(
      sql_, std::string("SELECT ") + kPlanColumns + " FROM plans WHERE hash = :h", bindPlan, hash));
}

void Records::insert(const PlanRow& r) {
  sql_ << std::string("INSERT INTO plans (") + kPlanColumns +
              ") VALUES (:a, :b, :c, :d, :e, :f, :g, :h, :i, :j, :k, :l, :m, :n, :o)",
      use(r.hash), use(r.document), use(r.title), use(r.status), use(r.reason), use(r.proposedAt),
      use(r.changedAt), use(r.number), use(r.attempt), use(r.failures), use(r.retryAt),
      use(r.stateBlob), use(r.inputBlob), use(r.outcomeBlob), use(r.resultBlob);
}

void Records::update(const PlanRow& r) {
  sql_ << "UPDATE plans SET status = :a, reason = :b, changed_at = :c, number = :d, attempt = :e, "
          "failures = :f, retry_at = :g, state_blob = :h, input_blob = :i, outcome_blob = :j, "
          "result_blob = :k WHERE hash = :l",
      use(r.status), use(r.reason), use(r.changedAt), use(r.number), use(r.attempt),
      use(r.failures), use(r.retryAt), use(r.stateBlob), use(r.inputBlob), use(r.outcomeBlob),
      use(r.resultBlob), use(r.hash);
}

std::vector<DecisionRow> Records::decisions(const std::string& plan) {
  return collect<DecisionRow>(
      sql_,
      std::string("SELECT ") + kDecisionColumns + " FROM decisions WHERE plan = :p ORDER BY site",
      bindDecision, plan);
}

std::optional<DecisionRow> Records::decision(const std::string& plan, const std::string& site) {
  return firstOf(collect<DecisionRow>(
      sql_,
      std::string("SELECT ") + kDecisionColumns + " FROM decisions WHERE plan = :p AND site = :s",
      bindDecision, plan, site));
}

void Records::save(const DecisionRow& r) {
  sql_ << std::string("INSERT INTO decisions (") + kDecisionColumns +
              ") VALUES (:a, :b, :c, :d, :e, :f, :g, :h) ON CONFLICT (plan, site) DO UPDATE SET "
              "approved = excluded.approved, decider = excluded.decider, "
              "reason = excluded.reason, decided_at = excluded.decided_at, "
              "hash = excluded.hash, document = excluded.document",
      use(r.plan), use(r.site), use(r.approved), use(r.by), use(r.reason), use(r.decidedAt),
      use(r.hash), use(r.document);
}

std::vector<ProgressRow> Records::progress(const std::string& plan) {
  return collect<ProgressRow>(sql_,
                              "SELECT number, contributors, metrics, seconds, closed_at "
                              "FROM progress WHERE plan = :p ORDER BY number",
                              bindProgress, plan);
}

void Records::add(const std::string& plan, const ProgressRow& r) {
  sql_ << "INSERT INTO progress (plan, number, contributors, metrics, seconds, closed_at) "
          "VALUES (:a, :b, :c, :d, :e, :f)",
      use(plan), use(r.number), use(r.contributorsJson), use(r.metricsJson), use(r.seconds),
      use(r.closedAt);
}

// --- rounds ------------------------------------------------------------------------------------

std::vector<RoundRow> Records::rounds() {
  return collect<RoundRow>(sql_, "SELECT " + kRoundColumns + " FROM rounds ORDER BY sequence",
                           bindRound);
}

std::vector<RoundRow> Records::roundsOf(const std::string& plan, int number, int attempt) {
  return collect<RoundRow>(sql_,
                           "SELECT " + kRoundColumns +
                               " FROM rounds WHERE plan = :p AND number = :n AND attempt = :a "
                               "ORDER BY part",
                           bindRound, plan, number, attempt);
}

std::vector<RoundRow> Records::unfinishedRounds() {
  return collect<RoundRow>(sql_,
                           "SELECT " + kRoundColumns +
                               " FROM rounds WHERE status IN ('open', 'summing') ORDER BY sequence",
                           bindRound);
}

std::optional<RoundRow> Records::round(const std::string& id) {
  return firstOf(collect<RoundRow>(sql_, "SELECT " + kRoundColumns + " FROM rounds WHERE id = :i",
                                   bindRound, id));
}

void Records::insert(const RoundRow& r) {
  sql_ << "INSERT INTO rounds (" + kRoundColumns +
              ") VALUES (:a, :b, :c, :d, :e, :f, :g, :h, :i, :j)",
      use(r.id), use(r.plan), use(r.number), use(r.attempt), use(r.part), use(r.startDocument),
      use(r.status), use(r.failure), use(r.openedAt), use(r.closedAt);
}

void Records::setStatus(const std::string& round, const std::string& status,
                        const std::string& failure, Seconds closedAt) {
  const long long at = toRow(closedAt);
  sql_ << "UPDATE rounds SET status = :s, failure = :f, closed_at = :c WHERE id = :i", use(status),
      use(failure), use(at), use(round);
}

void Records::addEvent(const std::string& round, const Event& event) {
  const EventRow r = rowOf(event);
  sql_ << "INSERT INTO round_events (round, happened_at, kind, site, step, reason) "
          "VALUES (:a, :b, :c, :d, :e, :f)",
      use(round), use(r.at), use(r.kind), use(r.site), use(r.step), use(r.reason);
}

std::vector<Event> Records::events(const std::string& round) {
  std::vector<Event> events;
  for (const EventRow& row :
       collect<EventRow>(sql_,
                         "SELECT happened_at, kind, site, step, reason FROM round_events "
                         "WHERE round = :r ORDER BY sequence",
                         bindEvent, round))
    events.push_back(eventOf(row));
  return events;
}

void Records::addMessage(const std::string& round, const MessageRow& r) {
  sql_ << "INSERT INTO messages (round, site, step, hash, document) VALUES (:a, :b, :c, :d, :e)",
      use(round), use(r.site), use(r.step), use(r.hash), use(r.document);
}

std::vector<MessageRow> Records::messages(const std::string& round, Step step) {
  const int number = static_cast<int>(step);
  return collect<MessageRow>(sql_,
                             "SELECT site, step, hash, document FROM messages "
                             "WHERE round = :r AND step = :s ORDER BY site",
                             bindMessage, round, number);
}

std::optional<MessageRow> Records::message(const std::string& round, const std::string& site,
                                           Step step) {
  const int number = static_cast<int>(step);
  return firstOf(collect<MessageRow>(sql_,
                                     "SELECT site, step, hash, document FROM messages "
                                     "WHERE round = :r AND site = :s AND step = :t",
                                     bindMessage, round, site, number));
}

void Records::addPackets(const std::string& round, const std::string& sender,
                         const ShareBody& body) {
  std::string receiver, sealed;
  soci::statement insert = (sql_.prepare << "INSERT INTO packets (round, sender, receiver, sealed) "
                                            "VALUES (:a, :b, :c, :d)",
                            use(round), use(sender), use(receiver), use(sealed));
  for (const auto& [site, packet] : body.sealed) {
    receiver = site;
    sealed = toBase64Url(packet);
    insert.execute(true);
  }
}

void Records::dropPackets(const std::string& round) {
  sql_ << "DELETE FROM packets WHERE round = :r", use(round);
}

std::map<std::string, Bytes> Records::packetsFor(const std::string& round,
                                                 const std::string& receiver) {
  using Packet = std::pair<std::string, std::string>;
  std::map<std::string, Bytes> packets;
  for (const auto& [sender, sealed] : collect<Packet>(
           sql_, "SELECT sender, sealed FROM packets WHERE round = :r AND receiver = :s",
           [](soci::statement&s, Packet&p) {
             s.exchange(into(p.first));
             s.exchange(into(p.second));
           },
           round, receiver))
    packets[sender] = fromBase64Url(sealed);
  return packets;
}

// What is decided for the number after it needs the last rounds of a plan that is not over.
std::vector<RoundRow> Records::oldRounds(Seconds before) {
  const long long at = toRow(before);
  std::string columns = "r." + kRoundColumns;
  for (std::size_t i = 0; (i = columns.find(", ", i)) != std::string::npos; i += 4)
    columns.replace(i, 2, ", r.");
  return collect<RoundRow>(sql_,
                           "SELECT " + columns +
                               " FROM rounds r JOIN plans p ON p.hash = r.plan "
                               "WHERE r.status IN ('done', 'failed') AND r.closed_at < :t AND "
                               "(p.status IN ('finished', 'cancelled') OR r.number < p.number - 1) "
                               "ORDER BY r.sequence",
                           bindRound, at);
}

void Records::dropRound(const std::string& id) {
  for (const char* table : {"round_events", "messages", "packets"})
    sql_ << std::string("DELETE FROM ") + table + " WHERE round = :r", use(id);
  sql_ << "DELETE FROM rounds WHERE id = :r", use(id);
}

void Records::dropBlob(const std::string& sha256) {
  sql_ << "DELETE FROM blobs WHERE sha256 = :s", use(sha256);
}

// --- blobs, releases, audit --------------------------------------------------------------------

void Records::save(const BlobRow& r, Seconds addedAt) {
  const long long at = toRow(addedAt);
  sql_ << "INSERT INTO blobs (sha256, size, readable, added_at) VALUES (:a, :b, :c, :d) "
          "ON CONFLICT (sha256) DO UPDATE SET readable = "
          "CASE WHEN excluded.readable > blobs.readable THEN excluded.readable "
          "ELSE blobs.readable END",
      use(r.sha256), use(r.size), use(r.readable), use(at);
}

std::optional<BlobRow> Records::blob(const std::string& sha256) {
  return firstOf(collect<BlobRow>(
      sql_, "SELECT sha256, size, readable FROM blobs WHERE sha256 = :s", bindBlob, sha256));
}

std::vector<ReleaseRow> Records::releases() {
  return collect<ReleaseRow>(
      sql_, "SELECT hash, plan, document, title, released_at FROM releases ORDER BY id",
      bindRelease);
}

void Records::insert(const ReleaseRow& r) {
  sql_ << "INSERT INTO releases (hash, plan, document, title, released_at) "
          "VALUES (:a, :b, :c, :d, :e)",
      use(r.hash), use(r.plan), use(r.document), use(r.title), use(r.releasedAt);
}

std::optional<AuditEntry> Records::lastAuditEntry() {
  const auto rows = collect<AuditRow>(
      sql_, std::string("SELECT ") + kAuditColumns + " FROM audit ORDER BY sequence DESC LIMIT 1",
      bindAudit);
  if (rows.empty()) return std::nullopt;
  return entryOf(rows.front());
}

void Records::audit(Seconds time, const std::string& kind, const std::string& factsJson) {
  const auto last = lastAuditEntry();
  const AuditEntry entry = nextEntry(last ? &*last : nullptr, time, kind, factsJson);
  const auto sequence = static_cast<long long>(entry.sequence);
  const long long at = toRow(time);
  const std::string previous = toHex(entry.previous), hash = toHex(entry.hash);
  sql_ << std::string("INSERT INTO audit (") + kAuditColumns + ") VALUES (:a, :b, :c, :d, :e, :f)",
      use(sequence), use(at), use(entry.kind), use(entry.factsJson), use(previous), use(hash);
}

std::vector<AuditEntry> Records::auditEntries() {
  std::vector<AuditEntry> entries;
  for (const AuditRow& row : collect<AuditRow>(
           sql_, std::string("SELECT ") + kAuditColumns + " FROM audit ORDER BY sequence",
           bindAudit))
    entries.push_back(entryOf(row));
  return entries;
}

std::string Records::auditHead() {
  const auto last = lastAuditEntry();
  return last ? toHex(last->hash) : std::string();
}

}  // namespace fedpet::federation
