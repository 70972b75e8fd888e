#include "orthanc-plugin/JobQueue.h"

#include <algorithm>
#include <utility>

namespace fedpet::plugin {

std::optional<Job> JobQueue::lease(const std::string& worker, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return std::nullopt;
    }
    if (auto job = ledger_.lease(worker, worker_.leaseFor, now_())) return job;
    // A job that waits for its next attempt becomes due without the bell being rung: hence the
    // bounded waits.
    const auto until =
        std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(500));
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
    std::unique_lock lock(mutex_);
    if (!stopped_) bell_.wait_until(lock, until);
  }
}

ReportOutcome JobQueue::heartbeat(std::int64_t jobId, int attempt, const std::string& stage,
                                  int percent) {
  return ledger_.heartbeat(jobId, attempt, stage, percent, worker_.leaseFor, now_());
}

ReportOutcome JobQueue::complete(std::int64_t jobId, int attempt, const Completion& completion,
                                 const std::string& assessmentJson,
                                 const std::vector<fhir::OutboxMessage>& messages) {
  return ledger_.complete(jobId, attempt, completion, assessmentJson, messages, now_());
}

ReportOutcome JobQueue::fail(std::int64_t jobId, int attempt, const Reason& reason,
                             bool retryable) {
  return ledger_.fail(jobId, attempt, reason, retryable, retry_, now_());
}

void JobQueue::workerEnded(const std::string& worker, const Reason& reason) {
  ledger_.failAttemptOf(worker, reason, retry_, now_());
}

void JobQueue::releaseLocal() { ledger_.releaseLocal(now_()); }

void JobQueue::revokeOverdue() {
  std::vector<std::string> workers;
  for (const Job& job : ledger_.revokeOverdue(worker_, retry_, now_()))
    workers.push_back(job.worker);
  dispossess(workers);
}

std::int64_t JobQueue::demand(const NewJob& job) {
  const std::int64_t id = ledger_.demand(job, retry_, now_());
  ring();
  return id;
}

Ledger::Demand JobQueue::retry(std::int64_t jobId) {
  const auto outcome = ledger_.retry(jobId, retry_, now_());
  if (outcome == Ledger::Demand::Done) ring();
  return outcome;
}

Ledger::Demand JobQueue::cancel(std::int64_t jobId) {
  std::string worker;
  const auto outcome = ledger_.cancel(jobId, now_(), worker);
  if (!worker.empty()) dispossess({worker});
  return outcome;
}

std::vector<std::string> JobQueue::takeDispossessed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(dispossessed_, {});
}

void JobQueue::dispossess(const std::vector<std::string>& workers) {
  const std::lock_guard lock(mutex_);
  dispossessed_.insert(dispossessed_.end(), workers.begin(), workers.end());
}

bool JobQueue::hasWork() {
  const auto due = ledger_.nextDue();
  return due && *due <= now_();
}

void JobQueue::ring() { bell_.notify_all(); }

void JobQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  bell_.notify_all();
}

}  // namespace fedpet::plugin
