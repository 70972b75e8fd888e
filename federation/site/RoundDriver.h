// One round as the site plays it: what the coordinator shows is checked, what is said is journalled
// first, and each thing is said once (federation/secagg/SecureSum.h has the protocol).
//
// What a coordinator can never get out of a site, whatever it shows: shares for two different lists
// of survivors of one round; sums of one round number over different sites; both secrets of a peer;
// a contribution under keys that the signed roster does not name; a second answer under the same
// noise to another question.
#pragma once

#include "federation/secagg/SecureSum.h"
#include "federation/site/BlobTransfer.h"
#include "federation/site/Identity.h"
#include "federation/site/LocalTraining.h"
#include "federation/site/RosterBook.h"
#include "federation/site/Site.h"
#include "federation/site/SiteStore.h"
#include "federation/site/TrainingDesk.h"

#include <map>
#include <set>

namespace fedpet::federation {

// The masked and packed vector of the round that is being sent: as large as the model, and made
// again from the journal when it is gone.
struct PackedUpload {
  std::string roundId;
  Bytes bytes;
};

class RoundDriver {
 public:
  // All borrowed.
  struct Surroundings {
    SiteStore& store;
    CoordinatorLink& link;
    BlobTransfer& blobs;
    RosterBook& rosters;
    LocalTrainer& trainer;
    SiteObserver& observer;
    const SitePolicy& policy;
    const Identity& identity;
    const Enrolment& enrolment;
    const SiteFiles& files;
    const SiteStore::Clock& now;
    LocalTraining& training;
    TrainingDesk* desk;  // null: a training is waited for where it is needed
    std::optional<PackedUpload>& upload;
    // Since the program began; losing them costs a repetition.
    std::map<std::string, int>& failures;  // of the trainer, by round
    std::set<std::string>& answered;       // "<round> <step>" that the coordinator has taken
  };
  explicit RoundDriver(Surroundings surroundings) : s_(surroundings) {}

  enum class Outcome { Waiting, NeedsTraining, Over };
  // Looks at the round and does what is this site's turn, training only if `mayTrain`; Waiting also
  // while that goes on at the desk. Throws
  // net::NetError and CoordinatorRefusal; ProtocolViolation and WireError for what cannot be this
  // round's. A round in which the coordinator or the trainer does wrong is withdrawn from.
  Outcome drive(const std::string& roundId, bool mayTrain, std::stop_token);

 private:
  struct LeftOut {  // thrown: the round goes on without this site
    std::string reason;
    bool isRefusal = false;  // of what this site has said
  };
  struct StillTraining {};  // thrown
  enum class Turn { Spoke, Idle, NeedsTraining };
  struct Round {
    RoundRecord record;
    RoundStart start;
    Plan plan;
    bool masked() const { return plan.masking != Masking::None; }
  };

  Round admit(const std::string& roundId, const RoundView&);
  Round open(const RoundView&, const RoundStart&);
  void requirePlausible(const Round&);
  void requireAllowed(const Round&);
  void requirePatients(const Round&);
  void requireAffordable(const Round&);
  void charge(const Round&);
  Turn act(Round&, const RoundView&, bool mayTrain, std::stop_token);
  Turn join(Round&, std::stop_token);
  Turn share(Round&, const RoundView&, std::stop_token);
  Turn contribute(Round&, const RoundView&, bool mayTrain, std::stop_token);
  Turn confirm(Round&, const RoundView&, std::stop_token);
  Turn reveal(Round&, const RoundView&, std::stop_token);
  Outcome retryLater(Round&, const TrainingFailed&, std::stop_token);
  void end(Round&, const RoundView&);

  SecureRound secureRound(const Round&) const;
  JoinBody verifiedJoin(const Round&, const SignedDocument&) const;
  std::set<std::string> sharersOf(const RoundView&, const SecureRound&) const;
  void keptSurvivors(Round&, const std::vector<std::string>& shown, const SecureRound&);
  void requireConfirmed(const Round&, const RoundView&, const SecureRound&) const;
  TrainingTask taskOf(const Round&, std::stop_token);
  void makeUpload(Round&, const RoundView&, std::stop_token);
  LocalResult resultFor(const TrainingTask&, std::stop_token);
  Bytes packed(const Round&, const RoundView&, std::set<std::string>& sharers, const TrainingTask&,
               const LocalResult&) const;
  void keepUpload(Round&, const std::set<std::string>& sharers, const std::string& metricsJson,
                  Bytes);
  bool hasLostUpload(const Round&, std::stop_token);
  void dropUpload(const Round&);

  bool isAnswered(const Round&, const std::string& step) const;
  bool isSaid(const Round&, const std::string& step) const;
  Turn speak(Round&, const std::string& step, const decltype(RoundMessage::body)&, std::stop_token);
  void send(Round&, const std::string& step, const Bytes& payload, std::stop_token);
  void withdraw(Round&, const Withdrawal&, std::stop_token);
  SecretBytes secretsOf(const Round&) const;
  std::optional<AuditNote> noteOnAnswer(const Round&, const std::string& step) const;

  Surroundings s_;
};

}  // namespace fedpet::federation
