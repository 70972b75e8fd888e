#include "federation/coordinator/RoundEngine.h"

#include "federation/secagg/SecureSum.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fedpet::federation {
namespace {

using nlohmann::json;

constexpr std::size_t kFinishedInMemory = 32;
constexpr std::chrono::hours kLongestPause{1};

std::string roundIdOf(const std::string& plan, int number, int attempt, int part, int parts) {
  std::string id =
      plan.substr(0, 16) + "-" + std::to_string(number) + "-" + std::to_string(attempt);
  if (parts > 1) id += "-g" + std::to_string(part + 1);
  return id;
}

RoundTerms termsOf(const Plan& plan, const RoundStart& start) {
  RoundTerms terms;
  terms.invited = {start.invited.begin(), start.invited.end()};
  terms.masked = plan.masking != Masking::None;
  terms.quorum = start.quorum;
  terms.thresholdShare = plan.thresholdShare;
  terms.stepTimeout = plan.stepTimeout;
  terms.trainingTimeout = plan.trainingTimeout;
  return terms;
}

Step stepOf(const RoundMessage& message) {
  constexpr Step kSteps[] = {Step::Join,    Step::Share,  Step::Contribute,
                             Step::Confirm, Step::Reveal, Step::Failed};
  return kSteps[message.body.index()];
}

Event eventOf(const RoundMessage& message, Seconds now) {
  if (const auto* gone = std::get_if<WithdrawBody>(&message.body))
    return {now, SiteWithdrew{message.site, storable(gone->code + ": " + gone->reason, 500)}};
  return {now, SiteSpoke{message.site, stepOf(message)}};
}

std::chrono::seconds pauseBefore(int failures, std::chrono::seconds pollInterval) {
  auto pause = pollInterval;
  for (int i = 1; i < failures && pause < kLongestPause; ++i) pause *= 2;
  return std::min<std::chrono::seconds>(pause, kLongestPause);
}

// The same groups for every attempt at a round, and others for the next round.
std::vector<std::vector<std::string>> groupsOf(const Plan& plan, const PlanRow& row,
                                               std::vector<std::string> sites) {
  const auto fewest = static_cast<std::size_t>(kFewestSurvivors);
  std::size_t count = 1;
  if (plan.task == TaskKind::Train && plan.training.groups > 1)
    count = std::min(static_cast<std::size_t>(plan.training.groups), sites.size() / fewest);
  if (count <= 1) return {std::move(sites)};
  std::sort(sites.begin(), sites.end(), [&](const auto& a, const auto& b) {
    const std::string salt = row.hash + std::to_string(row.number);
    return sha256(viewOf(salt + a)) < sha256(viewOf(salt + b));
  });
  std::vector<std::vector<std::string>> groups(count);
  for (std::size_t i = 0; i < sites.size(); ++i) groups[i % count].push_back(sites[i]);
  for (auto& group : groups) std::sort(group.begin(), group.end());
  return groups;
}

}  // namespace

SignedDocument documentOf(const std::string& base64Url) {
  return decodeSignedDocument(fromBase64Url(base64Url));
}
Plan planOf(const PlanRow& row) { return decodePlan(documentOf(row.document).payload); }

RoundEngine::RoundEngine(EngineSettings settings, storage::Database& database, Members& members,
                         BlobStore& blobs, ContributionStore& contributions, const SigningKey& key)
    : settings_(std::move(settings)),
      database_(database),
      members_(members),
      blobs_(blobs),
      contributions_(contributions),
      key_(key) {
  load();
}

// --- after a restart ---------------------------------------------------------------------------

void RoundEngine::load() {
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    for (const RoundRow& row : records.unfinishedRounds()) live_[row.id] = liveFrom(records, row);
    for (const PlanRow& plan : records.plans())
      if (plan.status == "running" && plan.retryAt != 0)
        retryAt_[plan.hash] = fromRow(plan.retryAt);
  });
  for (const auto& [id, round] : live_) {
    const RoundRow& row = round->row;
    if (everyPartIsOver(row.plan, row.number, row.attempt)) sumsDue_.insert(row.plan);
  }
  if (live_.empty()) contributions_.sweep();
}

