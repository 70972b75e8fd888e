#include "federation/site/SiteStore.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fedpet::federation {
namespace {

using Json = nlohmann::ordered_json;
using soci::into;
using soci::use;
using Names = std::vector<std::string>;

// One entry per schema version; a released entry is never edited, a new one is added. Bytes are
// base64url text: SOCI's text binding stops at a zero byte.
constexpr const char* kMigrations[] = {
    // 1
    R"sql(
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE rosters (number INTEGER PRIMARY KEY, document TEXT NOT NULL);
    CREATE TABLE plans (
      hash TEXT PRIMARY KEY, arrival INTEGER NOT NULL, document TEXT NOT NULL);
    CREATE TABLE decisions (
      plan TEXT PRIMARY KEY, site TEXT NOT NULL, person TEXT NOT NULL, approved INTEGER NOT NULL,
      reason TEXT NOT NULL, time INTEGER NOT NULL, sent INTEGER NOT NULL);
    CREATE TABLE charges (
      plan TEXT NOT NULL, number INTEGER NOT NULL, input TEXT NOT NULL, epsilon REAL NOT NULL,
      result TEXT NOT NULL, metrics TEXT NOT NULL, PRIMARY KEY (plan, number));
    CREATE TABLE rounds (
      id TEXT PRIMARY KEY, arrival INTEGER NOT NULL, plan TEXT NOT NULL, number INTEGER NOT NULL,
      attempt INTEGER NOT NULL, start TEXT NOT NULL, secrets TEXT NOT NULL, step INTEGER NOT NULL,
      ending TEXT NOT NULL, joins TEXT NOT NULL, sharers TEXT NOT NULL, survivors TEXT NOT NULL,
      upload TEXT NOT NULL, upload_bytes INTEGER NOT NULL, metrics TEXT NOT NULL);
    CREATE TABLE messages (
      round TEXT NOT NULL, step TEXT NOT NULL, payload TEXT NOT NULL, answered INTEGER NOT NULL,
      PRIMARY KEY (round, step));
    CREATE TABLE opened (
      plan TEXT NOT NULL, number INTEGER NOT NULL, survivors TEXT NOT NULL,
      PRIMARY KEY (plan, number));
    CREATE TABLE releases (hash TEXT PRIMARY KEY);
    CREATE TABLE audit (
      sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, facts TEXT NOT NULL,
      previous TEXT NOT NULL, hash TEXT NOT NULL);
    )sql",
    // 2
    R"sql(
    ALTER TABLE rounds ADD COLUMN ended_at INTEGER NOT NULL DEFAULT 0;
    )sql",
};

std::string textFrom(const SignedDocument& document) { return toBase64Url(encode(document)); }
SignedDocument documentFrom(const std::string& text) {
  return decodeSignedDocument(fromBase64Url(text));
}

std::string textFrom(const Names& names) { return Json(names).dump(); }
Names namesFrom(const std::string& text) { return Json::parse(text).get<Names>(); }

std::string textFrom(const std::vector<SignedDocument>& documents) {
  Names texts;
  for (const auto& document : documents) texts.push_back(textFrom(document));
  return textFrom(texts);
}
std::vector<SignedDocument> documentsFrom(const std::string& text) {
  std::vector<SignedDocument> documents;
  for (const std::string& one : namesFrom(text)) documents.push_back(documentFrom(one));
  return documents;
}

template <std::size_t N>
std::array<std::uint8_t, N> arrayFrom(const std::string& hex) {
  const Bytes bytes = fromHex(hex);
  if (bytes.size() != N) throw storage::DatabaseError("the site's database holds a cut value");
  std::array<std::uint8_t, N> result;
  std::copy(bytes.begin(), bytes.end(), result.begin());
  return result;
}

