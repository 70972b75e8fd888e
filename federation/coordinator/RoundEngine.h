// Plans that run: opens their rounds, takes the sites' messages, makes the sums, and lets the
// learning task say what comes next. round/RoundState.h decides; this keeps its journal.
//
// Not thread-safe. Only sum() may run beside other calls: it reads what no longer changes.
#pragma once

#include "federation/coordinator/BlobStore.h"
#include "federation/coordinator/Members.h"
#include "federation/coordinator/Store.h"
#include "federation/round/RoundState.h"
#include "federation/secagg/FixedPoint.h"
#include "federation/secagg/SecureSum.h"

#include <deque>
#include <memory>
#include <variant>

namespace fedpet::federation {

struct EngineSettings {
  std::chrono::seconds pollInterval{30};
  int roundRetries = 3;
  Seconds started{};  // of this program: earlier than this it does not know whom it has heard
  std::function<void(const std::string&)> log;
};

// One sum under way. Several of them make a round when its plan opens sums by groups.
struct LiveRound {
  RoundRow row;
  RoundStart start;
  SignedDocument document;
  Plan plan;
  RoundTerms terms;
  RoundState state;
  SumLayout layout;
  std::shared_ptr<const FixedPoint> fixed;
  std::uint64_t uploadBytes() const { return layout.length() * fixed->wordBytes(); }
  bool isOver() const { return state.step == Step::Done || state.step == Step::Failed; }
};

// All that a sum is made from.
struct SumJob {
  PlanRow planRow;
  Plan plan;
  std::vector<LiveRound> parts;  // those that may be opened
  bool grouped = false;          // the attempt has, or had, more parts than one
  std::uint64_t bytes = 0;       // to be read
};
struct SumDone {
  Progress next;
  std::vector<std::string> contributors;
};
struct AttemptFailed {
  std::string reason;
};
struct PlanStuck {  // another attempt would end the same way
  std::string reason;
};
using SumOutcome = std::variant<SumDone, AttemptFailed, PlanStuck>;

class RoundEngine {
 public:
  RoundEngine(EngineSettings, storage::Database&, Members&, BlobStore&, ContributionStore&,
              const SigningKey&);

  // --- plans, for the administrator. Throw Refusal.
  void start(const std::string& planHash, Seconds now);
  void cancel(const std::string& planHash, const std::string& reason, Seconds now);

  // --- sites. Throw Refusal and WireError.
  MessageReply hear(const std::string& site, const std::string& roundId, const SignedDocument&,
                    Seconds now);
  RoundView view(const std::string& site, const std::string& roundId, Seconds now);
  std::vector<std::pair<std::string, std::string>> openRoundsFor(
      const std::string& site) const;  // round and plan
  // Of a round that is not over; for the administrator.
  std::optional<RoundState> stateOf(const std::string& roundId) const;
  // Some open round wants this many bytes of this site.
  bool expectsUpload(const std::string& site, std::uint64_t bytes) const;
  // It takes no further part: in any plan, or in one.
  void letGo(const std::string& site, const std::string& reason, Seconds now,
             const std::string& onlyPlan = {});

  // --- time
  void passTime(Seconds now);  // deadlines, and attempts that are due
  // Forgets what was said in rounds that are over since before then, and their inputs. Returns how
  // many rounds.
  std::size_t prune(Seconds before, Seconds now);
  std::optional<SumJob> nextSum();
  SumOutcome sum(const SumJob&) const;
  void settle(const SumJob&, const SumOutcome&, Seconds now);

 private:
  using Live = std::shared_ptr<LiveRound>;
  struct Spoken {  // what is stored with an event
    MessageRow row;
    const RoundMessage* message = nullptr;
  };

  void load();
  Live liveFrom(Records&, const RoundRow&);
  Live find(const std::string& site, const std::string& roundId);
  bool everyPartIsOver(const std::string& plan, int number, int attempt) const;

  MessageReply judge(const LiveRound&, const RoundMessage&, const Transition&) const;
  std::string faultOf(const LiveRound&, const RoundMessage&) const;
  std::string faultOfJoin(const LiveRound&, const std::string& site, const JoinBody&) const;
  std::string faultOfContribution(const LiveRound&, const std::string& site,
                                  const ContributeBody&) const;
  std::string faultOfReveal(const LiveRound&, const RevealBody&) const;
  void commit(const Live&, const Event&, const Spoken*);
  void record(Records&, const LiveRound&, const Event&, const Transition&, const Spoken*);
  void auditMessage(Records&, const LiveRound&, const RoundMessage&, Seconds now);

  void openDue(Seconds now);
  void openAttempt(PlanRow, Seconds now);
  std::vector<std::string> inviteesOf(const PlanRow&, const Plan&, Seconds now);
  std::optional<std::set<std::string>> halfOpened(const PlanRow&);
  void attemptFailed(Records&, PlanRow, const std::string& reason, Seconds now);
  void pause(Records&, PlanRow, const std::string& reason, Seconds now);
  void finishParts(const SumJob&, const std::string& status, const std::string& reason, Records&,
                   Seconds now);
  void forget(const std::string& plan);  // its parts that are over, and what was sent for them

  std::set<std::string> blobsInUse(Records&) const;
  SumDone sumOf(const SumJob&) const;
  std::vector<double> openPart(const LiveRound&, RoundSum&) const;
  RunningSum addUp(const LiveRound&, const std::map<std::string, ContributeBody>&) const;

  EngineSettings settings_;
  storage::Database& database_;
  Members& members_;
  BlobStore& blobs_;
  ContributionStore& contributions_;
  const SigningKey& key_;
  std::map<std::string, Live> live_;      // unfinished ones
  std::map<std::string, Live> finished_;  // a few that sites still ask about
  std::deque<std::string> finishedOrder_;
  std::set<std::string> sumsDue_;           // plans
  std::map<std::string, Seconds> retryAt_;  // plans that wait for their next attempt
};

Plan planOf(const PlanRow&);
SignedDocument documentOf(const std::string& base64Url);

}  // namespace fedpet::federation
