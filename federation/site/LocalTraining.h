// What this site computes for a round: asked of the trainer once, checked, and on disk before
// anything of it leaves, so that a repetition sends the same numbers.
#pragma once

#include "federation/site/Identity.h"
#include "federation/site/Site.h"
#include "federation/site/SiteStore.h"

namespace fedpet::federation {

struct Withdrawal {  // thrown: this site cannot take part
  std::string code, reason;
  std::string detail;  // for this site's own eyes
};
struct TrainingFailed {  // thrown: a process died, a disk was full; perhaps not the next time
  std::string detail;
};

struct TrainingTask {
  std::string roundId, planHash;
  Plan plan;
  int number = 1;
  RoundInput input;
  SumLayout layout;
  int contributorsAtLeast = 1;
};

// Any thread may use it, for one task at a time.
class LocalTraining {
 public:
  // All borrowed.
  LocalTraining(SiteStore& store, LocalTrainer& trainer, SiteObserver& observer,
                const SiteFiles& files)
      : store_(store), trainer_(trainer), observer_(observer), files_(files) {}

  bool hasResult(const std::string& planHash, int number);
  // nullopt: there is none, or its file is damaged.
  std::optional<LocalResult> result(const std::string& planHash, int number);
  // Computes and keeps; returns what it kept. Throws Withdrawal, TrainingFailed, and net::NetError
  // (Cancelled) when stopped: what an interrupted trainer hands over is not the answer.
  LocalResult run(const TrainingTask&, std::stop_token);

  void forget(const std::string& planHash, int number);
  void forgetAllBut(const std::string& planHash, int number);  // of this plan

 private:
  LocalResult compute(const TrainingTask&, std::stop_token);
  std::filesystem::path fileOf(const std::string& planHash, int number) const;

  SiteStore& store_;
  LocalTrainer& trainer_;
  SiteObserver& observer_;
  const SiteFiles& files_;
};

}  // namespace fedpet::federation