long long secondsOf(std::chrono::sys_seconds time) { return time.time_since_epoch().count(); }
std::chrono::sys_seconds timeFrom(long long seconds) {
  return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

std::string readFact(soci::session& sql, const std::string& name) {
  std::string value;
  sql << "SELECT value FROM facts WHERE name = :n", use(name), into(value);
  return sql.got_data() ? value : std::string();
}
void writeFact(soci::session& sql, const std::string& name, const std::string& value) {
  sql << "INSERT INTO facts (name, value) VALUES (:n, :v) "
         "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      use(name), use(value);
}

constexpr const char* kEnrolment = "enrolment";

std::string toJson(const Enrolment& e) {
  return Json{{"site", e.site},          {"consortium", e.consortium},
              {"url", e.coordinatorUrl}, {"key", toHex(e.coordinatorKey)},
              {"pin", e.tlsPinSha256},   {"token", e.tokenSha256}}
      .dump();
}
Enrolment enrolmentFrom(const std::string& text) {
  const Json json = Json::parse(text);
  return {json.at("site"), json.at("consortium"),
          json.at("url"),  arrayFrom<32>(json.at("key").get<std::string>()),
          json.at("pin"),  json.at("token")};
}

std::optional<Decision> readDecision(soci::session& sql, const std::string& plan, bool& sent) {
  Decision decision;
  int approved = 0, wasSent = 0;
  long long time = 0;
  sql << "SELECT site, person, approved, reason, time, sent FROM decisions WHERE plan = :p",
      use(plan), into(decision.site), into(decision.by), into(approved), into(decision.reason),
      into(time), into(wasSent);
  if (!sql.got_data()) return std::nullopt;
  decision.planHash = plan;
  decision.approved = approved != 0;
  decision.time = timeFrom(time);
  sent = wasSent != 0;
  return decision;
}

std::optional<StoredPlan> readPlan(soci::session& sql, const std::string& hash) {
  std::string document;
  sql << "SELECT document FROM plans WHERE hash = :h", use(hash), into(document);
  if (!sql.got_data()) return std::nullopt;
  StoredPlan plan{hash, documentFrom(document), std::nullopt, false};
  plan.decision = readDecision(sql, hash, plan.decisionSent);
  return plan;
}

std::optional<RoundRecord> readRound(soci::session& sql, const std::string& id) {
  RoundRecord r;
  std::string start, joins, sharers, survivors;
  int step = 0;
  long long bytes = 0;
  sql << "SELECT plan, number, attempt, start, step, ending, joins, sharers, survivors, upload, "
         "upload_bytes, metrics FROM rounds WHERE id = :i",
      use(id), into(r.planHash), into(r.number), into(r.attempt), into(start), into(step),
      into(r.ending), into(joins), into(sharers), into(survivors), into(r.uploadSha256),
      into(bytes), into(r.metricsJson);
  if (!sql.got_data()) return std::nullopt;
  r.id = id;
  r.start = documentFrom(start);
  r.step = static_cast<Step>(step);
  r.joins = documentsFrom(joins);
  r.sharers = namesFrom(sharers);
  r.survivors = namesFrom(survivors);
  r.uploadBytes = static_cast<std::uint64_t>(bytes);
  return r;
}

Names column(soci::session& sql, const std::string& query) {
  Names values;
  std::string value;
  soci::statement statement = (sql.prepare << query, into(value));
  statement.execute();
  while (statement.fetch()) values.push_back(value);
  return values;
}

double sumOfPlans(soci::session& sql, const std::string& except) {
  double sum = 0;
  sql << "SELECT COALESCE(SUM(spent), 0.0) FROM "
         "(SELECT MAX(epsilon) AS spent FROM charges WHERE plan <> :p GROUP BY plan)",
      use(except), into(sum);
  return sum;
}

int countCharges(soci::session& sql, const std::string& plan) {
  int count = 0;
  sql << "SELECT COUNT(*) FROM charges WHERE plan = :p", use(plan), into(count);
  return count;
}

// `clause` is ours, never a peer's text.
std::vector<AuditEntry> auditEntries(soci::session& sql, const std::string& clause) {
  std::vector<AuditEntry> entries;
  AuditEntry entry;
  long long sequence = 0, time = 0;
  std::string previous, hash;
  soci::statement statement =
      (sql.prepare << "SELECT sequence, time, kind, facts, previous, hash FROM audit " + clause,
       into(sequence), into(time), into(entry.kind), into(entry.factsJson), into(previous),
       into(hash));
  statement.execute();
  while (statement.fetch()) {
    entry.sequence = static_cast<std::uint64_t>(sequence);
    entry.time = timeFrom(time);
    entry.previous = arrayFrom<32>(previous);
    entry.hash = arrayFrom<32>(hash);
    entries.push_back(entry);
  }
  return entries;
}

// Writes `value` unless the column holds something already, and returns what it holds.
std::string keepFirst(soci::session& sql, const std::string& column, const std::string& roundId,
                      const std::string& value) {
  sql << "UPDATE rounds SET " + column + " = :v WHERE id = :i AND " + column + " = '[]'",
      use(value), use(roundId);
  std::string kept;
  sql << "SELECT " + column + " FROM rounds WHERE id = :i", use(roundId), into(kept);
  if (!sql.got_data()) throw std::logic_error("a list was kept for a round that is not open");
  return kept;
}

}  // namespace