RoundEngine::Live RoundEngine::liveFrom(Records& records, const RoundRow& row) {
  auto round = std::make_shared<LiveRound>();
  round->row = row;
  round->document = documentOf(row.startDocument);
  round->start = decode<RoundStart>(round->document.payload);
  const auto plan = records.plan(row.plan);
  if (!plan) throw storage::DatabaseError("a round belongs to no plan");
  round->plan = planOf(*plan);
  round->terms = termsOf(round->plan, round->start);
  round->layout = layoutOf(round->plan, decodeRoundInput(blobs_.readAll(round->start.inputSha256)));
  round->fixed = std::make_shared<FixedPoint>(
      round->layout, static_cast<int>(round->start.invited.size()), round->plan.masking);
  round->state = openRound(round->terms, round->start.opened);
  for (const Event& event : records.events(row.id))
    round->state = advance(round->terms, std::move(round->state), event).state;
  return round;
}

RoundEngine::Live RoundEngine::find(const std::string& site, const std::string& roundId) {
  Live round;
  if (const auto found = live_.find(roundId); found != live_.end()) {
    round = found->second;
  } else if (const auto kept = finished_.find(roundId); kept != finished_.end()) {
    round = kept->second;
  } else {
    round = database_.transaction([&](soci::session& sql) -> Live {
      Records records(sql);
      const auto row = records.round(roundId);
      return row ? liveFrom(records, *row) : nullptr;
    });
    if (round) {
      finished_[roundId] = round;
      finishedOrder_.push_back(roundId);
      if (finishedOrder_.size() > kFinishedInMemory) {
        finished_.erase(finishedOrder_.front());
        finishedOrder_.pop_front();
      }
    }
  }
  if (!round || !round->terms.invited.contains(site))
    throw Refusal(404, "NotFound", "this site is invited to no such round");
  return round;
}

bool RoundEngine::everyPartIsOver(const std::string& plan, int number, int attempt) const {
  return std::all_of(live_.begin(), live_.end(), [&](const auto& entry) {
    const RoundRow& row = entry.second->row;
    return row.plan != plan || row.number != number || row.attempt != attempt ||
           entry.second->isOver();
  });
}

// --- plans -------------------------------------------------------------------------------------

void RoundEngine::start(const std::string& planHash, Seconds now) {
  auto row = database_.transaction([&](soci::session& sql) { return Records(sql).plan(planHash); });
  if (!row) throw Refusal(404, "NotFound", "there is no such plan");
  if (row->status == "running") return;
  if (row->status != "proposed" && row->status != "paused")
    throw Refusal(409, "NotStartable", "this plan is " + row->status);
  const Plan plan = planOf(*row);
  const auto invited = inviteesOf(*row, plan, now);
  if (static_cast<int>(invited.size()) < plan.quorum)
    throw Refusal(409, "NotApproved",
                  std::to_string(invited.size()) + " of the " + std::to_string(plan.quorum) +
                      " sites that the plan needs have approved it");
  if (row->number == 0) {
    Progress first;
    try {
      if (plan.task == TaskKind::Evaluate)
        first =
            beginEvaluation(plan, decodeRoundInput(blobs_.readAll(plan.evaluation.modelSha256)));
      else
        first = begin(plan);
    } catch (const StorageFault&) {
      throw Refusal(409, "NotFound", "the model that the plan evaluates was not uploaded here");
    } catch (const std::exception& e) {
      throw Refusal(409, "NotStartable", std::string("the plan cannot begin: ") + e.what());
    }
    row->number = 1;
    row->stateBlob = blobs_.put(first.state);
    row->inputBlob = blobs_.put(encode(first.input));
  }
  row->status = "running";
  row->reason.clear();
  row->changedAt = toRow(now);
  row->failures = 0;
  row->retryAt = toRow(now);
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    records.update(*row);
    records.audit(now, "plan-started", json{{"plan", planHash}, {"round", row->number}}.dump());
  });
  retryAt_[planHash] = now;
  openDue(now);
}

