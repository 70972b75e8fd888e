// What a coordinator need not keep.
#include "federation/coordinator/RoundEngine.h"

#include <nlohmann/json.hpp>

namespace fedpet::federation {
namespace {

std::string inputOf(const RoundRow& row) {
  return decode<RoundStart>(documentOf(row.startDocument).payload).inputSha256;
}

bool isOver(const PlanRow& plan) { return plan.status == "finished" || plan.status == "cancelled"; }

}  // namespace

// Whatever a plan, a round that is kept or a release names.
std::set<std::string> RoundEngine::blobsInUse(Records& records) const {
  std::set<std::string> used;
  for (const PlanRow& row : records.plans()) {
    used.insert({row.stateBlob, row.inputBlob, row.outcomeBlob, row.resultBlob});
    const Plan plan = planOf(row);
    if (plan.task == TaskKind::Evaluate) used.insert(plan.evaluation.modelSha256);
  }
  for (const RoundRow& row : records.rounds()) used.insert(inputOf(row));
  for (const ReleaseRow& row : records.releases())
    for (const auto& [name, sha256] : decode<Release>(documentOf(row.document).payload).files)
      used.insert(sha256);
  return used;
}

std::size_t RoundEngine::prune(Seconds before, Seconds now) {
  std::set<std::string> unused;
  std::vector<RoundRow> old;
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    old = records.oldRounds(before);
    for (const RoundRow& row : old) {
      unused.insert(inputOf(row));
      records.dropRound(row.id);
    }
    for (PlanRow plan : records.plans()) {
      if (!isOver(plan) || fromRow(plan.changedAt) >= before ||
          (plan.stateBlob.empty() && plan.inputBlob.empty()))
        continue;
      unused.insert({std::exchange(plan.stateBlob, ""), std::exchange(plan.inputBlob, "")});
      records.update(plan);
    }
    unused.erase("");
    if (unused.empty() && old.empty()) return;
    for (const std::string& used : blobsInUse(records)) unused.erase(used);
    for (const std::string& sha256 : unused) records.dropBlob(sha256);
    records.audit(now, "pruned",
                  nlohmann::json{{"rounds", old.size()}, {"files", unused.size()}}.dump());
  });
  for (const std::string& sha256 : unused) blobs_.remove(sha256);
  for (const RoundRow& row : old)
    if (finished_.erase(row.id) != 0) std::erase(finishedOrder_, row.id);
  return old.size();
}

}  // namespace fedpet::federation