SiteStore::SiteStore(const std::filesystem::path& folder, Clock now)
    : now_(std::move(now)), database_((folder / "site.db").string(), kMigrations) {
  // Wiped secrets must not stay in free pages.
  database_.transaction([](soci::session& sql) {
    int on = 0;
    sql << "PRAGMA secure_delete = ON", into(on);
  });
}

void SiteStore::append(soci::session& sql, const AuditNote& note) {
  const auto last = auditEntries(sql, "ORDER BY sequence DESC LIMIT 1");
  const AuditEntry entry =
      nextEntry(last.empty() ? nullptr : &last.front(), now_(), note.kind,
                note.facts.dump(-1, ' ', false, Json::error_handler_t::replace));
  const long long sequence = static_cast<long long>(entry.sequence), time = secondsOf(entry.time);
  const std::string previous = toHex(entry.previous), hash = toHex(entry.hash);
  sql << "INSERT INTO audit (sequence, time, kind, facts, previous, hash) "
         "VALUES (:s, :t, :k, :f, :p, :h)",
      use(sequence), use(time), use(entry.kind), use(entry.factsJson), use(previous), use(hash);
}

void SiteStore::note(const AuditNote& note) {
  database_.transaction([&](soci::session& sql) { append(sql, note); });
}

std::vector<AuditEntry> SiteStore::audit() {
  return database_.transaction(
      [](soci::session& sql) { return auditEntries(sql, "ORDER BY sequence"); });
}

std::optional<Enrolment> SiteStore::enrolment() {
  const std::string text = fact(kEnrolment);
  return text.empty() ? std::nullopt : std::optional(enrolmentFrom(text));
}

void SiteStore::saveEnrolment(const Enrolment& enrolment, const AuditNote& note) {
  database_.transaction([&](soci::session& sql) {
    writeFact(sql, kEnrolment, toJson(enrolment));
    append(sql, note);
  });
}

std::string SiteStore::fact(const std::string& name) {
  return database_.transaction([&](soci::session& sql) { return readFact(sql, name); });
}

void SiteStore::setFact(const std::string& name, const std::string& value) {
  database_.transaction([&](soci::session& sql) { writeFact(sql, name, value); });
}

// --- rosters -----------------------------------------------------------------------------------

int SiteStore::rosterNumber() {
  return database_.transaction([](soci::session& sql) {
    int number = 0;
    sql << "SELECT COALESCE(MAX(number), 0) FROM rosters", into(number);
    return number;
  });
}

std::optional<SignedDocument> SiteStore::roster(int number) {
  return database_.transaction([&](soci::session& sql) -> std::optional<SignedDocument> {
    std::string document;
    sql << "SELECT document FROM rosters WHERE number = :n", use(number), into(document);
    if (!sql.got_data()) return std::nullopt;
    return documentFrom(document);
  });
}

SiteStore::Kept SiteStore::keepRoster(int number, const SignedDocument& document,
                                      const std::vector<AuditNote>& notes) {
  return database_.transaction([&](soci::session& sql) {
    int newest = 0;
    std::string stored;
    sql << "SELECT COALESCE(MAX(number), 0) FROM rosters", into(newest);
    sql << "SELECT document FROM rosters WHERE number = :n", use(number), into(stored);
    if (sql.got_data())
      return documentFrom(stored).hash() == document.hash() ? Kept::Known : Kept::Different;
    if (number < newest) return Kept::Older;
    const std::string text = textFrom(document);
    sql << "INSERT INTO rosters (number, document) VALUES (:n, :d)", use(number), use(text);
    for (const AuditNote& note : notes) append(sql, note);
    return Kept::New;
  });
}

