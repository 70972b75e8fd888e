#include "federation/site/Site.h"

#include "federation/crypto/Certificate.h"
#include "federation/files/DurableFiles.h"
#include "federation/secagg/SecureSum.h"
#include "federation/site/Attic.h"
#include "federation/site/BackOff.h"
#include "federation/site/Enrolment.h"
#include "federation/site/Policy.h"
#include "federation/site/ReleaseShelf.h"
#include "federation/site/RoundDriver.h"
#include "federation/site/TrainingDesk.h"
#include "federation/wire/Cbor.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

namespace fedpet::federation {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShortestWait{10}, kLongestWait{std::chrono::hours{1}};
constexpr std::size_t kMostAssignments = 256;  // of one poll; the rest comes with the next
constexpr std::size_t kMostPlans = 1000;
constexpr std::size_t kRoundsShown = 20;
constexpr int kPollsBetweenLooks = 5;  // at rounds that do not wait for this site
constexpr std::size_t kMaxReason = 500;
constexpr const char* kClock = "clock-correction";
constexpr const char* kContact = "last-contact";
constexpr const char* kProblem = "last-problem";

long long secondsOf(std::chrono::sys_seconds t) { return t.time_since_epoch().count(); }

Enrolment completeEnrolment(SiteStore& store, const std::filesystem::path& folder) {
  auto enrolment = store.enrolment();
  if (!enrolment)
    throw std::runtime_error(
        folder.string() + " holds no enrolled site: run \"fedpet site enrol\" with an invitation");
  return *enrolment;
}

// A folder that a typing mistake named must not be made.
const std::filesystem::path& existing(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / "site.db"))
    throw std::runtime_error(
        folder.string() + " holds no enrolled site: run \"fedpet site enrol\" with an invitation");
  return folder;
}

Identity completeIdentity(const SiteFiles& files) {
  auto identity = Identity::read(files.identity());
  if (!identity || identity->certificatePem.empty())
    throw std::runtime_error(files.identity().string() + " is missing or holds no certificate");
  return std::move(*identity);
}

std::string textOfFile(const std::filesystem::path& path) {
  const auto content = readOwnerFile(path, 64 * 1024);
  if (!content) throw std::runtime_error(path.string() + " is missing");
  return std::string(textOf(content->view()));
}

}  // namespace

class Site::Impl {
 public:
  Impl(SiteSettings settings, LocalTrainer& trainer, SiteObserver& observer)
      : settings_(std::move(settings)),
        files_{existing(settings_.folder)},
        store_(settings_.folder, settings_.now),
        enrolment_(completeEnrolment(store_, settings_.folder)),
        caPem_(textOfFile(files_.authority())),
        identity_(completeIdentity(files_)),
        next_(Identity::read(files_.nextIdentity())),
        rosters_(store_, enrolment_, caPem_, settings_.now),
        link_(makeLink(identity_, files_.identity())),
        trainer_(trainer),
        observer_(observer),
        training_(store_, trainer_, observer_, files_),
        backOff_({}, seedOf(enrolment_)),
        desk_([this] { wake(); }) {
    certificateEnds_ = factsOf(identity_.certificatePem).notAfter;
  }

  // Where trainings go on: step() ends when they have, run() goes on meanwhile.
  enum class Training { Here, Beside };

  milliseconds step(Training where, std::stop_token stop) {
    const std::lock_guard working(working_);
    where_ = where;
    problem_.clear();
    milliseconds wait{};
    try {
      if (revoked_) return kLongestWait;
      beTheOnlyOne();
      wait = work(stop);
      backOff_.worked();
    } catch (const CoordinatorRefusal& refusal) {
      if (refusal.code == "Revoked")
        beRevoked(refusal.what());
      else
        blame(refusal.what());
      wait = backOff_.afterFailure(refusal.retryAfter);
    } catch (const std::exception& e) {
      if (stop.stop_requested()) return kShortestWait;
      blame(harmless(e.what()));
      wait = backOff_.afterFailure();
    }
    rememberProblem();
    return wait;
  }