void RoundEngine::cancel(const std::string& planHash, const std::string& reason, Seconds now) {
  auto row = database_.transaction([&](soci::session& sql) { return Records(sql).plan(planHash); });
  if (!row) throw Refusal(404, "NotFound", "there is no such plan");
  if (row->status == "cancelled") return;
  if (row->status == "finished")
    throw Refusal(409, "NotStartable", "this plan is finished already");
  row->status = "cancelled";
  row->reason = storable(reason, 500);
  row->changedAt = toRow(now);
  row->retryAt = 0;
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    records.update(*row);
    records.audit(now, "plan-cancelled", json{{"plan", planHash}, {"reason", row->reason}}.dump());
  });
  retryAt_.erase(planHash);
  std::vector<Live> open;
  for (const auto& [id, round] : live_)
    if (round->row.plan == planHash && !round->isOver()) open.push_back(round);
  for (const Live& round : open) commit(round, {now, Cancelled{"the plan was cancelled"}}, nullptr);
}

std::vector<std::string> RoundEngine::inviteesOf(const PlanRow& row, const Plan& plan,
                                                 Seconds now) {
  std::vector<std::string> approving;
  const auto decisions =
      database_.transaction([&](soci::session& sql) { return Records(sql).decisions(row.hash); });
  for (const DecisionRow& decision : decisions)
    if (decision.approved != 0 && members_.isActive(decision.site, now))
      approving.push_back(decision.site);  // sorted by the query
  // A site that has said nothing since the last attempt was opened is not waited for again, unless
  // there are too few without it. It is back with the first round after it speaks.
  if (row.attempt == 0 && row.number == 1) return approving;
  const auto previous = database_.transaction([&](soci::session& sql) {
    Records records(sql);
    auto rows = records.roundsOf(row.hash, row.number, row.attempt);
    if (rows.empty() && row.number > 1)
      for (const RoundRow& r : records.rounds())
        if (r.plan == row.hash) rows = {r};
    return rows;
  });
  if (previous.empty()) return approving;
  const Seconds since = fromRow(previous.front().openedAt);
  if (since < settings_.started) return approving;
  const auto seen = members_.lastSeen();
  std::vector<std::string> awake;
  for (const auto& site : approving) {
    const auto last = seen.find(site);
    if (last != seen.end() && last->second >= since) awake.push_back(site);
  }
  return static_cast<int>(awake.size()) >= plan.quorum ? awake : approving;
}

// The survivors for whom sites have begun to reveal in an attempt that failed. A site helps to open
// one list per round number only, because two sums over different sites show the difference.
std::optional<std::set<std::string>> RoundEngine::halfOpened(const PlanRow& row) {
  return database_.transaction([&](soci::session& sql) -> std::optional<std::set<std::string>> {
    Records records(sql);
    for (int attempt = row.attempt; attempt > 0; --attempt) {
      const auto parts = records.roundsOf(row.hash, row.number, attempt);
      if (parts.size() != 1) continue;
      const RoundState state = liveFrom(records, parts.front())->state;
      if (!state.revealed.empty()) return state.contributed;
    }
    return std::nullopt;
  });
}

void RoundEngine::openDue(Seconds now) {
  std::vector<std::string> due;
  for (const auto& [plan, at] : retryAt_)
    if (at <= now) due.push_back(plan);
  for (const auto& hash : due) {
    const auto row =
        database_.transaction([&](soci::session& sql) { return Records(sql).plan(hash); });
    if (row && row->status == "running" && row->retryAt != 0)
      openAttempt(*row, now);
    else
      retryAt_.erase(hash);
  }
}

