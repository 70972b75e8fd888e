#include "orthanc-plugin/Job.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace fedpet::plugin {
namespace {

constexpr std::array<std::pair<JobState, std::string_view>, 6> kStates{{
    {JobState::Waiting, "waiting"},
    {JobState::Running, "running"},
    {JobState::Done, "done"},
    {JobState::Failed, "failed"},
    {JobState::Skipped, "skipped"},
    {JobState::Cancelled, "cancelled"},
}};

void endLease(Job& job) {
  job.worker.clear();
  job.leaseUntil.reset();
  job.stageStartedAt.reset();
}

void finish(Job& job, JobState state, UtcTime now) {
  endLease(job);
  job.state = state;
  job.finishedAt = job.updatedAt = now;
}

}  // namespace

std::string_view toString(JobState state) {
  for (const auto& [s, name] : kStates)
    if (s == state) return name;
  return "?";
}

std::optional<JobState> jobStateFromString(std::string_view text) {
  for (const auto& [s, name] : kStates)
    if (name == text) return s;
  return std::nullopt;
}

bool isFinal(JobState state) { return state != JobState::Waiting && state != JobState::Running; }

bool holdsLease(const Job& job, int attempt) {
  return job.state == JobState::Running && job.attempt == attempt;
}

Job leased(Job job, const std::string& worker, Seconds leaseFor, UtcTime now) {
  assert(job.state == JobState::Waiting);
  job.state = JobState::Running;
  ++job.attempt;
  --job.triesLeft;
  job.worker = worker;
  job.stage = "start";
  job.percent = 0;
  job.startedAt = job.stageStartedAt = job.updatedAt = now;
  job.finishedAt.reset();
  job.leaseUntil = now + leaseFor;
  return job;
}

Job progressed(Job job, const std::string& stage, int percent, Seconds leaseFor, UtcTime now) {
  assert(job.state == JobState::Running);
  if (stage != job.stage) {
    job.stage = stage;
    job.stageStartedAt = now;
  }
  job.percent = std::clamp(percent, 0, 100);
  job.leaseUntil = now + leaseFor;
  job.updatedAt = now;
  return job;
}

Job completed(Job job, const Completion& completion, UtcTime now) {
  assert(job.state == JobState::Running);
  finish(job, completion.state, now);
  job.percent = 100;
  job.reason = completion.reason;
  job.modelVersion = completion.modelVersion;
  job.timings = completion.timings;
  return job;
}

Job attemptFailed(Job job, const Reason& reason, bool retryable, const RetryOptions& retry,
                  UtcTime now) {
  assert(job.state == JobState::Running);
  job.reason = reason;
  if (!retryable || job.triesLeft <= 0) {
    finish(job, JobState::Failed, now);
    return job;
  }
  endLease(job);
  job.state = JobState::Waiting;
  job.updatedAt = now;
  job.notBefore = now + backOff(retry.backOff, retry.backOffMax,
                                std::max(1, retry.maxAttempts - job.triesLeft));
  return job;
}

Job interrupted(Job job, UtcTime now) {
  assert(job.state == JobState::Running);
  endLease(job);
  job.state = JobState::Waiting;
  job.reason = Reason{"Interrupted", "Orthanc was stopped or restarted"};
  ++job.triesLeft;
  job.notBefore = job.updatedAt = now;
  return job;
}

Job retried(Job job, const RetryOptions& retry, UtcTime now) {
  assert(isFinal(job.state));
  job.state = JobState::Waiting;
  job.triesLeft = retry.maxAttempts;
  job.stage.clear();
  job.percent = 0;
  job.finishedAt.reset();
  job.notBefore = job.updatedAt = now;
  return job;
}

Job cancelled(Job job, const Reason& reason, UtcTime now) {
  assert(!isFinal(job.state));
  finish(job, JobState::Cancelled, now);
  job.reason = reason;
  return job;
}

std::optional<Reason> overdue(const Job& job, const WorkerOptions& options, UtcTime now) {
  if (job.state != JobState::Running) return std::nullopt;
  if (job.leaseUntil && *job.leaseUntil <= now)
    return Reason{"WorkerSilent", "no sign of life from the worker in stage " + job.stage};
  const Seconds limit = stageDeadline(options, job.stage);
  if (job.stageStartedAt && *job.stageStartedAt + limit <= now)
    return Reason{"WorkerTimedOut", "stage " + job.stage + " took longer than " +
                                        std::to_string(limit.count()) + " s"};
  return std::nullopt;
}

Seconds backOff(Seconds first, Seconds longest, int failure) {
  Seconds pause = first;
  for (int i = 1; i < failure && pause < longest; ++i) pause *= 2;
  return std::min(pause, longest);
}

}  // namespace fedpet::plugin
