// Rows of the coordinator's database, and the few questions it is asked. A transaction gets one
// Records; what is written through it happens wholly or not at all.
#pragma once

#include "federation/audit/AuditLog.h"
#include "federation/round/RoundState.h"
#include "federation/wire/Messages.h"
#include "storage/Database.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::federation {

using Seconds = std::chrono::sys_seconds;
inline long long toRow(Seconds t) { return t.time_since_epoch().count(); }
inline Seconds fromRow(long long s) { return Seconds(std::chrono::seconds(s)); }

struct MemberRow {
  std::string site;
  long long invitedAt = 0, enrolledAt = 0, revokedAt = 0;
  std::string revocationReason;
};
struct CertificateRow {
  std::string serial, site, publicKeyHex, pem;
  long long issuedAt = 0, notAfter = 0;
  long long activatedAt = 0;  // first request with its key
  long long endedAt = 0;      // superseded or revoked
};
struct InvitationRow {
  std::string tokenHash, site;
  long long expires = 0;
  std::string serial;  // of the certificate it gave; empty: not used yet
};

// What a plan can be in: "proposed", "running", "paused", "finished", "cancelled".
struct PlanRow {
  std::string hash, document, title, status, reason;
  long long proposedAt = 0, changedAt = 0;
  int number = 0, attempt = 0;  // of the round that is open or was last
  int failures = 0;             // attempts that failed in a row
  long long retryAt = 0;        // when the next attempt may be opened; 0: a round is open
  std::string stateBlob, inputBlob, outcomeBlob, resultBlob;
};
struct DecisionRow {
  std::string plan, site;
  int approved = 0;
  std::string by, reason;
  long long decidedAt = 0;
  std::string hash, document;
};
struct ProgressRow {
  int number = 0;
  std::string contributorsJson, metricsJson;
  long long seconds = 0, closedAt = 0;
};

// "open", "summing" (every message is here, the sum is not made), "done", "failed"
struct RoundRow {
  std::string id, plan;
  int number = 1, attempt = 1, part = 0;
  std::string startDocument, status, failure;
  long long openedAt = 0, closedAt = 0;
};
struct MessageRow {
  std::string site;
  int step = 0;
  std::string hash, document;
};
struct BlobRow {
  std::string sha256;
  long long size = 0;
  int readable = 0;  // by every member
};
struct ReleaseRow {
  std::string hash, plan, document, title;
  long long releasedAt = 0;
};

class Records {
 public:
  explicit Records(soci::session& sql) : sql_(sql) {}

  std::optional<std::string> meta(const std::string& name);
  void setMeta(const std::string& name, const std::string& value);

  std::vector<MemberRow> members();
  void save(const MemberRow&);
  std::vector<CertificateRow> certificates();  // oldest first
  void save(const CertificateRow&);
  std::optional<InvitationRow> invitation(const std::string& tokenHash);
  void save(const InvitationRow&);
  void dropUnusedInvitations(const std::string& site);

  void addNonce(const std::string& site, const std::string& nonce, Seconds signedAt);
  std::vector<std::tuple<std::string, std::string, Seconds>> nonces();
  void dropNoncesBefore(Seconds);

  std::vector<PlanRow> plans();  // oldest first
  std::optional<PlanRow> plan(const std::string& hash);
  void insert(const PlanRow&);
  void update(const PlanRow&);
  std::vector<DecisionRow> decisions(const std::string& plan);
  std::optional<DecisionRow> decision(const std::string& plan, const std::string& site);
  void save(const DecisionRow&);
  std::vector<ProgressRow> progress(const std::string& plan);
  void add(const std::string& plan, const ProgressRow&);

  std::vector<RoundRow> rounds();  // oldest first
  std::vector<RoundRow> roundsOf(const std::string& plan, int number, int attempt);
  std::vector<RoundRow> unfinishedRounds();
  std::optional<RoundRow> round(const std::string& id);
  void insert(const RoundRow&);
  void setStatus(const std::string& round, const std::string& status, const std::string& failure,
                 Seconds closedAt);
  void addEvent(const std::string& round, const Event&);
  std::vector<Event> events(const std::string& round);
  void addMessage(const std::string& round, const MessageRow&);
  std::vector<MessageRow> messages(const std::string& round, Step);
  std::optional<MessageRow> message(const std::string& round, const std::string& site, Step);
  void addPackets(const std::string& round, const std::string& sender, const ShareBody&);
  void dropPackets(const std::string& round);
  std::map<std::string, Bytes> packetsFor(const std::string& round, const std::string& receiver);

  // Rounds that are over since before then and that no plan goes by any more.
  std::vector<RoundRow> oldRounds(Seconds before);
  void dropRound(const std::string& id);  // and all that was said in it
  void dropBlob(const std::string& sha256);
  void save(const BlobRow&, Seconds addedAt);  // stays readable when it was
  std::optional<BlobRow> blob(const std::string& sha256);
  std::vector<ReleaseRow> releases();  // oldest first
  void insert(const ReleaseRow&);

  // Appends to the chain.
  void audit(Seconds, const std::string& kind, const std::string& factsJson);
  std::vector<AuditEntry> auditEntries();
  std::string auditHead();  // hex; empty: nothing yet

 private:
  std::optional<AuditEntry> lastAuditEntry();
  soci::session& sql_;
};

// Text from outside that may go into any database: valid UTF-8 without control characters, at most
// so many bytes.
std::string storable(std::string_view text, std::size_t mostBytes = 2000);

}  // namespace fedpet::federation