  void run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      const milliseconds wait = step(Training::Beside, stop);
      if (revoked_) break;
      std::unique_lock lock(mutex_);
      wakeUp_.wait_for(lock, stop, wait, [this] { return woken_; });
      woken_ = false;
    }
    desk_.stop();
  }

  SiteStatus status() {
    SiteStatus status;
    status.site = enrolment_.site;
    status.consortium = enrolment_.consortium;
    status.coordinatorUrl = enrolment_.coordinatorUrl;
    {
      const std::lock_guard lock(mutex_);
      status.certificateEnds = certificateEnds_;
      status.lastContact = lastContact_;
      status.lastProblem = lastProblem_.value_or(store_.fact(kProblem));
    }
    const std::string contact = store_.fact(kContact);
    if (!contact.empty())
      status.lastContact = std::max(
          status.lastContact, std::chrono::sys_seconds(std::chrono::seconds(std::stoll(contact))));
    status.epsilonSpent = store_.epsilonSpent();
    status.epsilonAllowed = settings_.policy.maximumEpsilon;
    for (const StoredPlan& plan : store_.plans()) status.plans.push_back(known(plan));
    for (const RoundRecord& round : store_.rounds(kRoundsShown))
      status.rounds.push_back(round.id + " " + std::string(toString(round.step)) +
                              (round.ending.empty() ? "" : " (" + round.ending + ")"));
    return status;
  }

  void decide(const std::string& planHash, bool approve, const std::string& by,
              const std::string& reason) {
    const auto plan = store_.plan(planHash);
    if (!plan) throw std::invalid_argument("no plan with this hash has been proposed to this site");
    if (by.empty()) throw std::invalid_argument("say who decides");
    if (by.size() > 100 || reason.size() > kMaxReason)
      throw std::invalid_argument("a name has at most 100 bytes, a reason at most 500");
    if (approve) requireNoObjections(*plan);
    if (!decideOnce(planHash, approve, by, reason))
      throw std::invalid_argument("the plan has been decided already");
    wake();
  }

  void renew(std::stop_token stop) {
    const std::lock_guard working(working_);
    beTheOnlyOne();
    renewNow(stop);
  }

  SiteStore& store() { return store_; }

 private:
  void wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    wakeUp_.notify_all();
  }

  static std::uint64_t seedOf(const Enrolment& enrolment) {
    std::uint64_t seed = 0;  // each site its own jitter
    for (const std::uint8_t byte : sha256(viewOf(enrolment.consortium + "\n" + enrolment.site)))
      seed = seed << 7 ^ seed >> 57 ^ byte;
    return seed;
  }

  std::unique_ptr<CoordinatorLink> makeLink(const Identity& identity,
                                            const std::filesystem::path& file) {
    auto link = std::make_unique<CoordinatorLink>(LinkSettings{
        enrolment_.coordinatorUrl, memberOptions(settings_.http, enrolment_, files_, file),
        settings_.now, settings_.authorizationFile});
    link->signAs(enrolment_.site, &identity.key);
    const std::string correction = store_.fact(kClock);
    if (!correction.empty()) link->clock().restore(std::chrono::seconds(std::stoll(correction)));
    return link;
  }

  // Two programs that play the same site would speak twice.
  void beTheOnlyOne() {
    if (lock_) return;
    lock_.emplace(files_.lock(), "another program runs this site already");
    for (const auto& folder : {files_.folder, files_.results()}) removeUnfinished(folder);
  }

  // --- one step -------------------------------------------------------------------------------

  milliseconds work(std::stop_token stop) {
    const PollReply reply = firstPoll(stop);
    if (reply.rosterNumber < rosters_.number())
      suspect("roster", "the coordinator went back to an older roster");
    else if (reply.rosterNumber > rosters_.number())
      refreshRoster(stop);
    // What others signed may have changed; what is signed about this site counts at once.
    if (rosters_.isRevoked(enrolment_.site)) {
      beRevoked("the signed roster says so");
      return kLongestWait;
    }
    for (const std::string& hash : planHashesOf(reply))
      guarded("plan " + hash.substr(0, 16), [&] { considerPlan(hash, stop); });
    sendDecisions(stop);
    driveRounds(roundsOf(reply), stop);
    for (const Assignment& a : reply.assignments)
      if (a.kind == Assignment::Kind::Release && isHashHex(a.releaseHash))
        guarded("release " + a.releaseHash.substr(0, 16),
                [&] { fetchRelease(a.releaseHash, stop); });
    renewIfDue(stop);
    clearUpIfDue();
    return std::clamp<milliseconds>(reply.pollAgainIn, kShortestWait, kLongestWait);
  }

  // A crash may have hidden that the new key is the one that counts there already.
  PollReply firstPoll(std::stop_token stop) {
    try {
      return poll(*link_, stop);
    } catch (const CoordinatorRefusal& refusal) {
      if (refusal.code != "BadSignature" || !next_) throw;
      renewNow(stop);
    }
    return poll(*link_, stop);
  }

  PollReply poll(CoordinatorLink& link, std::stop_token stop) {
    const auto response = link.send("POST", "/v1/poll", {}, {}, std::move(stop));
    PollReply reply = decode<PollReply>(CoordinatorLink::bodyOf(response));
    if (reply.assignments.size() > kMostAssignments) reply.assignments.resize(kMostAssignments);
    learnTime(link, reply.serverTime);
    noteContact();
    return reply;
  }

  // For status() of another program a minute is near enough, and the disk is spared.
  void noteContact() {
    const auto now = settings_.now();
    if (std::chrono::abs(now - storedContact_) >= std::chrono::minutes(1)) {
      store_.setFact(kContact, std::to_string(secondsOf(now)));
      storedContact_ = now;
    }
    const std::lock_guard lock(mutex_);
    lastContact_ = now;
  }

  void learnTime(CoordinatorLink& link, std::chrono::sys_seconds theirs) {
    if (!link.clock().learn(theirs, settings_.now())) {
      suspect("clock", "this machine's clock shows " + utcText(settings_.now()) +
                           ", the coordinator's " + utcText(theirs) +
                           ": they differ by more than 12 hours");
      return;
    }
    const std::string before = store_.fact(kClock);
    const auto old = std::chrono::seconds(before.empty() ? 0 : std::stoll(before));
    const auto offset = link.clock().offset();
    if (std::chrono::abs(offset - old) < std::chrono::seconds(5)) return;  // the way's own time
    store_.setFact(kClock, std::to_string(offset.count()));
    store_.note({"clock-corrected", {{"seconds", offset.count()}}});
    observer_.note("requests are signed by the coordinator's clock, which is " +
                   std::to_string(offset.count()) + " s ahead of this machine's");
  }

  void refreshRoster(std::stop_token stop) {
    guarded("roster", [&] {
      const auto document =
          decodeSignedDocument(CoordinatorLink::bodyOf(link_->get("/v1/roster", stop)));
      std::vector<PublicKey> own{identity_.key.publicKey()};
      if (next_) own.push_back(next_->key.publicKey());
      rosters_.accept(document, own);
    });
  }

  static std::vector<std::string> planHashesOf(const PollReply& reply) {
    std::vector<std::string> hashes;
    for (const Assignment& a : reply.assignments)
      if (a.kind != Assignment::Kind::Release && isHashHex(a.planHash) &&
          std::find(hashes.begin(), hashes.end(), a.planHash) == hashes.end())
        hashes.push_back(a.planHash);
    return hashes;
  }

  static std::vector<std::string> roundsOf(const PollReply& reply) {
    std::vector<std::string> ids;
    for (const Assignment& a : reply.assignments)
      if (a.kind == Assignment::Kind::Round && isIdentifier(a.roundId) &&
          std::find(ids.begin(), ids.end(), a.roundId) == ids.end())
        ids.push_back(a.roundId);
    return ids;
  }

  // What is wrong with one subject must not stop the others; what is wrong with the line does.
  template <typename Work>
  void guarded(const std::string& subject, Work doIt) {
    try {
      doIt();
    } catch (const ProtocolViolation& e) {
      suspect(subject, e.what());
    } catch (const WireError& e) {
      suspect(subject, e.what());
    } catch (const CoordinatorRefusal& refusal) {
      if (refusal.isPassing() || refusal.code == "Revoked" || refusal.code == "ClockSkew" ||
          refusal.code == "UnknownSite" || refusal.code == "BadSignature")
        throw;
      blame(subject + ": " + refusal.what());
    }
  }

  // The coordinator, or somebody in its name, did what it must not. Written down once a start, so
  // that repeating it does not fill the disk.
  void suspect(const std::string& subject, const std::string& sentence) {
    const std::string text = harmless(subject + ": " + sentence);
    blame(text);
    constexpr std::size_t kMostSuspicions = 1000;
    if (suspicions_.size() >= kMostSuspicions || !suspicions_.insert(text).second) return;
    store_.note({"violation", {{"subject", harmless(subject)}, {"what", harmless(sentence)}}});
    observer_.note(text);
  }
  // On disk, too: another program asks for the status of the one that runs.
  void rememberProblem() {
    std::optional<std::string> before = problem_;
    {
      const std::lock_guard lock(mutex_);
      std::swap(before, lastProblem_);
    }
    if (before == problem_) return;
    try {
      store_.setFact(kProblem, problem_);
    } catch (const std::exception&) {
      // The disk is the problem, then; status() of this program tells it.
    }
  }
  void blame(const std::string& sentence) {
    if (problem_.empty()) problem_ = sentence;
  }

  void beRevoked(const std::string& why) {
    if (revoked_) return;
    revoked_ = true;
    problem_ = "the consortium no longer accepts this site's certificate (" + why +
               "): nothing more is done until it is enrolled with a new invitation";
    store_.note({"revoked", {{"site", enrolment_.site}}});
    observer_.note(problem_);
  }

  // --- plans ----------------------------------------------------------------------------------

  void considerPlan(const std::string& hash, std::stop_token stop) {
    auto plan = store_.plan(hash);
    if (!plan) {
      if (store_.plans().size() >= kMostPlans)
        throw ProtocolViolation("the coordinator proposes more plans than this site keeps");
      fetchPlan(hash, std::move(stop));
      plan = store_.plan(hash);
    }
    if (!plan->decision && settings_.policy.approveAutomatically) approveByPolicy(*plan);
  }

  void fetchPlan(const std::string& hash, std::stop_token stop) {
    const auto document = decodeSignedDocument(
        CoordinatorLink::bodyOf(link_->get("/v1/plans/" + hash, std::move(stop))));
    requireSignature(document, "plan", "coordinator", enrolment_.coordinatorKey);
    if (document.hashHex() != hash)
      throw ProtocolViolation("the coordinator sent another plan than it had announced");
    const Plan plan = decodePlan(document.payload);
    if (store_.keepPlan(document,
                        {"plan-proposed", {{"plan", hash}, {"title", harmless(plan.title)}}}))
      observer_.note("plan " + hash + " (" + harmless(plan.title) + ") has been proposed");
  }

  void approveByPolicy(const StoredPlan& plan) {
    const Plan decoded = decodePlan(plan.document.payload);
    if (!objections(plan.hash, decoded).empty()) return;
    const auto patients = trainer_.patients(decoded);
    if (!patients ||
        *patients < std::max(decoded.minimumPatients, settings_.policy.minimumPatients)) {
      blame("plan " + plan.hash.substr(0, 16) +
            " was not approved: this site's data do not serve it" +
            (patients ? "" : ": " + patients.error()));
      return;
    }
    decideOnce(plan.hash, true, "policy", "");
  }

  std::vector<std::string> objections(const std::string& hash, const Plan& plan) {
    auto all = objectionsTo(plan, settings_.policy, store_.epsilonSpentElsewhere(hash));
    for (const std::string& fault : faultsOf(plan)) all.push_back("the plan has a fault: " + fault);
    return all;
  }

  void requireNoObjections(const StoredPlan& plan) {
    const auto found = objections(plan.hash, decodePlan(plan.document.payload));
    if (found.empty()) return;
    std::string text = "this site's policy forbids the plan";
    for (const std::string& objection : found) text += "; " + objection;
    throw std::invalid_argument(text);
  }

  bool decideOnce(const std::string& hash, bool approve, const std::string& by,
                  const std::string& reason) {
    const Decision decision{hash, enrolment_.site, by, approve, reason, settings_.now()};
    return store_.decide(decision,
                         {"decision", {{"plan", hash}, {"approved", approve}, {"by", by}}});
  }

  void sendDecisions(std::stop_token stop) {
    for (const Decision& decision : store_.unsentDecisions()) {
      guarded("decision on plan " + decision.planHash.substr(0, 16), [&] {
        const auto document =
            signDocument("decision", encode(decision), enrolment_.site, identity_.key);
        const auto response = link_->send("POST", "/v1/plans/" + decision.planHash + "/decisions",
                                          encode(document), {}, stop);
        const auto reply = decode<MessageReply>(CoordinatorLink::bodyOf(response));
        store_.markDecisionSent(
            decision.planHash,
            {"decision-sent",
             {{"plan", decision.planHash}, {"verdict", static_cast<int>(reply.verdict)}}});
        if (reply.verdict == Verdict::TooLate || reply.verdict == Verdict::Refused)
          blame("the coordinator did not take the decision on plan " +
                decision.planHash.substr(0, 16) + ": " + harmless(reply.reason));
      });
    }
  }

  KnownPlan known(const StoredPlan& plan) {
    KnownPlan result{plan.hash,
                     decodePlan(plan.document.payload),
                     plan.decision,
                     {},
                     store_.epsilonSpent(plan.hash)};
    result.policyObjections = objections(plan.hash, result.plan);
    return result;
  }

  // --- rounds and releases ----------------------------------------------------------------------

  void driveRounds(std::vector<std::string> ids, std::stop_token stop) {
    if (++polls_ % kPollsBetweenLooks == 0)
      for (const std::string& id : store_.unfinishedRounds())
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    BlobTransfer blobs(*link_, files_.blobs());
    RoundDriver driver({store_, *link_, blobs, rosters_, trainer_, observer_, settings_.policy,
                        identity_, enrolment_, files_, settings_.now, training_,
                        where_ == Training::Beside ? &desk_ : nullptr, upload_, trainerFailures_,
                        answered_});
    // Quick answers first: others wait for them. Then one training.
    std::optional<std::string> toTrain;
    for (const std::string& id : ids)
      guarded("round " + id, [&] {
        if (driveOne(driver, id, false, stop) == RoundDriver::Outcome::NeedsTraining && !toTrain)
          toTrain = id;
      });
    if (toTrain && !desk_.isBusy())
      guarded("round " + *toTrain, [&] { driveOne(driver, *toTrain, true, stop); });
  }

  RoundDriver::Outcome driveOne(RoundDriver& driver, const std::string& id, bool mayTrain,
                                std::stop_token stop) {
    try {
      return driver.drive(id, mayTrain, stop);
    } catch (const CoordinatorRefusal& refusal) {
      if (refusal.status != 404 || !store_.round(id)) throw;
      store_.endRound(id, Step::Failed, "the coordinator knows it no more",
                      {"round-left", {{"round", id}, {"reason", "unknown to the coordinator"}}});
      return RoundDriver::Outcome::Over;
    }
  }

  void fetchRelease(const std::string& hash, std::stop_token stop) {
    BlobTransfer blobs(*link_, files_.blobs());
    if (ReleaseShelf(store_, *link_, blobs, enrolment_, files_).fetch(hash, std::move(stop)))
      observer_.note("release " + hash + " has been stored");
  }

  void clearUpIfDue() {
    const auto now = settings_.now();
    if (std::chrono::abs(now - clearedUp_) < std::chrono::hours(24)) return;
    clearedUp_ = now;
    try {
      const std::string what = clearAttic(store_, files_, now, settings_.retention);
      if (!what.empty()) observer_.note(what);
    } catch (const std::exception& e) {
      blame(std::string("what is old could not be cleared away: ") + e.what());
    }
  }

  // --- renewal ----------------------------------------------------------------------------------

  void renewIfDue(std::stop_token stop) {
    const CertificateFacts facts = factsOf(identity_.certificatePem);
    if (!next_ && !shouldRenew(facts, settings_.now())) return;
    // A round is signed by one key from its beginning to its end, as long as there is time.
    const bool isUrgent =
        10 * (facts.notAfter - settings_.now()) < facts.notAfter - facts.notBefore;
    if (!isUrgent && !store_.unfinishedRounds().empty()) return;
    try {
      renewNow(stop);
    } catch (const EnrolmentRefused& e) {
      blame(std::string("the certificate could not be renewed: ") + e.what());
    } catch (const CoordinatorRefusal& e) {
      if (e.isPassing() || e.code == "Revoked") throw;
      blame(std::string("the certificate could not be renewed: ") + e.what());
    }
  }

  // A new key, a certificate for it, one poll that proves both; only then is the old one let go.
  // After a crash it goes on with the key in identity.next.pem.
  void renewNow(std::stop_token stop) {
    if (!next_) {
      Identity fresh{SigningKey::generate(), ""};
      fresh.write(files_.nextIdentity());
      next_ = std::move(fresh);
      store_.note({"renewal-asked", {{"key", toHex(next_->key.publicKey())}}});
    }
    try {
      if (next_->certificatePem.empty()) askForNext(stop);
      const auto link = makeLink(*next_, files_.nextIdentity());
      poll(*link, std::move(stop));
    } catch (const CoordinatorRefusal& refusal) {
      // Replaced there by a later wish: this key will never count. The old one still does.
      if (refusal.code == "KeyInUse" || refusal.code == "BadSignature") {
        std::filesystem::remove(files_.nextIdentity());
        next_.reset();
      }
      throw;
    }
    renameDurably(files_.nextIdentity(), files_.identity());
    identity_ = std::move(*next_);
    next_.reset();
    link_ = makeLink(identity_, files_.identity());
    const CertificateFacts facts = factsOf(identity_.certificatePem);
    store_.note({"renewed", {{"certificate", toHex(facts.sha256)}, {"serial", facts.serialHex}}});
    observer_.note("the certificate has been renewed");
    const std::lock_guard lock(mutex_);
    certificateEnds_ = facts.notAfter;
  }

  void askForNext(std::stop_token stop) {
    const CertificateWish wish{
        "/v1/certificates", "", enrolment_.site, caPem_, files_.nextIdentity(), settings_.now()};
    try {
      obtainCertificate(*link_, *next_, wish, stop);
    } catch (const CoordinatorRefusal& refusal) {
      // The answer to an earlier request was lost, and the new key is the one that counts now.
      if (refusal.code != "BadSignature") throw;
      link_->signAs(enrolment_.site, &next_->key);
      try {
        obtainCertificate(*link_, *next_, wish, stop);
      } catch (...) {
        link_->signAs(enrolment_.site, &identity_.key);
        throw;
      }
      link_->signAs(enrolment_.site, &identity_.key);
    }
  }

  const SiteSettings settings_;
  const SiteFiles files_;
  SiteStore store_;
  const Enrolment enrolment_;
  const std::string caPem_;
  std::optional<FileLock> lock_;

  std::mutex working_;  // held while something is asked of the coordinator; guards what follows
  Identity identity_;
  std::optional<Identity> next_;
  RosterBook rosters_;
  std::unique_ptr<CoordinatorLink> link_;
  LocalTrainer& trainer_;
  SiteObserver& observer_;
  LocalTraining training_;
  Training where_ = Training::Here;
  std::optional<PackedUpload> upload_;
  BackOff backOff_;
  std::set<std::string> suspicions_;
  std::string problem_;  // the first of this step
  std::chrono::sys_seconds storedContact_{}, clearedUp_{};
  int polls_ = 0;
  std::map<std::string, int> trainerFailures_;
  std::set<std::string> answered_;

  std::atomic<bool> revoked_{false};
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any wakeUp_;
  bool woken_ = false;
  std::optional<std::string> lastProblem_;  // nullopt: no step yet
  std::chrono::sys_seconds certificateEnds_{}, lastContact_{};
  TrainingDesk desk_;  // last: its thread uses all above
};

Site::Site(SiteSettings settings, LocalTrainer& trainer, SiteObserver& observer)
    : impl_(std::make_unique<Impl>(std::move(settings), trainer, observer)) {}
Site::~Site() = default;

milliseconds Site::step(std::stop_token stop) {
  return impl_->step(Impl::Training::Here, std::move(stop));
}
void Site::run(std::stop_token stop) { impl_->run(std::move(stop)); }
SiteStatus Site::status() const { return impl_->status(); }
void Site::decide(const std::string& planHash, bool approve, const std::string& by,
                  const std::string& reason) {
  impl_->decide(planHash, approve, by, reason);
}
std::vector<AuditEntry> Site::audit() const { return impl_->store().audit(); }
void Site::renewCertificate(std::stop_token stop) { impl_->renew(std::move(stop)); }

}  // namespace fedpet::federation
