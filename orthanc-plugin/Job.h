// A job is the assessment of one PET series in one exact content. The rules of its life are pure
// functions: a job and an event in, the next job out. The ledger stores what they return.
//
//   waiting -> running -> done | skipped | failed | cancelled
//      ^          |
//      +----------+  a failed attempt, until the attempts are used up
#pragma once

#include "orthanc-plugin/Options.h"
#include "orthanc-plugin/Time.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace fedpet::plugin {

enum class JobState { Waiting, Running, Done, Failed, Skipped, Cancelled };
std::string_view toString(JobState);  // "waiting": stable, in the database and in REST
std::optional<JobState> jobStateFromString(std::string_view);

struct Reason {
  std::string code;  // "WorkerCrashed", or a RefusalCode: programs test this
  std::string text;  // for people, without patient attributes
};

using StageTimings = std::map<std::string, double>;  // milliseconds by stage

struct Job {
  std::int64_t id = 0;
  std::string seriesId, studyId;  // Orthanc's identifiers
  std::string seriesInstanceUid;
  std::string fingerprint;  // of the series' content: the same content is one job
  std::string trigger;      // "stable", "reconciled", "manual"
  JobState state = JobState::Waiting;
  int attempt = 0;  // leases given so far; names the current one
  int triesLeft = 1;
  std::string stage;
  int percent = 0;
  std::optional<Reason> reason;  // why it failed or was skipped; of the last failed attempt
  std::string worker;            // holder of the lease, while running
  std::string modelVersion;
  StageTimings timings;  // of the last finished attempt
  UtcTime createdAt{}, updatedAt{}, notBefore{};
  std::optional<UtcTime> startedAt, finishedAt, stageStartedAt, leaseUntil;
};

bool isFinal(JobState);
// True while this attempt is the one that may report.
bool holdsLease(const Job&, int attempt);

struct Completion {
  JobState state = JobState::Done;  // Done or Skipped
  std::optional<Reason> reason;     // of a skip
  std::string modelVersion;
  StageTimings timings;
};

// Each expects a job in the state from which its event is possible (asserted).
Job leased(Job, const std::string& worker, Seconds leaseFor, UtcTime now);
Job progressed(Job, const std::string& stage, int percent, Seconds leaseFor, UtcTime now);
Job completed(Job, const Completion&, UtcTime now);
// Waits for its next attempt when `retryable` and tries are left; else failed.
Job attemptFailed(Job, const Reason&, bool retryable, const RetryOptions&, UtcTime now);
// The attempt was cut off by a stop or crash of Orthanc, not by the job: it costs no try.
Job interrupted(Job, UtcTime now);
Job retried(Job, const RetryOptions&, UtcTime now);  // by a person, from any final state
Job cancelled(Job, const Reason&, UtcTime now);

// Why a running job must be taken from its worker: silent, or too long in one stage.
std::optional<Reason> overdue(const Job&, const WorkerOptions&, UtcTime now);

// first, 2 x first, 4 x first, ... up to `longest`, for failure = 1, 2, 3, ...
Seconds backOff(Seconds first, Seconds longest, int failure);

}  // namespace fedpet::plugin
