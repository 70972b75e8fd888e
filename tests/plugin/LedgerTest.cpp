#include "orthanc-plugin/Ledger.h"
#include "orthanc-plugin/SociOutbox.h"
#include "tests/plugin/TemporaryDatabase.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace fedpet::plugin {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr UtcTime kNoon{std::chrono::sys_days{std::chrono::November / 24 / 2026} + 12h};

IntakeBatch aBatchWith(const std::string& series, const std::string& content) {
  IntakeBatch batch;
  batch.jobs.push_back({series, "study", "1.2.3", content, "stable", std::nullopt});
  return batch;
}

class LedgerTest : public ::testing::Test {
 protected:
  TemporaryDatabase file_;
  std::unique_ptr<Database> database_ = file_.open();
  Ledger ledger_{*database_};
  const RetryOptions retry_{2, 30s, 3600s};

  Job onlyJob() {
    const auto jobs = ledger_.list({});
    EXPECT_EQ(jobs.size(), 1u);
    return jobs.empty() ? Job{} : jobs.front();
  }
};

TEST_F(LedgerTest, MakesOneJobOfOneContentHoweverOftenItIsAnnounced) {
  ledger_.apply(aBatchWith("s", "a"), retry_, kNoon);
  ledger_.apply(aBatchWith("s", "a"), retry_, kNoon + 1h);
  EXPECT_EQ(onlyJob().createdAt, kNoon);
}

TEST_F(LedgerTest, CancelsTheUnfinishedJobOfAnOlderContent) {
  ledger_.apply(aBatchWith("s", "a"), retry_, kNoon);
  ASSERT_TRUE(ledger_.lease("w1", 30s, kNoon));
  EXPECT_THAT(ledger_.apply(aBatchWith("s", "b"), retry_, kNoon), ElementsAre("w1"));
  const auto jobs = ledger_.list({});
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].state, JobState::Waiting);
  EXPECT_EQ(jobs[1].state, JobState::Cancelled);
  EXPECT_EQ(ledger_.heartbeat(jobs[1].id, 1, "fetch", 1, 30s, kNoon), ReportOutcome::Stale);
}

TEST_F(LedgerTest, GivesEachJobToOneWorkerAndTheOldestFirst) {
  ledger_.apply(aBatchWith("s1", "a"), retry_, kNoon);
  ledger_.apply(aBatchWith("s2", "a"), retry_, kNoon);
  EXPECT_EQ(ledger_.lease("w1", 30s, kNoon)->seriesId, "s1");
  EXPECT_EQ(ledger_.lease("w2", 30s, kNoon)->seriesId, "s2");
  EXPECT_FALSE(ledger_.lease("w3", 30s, kNoon));
}

TEST_F(LedgerTest, TakesAResultOnceAndAnswersItsRepetition) {
  ledger_.apply(aBatchWith("s", "a"), retry_, kNoon);
  const auto job = ledger_.lease("w", 30s, kNoon);
  const fhir::OutboxMessage message{"1.2", "ehr", "1", "{}"};
  EXPECT_EQ(ledger_.complete(job->id, 1, {}, R"({"n":1})", {message}, kNoon),
            ReportOutcome::Accepted);
  EXPECT_EQ(ledger_.complete(job->id, 1, {}, R"({"n":2})", {message}, kNoon),
            ReportOutcome::Repeated);
  EXPECT_EQ(ledger_.assessment("s")->json, R"({"n":1})");
  EXPECT_EQ(SociOutbox(*database_).counts().pending, 1u);
  EXPECT_EQ(ledger_.complete(job->id + 1, 1, {}, "", {}, kNoon), ReportOutcome::Unknown);
}

// A job that ended with one message, whose entry in the outbox is given.
std::int64_t completedWithMessage(Ledger& ledger, SociOutbox& outbox, const std::string& series) {
  ledger.apply(aBatchWith(series, "a"), {}, kNoon);
  const auto job = ledger.lease("w", 30s, kNoon);
  const fhir::OutboxMessage message{"sr of " + series, "ehr", series, "about the patient"};
  ledger.complete(job->id, job->attempt, {}, "{}", {message}, kNoon);
  return outbox.list({}, 1).front().id;
}

TEST_F(LedgerTest, ForgetsTheDeliveredMessageOfADeletedSeriesAndKeepsThatItWasDelivered) {
  SociOutbox outbox(*database_);
  const auto id = completedWithMessage(ledger_, outbox, "s");
  const auto claim = outbox.claimDue(kNoon, 30s);
  outbox.markDelivered(id, claim->revision, kNoon, {"DiagnosticReport/1"});
  const auto other = completedWithMessage(ledger_, outbox, "other");
  ledger_.forget("s", kNoon + 1h);
  const auto entry = outbox.find(id);
  EXPECT_EQ(entry->message.body, "");
  EXPECT_EQ(entry->message.key, "sr of s");
  EXPECT_EQ(entry->state, fhir::OutboxState::Delivered);
  EXPECT_EQ(entry->settledAt, kNoon);
  EXPECT_EQ(outbox.find(other)->message.body, "about the patient");
}

