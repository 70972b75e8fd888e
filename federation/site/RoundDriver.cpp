#include "federation/site/RoundDriver.h"

#include "federation/files/DurableFiles.h"
#include "federation/secagg/FixedPoint.h"
#include "federation/site/Policy.h"

#include <algorithm>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;
using NameSet = std::set<std::string>;

// Far beyond any model of this project (32 million parameters), and what a site can hold.
constexpr std::uint64_t kMaxInputBytes = 256u << 20;
constexpr int kMostTurns = 8;
constexpr int kTrainingAttempts = 3;
constexpr int kUploadAttempts = 3;

constexpr const char* kWithdraw = "withdraw";

std::string nameOf(Step step) { return std::string(toString(step)); }

bool isSortedSet(const Names& names) {
  return std::adjacent_find(names.begin(), names.end(), std::greater_equal<>()) == names.end();
}

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool isAmong(const std::vector<SignedDocument>& documents, const std::string& signer) {
  return std::any_of(documents.begin(), documents.end(),
                     [&](const SignedDocument& document) { return document.signer == signer; });
}

// With groups each group's sum is opened on its own, and its noise must be enough for it.
bool hasGroups(const Plan& plan) {
  return plan.task == TaskKind::Train && plan.training.groups > 1;
}
int fewestContributors(const Plan& plan) {
  return hasGroups(plan) ? std::min(plan.quorum, kFewestSurvivors) : std::max(1, plan.quorum);
}

