// The jobs as the rest of the plugin uses them: the ledger, with a clock, the site's options and a
// bell that wakes whoever waits for work. Thread-safe.
#pragma once

#include "orthanc-plugin/Ledger.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::plugin {

class JobQueue {
 public:
  JobQueue(Ledger& ledger, WorkerOptions worker, RetryOptions retry, Clock clock)
      : ledger_(ledger), worker_(std::move(worker)), retry_(retry), now_(std::move(clock)) {}

  // Waits up to `patience` for a job that is due. nullopt: none came, or stop().
  std::optional<Job> lease(const std::string& worker, std::chrono::milliseconds patience);
  ReportOutcome heartbeat(std::int64_t jobId, int attempt, const std::string& stage, int percent);
  ReportOutcome complete(std::int64_t jobId, int attempt, const Completion&,
                         const std::string& assessmentJson,
                         const std::vector<fhir::OutboxMessage>&);
  ReportOutcome fail(std::int64_t jobId, int attempt, const Reason&, bool retryable);
  void workerEnded(const std::string& worker, const Reason&);
  void releaseLocal();
  // Takes overdue jobs away.
  void revokeOverdue();

  std::int64_t demand(const NewJob&);
  Ledger::Demand retry(std::int64_t jobId);
  Ledger::Demand cancel(std::int64_t jobId);

  // Workers whose job was taken from them since the last call: whatever they do now is in vain.
  std::vector<std::string> takeDispossessed();
  void dispossess(const std::vector<std::string>& workers);

  bool hasWork();  // a waiting job is due
  void ring();     // new jobs are in the ledger
  void stop();     // ends every wait, now and later

  Ledger& ledger() { return ledger_; }
  const WorkerOptions& workerOptions() const { return worker_; }

 private:
  Ledger& ledger_;
  const WorkerOptions worker_;
  const RetryOptions retry_;
  const Clock now_;
  std::mutex mutex_;  // guards the three below
  std::condition_variable bell_;
  bool stopped_ = false;
  std::vector<std::string> dispossessed_;
};

}  // namespace fedpet::plugin