// --- plans -------------------------------------------------------------------------------------

bool SiteStore::keepPlan(const SignedDocument& document, const AuditNote& note) {
  return database_.transaction([&](soci::session& sql) {
    const std::string hash = document.hashHex(), text = textFrom(document);
    int known = 0, count = 0;
    sql << "SELECT COUNT(*) FROM plans WHERE hash = :h", use(hash), into(known);
    if (known != 0) return false;
    sql << "SELECT COUNT(*) FROM plans", into(count);
    sql << "INSERT INTO plans (hash, arrival, document) VALUES (:h, :a, :d)", use(hash), use(count),
        use(text);
    append(sql, note);
    return true;
  });
}

std::optional<StoredPlan> SiteStore::plan(const std::string& hash) {
  return database_.transaction([&](soci::session& sql) { return readPlan(sql, hash); });
}

std::vector<StoredPlan> SiteStore::plans() {
  return database_.transaction([](soci::session& sql) {
    std::vector<StoredPlan> plans;
    for (const std::string& hash : column(sql, "SELECT hash FROM plans ORDER BY arrival, hash"))
      plans.push_back(readPlan(sql, hash).value());
    return plans;
  });
}

bool SiteStore::decide(const Decision& decision, const AuditNote& note) {
  return database_.transaction([&](soci::session& sql) {
    int known = 0;
    sql << "SELECT COUNT(*) FROM decisions WHERE plan = :p", use(decision.planHash), into(known);
    if (known != 0) return false;
    const int approved = decision.approved ? 1 : 0;
    const long long time = secondsOf(decision.time);
    sql << "INSERT INTO decisions (plan, site, person, approved, reason, time, sent) "
           "VALUES (:p, :s, :b, :a, :r, :t, 0)",
        use(decision.planHash), use(decision.site), use(decision.by), use(approved),
        use(decision.reason), use(time);
    append(sql, note);
    return true;
  });
}

std::vector<Decision> SiteStore::unsentDecisions() {
  return database_.transaction([](soci::session& sql) {
    std::vector<Decision> decisions;
    bool sent = false;
    for (const auto& plan : column(sql, "SELECT plan FROM decisions WHERE sent = 0 ORDER BY time"))
      decisions.push_back(readDecision(sql, plan, sent).value());
    return decisions;
  });
}

void SiteStore::markDecisionSent(const std::string& planHash, const AuditNote& note) {
  database_.transaction([&](soci::session& sql) {
    sql << "UPDATE decisions SET sent = 1 WHERE plan = :p", use(planHash);
    append(sql, note);
  });
}

// --- the budget --------------------------------------------------------------------------------

int SiteStore::roundsCharged(const std::string& planHash) {
  return database_.transaction([&](soci::session& sql) { return countCharges(sql, planHash); });
}

double SiteStore::epsilonSpent(const std::string& planHash) {
  return database_.transaction([&](soci::session& sql) {
    double spent = 0;
    sql << "SELECT COALESCE(MAX(epsilon), 0.0) FROM charges WHERE plan = :p", use(planHash),
        into(spent);
    return spent;
  });
}

double SiteStore::epsilonSpentElsewhere(const std::string& planHash) {
  return database_.transaction([&](soci::session& sql) { return sumOfPlans(sql, planHash); });
}

double SiteStore::epsilonSpent() {
  return database_.transaction([](soci::session& sql) { return sumOfPlans(sql, ""); });
}