TEST_F(LedgerTest, DeliversTheMessageOfADeletedSeriesFirstAndForgetsItThen) {
  SociOutbox outbox(*database_);
  const auto id = completedWithMessage(ledger_, outbox, "s");
  ledger_.forget("s", kNoon);
  auto claim = outbox.claimDue(kNoon, 30s);
  EXPECT_EQ(claim->message.body, "about the patient");
  outbox.deadLetter(id, claim->revision, kNoon, "rejected");
  EXPECT_EQ(outbox.find(id)->message.body, "about the patient");  // a person may send it again
  outbox.requeue(id, kNoon);
  claim = outbox.claimDue(kNoon, 30s);
  outbox.markDelivered(id, claim->revision, kNoon, {});
  EXPECT_EQ(outbox.find(id)->message.body, "");
}

TEST_F(LedgerTest, SendsTheMessageOfASeriesThatHasComeBackAndKeepsIt) {
  SociOutbox outbox(*database_);
  const auto id = completedWithMessage(ledger_, outbox, "s");
  ASSERT_TRUE(outbox.markDelivered(id, outbox.claimDue(kNoon, 30s)->revision, kNoon, {}));
  ledger_.forget("s", kNoon);
  IntakeBatch reborn = aBatchWith("s", "a");
  reborn.reborn = {"s"};
  ledger_.apply(reborn, retry_, kNoon);
  ASSERT_EQ(completedWithMessage(ledger_, outbox, "s"), id);
  const auto claim = outbox.claimDue(kNoon, 30s);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->message.body, "about the patient");
  outbox.markDelivered(id, claim->revision, kNoon, {});
  EXPECT_EQ(outbox.find(id)->message.body, "about the patient");
}

TEST_F(LedgerTest, RefusesTheResultOfAnAttemptThatWasGivenUp) {
  ledger_.apply(aBatchWith("s", "a"), retry_, kNoon);
  const auto first = ledger_.lease("w1", 30s, kNoon);
  EXPECT_EQ(ledger_.revokeOverdue({}, retry_, kNoon + 30s).size(), 1u);
  EXPECT_EQ(ledger_.complete(first->id, 1, {}, "{}", {}, kNoon + 31s), ReportOutcome::Stale);
  EXPECT_EQ(ledger_.fail(first->id, 1, {"X", ""}, true, retry_, kNoon + 31s), ReportOutcome::Stale);
  const auto second = ledger_.lease("w2", 30s, kNoon + 60s);
  ASSERT_TRUE(second);
  EXPECT_EQ(ledger_.complete(first->id, 1, {}, "{}", {}, kNoon + 61s), ReportOutcome::Stale);
  EXPECT_FALSE(ledger_.assessment("s"));
  EXPECT_EQ(ledger_.complete(second->id, 2, {}, "{}", {}, kNoon + 62s), ReportOutcome::Accepted);
}

TEST_F(LedgerTest, DoesNotHandOutAJobBeforeItsPauseIsOver) {
  ledger_.apply(aBatchWith("s", "a"), retry_, kNoon);
  const auto job = ledger_.lease("w", 30s, kNoon);
  ledger_.fail(job->id, 1, {"WorkerError", "x"}, true, retry_, kNoon);
  EXPECT_EQ(ledger_.nextDue(), kNoon + 30s);
  EXPECT_FALSE(ledger_.lease("w", 30s, kNoon + 29s));
  EXPECT_TRUE(ledger_.lease("w", 30s, kNoon + 30s));
}

TEST_F(LedgerTest, FreesTheJobsOfDeadChildrenButNotThoseOfRemoteWorkers) {
  ledger_.apply(aBatchWith("s1", "a"), retry_, kNoon);
  ledger_.apply(aBatchWith("s2", "a"), retry_, kNoon);
  ledger_.lease("local-x-0-1", 30s, kNoon);
  ledger_.lease("gpu-box", 30s, kNoon);
  ledger_.releaseLocal(kNoon + 1s);
  JobFilter running;
  running.state = JobState::Running;
  ASSERT_EQ(ledger_.list(running).size(), 1u);
  EXPECT_EQ(ledger_.list(running).front().worker, "gpu-box");
  EXPECT_EQ(ledger_.lease("local-y-0-1", 30s, kNoon + 1s)->seriesId, "s1");
}

TEST_F(LedgerTest, RetriesAndCancelsOnlyWhatCanBe) {
  ledger_.apply(aBatchWith("s", "a"), retry_, kNoon);
  const auto id = onlyJob().id;
  EXPECT_EQ(ledger_.retry(id, retry_, kNoon), Ledger::Demand::WrongState);
  ledger_.lease("w", 30s, kNoon);
  std::string worker;
  EXPECT_EQ(ledger_.cancel(id, kNoon, worker), Ledger::Demand::Done);
  EXPECT_EQ(worker, "w");
  EXPECT_EQ(ledger_.cancel(id, kNoon, worker), Ledger::Demand::WrongState);
  EXPECT_EQ(ledger_.retry(id, retry_, kNoon), Ledger::Demand::Done);
  EXPECT_EQ(onlyJob().state, JobState::Waiting);
  EXPECT_EQ(ledger_.retry(id + 1, retry_, kNoon), Ledger::Demand::Unknown);
}

