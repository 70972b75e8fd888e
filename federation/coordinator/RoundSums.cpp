// From the contributions of a round to what comes after it.
#include "federation/coordinator/RoundEngine.h"
#include "federation/secagg/InParallel.h"
#include "federation/secagg/SecureSum.h"

#include <nlohmann/json.hpp>

namespace fedpet::federation {
namespace {

using nlohmann::json;

template <typename Body>
std::map<std::string, Body> bodiesOf(const std::vector<MessageRow>& rows,
                                     const std::set<std::string>& sites) {
  std::map<std::string, Body> bodies;
  for (const MessageRow& row : rows)
    if (sites.contains(row.site))
      bodies[row.site] =
          std::get<Body>(decode<RoundMessage>(documentOf(row.document).payload).body);
  return bodies;
}

void addTo(std::vector<double>& sum, std::vector<double>&& values) {
  if (sum.empty()) {
    sum = std::move(values);
    return;
  }
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
}

// What the sum of a plan's task is made of, besides the sum itself.
bool wantsSingles(const Plan& plan) {
  return plan.task == TaskKind::Train && plan.masking == Masking::None &&
         plan.training.robust != RobustRule::None;
}

}  // namespace

std::optional<SumJob> RoundEngine::nextSum() {
  if (sumsDue_.empty()) return std::nullopt;
  const std::string hash = *sumsDue_.begin();
  SumJob job;
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    job.planRow = records.plan(hash).value();
    job.grouped = records.roundsOf(hash, job.planRow.number, job.planRow.attempt).size() > 1;
  });
  job.plan = planOf(job.planRow);
  for (const auto& [id, round] : live_) {
    if (round->row.plan != hash || round->state.step != Step::Done) continue;
    job.parts.push_back(*round);
    job.bytes += round->uploadBytes() * round->state.contributed.size();
  }
  return job;
}

SumOutcome RoundEngine::sum(const SumJob& job) const {
  try {
    return sumOf(job);
  } catch (const ProtocolViolation& e) {
    return AttemptFailed{std::string("the sum could not be opened: ") + e.what()};
  } catch (const AttemptFailed& failed) {
    return failed;
  } catch (const std::domain_error& e) {
    return PlanStuck{e.what()};
  } catch (const std::invalid_argument& e) {
    return PlanStuck{e.what()};
  } catch (const std::exception& e) {  // a disk that fails is no verdict on the plan
    return AttemptFailed{std::string("the sum could not be made: ") + e.what()};
  }
}

SumDone RoundEngine::sumOf(const SumJob& job) const {
  RoundSum total;
  SumDone done;
  for (const LiveRound& part : job.parts) {
    std::vector<double> values = openPart(part, total);
    const int contributors = static_cast<int>(part.state.contributed.size());
    total.contributors += contributors;
    if (job.grouped) total.groupSums.emplace_back(values, contributors);
    addTo(total.values, std::move(values));
    done.contributors.insert(done.contributors.end(), part.state.contributed.begin(),
                             part.state.contributed.end());
  }
  if (total.contributors < job.plan.quorum)
    throw AttemptFailed{"only " + std::to_string(total.contributors) + " of " +
                        std::to_string(job.plan.quorum) + " sites are in groups that were opened"};
  Progress before;
  before.state = blobs_.readAll(job.planRow.stateBlob);
  before.round = job.planRow.number;
  before.input = decodeRoundInput(blobs_.readAll(job.planRow.inputBlob));
  done.next = proceed(job.plan, before, total);
  return done;
}

// The sum of one part; adds what else is wanted of it to `total`.
std::vector<double> RoundEngine::openPart(const LiveRound& part, RoundSum& total) const {
  const RoundState& state = part.state;
  std::vector<MessageRow> joins, contributions, reveals;
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    joins = records.messages(part.row.id, Step::Join);
    contributions = records.messages(part.row.id, Step::Contribute);
    reveals = records.messages(part.row.id, Step::Reveal);
  });
  const auto bodies = bodiesOf<ContributeBody>(contributions, state.contributed);
  for (const auto& [site, body] : bodies) {
    total.metricsJson.emplace_back(site, body.metricsJson);
    if (wantsSingles(part.plan))
      total.single.push_back(part.fixed->decode(
          unpackWords(contributions_.readAll(site, body.blobSha256), part.fixed->wordBytes())));
  }
  const RunningSum running = addUp(part, bodies);
  if (!part.terms.masked) return part.fixed->decode(running.words());
  SecureRound secure;
  secure.roundId = part.row.id;
  secure.threshold = state.threshold;
  secure.wordBytes = part.fixed->wordBytes();
  secure.joins = bodiesOf<JoinBody>(joins, state.joined);
  return part.fixed->decode(unmask(running.words(), secure, state.sharers, state.contributed,
                                   bodiesOf<RevealBody>(reveals, state.revealed), coresForSums()));
}