tl::expected<SiteStore::Charge, std::string> SiteStore::charge(
    const ChargeRequest& asked,
    const std::function<tl::expected<double, std::string>(int, double)>& price) {
  using ChargeOutcome = tl::expected<Charge, std::string>;
  return database_.transaction([&](soci::session& sql) -> ChargeOutcome {
    std::string input;
    sql << "SELECT input FROM charges WHERE plan = :p AND number = :n", use(asked.planHash),
        use(asked.number), into(input);
    if (sql.got_data()) return input == asked.inputSha256 ? Charge::Known : Charge::OtherInput;
    const auto epsilon = price(countCharges(sql, asked.planHash), sumOfPlans(sql, asked.planHash));
    if (!epsilon) return tl::unexpected(epsilon.error());
    sql << "INSERT INTO charges (plan, number, input, epsilon, result, metrics) "
           "VALUES (:p, :n, :i, :e, '', '')",
        use(asked.planHash), use(asked.number), use(asked.inputSha256), use(*epsilon);
    append(sql, {"budget",
                 {{"plan", asked.planHash},
                  {"number", asked.number},
                  {"input", asked.inputSha256},
                  {"epsilonSpent", *epsilon}}});
    return Charge::New;
  });
}

std::optional<std::string> SiteStore::chargedInput(const std::string& planHash, int number) {
  return database_.transaction([&](soci::session& sql) -> std::optional<std::string> {
    std::string input;
    sql << "SELECT input FROM charges WHERE plan = :p AND number = :n", use(planHash), use(number),
        into(input);
    return sql.got_data() ? std::optional(input) : std::nullopt;
  });
}

void SiteStore::keepResult(const std::string& planHash, int number, const std::string& fileSha256,
                           const std::string& metricsJson) {
  database_.transaction([&](soci::session& sql) {
    sql << "UPDATE charges SET result = :r, metrics = :m WHERE plan = :p AND number = :n",
        use(fileSha256), use(metricsJson), use(planHash), use(number);
  });
}

std::optional<SiteStore::KeptResult> SiteStore::result(const std::string& planHash, int number) {
  return database_.transaction([&](soci::session& sql) -> std::optional<KeptResult> {
    KeptResult kept;
    sql << "SELECT result, metrics FROM charges WHERE plan = :p AND number = :n", use(planHash),
        use(number), into(kept.fileSha256), into(kept.metricsJson);
    if (!sql.got_data() || kept.fileSha256.empty()) return std::nullopt;
    return kept;
  });
}

// --- rounds ------------------------------------------------------------------------------------

RoundRecord SiteStore::openRound(const RoundRecord& record, const SecretBytes& secrets,
                                 const AuditNote& note) {
  return database_.transaction([&](soci::session& sql) {
    if (auto known = readRound(sql, record.id)) return *known;
    const std::string start = textFrom(record.start), sealed = toBase64Url(secrets.view());
    int arrival = 0;
    const int step = static_cast<int>(record.step);
    sql << "SELECT COALESCE(MAX(arrival), 0) + 1 FROM rounds", into(arrival);
    sql << "INSERT INTO rounds (id, arrival, plan, number, attempt, start, secrets, step, ending, "
           "joins, sharers, survivors, upload, upload_bytes, metrics) VALUES (:i, :a, :p, :n, :t, "
           ":s, :k, :e, '', '[]', '[]', '[]', '', 0, '')",
        use(record.id), use(arrival), use(record.planHash), use(record.number), use(record.attempt),
        use(start), use(sealed), use(step);
    append(sql, note);
    return readRound(sql, record.id).value();
  });
}

std::optional<RoundRecord> SiteStore::round(const std::string& id) {
  return database_.transaction([&](soci::session& sql) { return readRound(sql, id); });
}

std::vector<RoundRecord> SiteStore::rounds(std::size_t newest) {
  return database_.transaction([&](soci::session& sql) {
    std::vector<RoundRecord> records;
    for (const auto& id :
         column(sql, "SELECT id FROM rounds ORDER BY arrival DESC LIMIT " + std::to_string(newest)))
      records.push_back(readRound(sql, id).value());
    return records;
  });
}

Names SiteStore::unfinishedRounds() {
  return database_.transaction([](soci::session& sql) {
    return column(sql, "SELECT id FROM rounds WHERE ending = '' ORDER BY arrival");
  });
}