TEST_F(LedgerTest, RunsAFinishedContentAgainWhenAPersonAsks) {
  NewJob job{"s", "study", "1.2.3", "a", "manual", std::nullopt};
  const auto id = ledger_.demand(job, retry_, kNoon);
  EXPECT_EQ(ledger_.demand(job, retry_, kNoon), id) << "under way: not twice";
  ledger_.lease("w", 30s, kNoon);
  ledger_.complete(id, 1, {}, "{}", {}, kNoon);
  EXPECT_EQ(ledger_.demand(job, retry_, kNoon), id);
  EXPECT_EQ(onlyJob().state, JobState::Waiting);
}

TEST_F(LedgerTest, PagesThroughJobsByIdAndState) {
  for (int i = 1; i <= 5; ++i)
    ledger_.apply(aBatchWith("s" + std::to_string(i), "a"), retry_, kNoon);
  IntakeBatch skipped = aBatchWith("s6", "a");
  skipped.jobs.front().skip = Reason{"NotFdg", "PSMA"};
  ledger_.apply(skipped, retry_, kNoon);
  JobFilter filter;
  filter.state = JobState::Waiting;
  filter.limit = 2;
  auto page = ledger_.list(filter);
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].seriesId, "s5");
  filter.beforeId = page[1].id;
  page = ledger_.list(filter);
  EXPECT_EQ(page[0].seriesId, "s3");
  EXPECT_EQ(ledger_.counts()[JobState::Skipped], 1u);
  EXPECT_EQ(ledger_.list({}).front().reason->code, "NotFdg");
}

TEST_F(LedgerTest, KeepsEveryFieldAcrossAReopening) {
  IntakeBatch batch = aBatchWith("s", "a");
  batch.arriving = {"p"};
  batch.position = IntakePosition{"archive", 5'000'000'000, 4'999'999'999};
  ledger_.apply(batch, retry_, kNoon);
  const auto job = ledger_.lease("w", 30s, kNoon);
  Completion completion;
  completion.timings = {{"fetch", 12.5}};
  completion.modelVersion = "1.0";
  ledger_.complete(job->id, 1, completion, "{\"a\":\"\xc3\xa9\"}", {}, kNoon + 1234ms);
  database_.reset();

  const auto again = file_.open();
  Ledger ledger(*again);
  EXPECT_EQ(ledger.position()->sequence, 5'000'000'000);
  EXPECT_EQ(ledger.position()->settledSequence, 4'999'999'999);
  ASSERT_EQ(ledger.pendingSeries().size(), 1u);
  const Job stored = ledger.find(job->id).value();
  EXPECT_EQ(stored.state, JobState::Done);
  EXPECT_EQ(stored.finishedAt, kNoon + 1234ms);
  EXPECT_EQ(stored.timings.at("fetch"), 12.5);
  EXPECT_EQ(stored.modelVersion, "1.0");
  EXPECT_EQ(ledger.assessment("s")->json, "{\"a\":\"\xc3\xa9\"}");
}

TEST(Database, RefusesAFileOfANewerRelease) {
  TemporaryDatabase file;
  file.open()->transaction([](soci::session& sql) { sql << "PRAGMA user_version = 99"; });
  EXPECT_THROW(file.open(), DatabaseError);
}

TEST(Database, IsReadableForItsOwnerOnly) {
  TemporaryDatabase file;
  const auto database = file.open();
  const auto others = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
  EXPECT_EQ(std::filesystem::status(file.path()).permissions() & others,
            std::filesystem::perms::none);
}

// A process that stores job after job is killed in the middle. Whatever is left must be whole: as
// many jobs as the position says, none more, none less.
TEST(Ledger, IsWholeAfterSigkillAtAnyMoment) {
  TemporaryDatabase file;
  file.open();
  std::int64_t before = 0;
  for (int round = 0; round < 6; ++round) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto database = file.open();
      Ledger ledger(*database);
      for (std::int64_t n = before + 1;; ++n) {
        IntakeBatch batch = aBatchWith("s" + std::to_string(n), "a");
        batch.position = IntakePosition{"archive", n, n};
        ledger.apply(batch, {}, kNoon);
        if (n == before + 1 && write(ready[1], "x", 1) != 1) _exit(1);
      }
    }
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    std::this_thread::sleep_for(std::chrono::microseconds(3000 + 1711 * round));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(ready[0]);
    close(ready[1]);

    const auto database = file.open();
    Ledger ledger(*database);
    const auto sequence = ledger.position()->sequence;
    EXPECT_GT(sequence, before);
    EXPECT_EQ(ledger.counts()[JobState::Waiting], static_cast<std::size_t>(sequence));
    before = sequence;
  }
}

}  // namespace
}  // namespace fedpet::plugin
