// What a site must not forget: one SQLite file in its folder. Every function is one transaction,
// and the audit entry of what it changes is part of it. Thread-safe; several processes may have
// the file open (a person approves while the service runs).
//
// What can be written once only (a round's start, keys, lists and messages; a plan's decision; a
// budget charge) is kept as it was first: the functions return what stands, whoever wrote it.
#pragma once

#include "federation/audit/AuditLog.h"
#include "federation/crypto/SecretBytes.h"
#include "federation/wire/Messages.h"
#include "storage/Database.h"

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fedpet::federation {

struct Enrolment {
  std::string site, consortium, coordinatorUrl;
  PublicKey coordinatorKey{};
  std::string tlsPinSha256;
  std::string tokenSha256;  // of the invitation: tells a repeated one from another
};

struct AuditNote {
  std::string kind;
  nlohmann::ordered_json facts;  // one flat object: ids and hashes, no patient, no secret
};

struct StoredPlan {
  std::string hash;
  SignedDocument document;
  std::optional<Decision> decision;
  bool decisionSent = false;
};

struct RoundRecord {
  std::string id, planHash;
  int number = 0, attempt = 0;
  SignedDocument start;
  Step step = Step::Join;             // last seen
  std::string ending;                 // a sentence: why this site does no more; empty: it does
  std::vector<SignedDocument> joins;  // as first shown
  std::vector<std::string> sharers, survivors;  // as first shown
  std::string uploadSha256, metricsJson;        // empty: not computed yet
  std::uint64_t uploadBytes = 0;
};

struct KeptMessage {
  Bytes payload;  // encoded RoundMessage, as it was or will be sent
  bool answered = false;
};

class SiteStore {
 public:
  using Clock = std::function<std::chrono::sys_seconds()>;
  // Creates the file in `folder`. Throws storage::DatabaseError.
  SiteStore(const std::filesystem::path& folder, Clock);

  std::optional<Enrolment> enrolment();
  void saveEnrolment(const Enrolment&, const AuditNote&);

  // Small facts that outlive a restart ("clock-correction", "last-contact").
  std::string fact(const std::string& name);
  void setFact(const std::string& name, const std::string& value);

  // --- rosters
  int rosterNumber();  // 0: none yet
  std::optional<SignedDocument> roster(int number);
  enum class Kept { New, Known, Older, Different };  // the last two are not stored
  Kept keepRoster(int number, const SignedDocument&, const std::vector<AuditNote>&);

  // --- plans
  bool keepPlan(const SignedDocument&, const AuditNote&);  // false: known already
  std::optional<StoredPlan> plan(const std::string& hash);
  std::vector<StoredPlan> plans();                 // in the order of arrival
  bool decide(const Decision&, const AuditNote&);  // false: decided already
  std::vector<Decision> unsentDecisions();
  void markDecisionSent(const std::string& planHash, const AuditNote&);

  // --- the budget
  int roundsCharged(const std::string& planHash);
  double epsilonSpent(const std::string& planHash);
  double epsilonSpentElsewhere(const std::string& planHash);  // by all other plans
  double epsilonSpent();                                      // by all plans
  struct ChargeRequest {
    std::string planHash;
    int number = 0;
    std::string inputSha256;
  };
  enum class Charge { New, Known, OtherInput };
  // Charges round `number` of a plan once. `price` gets what was charged before and answers with
  // the plan's epsilon after this round, or why not; it is not asked for a known round. A trainer
  // is deterministic in the input too, so a second input for one round number is refused: the same
  // noise under two questions would cancel.
  tl::expected<Charge, std::string> charge(
      const ChargeRequest&,
      const std::function<tl::expected<double, std::string>(int roundsCharged,
                                                            double epsilonSpentElsewhere)>& price);
  // For which input round `number` was charged; nullopt: it was not.
  std::optional<std::string> chargedInput(const std::string& planHash, int number);
  void keepResult(const std::string& planHash, int number, const std::string& fileSha256,
                  const std::string& metricsJson);
  struct KeptResult {
    std::string fileSha256, metricsJson;
  };
  std::optional<KeptResult> result(const std::string& planHash, int number);

  // --- rounds
  // Opens it, or returns what stands under that id: compare `start`. `secrets` may be empty.
  RoundRecord openRound(const RoundRecord&, const SecretBytes& secrets, const AuditNote&);
  std::optional<RoundRecord> round(const std::string& id);
  std::vector<RoundRecord> rounds(std::size_t newest);
  std::vector<std::string> unfinishedRounds();
  SecretBytes secrets(const std::string& roundId);  // empty: none, or wiped
  // The highest (number, attempt) of a plan whose round was opened here; (0, 0): none.
  std::pair<int, int> newestRound(const std::string& planHash);
  std::vector<SignedDocument> keepJoins(const std::string& roundId,
                                        const std::vector<SignedDocument>&);
  std::vector<std::string> keepSurvivors(const std::string& roundId,
                                         const std::vector<std::string>&, const AuditNote&);
  struct Upload {
    std::string sha256, metricsJson;
    std::uint64_t bytes = 0;
    std::vector<std::string> sharers;  // whose masks are in it
  };
  void keepUpload(const std::string& roundId, const Upload&, const AuditNote&);
  // What is said at step `now`; `name`: "join", ..., "withdraw".
  Bytes keepMessage(const std::string& roundId, Step now, const std::string& name,
                    const Bytes& payload, const std::optional<AuditNote>&);
  std::optional<KeptMessage> message(const std::string& roundId, const std::string& step);
  void markAnswered(const std::string& roundId, const std::string& step,
                    const std::optional<AuditNote>&);
  // For whom this site last helped to open round `number` of a plan: the first list stands for
  // every attempt, because two sums over different sites show the difference.
  std::optional<std::vector<std::string>> opened(const std::string& planHash, int number);
  std::vector<std::string> keepOpened(const std::string& planHash, int number,
                                      const std::vector<std::string>& survivors);
  // No more is done for it: secrets are wiped. `ending` is a sentence.
  void endRound(const std::string& roundId, Step, const std::string& ending, const AuditNote&);

  // --- what is of no use any more
  // Forgets rounds that ended before `before`, but for the newest of each plan, and rosters that
  // neither a round nor anybody else goes by. Plans, decisions, charges, the lists for whom sums
  // were opened, and the log stay.
  struct Pruned {
    int rounds = 0, rosters = 0;
  };
  Pruned prune(std::chrono::sys_seconds before);
  // Inputs of the rounds that are kept: "<sha256>"; and their results: (plan, number).
  std::set<std::string> inputsInUse();
  std::set<std::pair<std::string, int>> resultsInUse();

  // --- releases
  bool hasRelease(const std::string& hash);
  void keepRelease(const std::string& hash, const AuditNote&);

  // --- the log
  void note(const AuditNote&);
  std::vector<AuditEntry> audit();

 private:
  void append(soci::session&, const AuditNote&);

  Clock now_;
  storage::Database database_;
};

}  // namespace fedpet::federation