SecretBytes SiteStore::secrets(const std::string& roundId) {
  return database_.transaction([&](soci::session& sql) {
    std::string sealed;
    sql << "SELECT secrets FROM rounds WHERE id = :i", use(roundId), into(sealed);
    Bytes bytes = fromBase64Url(sealed);
    SecretBytes secrets(bytes);
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
    return secrets;
  });
}

std::pair<int, int> SiteStore::newestRound(const std::string& planHash) {
  return database_.transaction([&](soci::session& sql) {
    int number = 0, attempt = 0;
    sql << "SELECT number, attempt FROM rounds WHERE plan = :p "
           "ORDER BY number DESC, attempt DESC LIMIT 1",
        use(planHash), into(number), into(attempt);
    return sql.got_data() ? std::pair(number, attempt) : std::pair(0, 0);
  });
}

std::vector<SignedDocument> SiteStore::keepJoins(const std::string& roundId,
                                                 const std::vector<SignedDocument>& joins) {
  return documentsFrom(database_.transaction(
      [&](soci::session& sql) { return keepFirst(sql, "joins", roundId, textFrom(joins)); }));
}

Names SiteStore::keepSurvivors(const std::string& roundId, const Names& survivors,
                               const AuditNote& note) {
  return database_.transaction([&](soci::session& sql) {
    const bool isFirst = readRound(sql, roundId).value().survivors.empty();
    const Names kept = namesFrom(keepFirst(sql, "survivors", roundId, textFrom(survivors)));
    if (isFirst) append(sql, note);
    return kept;
  });
}

void SiteStore::keepUpload(const std::string& roundId, const Upload& upload,
                           const AuditNote& note) {
  database_.transaction([&](soci::session& sql) {
    const long long size = static_cast<long long>(upload.bytes);
    const std::string sharers = textFrom(upload.sharers);
    sql << "UPDATE rounds SET upload = :u, upload_bytes = :b, metrics = :m, sharers = :s "
           "WHERE id = :i AND upload = ''",
        use(upload.sha256), use(size), use(upload.metricsJson), use(sharers), use(roundId);
    append(sql, note);
  });
}

Bytes SiteStore::keepMessage(const std::string& roundId, Step now, const std::string& name,
                             const Bytes& payload, const std::optional<AuditNote>& note) {
  return database_.transaction([&](soci::session& sql) {
    std::string kept;
    sql << "SELECT payload FROM messages WHERE round = :r AND step = :s", use(roundId), use(name),
        into(kept);
    if (sql.got_data()) return fromBase64Url(kept);
    const std::string text = toBase64Url(payload);
    const int step = static_cast<int>(now);
    sql << "INSERT INTO messages (round, step, payload, answered) VALUES (:r, :s, :p, 0)",
        use(roundId), use(name), use(text);
    sql << "UPDATE rounds SET step = :s WHERE id = :r", use(step), use(roundId);
    if (note) append(sql, *note);
    return payload;
  });
}

std::optional<KeptMessage> SiteStore::message(const std::string& roundId, const std::string& step) {
  return database_.transaction([&](soci::session& sql) -> std::optional<KeptMessage> {
    std::string payload;
    int answered = 0;
    sql << "SELECT payload, answered FROM messages WHERE round = :r AND step = :s", use(roundId),
        use(step), into(payload), into(answered);
    if (!sql.got_data()) return std::nullopt;
    return KeptMessage{fromBase64Url(payload), answered != 0};
  });
}

void SiteStore::markAnswered(const std::string& roundId, const std::string& step,
                             const std::optional<AuditNote>& note) {
  database_.transaction([&](soci::session& sql) {
    sql << "UPDATE messages SET answered = 1 WHERE round = :r AND step = :s", use(roundId),
        use(step);
    if (note) append(sql, *note);
  });
}

std::optional<Names> SiteStore::opened(const std::string& planHash, int number) {
  return database_.transaction([&](soci::session& sql) -> std::optional<Names> {
    std::string kept;
    sql << "SELECT survivors FROM opened WHERE plan = :p AND number = :n", use(planHash),
        use(number), into(kept);
    if (!sql.got_data()) return std::nullopt;
    return namesFrom(kept);
  });
}