void RoundEngine::openAttempt(PlanRow row, Seconds now) {
  const Plan plan = planOf(row);
  auto invited = inviteesOf(row, plan, now);
  const auto stop = [&](const std::string& reason) {
    database_.transaction([&](soci::session& sql) {
      Records records(sql);
      pause(records, row, reason, now);
    });
    retryAt_.erase(row.hash);
  };
  if (static_cast<int>(invited.size()) < plan.quorum)
    return stop("only " + std::to_string(invited.size()) + " of the " +
                std::to_string(plan.quorum) + " members that are needed approve this plan now");
  if (const auto again = halfOpened(row)) {
    std::erase_if(invited, [&](const auto& site) { return !again->contains(site); });
    if (invited.size() < again->size())
      return stop(
          "sites have begun to open a sum that includes a site which is gone now, and "
          "they open no other of this round: cancel the plan and propose it again");
  }
  const auto groups = groupsOf(plan, row, invited);
  ++row.attempt;
  row.retryAt = 0;
  row.changedAt = toRow(now);
  const auto inputBytes = blobs_.sizeOf(row.inputBlob).value_or(0);
  const int parts = static_cast<int>(groups.size());
  std::vector<RoundRow> rounds;
  for (int part = 0; part < parts; ++part) {
    RoundStart start;
    start.roundId = roundIdOf(row.hash, row.number, row.attempt, part, parts);
    start.planHash = row.hash;
    start.number = row.number;
    start.attempt = row.attempt;
    start.inputSha256 = row.inputBlob;
    start.inputBytes = inputBytes;
    start.invited = groups[static_cast<std::size_t>(part)];
    start.quorum = parts > 1 ? kFewestSurvivors : plan.quorum;
    start.rosterNumber = members_.rosterNumber();
    start.opened = now;
    RoundRow round;
    round.id = start.roundId;
    round.plan = row.hash;
    round.number = row.number;
    round.attempt = row.attempt;
    round.part = part;
    round.startDocument =
        toBase64Url(encode(signDocument("round", encode(start), "coordinator", key_)));
    round.status = "open";
    round.openedAt = toRow(now);
    rounds.push_back(std::move(round));
  }
  std::vector<Live> opened;
  try {
    database_.transaction([&](soci::session& sql) {
      Records records(sql);
      for (const RoundRow& round : rounds) {
        opened.push_back(liveFrom(records, round));
        records.insert(round);
        records.audit(now, "round-opened",
                      json{{"plan", row.hash},
                           {"round", round.id},
                           {"start", opened.back()->document.hashHex()},
                           {"invited", opened.back()->start.invited.size()}}
                          .dump());
      }
      records.save(BlobRow{row.inputBlob, static_cast<long long>(inputBytes), 1}, now);
      records.update(row);
    });
  } catch (const RangeError& e) {
    --row.attempt;
    return stop(std::string("the sum of so many sites cannot be represented: ") + e.what());
  }
  retryAt_.erase(row.hash);
  for (const Live& round : opened) live_[round->row.id] = round;
}

void RoundEngine::attemptFailed(Records& records, PlanRow row, const std::string& reason,
                                Seconds now) {
  if (row.status != "running") return;
  ++row.failures;
  if (row.failures > settings_.roundRetries) {
    pause(records, row,
          "round " + std::to_string(row.number) + " failed " + std::to_string(row.failures) +
              " times; the last time " + reason,
          now);
    return;
  }
  row.retryAt = toRow(now + pauseBefore(row.failures, settings_.pollInterval));
  row.changedAt = toRow(now);
  row.reason = storable(reason, 500);
  records.update(row);
}

void RoundEngine::pause(Records& records, PlanRow row, const std::string& reason, Seconds now) {
  row.status = "paused";
  row.reason = storable(reason, 1000);
  row.retryAt = 0;
  row.changedAt = toRow(now);
  records.update(row);
  records.audit(now, "plan-paused", json{{"plan", row.hash}, {"reason", row.reason}}.dump());
  if (settings_.log) settings_.log("plan " + row.hash.substr(0, 16) + " is paused: " + row.reason);
}

// --- messages ----------------------------------------------------------------------------------

MessageReply RoundEngine::hear(const std::string& site, const std::string& roundId,
                               const SignedDocument& document, Seconds now) {
  const Live round = find(site, roundId);
  const auto key = members_.documentKey(site);
  if (!key) throw Refusal(401, "UnknownSite", "the consortium has no member of that id");
  requireSignature(document, "round-message", site, *key);
  const auto message = decode<RoundMessage>(document.payload);
  if (message.roundId != roundId || message.site != site)
    throw Refusal(400, "Malformed", "the message is of another round or site than its address");
  if (!round->isOver() && now >= round->state.deadline) commit(round, {now, TimePassed{}}, nullptr);

  const Event event = eventOf(message, now);
  MessageReply reply = judge(*round, message, advance(round->terms, round->state, event));
  const bool isWithdrawal = std::holds_alternative<WithdrawBody>(message.body);
  if (reply.verdict == Verdict::Duplicate && !isWithdrawal) {
    const auto known = database_.transaction(
        [&](soci::session& sql) { return Records(sql).message(roundId, site, stepOf(message)); });
    if (known && known->hash != document.hashHex())
      return {Verdict::Refused, "another message of this site was accepted for this step"};
  }
  if (reply.verdict != Verdict::Accepted) return reply;
  Spoken spoken;
  spoken.message = &message;
  spoken.row = {site, static_cast<int>(stepOf(message)), document.hashHex(),
                toBase64Url(encode(document))};
  commit(round, event, &spoken);
  return reply;
}

