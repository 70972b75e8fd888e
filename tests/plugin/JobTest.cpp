#include "orthanc-plugin/Job.h"

#include <gtest/gtest.h>

namespace fedpet::plugin {
namespace {

using namespace std::chrono_literals;

constexpr UtcTime kNoon{std::chrono::sys_days{std::chrono::November / 24 / 2026} + 12h};

Job aWaitingJob(const RetryOptions& retry) {
  Job job;
  job.triesLeft = retry.maxAttempts;
  job.notBefore = kNoon;
  return job;
}

TEST(Job, IsTriedAgainAfterGrowingPausesAndThenFailsWithItsReason) {
  const RetryOptions retry{3, 30s, 3600s};
  const Reason crash{"WorkerCrashed", "SIGSEGV"};
  Job job = leased(aWaitingJob(retry), "w", 30s, kNoon);
  EXPECT_EQ(job.attempt, 1);
  job = attemptFailed(job, crash, true, retry, kNoon);
  EXPECT_EQ(job.state, JobState::Waiting);
  EXPECT_EQ(job.notBefore, kNoon + 30s);
  EXPECT_EQ(job.worker, "");
  job = attemptFailed(leased(job, "w", 30s, kNoon), crash, true, retry, kNoon);
  EXPECT_EQ(job.notBefore, kNoon + 60s);
  job = attemptFailed(leased(job, "w", 30s, kNoon), crash, true, retry, kNoon);
  EXPECT_EQ(job.state, JobState::Failed);
  EXPECT_EQ(job.reason->code, "WorkerCrashed");
  EXPECT_EQ(job.attempt, 3);
}

TEST(Job, FailsAtOnceWhenAnotherAttemptCannotHelp) {
  const RetryOptions retry;
  const Job job = attemptFailed(leased(aWaitingJob(retry), "w", 30s, kNoon),
                                {"SeriesGone", "deleted"}, false, retry, kNoon);
  EXPECT_EQ(job.state, JobState::Failed);
}

TEST(Job, HasAllItsTriesAgainWhenAPersonAsks) {
  const RetryOptions retry{1, 30s, 3600s};
  Job job =
      attemptFailed(leased(aWaitingJob(retry), "w", 30s, kNoon), {"X", ""}, true, retry, kNoon);
  ASSERT_EQ(job.state, JobState::Failed);
  job = leased(retried(job, retry, kNoon + 1h), "w", 30s, kNoon + 1h);
  EXPECT_EQ(job.attempt, 2) << "the number of an attempt is never used again";
  EXPECT_EQ(completed(job, {}, kNoon + 1h).state, JobState::Done);
  EXPECT_FALSE(completed(job, {}, kNoon + 1h).reason) << "the old failure is over";
}

TEST(Job, LosesNoTryToARestartOfOrthanc) {
  const RetryOptions retry{1, 30s, 3600s};
  const Job job = interrupted(leased(aWaitingJob(retry), "w", 30s, kNoon), kNoon + 5s);
  EXPECT_EQ(job.state, JobState::Waiting);
  EXPECT_EQ(job.triesLeft, 1);
  EXPECT_EQ(job.notBefore, kNoon + 5s);
}

TEST(Job, IsOverdueWhenItsWorkerIsSilent) {
  const WorkerOptions options;
  Job job = leased(aWaitingJob({}), "w", 30s, kNoon);
  EXPECT_FALSE(overdue(job, options, kNoon + 29s));
  EXPECT_EQ(overdue(job, options, kNoon + 30s)->code, "WorkerSilent");
  job = progressed(job, "fetch", 5, 30s, kNoon + 29s);
  EXPECT_FALSE(overdue(job, options, kNoon + 58s));
}

TEST(Job, IsOverdueWhenOneStageTakesTooLongHoweverAliveTheWorkerIs) {
  WorkerOptions options;
  options.stageDeadline = 100s;
  options.stageDeadlines["organs"] = 10s;
  Job job = leased(aWaitingJob({}), "w", 30s, kNoon);
  for (auto t = 0s; t <= 99s; t += 9s) job = progressed(job, "fetch", 5, 30s, kNoon + t);
  EXPECT_FALSE(overdue(job, options, kNoon + 99s));
  EXPECT_EQ(overdue(job, options, kNoon + 100s)->text, "stage fetch took longer than 100 s");
  job = progressed(job, "organs", 50, 30s, kNoon + 99s);
  EXPECT_FALSE(overdue(job, options, kNoon + 108s));
  EXPECT_EQ(overdue(job, options, kNoon + 109s)->code, "WorkerTimedOut");
}

TEST(BackOff, DoublesUpToItsLongest) {
  EXPECT_EQ(backOff(30s, 3600s, 1), 30s);
  EXPECT_EQ(backOff(30s, 3600s, 2), 60s);
  EXPECT_EQ(backOff(30s, 3600s, 7), 1920s);
  EXPECT_EQ(backOff(30s, 3600s, 8), 3600s);
  EXPECT_EQ(backOff(30s, 3600s, 10000), 3600s);
  EXPECT_EQ(backOff(0s, 3600s, 5), 0s);
}

}  // namespace
}  // namespace fedpet::plugin