Names SiteStore::keepOpened(const std::string& planHash, int number, const Names& survivors) {
  return database_.transaction([&](soci::session& sql) {
    const std::string text = textFrom(survivors);
    sql << "INSERT INTO opened (plan, number, survivors) VALUES (:p, :n, :s) "
           "ON CONFLICT (plan, number) DO NOTHING",
        use(planHash), use(number), use(text);
    std::string kept;
    sql << "SELECT survivors FROM opened WHERE plan = :p AND number = :n", use(planHash),
        use(number), into(kept);
    return namesFrom(kept);
  });
}

void SiteStore::endRound(const std::string& roundId, Step step, const std::string& ending,
                         const AuditNote& note) {
  database_.transaction([&](soci::session& sql) {
    const int value = static_cast<int>(step);
    const long long time = secondsOf(now_());
    sql << "UPDATE rounds SET step = :s, ending = :e, secrets = '', ended_at = :t WHERE id = :i",
        use(value), use(ending), use(time), use(roundId);
    append(sql, note);
  });
}

// --- what is of no use any more ------------------------------------------------------------------

SiteStore::Pruned SiteStore::prune(std::chrono::sys_seconds before) {
  return database_.transaction([&](soci::session& sql) {
    Pruned pruned;
    // The newest of a plan tells that an older number is no new round.
    sql << "CREATE TEMP TABLE old_rounds AS SELECT id FROM rounds AS r WHERE ending <> '' AND "
           "ended_at < " +
               std::to_string(secondsOf(before)) +
               " AND EXISTS (SELECT 1 FROM rounds AS n WHERE n.plan = r.plan AND (n.number > "
               "r.number OR (n.number = r.number AND n.attempt > r.attempt)))";
    sql << "SELECT COUNT(*) FROM old_rounds", into(pruned.rounds);
    sql << "DELETE FROM messages WHERE round IN (SELECT id FROM old_rounds)";
    sql << "DELETE FROM rounds WHERE id IN (SELECT id FROM old_rounds)";
    sql << "DROP TABLE old_rounds";
    std::set<int> inUse;
    for (const std::string& id : column(sql, "SELECT id FROM rounds WHERE ending = ''"))
      inUse.insert(decode<RoundStart>(readRound(sql, id).value().start.payload).rosterNumber);
    for (const std::string& text : column(sql,
                                          "SELECT CAST(number AS TEXT) FROM rosters WHERE number < "
                                          "(SELECT MAX(number) FROM rosters)")) {
      const int number = std::stoi(text);
      if (inUse.contains(number)) continue;
      sql << "DELETE FROM rosters WHERE number = :n", use(number);
      ++pruned.rosters;
    }
    if (pruned.rounds + pruned.rosters > 0)
      append(sql, {"pruned", {{"rounds", pruned.rounds}, {"rosters", pruned.rosters}}});
    return pruned;
  });
}

std::set<std::string> SiteStore::inputsInUse() {
  return database_.transaction([](soci::session& sql) {
    std::set<std::string> inputs;
    for (const std::string& id : column(sql, "SELECT id FROM rounds"))
      inputs.insert(decode<RoundStart>(readRound(sql, id).value().start.payload).inputSha256);
    return inputs;
  });
}

std::set<std::pair<std::string, int>> SiteStore::resultsInUse() {
  return database_.transaction([](soci::session& sql) {
    std::set<std::pair<std::string, int>> results;
    for (const std::string& id : column(sql, "SELECT id FROM rounds")) {
      const RoundRecord round = readRound(sql, id).value();
      results.emplace(round.planHash, round.number);
    }
    return results;
  });
}

// --- releases ----------------------------------------------------------------------------------

bool SiteStore::hasRelease(const std::string& hash) {
  return database_.transaction([&](soci::session& sql) {
    int count = 0;
    sql << "SELECT COUNT(*) FROM releases WHERE hash = :h", use(hash), into(count);
    return count != 0;
  });
}

void SiteStore::keepRelease(const std::string& hash, const AuditNote& note) {
  database_.transaction([&](soci::session& sql) {
    sql << "INSERT INTO releases (hash) VALUES (:h) ON CONFLICT (hash) DO NOTHING", use(hash);
    append(sql, note);
  });
}

}  // namespace fedpet::federation