MessageReply RoundEngine::judge(const LiveRound& round, const RoundMessage& message,
                                const Transition& transition) const {
  for (const Action& action : transition.actions) {
    const auto* answer = std::get_if<Answer>(&action);
    if (answer == nullptr) continue;
    if (answer->verdict == Verdict::Accepted)
      if (const std::string fault = faultOf(round, message); !fault.empty())
        return {Verdict::Refused, fault};
    return {answer->verdict, answer->reason};
  }
  throw std::logic_error("a message was not judged");
}

void RoundEngine::commit(const Live& round, const Event& event, const Spoken* spoken) {
  const Transition transition = advance(round->terms, round->state, event);
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    members_.flushNonces(records);
    record(records, *round, event, transition, spoken);
  });
  round->state = transition.state;
  if (!round->isOver()) return;
  // Its end may be the end of the whole attempt.
  const RoundRow row = round->row;
  if (!everyPartIsOver(row.plan, row.number, row.attempt)) return;
  const auto plan = database_.transaction([&](soci::session& sql) {
    Records records(sql);
    const auto parts = records.roundsOf(row.plan, row.number, row.attempt);
    const auto current = records.plan(row.plan);
    const bool anySum = std::any_of(parts.begin(), parts.end(),
                                    [](const RoundRow& r) { return r.status == "summing"; });
    if (anySum) sumsDue_.insert(row.plan);
    return current;
  });
  if (plan && plan->retryAt != 0) retryAt_[row.plan] = fromRow(plan->retryAt);
  if (!sumsDue_.contains(row.plan)) forget(row.plan);
}

void RoundEngine::record(Records& records, const LiveRound& round, const Event& event,
                         const Transition& transition, const Spoken* spoken) {
  const std::string& id = round.row.id;
  records.addEvent(id, event);
  if (spoken != nullptr) {
    records.addMessage(id, spoken->row);
    if (const auto* share = std::get_if<ShareBody>(&spoken->message->body))
      records.addPackets(id, spoken->message->site, *share);
    auditMessage(records, round, *spoken->message, event.at);
  } else if (const auto* gone = std::get_if<SiteWithdrew>(&event.what)) {
    records.audit(event.at, "withdrawal",
                  json{{"round", id}, {"site", gone->site}, {"reason", gone->reason}}.dump());
  }
  for (const Action& action : transition.actions) {
    if (std::holds_alternative<OpenTheSum>(action)) records.setStatus(id, "summing", "", event.at);
    const auto* failed = std::get_if<RoundFailed>(&action);
    if (failed == nullptr) continue;
    records.setStatus(id, "failed", storable(failed->reason), event.at);
    records.dropPackets(id);
    records.audit(event.at, "round-closed",
                  json{{"round", id}, {"result", "failed"}, {"reason", failed->reason}}.dump());
    // The attempt is over when no other part of it can still be summed.
    const auto parts = records.roundsOf(round.row.plan, round.row.number, round.row.attempt);
    const bool allFailed = std::all_of(parts.begin(), parts.end(),
                                       [](const RoundRow& r) { return r.status == "failed"; });
    if (const auto plan = records.plan(round.row.plan); plan && allFailed)
      attemptFailed(records, *plan, failed->reason, event.at);
  }
}

void RoundEngine::auditMessage(Records& records, const LiveRound& round,
                               const RoundMessage& message, Seconds now) {
  if (const auto* contribution = std::get_if<ContributeBody>(&message.body))
    records.audit(
        now, "contribution",
        json{{"round", round.row.id}, {"site", message.site}, {"blob", contribution->blobSha256}}
            .dump());
  if (const auto* gone = std::get_if<WithdrawBody>(&message.body))
    records.audit(now, "withdrawal",
                  json{{"round", round.row.id},
                       {"site", message.site},
                       {"reason", storable(gone->code + ": " + gone->reason, 500)}}
                      .dump());
}