// "<first 16 of the plan's hash>-<number>-<attempt>", and "-g<n>" of a group.
bool isIdOf(std::string_view id, const RoundStart& start, const Plan& plan) {
  const std::string stem = start.planHash.substr(0, 16) + "-" + std::to_string(start.number) + "-" +
                           std::to_string(start.attempt);
  if (id == stem) return true;
  if (!hasGroups(plan) || !id.starts_with(stem + "-g")) return false;
  id.remove_prefix(stem.size() + 2);
  return !id.empty() && id.size() <= 4 &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

RoundDriver::Outcome RoundDriver::drive(const std::string& roundId, bool mayTrain,
                                        std::stop_token stop) {
  for (int turn = 0; turn < kMostTurns; ++turn) {
    const auto view =
        decode<RoundView>(CoordinatorLink::bodyOf(s_.link.get("/v1/rounds/" + roundId, stop)));
    Round round = admit(roundId, view);
    if (!round.record.ending.empty()) {
      const auto kept = s_.store.message(roundId, kWithdraw);
      if (kept && !kept->answered && view.step != Step::Done && view.step != Step::Failed)
        send(round, kWithdraw, kept->payload, stop);
      return Outcome::Over;
    }
    if (view.step == Step::Done || view.step == Step::Failed) {
      end(round, view);
      return Outcome::Over;
    }
    try {
      const Turn did = act(round, view, mayTrain, stop);
      if (did == Turn::NeedsTraining) return Outcome::NeedsTraining;
      if (did == Turn::Idle) return Outcome::Waiting;
    } catch (const Withdrawal& withdrawal) {
      withdraw(round, withdrawal, stop);
      return Outcome::Over;
    } catch (const TrainingFailed& failed) {
      return retryLater(round, failed, stop);
    } catch (const StillTraining&) {
      return Outcome::Waiting;
    } catch (const LeftOut& out) {
      dropUpload(round);
      s_.store.endRound(roundId, view.step, out.reason,
                        {"round-left", {{"round", roundId}, {"reason", out.reason}}});
      s_.observer.note("round " + roundId + ": " + out.reason);
      return Outcome::Over;
    } catch (const ProtocolViolation& violation) {
      try {
        withdraw(round, {"ProtocolViolation", violation.what(), ""}, stop);
      } catch (const std::exception&) {
        // Said again when the coordinator asks for this round the next time.
      }
      throw;
    }
  }
  return Outcome::Waiting;
}

// --- is this a round, and may it be? -----------------------------------------------------------

RoundDriver::Round RoundDriver::admit(const std::string& roundId, const RoundView& view) {
  requireSignature(view.start, "round", "coordinator", s_.enrolment.coordinatorKey);
  const auto start = decode<RoundStart>(view.start.payload);
  if (start.roundId != roundId)
    throw ProtocolViolation("the coordinator showed another round under this one's id");
  const auto known = s_.store.round(roundId);
  if (!known) return open(view, start);
  if (known->start.hash() != view.start.hash())
    throw ProtocolViolation("the coordinator signed two beginnings of round " + roundId);
  Round round{*known, start, decodePlan(s_.store.plan(start.planHash).value().document.payload)};
  round.record.step = view.step;
  return round;
}

RoundDriver::Round RoundDriver::open(const RoundView& view, const RoundStart& start) {
  const auto plan = s_.store.plan(start.planHash);
  if (!plan) throw ProtocolViolation("the coordinator began a round of a plan never shown here");
  if (start.rosterNumber > s_.rosters.number())
    throw ProtocolViolation("a round names a roster that the coordinator does not show");
  Round round{{}, start, decodePlan(plan->document.payload)};
  if (!isIdOf(start.roundId, start, round.plan))
    throw ProtocolViolation("a round's id does not name its plan, number and attempt");
  const auto newest = s_.store.newestRound(start.planHash);
  round.record.id = start.roundId;
  round.record.planHash = start.planHash;
  round.record.number = start.number;
  round.record.attempt = start.attempt;
  round.record.start = view.start;
  round.record.step = view.step;
  if (std::pair(start.number, start.attempt) <= newest)
    throw ProtocolViolation("the coordinator began a round that is older than the last one");
  const SecretBytes secrets = round.masked() ? SiteSecrets::generate().serialize() : SecretBytes();
  round.record = s_.store.openRound(round.record, secrets,
                                    {"round",
                                     {{"round", start.roundId},
                                      {"plan", start.planHash},
                                      {"number", start.number},
                                      {"attempt", start.attempt},
                                      {"input", start.inputSha256},
                                      {"roster", start.rosterNumber},
                                      {"start", view.start.hashHex()}}});
  s_.training.forgetAllBut(start.planHash, start.number);
  return round;
}

void RoundDriver::requirePlausible(const Round& round) {
  const RoundStart& start = round.start;
  const auto invited = static_cast<int>(start.invited.size());
  if (!isSortedSet(start.invited) || !contains(start.invited, s_.enrolment.site))
    throw ProtocolViolation("the list of invited sites is not one, or lacks this site");
  if (start.quorum < fewestContributors(round.plan) || start.quorum > invited)
    throw ProtocolViolation("the round's quorum is not the plan's");
  if (round.masked() && invited < kFewestSurvivors)
    throw ProtocolViolation("a sum over fewer than three sites hides nobody");
  if (start.inputBytes > kMaxInputBytes)
    throw ProtocolViolation("the round's input is larger than this site accepts");
}

// Asked again at each step: a person may have changed the policy meanwhile.
void RoundDriver::requireAllowed(const Round& round) {
  const auto plan = s_.store.plan(round.start.planHash);
  if (!plan || !plan->decision || !plan->decision->approved)
    throw Withdrawal{"NotApproved", "this site has not approved the plan", ""};
  const auto objections =
      objectionsTo(round.plan, s_.policy, s_.store.epsilonSpentElsewhere(round.start.planHash));
  if (!objections.empty())
    throw Withdrawal{"PolicyForbids", "this site's policy forbids the plan", objections.front()};
}

// How many patients a site has is not told, only that they are too few or too many.
void RoundDriver::requirePatients(const Round& round) {
  const auto patients = s_.trainer.patients(round.plan);
  if (!patients)
    throw Withdrawal{"CannotTakePart", "this site's data do not serve the plan", patients.error()};
  const int fewest = std::max(round.plan.minimumPatients, s_.policy.minimumPatients);
  if (*patients < fewest)
    throw Withdrawal{"TooFewPatients",
                     "fewer patients than the plan or this site's policy asks for",
                     std::to_string(*patients) + " of " + std::to_string(fewest)};
  if (*patients > round.plan.maximumPatients)
    throw Withdrawal{"TooManyPatients", "more patients than the plan allows for",
                     std::to_string(*patients)};
}

constexpr const char* kOtherInput = "the coordinator repeats a round number with another input";

// Before it joins: nothing is charged yet.
void RoundDriver::requireAffordable(const Round& round) {
  const std::string& plan = round.start.planHash;
  if (const auto input = s_.store.chargedInput(plan, round.start.number)) {
    if (*input != round.start.inputSha256) throw ProtocolViolation(kOtherInput);
    return;
  }
  const auto price = priceOfOneMoreRound(
      round.plan, s_.policy, {s_.store.roundsCharged(plan), s_.store.epsilonSpentElsewhere(plan)});
  if (!price) throw Withdrawal{"BudgetSpent", "this site's privacy budget is spent", price.error()};
}

void RoundDriver::charge(const Round& round) {
  const std::string& plan = round.start.planHash;
  const auto outcome = s_.store.charge(
      {plan, round.start.number, round.start.inputSha256}, [&](int charged, double elsewhere) {
        return priceOfOneMoreRound(round.plan, s_.policy, {charged, elsewhere});
      });
  if (!outcome)
    throw Withdrawal{"BudgetSpent", "this site's privacy budget is spent", outcome.error()};
  if (*outcome == SiteStore::Charge::OtherInput) throw ProtocolViolation(kOtherInput);
}

// --- the steps ---------------------------------------------------------------------------------

RoundDriver::Turn RoundDriver::act(Round& round, const RoundView& view, bool mayTrain,
                                   std::stop_token stop) {
  requirePlausible(round);
  if (!round.masked() && view.step != Step::Join && view.step != Step::Contribute)
    throw ProtocolViolation("a round without masks has no step \"" + nameOf(view.step) + "\"");
  // What was accepted before a crash that lost the answer.
  const bool wasCounted = contains(view.survivors, s_.enrolment.site);
  if (wasCounted && isSaid(round, "contribute") && !isAnswered(round, "contribute"))
    s_.store.markAnswered(round.record.id, "contribute", noteOnAnswer(round, "contribute"));
  if (isAnswered(round, nameOf(view.step))) return Turn::Idle;
  switch (view.step) {
    case Step::Join:
      return join(round, std::move(stop));
    case Step::Share:
      return share(round, view, std::move(stop));
    case Step::Contribute:
      return contribute(round, view, mayTrain, std::move(stop));
    case Step::Confirm:
      return confirm(round, view, std::move(stop));
    default:
      return reveal(round, view, std::move(stop));
  }
}

RoundDriver::Turn RoundDriver::join(Round& round, std::stop_token stop) {
  if (isSaid(round, "join")) return speak(round, "join", JoinBody{}, std::move(stop));
  requireAllowed(round);
  if (!isWithin(s_.policy.hoursOfDay, localHourOf(s_.now()))) return Turn::Idle;
  requirePatients(round);
  requireAffordable(round);
  JoinBody body;
  if (round.masked()) body = makeJoin(SiteSecrets::parse(secretsOf(round).view()));
  return speak(round, "join", body, std::move(stop));
}

RoundDriver::Turn RoundDriver::share(Round& round, const RoundView& view, std::stop_token stop) {
  if (!isSaid(round, "join") ||
      (!isAnswered(round, "join") && !isAmong(view.joins, s_.enrolment.site)))
    throw LeftOut{"the round began without this site"};
  if (isSaid(round, "share")) return speak(round, "share", ShareBody{}, std::move(stop));
  round.record.joins = s_.store.keepJoins(round.record.id, view.joins);
  const SecureRound secure = secureRound(round);
  const auto secrets = SiteSecrets::parse(secretsOf(round).view());
  return speak(round, "share", makeShares(secrets, secure), std::move(stop));
}

RoundDriver::Turn RoundDriver::contribute(Round& round, const RoundView& view, bool mayTrain,
                                          std::stop_token stop) {
  if (!isSaid(round, round.masked() ? "share" : "join"))
    throw LeftOut{"the round went on without this site"};
  requireAllowed(round);
  if (!s_.upload || s_.upload->roundId != round.record.id) {
    const bool hasResult = s_.training.hasResult(round.record.planHash, round.record.number);
    if (!mayTrain && !hasResult) return Turn::NeedsTraining;
    if (!hasResult && s_.desk != nullptr && s_.desk->isBusy()) throw StillTraining{};
    makeUpload(round, view, stop);
  }
  for (int attempt = 1;; ++attempt) {
    s_.observer.progress(round.record.id, "upload", 0);
    s_.blobs.upload(s_.upload->bytes, round.record.uploadSha256, stop);
    s_.observer.progress(round.record.id, "upload", 100);
    try {
      const Turn turn = speak(round, "contribute",
                              ContributeBody{round.record.uploadSha256, round.record.uploadBytes,
                                             round.record.metricsJson},
                              stop);
      dropUpload(round);
      return turn;
    } catch (const LeftOut& out) {
      if (!out.isRefusal || attempt == kUploadAttempts || !hasLostUpload(round, stop)) throw;
      s_.observer.note("round " + round.record.id +
                       ": the coordinator has lost the upload, it is sent again");
    }
  }
}

// The coordinator's reasons are for people; whether it has the upload is asked for.
bool RoundDriver::hasLostUpload(const Round& round, std::stop_token stop) {
  try {
    return s_.blobs.isMissing(round.record.uploadSha256, round.record.uploadBytes, std::move(stop));
  } catch (const CoordinatorRefusal& refusal) {
    if (refusal.isPassing()) throw;
    return false;  // it does not wait for it
  }
}

void RoundDriver::dropUpload(const Round& round) {
  if (s_.upload && s_.upload->roundId == round.record.id) s_.upload.reset();
}

RoundDriver::Turn RoundDriver::confirm(Round& round, const RoundView& view, std::stop_token stop) {
  if (!isSaid(round, "contribute") || !contains(view.survivors, s_.enrolment.site))
    throw LeftOut{"the sum is made without this site"};
  keptSurvivors(round, view.survivors, secureRound(round));
  const Bytes document = survivorsDocument(
      round.record.id, {round.record.survivors.begin(), round.record.survivors.end()});
  const Signature signature = s_.identity.key.sign(document);
  return speak(round, "confirm", ConfirmBody{{signature.begin(), signature.end()}},
               std::move(stop));
}

RoundDriver::Turn RoundDriver::reveal(Round& round, const RoundView& view, std::stop_token stop) {
  if (!isAnswered(round, "confirm") && !isAmong(view.confirmations, s_.enrolment.site))
    throw LeftOut{"the sum is opened without this site"};
  if (isSaid(round, "reveal")) return speak(round, "reveal", RevealBody{}, std::move(stop));
  const SecureRound secure = secureRound(round);
  keptSurvivors(round, view.survivors, secure);
  requireConfirmed(round, view, secure);
  const auto& survivors = round.record.survivors;
  if (s_.store.keepOpened(round.start.planHash, round.start.number, survivors) != survivors)
    throw Withdrawal{"OpenedBefore", "this site has helped to open this round for other sites", ""};
  const auto secrets = SiteSecrets::parse(secretsOf(round).view());
  const RevealBody body =
      makeReveal(secrets, secure, {round.record.sharers.begin(), round.record.sharers.end()},
                 {survivors.begin(), survivors.end()}, view.packets);
  return speak(round, "reveal", body, std::move(stop));
}

RoundDriver::Outcome RoundDriver::retryLater(Round& round, const TrainingFailed& failed,
                                             std::stop_token stop) {
  s_.observer.note("round " + round.record.id + ": training failed: " + failed.detail);
  if (++s_.failures[round.record.id] < kTrainingAttempts) return Outcome::Waiting;
  withdraw(round, {"TrainerFailed", "this site's training failed", failed.detail}, std::move(stop));
  return Outcome::Over;
}

void RoundDriver::end(Round& round, const RoundView& view) {
  const bool isDone = view.step == Step::Done;
  const std::string ending = isDone ? "done" : "failed: " + harmless(view.failure);
  s_.store.endRound(round.record.id, view.step, ending,
                    {"round-end", {{"round", round.record.id}, {"ending", ending}}});
  dropUpload(round);
  if (s_.desk != nullptr) s_.desk->cancel(round.record.id);
  // A repeat of a failed round must answer with the same numbers.
  if (isDone) {
    s_.training.forget(round.record.planHash, round.record.number);
    s_.blobs.forget(round.start.inputSha256);
  }
  s_.observer.note("round " + round.record.id + " " + ending);
}

// --- what the others said ----------------------------------------------------------------------

JoinBody RoundDriver::verifiedJoin(const Round& round, const SignedDocument& document) const {
  if (!contains(round.start.invited, document.signer))
    throw ProtocolViolation("a site that was not invited has joined");
  const auto key = s_.rosters.keyOf(document.signer, round.start.rosterNumber);
  // A site may have renewed its certificate while the round was under way.
  const auto newKey = s_.rosters.keyOf(document.signer, s_.rosters.number());
  if (!key && !newKey)
    throw ProtocolViolation("the roster has no valid key of site " + document.signer);
  try {
    requireSignature(document, "round-message", document.signer, key ? *key : *newKey);
  } catch (const WireError&) {
    if (!key || !newKey || *key == *newKey) throw;
    requireSignature(document, "round-message", document.signer, *newKey);
  }
  const auto message = decode<RoundMessage>(document.payload);
  const auto* body = std::get_if<JoinBody>(&message.body);
  if (message.roundId != round.record.id || message.site != document.signer || body == nullptr ||
      body->encryptionKey.size() != 32 || body->maskKey.size() != 32)
    throw ProtocolViolation("what site " + document.signer + " signed is not its join");
  return *body;
}

SecureRound RoundDriver::secureRound(const Round& round) const {
  SecureRound secure;
  secure.roundId = round.record.id;
  secure.site = s_.enrolment.site;
  secure.wordBytes = round.plan.masking == Masking::Ring32 ? 4 : 8;
  for (const SignedDocument& document : round.record.joins) {
    try {
      if (!secure.joins.emplace(document.signer, verifiedJoin(round, document)).second)
        throw ProtocolViolation("site " + document.signer + " is shown twice");
    } catch (const WireError& e) {
      throw ProtocolViolation("the join of site " + harmless(document.signer, 64) +
                              " is not genuine: " + e.what());
    }
  }
  const auto own = std::find_if(
      round.record.joins.begin(), round.record.joins.end(),
      [&](const SignedDocument& document) { return document.signer == s_.enrolment.site; });
  const auto said = s_.store.message(round.record.id, "join");
  if (own == round.record.joins.end() || !said || own->payload != said->payload)
    throw ProtocolViolation("this site's own join is missing or altered");
  const auto joined = static_cast<int>(secure.joins.size());
  if (joined < std::max(round.start.quorum, kFewestSurvivors))
    throw ProtocolViolation("the round goes on with fewer sites than its quorum");
  secure.threshold = shamirThreshold(joined, round.plan.thresholdShare);
  if (3 * secure.threshold <= 2 * joined || secure.threshold > joined)
    throw ProtocolViolation("the plan's threshold is not more than two thirds of the sites");
  return secure;
}

NameSet RoundDriver::sharersOf(const RoundView& view, const SecureRound& secure) const {
  if (!contains(view.sharers, s_.enrolment.site))
    throw LeftOut{"the round went on without this site"};
  if (!isSortedSet(view.sharers) ||
      static_cast<int>(view.sharers.size()) < std::max(secure.threshold, kFewestSurvivors) ||
      !std::all_of(view.sharers.begin(), view.sharers.end(),
                   [&](const std::string& site) { return secure.joins.contains(site); }))
    throw ProtocolViolation("the list of sites that shared is not one of this round");
  return {view.sharers.begin(), view.sharers.end()};
}

void RoundDriver::keptSurvivors(Round& round, const Names& shown, const SecureRound& secure) {
  const auto& sharers = round.record.sharers;
  const int fewest = std::max({secure.threshold, round.start.quorum, kFewestSurvivors});
  if (!isSortedSet(shown) || !contains(shown, s_.enrolment.site) ||
      static_cast<int>(shown.size()) < fewest ||
      !std::includes(sharers.begin(), sharers.end(), shown.begin(), shown.end()))
    throw ProtocolViolation("the list of survivors is not one of this round");
  const auto opened = s_.store.opened(round.start.planHash, round.start.number);
  if (opened && *opened != shown)
    throw Withdrawal{"OpenedBefore", "this site has helped to open this round for other sites", ""};
  const Bytes document = survivorsDocument(round.record.id, {shown.begin(), shown.end()});
  round.record.survivors = s_.store.keepSurvivors(
      round.record.id, shown,
      {"survivors",
       {{"round", round.record.id}, {"count", shown.size()}, {"list", sha256Hex(document)}}});
  if (round.record.survivors != shown)
    throw ProtocolViolation("the coordinator showed two lists of survivors of one round");
}

void RoundDriver::requireConfirmed(const Round& round, const RoundView& view,
                                   const SecureRound& secure) const {
  const Bytes document = survivorsDocument(
      round.record.id, {round.record.survivors.begin(), round.record.survivors.end()});
  NameSet confirmed;
  for (const SignedDocument& confirmation : view.confirmations) {
    if (!contains(round.record.survivors, confirmation.signer)) continue;
    for (const int roster : {round.start.rosterNumber, s_.rosters.number()}) {
      const auto key = s_.rosters.keyOf(confirmation.signer, roster);
      if (!key) continue;
      try {
        requireSignature(confirmation, "round-message", confirmation.signer, *key);
        const auto message = decode<RoundMessage>(confirmation.payload);
        const auto* body = std::get_if<ConfirmBody>(&message.body);
        if (body != nullptr && message.roundId == round.record.id &&
            message.site == confirmation.signer &&
            verifies(*key, document, body->survivorsSignature))
          confirmed.insert(confirmation.signer);
      } catch (const WireError&) {
        continue;  // not counted; what counts is that enough are genuine
      }
    }
  }
  if (static_cast<int>(confirmed.size()) < secure.threshold)
    throw ProtocolViolation("only " + std::to_string(confirmed.size()) + " of " +
                            std::to_string(secure.threshold) +
                            " sites have signed for this list of survivors");
}

// --- the contribution --------------------------------------------------------------------------

TrainingTask RoundDriver::taskOf(const Round& round, std::stop_token stop) {
  const fs::path inputFile = s_.blobs.fetch(
      {round.start.inputSha256, round.start.inputBytes, kMaxInputBytes}, std::move(stop));
  TrainingTask task{round.record.id,
                    round.record.planHash,
                    round.plan,
                    round.start.number,
                    {},
                    {},
                    fewestContributors(round.plan)};
  try {
    task.input = decodeRoundInput(readOwnerFile(inputFile, kMaxInputBytes).value().view());
    task.layout = layoutOf(round.plan, task.input);
    if (task.layout.length() * sizeof(double) > 4 * kMaxInputBytes)
      throw ProtocolViolation("the round asks for more numbers than this site sends");
  } catch (const WireError& e) {
    throw ProtocolViolation(std::string("the round's input cannot be read: ") + e.what());
  } catch (const std::invalid_argument& e) {
    throw ProtocolViolation(std::string("the round's input does not fit the plan: ") +
                            harmless(e.what()));
  }
  return task;
}

void RoundDriver::makeUpload(Round& round, const RoundView& view, std::stop_token stop) {
  const TrainingTask task = taskOf(round, stop);
  charge(round);  // also for a kept result: the input must be the same
  const LocalResult result = resultFor(task, std::move(stop));
  NameSet sharers;
  Bytes bytes = packed(round, view, sharers, task, result);
  keepUpload(round, sharers, result.metricsJson, std::move(bytes));
}

LocalResult RoundDriver::resultFor(const TrainingTask& task, std::stop_token stop) {
  if (auto kept = s_.training.result(task.planHash, task.number)) return std::move(*kept);
  if (s_.desk == nullptr) return s_.training.run(task, std::move(stop));
  s_.desk->rethrowFailure(task.roundId);
  s_.desk->begin(task.roundId, [task, &training = s_.training](std::stop_token stopped) {
    training.run(task, std::move(stopped));
  });
  throw StillTraining{};
}

// `sharers`: whose masks are in it.
Bytes RoundDriver::packed(const Round& round, const RoundView& view, NameSet& sharers,
                          const TrainingTask& task, const LocalResult& result) const try {
  const FixedPoint scale(task.layout, static_cast<int>(round.start.invited.size()),
                         round.plan.masking);
  std::vector<std::uint64_t> words = scale.encode(result.values);
  if (round.masked()) {
    const SecureRound secure = secureRound(round);
    // The same as the first time: other masks on the same numbers would be another secret told.
    if (round.record.uploadSha256.empty())
      sharers = sharersOf(view, secure);
    else
      sharers = {round.record.sharers.begin(), round.record.sharers.end()};
    words = maskValues(SiteSecrets::parse(secretsOf(round).view()), secure, sharers, words);
  }
  return packWords(words, scale.wordBytes());
} catch (const RangeError& e) {
  throw Withdrawal{"OutOfRange", "this site's numbers do not fit the plan's bounds", e.what()};
}

void RoundDriver::keepUpload(Round& round, const NameSet& sharers, const std::string& metricsJson,
                             Bytes bytes) {
  const std::string hash = sha256Hex(bytes);
  const bool isFirst = round.record.uploadSha256.empty();
  // Part of the first one may be there: the difference of the two would show numbers without masks.
  if (!isFirst && round.record.uploadSha256 != hash)
    throw Withdrawal{"TrainerFailed", "this site's training failed",
                     "its result was lost from the disk, and computing it again gave another one"};
  round.record.uploadSha256 = hash;
  round.record.uploadBytes = bytes.size();
  if (isFirst) {
    round.record.metricsJson = metricsJson;
    s_.store.keepUpload(
        round.record.id, {hash, metricsJson, bytes.size(), {sharers.begin(), sharers.end()}},
        {"upload", {{"round", round.record.id}, {"blob", hash}, {"bytes", bytes.size()}}});
  }
  s_.upload = PackedUpload{round.record.id, std::move(bytes)};
}

// --- saying it ---------------------------------------------------------------------------------

bool RoundDriver::isSaid(const Round& round, const std::string& step) const {
  return s_.store.message(round.record.id, step).has_value();
}
bool RoundDriver::isAnswered(const Round& round, const std::string& step) const {
  if (s_.answered.contains(round.record.id + " " + step)) return true;
  const auto message = s_.store.message(round.record.id, step);
  return message && message->answered;
}

SecretBytes RoundDriver::secretsOf(const Round& round) const {
  return s_.store.secrets(round.record.id);
}

std::optional<AuditNote> RoundDriver::noteOnAnswer(const Round& round,
                                                   const std::string& step) const {
  if (step != "contribute") return std::nullopt;
  return AuditNote{"contribution",
                   {{"round", round.record.id}, {"blob", round.record.uploadSha256}}};
}

RoundDriver::Turn RoundDriver::speak(Round& round, const std::string& step,
                                     const decltype(RoundMessage::body)& body,
                                     std::stop_token stop) {
  const Bytes payload = encode(RoundMessage{round.record.id, s_.enrolment.site, body});
  send(round, step,
       s_.store.keepMessage(round.record.id, round.record.step, step, payload, std::nullopt),
       std::move(stop));
  return Turn::Spoke;
}

void RoundDriver::send(Round& round, const std::string& step, const Bytes& payload,
                       std::stop_token stop) {
  const SignedDocument document =
      signDocument("round-message", payload, s_.enrolment.site, s_.identity.key);
  const auto response = s_.link.send("POST", "/v1/rounds/" + round.record.id + "/messages",
                                     encode(document), {}, std::move(stop));
  const auto reply = decode<MessageReply>(CoordinatorLink::bodyOf(response));
  const bool isTaken = reply.verdict == Verdict::Accepted || reply.verdict == Verdict::Duplicate;
  // What it has taken need not be on disk: asked again, it says so again. But for the withdrawal,
  // which is said outside of any step, and what the log tells.
  if (isTaken || step == kWithdraw) s_.answered.insert(round.record.id + " " + step);
  if (step == kWithdraw || (isTaken && step == "contribute"))
    s_.store.markAnswered(round.record.id, step,
                          isTaken ? noteOnAnswer(round, step) : std::nullopt);
  if (isTaken) return;
  if (step == kWithdraw) return;
  const std::string why = reply.reason.empty() ? "" : ": " + harmless(reply.reason);
  throw LeftOut{
      (reply.verdict == Verdict::TooLate ? "too late for step " : "refused at step ") + step + why,
      reply.verdict == Verdict::Refused};
}

void RoundDriver::withdraw(Round& round, const Withdrawal& withdrawal, std::stop_token stop) {
  const std::string& id = round.record.id;
  dropUpload(round);
  if (s_.desk != nullptr) s_.desk->cancel(id);
  const std::string sentence =
      "withdrew (" + withdrawal.code + "): " +
      (withdrawal.detail.empty() ? withdrawal.reason
                                 : withdrawal.reason + "; " + withdrawal.detail);
  const Bytes payload = s_.store.keepMessage(
      id, round.record.step, kWithdraw,
      encode(RoundMessage{id, s_.enrolment.site,
                          WithdrawBody{withdrawal.code, harmless(withdrawal.reason)}}),
      AuditNote{"withdrawal", {{"round", id}, {"code", withdrawal.code}}});
  s_.store.endRound(id, round.record.step, sentence,
                    {"round-left", {{"round", id}, {"reason", withdrawal.reason}}});
  s_.observer.note("round " + id + ": " + sentence);
  send(round, kWithdraw, payload, std::move(stop));
}

}  // namespace fedpet::federation