// A few running sums, each of some of the sites.
RunningSum RoundEngine::addUp(const LiveRound& part,
                              const std::map<std::string, ContributeBody>& bodies) const {
  const std::vector<std::pair<std::string, ContributeBody>> sites(bodies.begin(), bodies.end());
  const auto cores =
      static_cast<unsigned>(std::clamp<std::size_t>(sites.size(), 1, coresForSums()));
  std::vector<RunningSum> sums(cores, RunningSum(part.layout.length(), part.fixed->wordBytes()));
  inParallel(cores, [&](unsigned core) {
    for (std::size_t i = core; i < sites.size(); i += cores) {
      const auto& [site, body] = sites[i];
      if (body.blobBytes != part.uploadBytes())
        throw WireError(WireError::Kind::Malformed, "a vector of another length than the round's");
      contributions_.readPieces(site, body.blobSha256, [&](std::uint64_t from, ByteView piece) {
        sums[core].addFrom(static_cast<std::size_t>(from), piece);
      });
    }
  });
  for (unsigned core = 1; core < cores; ++core) sums[0].add(sums[core]);
  return std::move(sums[0]);
}

void RoundEngine::settle(const SumJob& job, const SumOutcome& outcome, Seconds now) {
  const auto* done = std::get_if<SumDone>(&outcome);
  PlanRow row = job.planRow;
  if (done != nullptr) {  // on disk before the rows that name them
    row.stateBlob = blobs_.put(done->next.state);
    if (done->next.outcome) {
      row.outcomeBlob = blobs_.put(encode(modelBlobOf(*done->next.outcome)));
      row.resultBlob = blobs_.put(viewOf(done->next.outcome->resultJson));
    } else {
      row.inputBlob = blobs_.put(encode(done->next.input));
    }
  }
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    const auto current = records.plan(row.hash);
    if (!current || current->status != "running") {  // cancelled while the sum was made
      finishParts(job, "failed", "the plan was cancelled", records, now);
      return;
    }
    row.changedAt = toRow(now);
    if (const auto* failed = std::get_if<AttemptFailed>(&outcome)) {
      finishParts(job, "failed", failed->reason, records, now);
      attemptFailed(records, job.planRow, failed->reason, now);
      return;
    }
    if (const auto* stuck = std::get_if<PlanStuck>(&outcome)) {
      finishParts(job, "failed", stuck->reason, records, now);
      pause(records, job.planRow, stuck->reason, now);
      return;
    }
    finishParts(job, "done", "", records, now);
    ProgressRow progress;
    progress.number = row.number;
    progress.contributorsJson = json(done->contributors).dump();
    progress.metricsJson = done->next.metricsJson;
    progress.closedAt = toRow(now);
    progress.seconds = toRow(now) - job.parts.front().row.openedAt;
    records.add(row.hash, progress);
    row.reason.clear();
    row.failures = 0;
    if (done->next.outcome) {
      row.status = "finished";
      records.audit(now, "plan-finished",
                    json{{"plan", row.hash},
                         {"rounds", row.number},
                         {"parameters", row.outcomeBlob},
                         {"result", row.resultBlob}}
                        .dump());
    } else {
      ++row.number;
      row.attempt = 0;
      row.retryAt = toRow(now);
    }
    records.update(row);
  });
  sumsDue_.erase(row.hash);
  forget(row.hash);
  std::optional<PlanRow> after;
  bool isStateKept = false;
  database_.transaction([&](soci::session& sql) {
    for (const PlanRow& plan : Records(sql).plans()) {
      if (plan.hash == row.hash) after = plan;
      isStateKept = isStateKept || plan.stateBlob == job.planRow.stateBlob;
    }
  });
  // As large as the model, or larger, and nothing needs it any more.
  if (!isStateKept) blobs_.remove(job.planRow.stateBlob);
  if (after && after->status == "running" && after->retryAt != 0)
    retryAt_[row.hash] = fromRow(after->retryAt);
  openDue(now);
}

void RoundEngine::finishParts(const SumJob& job, const std::string& status,
                              const std::string& reason, Records& records, Seconds now) {
  for (const LiveRound& part : job.parts) {
    const std::string failure = storable(reason);
    records.setStatus(part.row.id, status, failure, now);
    records.dropPackets(part.row.id);
    records.audit(now, "round-closed",
                  json{{"round", part.row.id},
                       {"result", status},
                       {"contributors", part.state.contributed.size()},
                       {"reason", failure}}
                      .dump());
  }
}

}  // namespace fedpet::federation