void RoundEngine::letGo(const std::string& site, const std::string& reason, Seconds now,
                        const std::string& onlyPlan) {
  std::vector<Live> rounds;
  for (const auto& [id, round] : live_)
    if (!round->isOver() && round->terms.invited.contains(site) &&
        !round->state.withdrawn.contains(site) && (onlyPlan.empty() || round->row.plan == onlyPlan))
      rounds.push_back(round);
  for (const Live& round : rounds) {
    // The others have its keys in their masks, or will not accept its signature any more.
    const bool isWovenIn = round->terms.masked && round->state.step != Step::Join &&
                           round->state.joined.contains(site);
    if (isWovenIn)
      commit(round, {now, Cancelled{"site " + site + ": " + reason}}, nullptr);
    else
      commit(round, {now, SiteWithdrew{site, reason}}, nullptr);
  }
}

std::vector<std::pair<std::string, std::string>> RoundEngine::openRoundsFor(
    const std::string& site) const {
  std::vector<std::pair<std::string, std::string>> rounds;
  for (const auto& [id, round] : live_)
    if (!round->isOver() && round->terms.invited.contains(site) &&
        !round->state.withdrawn.contains(site))
      rounds.emplace_back(id, round->row.plan);
  return rounds;
}

std::optional<RoundState> RoundEngine::stateOf(const std::string& roundId) const {
  const auto found = live_.find(roundId);
  if (found == live_.end()) return std::nullopt;
  return found->second->state;
}

bool RoundEngine::expectsUpload(const std::string& site, std::uint64_t bytes) const {
  return std::any_of(live_.begin(), live_.end(), [&](const auto& entry) {
    const LiveRound& round = *entry.second;
    return !round.isOver() && round.state.step <= Step::Contribute &&
           round.terms.invited.contains(site) && !round.state.withdrawn.contains(site) &&
           round.uploadBytes() == bytes;
  });
}

RoundView RoundEngine::view(const std::string& site, const std::string& roundId, Seconds now) {
  const Live round = find(site, roundId);
  if (!round->isOver() && now >= round->state.deadline) commit(round, {now, TimePassed{}}, nullptr);
  const RoundState& state = round->state;
  RoundView view;
  view.start = round->document;
  view.step = state.step;
  if (!round->isOver()) view.remaining = std::max(std::chrono::seconds(0), state.deadline - now);
  view.failure = storable(state.failure.empty() ? round->row.failure : state.failure);
  if (!round->terms.masked || state.step == Step::Failed) return view;
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    if (state.step >= Step::Share)
      for (const MessageRow& row : records.messages(roundId, Step::Join))
        if (state.joined.contains(row.site)) view.joins.push_back(documentOf(row.document));
    if (state.step >= Step::Contribute) {
      view.packets = records.packetsFor(roundId, site);
      std::erase_if(view.packets, [&](const auto& p) { return !state.sharers.contains(p.first); });
      view.sharers = {state.sharers.begin(), state.sharers.end()};
    }
    if (state.step >= Step::Confirm)
      view.survivors = {state.contributed.begin(), state.contributed.end()};
    if (state.step >= Step::Reveal)
      for (const MessageRow& row : records.messages(roundId, Step::Confirm))
        if (state.confirmed.contains(row.site))
          view.confirmations.push_back(documentOf(row.document));
  });
  return view;
}

void RoundEngine::passTime(Seconds now) {
  std::vector<Live> late;
  for (const auto& [id, round] : live_)
    if (!round->isOver() && now >= round->state.deadline) late.push_back(round);
  for (const Live& round : late) commit(round, {now, TimePassed{}}, nullptr);
  openDue(now);
}

void RoundEngine::forget(const std::string& plan) {
  std::vector<Live> parts;
  for (const auto& [id, round] : live_)
    if (round->row.plan == plan && round->isOver()) parts.push_back(round);
  for (const Live& part : parts) {
    const auto messages = database_.transaction(
        [&](soci::session& sql) { return Records(sql).messages(part->row.id, Step::Contribute); });
    for (const MessageRow& row : messages) {
      const auto body = decode<RoundMessage>(documentOf(row.document).payload).body;
      contributions_.remove(row.site, std::get<ContributeBody>(body).blobSha256);
    }
    live_.erase(part->row.id);
  }
  if (live_.empty()) contributions_.sweep();
}

}  // namespace fedpet::federation
