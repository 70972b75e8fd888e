#include "orthanc-plugin/PosixProcess.h"
#include "orthanc-plugin/Supervisor.h"
#include "tests/plugin/TemporaryDatabase.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <deque>
#include <thread>

namespace fedpet::plugin {
namespace {

using namespace std::chrono_literals;

constexpr UtcTime kNoon{std::chrono::sys_days{std::chrono::November / 24 / 2026} + 12h};

struct FakeProcess {
  std::string name;
  std::optional<ProcessEnd> end;
};

class FakeChild final : public ChildProcess {
 public:
  explicit FakeChild(std::shared_ptr<FakeProcess> process) : process_(std::move(process)) {}
  std::optional<ProcessEnd> poll() override { return process_->end; }
  void kill() override { process_->end = ProcessEnd{0, SIGKILL}; }

 private:
  std::shared_ptr<FakeProcess> process_;
};

class SupervisorTest : public ::testing::Test {
 protected:
  static WorkerOptions options() {
    WorkerOptions o;
    o.count = 2;
    o.restartBackOff = 2s;
    o.restartBackOffMax = 60s;
    return o;
  }

  void addJob(const std::string& series) {
    IntakeBatch batch;
    batch.jobs.push_back({series, "study", "1.2", "a", "stable", std::nullopt});
    ledger_.apply(batch, retry_, now_);
  }
  Job job(const std::string& series) {
    JobFilter filter;
    filter.seriesId = series;
    return ledger_.list(filter).at(0);
  }
  FakeProcess& newest() { return *started_.back(); }

  UtcTime now_ = kNoon;
  TemporaryDatabase file_;
  std::unique_ptr<Database> database_ = file_.open();
  Ledger ledger_{*database_};
  const RetryOptions retry_{3, 30s, 3600s};
  JobQueue queue_{ledger_, options(), retry_, [this] { return now_; }};
  std::vector<std::shared_ptr<FakeProcess>> started_;
  bool cannotStart_ = false;
  Supervisor supervisor_{queue_,
                         [this](const std::string& name) -> std::unique_ptr<ChildProcess> {
                           if (cannotStart_) throw std::runtime_error("no such file");
                           started_.push_back(std::make_shared<FakeProcess>(FakeProcess{name, {}}));
                           return std::make_unique<FakeChild>(started_.back());
                         },
                         "tag", [this] { return now_; }, [](LogLevel, const std::string&) {}};
};

TEST_F(SupervisorTest, StartsNoWorkerWithoutWork) {
  supervisor_.tick();
  EXPECT_TRUE(started_.empty());
  addJob("s");
  supervisor_.tick();
  EXPECT_FALSE(started_.empty());
  EXPECT_LE(started_.size(), 2u);
}

TEST_F(SupervisorTest, MakesACrashCostOneAttemptWithItsSignalAsReason) {
  addJob("s");
  supervisor_.tick();
  queue_.ledger().lease(newest().name, 30s, now_);
  newest().end = ProcessEnd{0, SIGSEGV};
  supervisor_.tick();
  EXPECT_EQ(job("s").state, JobState::Waiting);
  EXPECT_EQ(job("s").reason->code, "WorkerCrashed");
  EXPECT_EQ(job("s").reason->text, "SIGSEGV");
  EXPECT_EQ(supervisor_.snapshot().crashes, 1);
}

TEST_F(SupervisorTest, CallsTheEndOfMemoryByItsName) {
  EXPECT_EQ(reasonOf({kExitOutOfMemory, 0}).code, "WorkerOutOfMemory");
  EXPECT_EQ(reasonOf({3, 0}).text, "exit code 3");
}

TEST_F(SupervisorTest, KillsAWorkerThatHangsInOneStage) {
  addJob("s");
  supervisor_.tick();
  const auto hanging = started_.back();
  const auto leased = queue_.lease(hanging->name, 0ms);
  for (int beat = 0; beat <= 300; beat += 10) {
    now_ = kNoon + std::chrono::seconds(beat);
    queue_.heartbeat(leased->id, 1, "organs", 40);
  }
  supervisor_.tick();
  EXPECT_EQ(job("s").reason->code, "WorkerTimedOut");
  EXPECT_EQ(hanging->end->signal, SIGKILL);
  supervisor_.tick();
  EXPECT_EQ(supervisor_.snapshot().crashes, 0) << "we killed it ourselves";
  EXPECT_EQ(job("s").attempt, 1);
}

TEST_F(SupervisorTest, KillsTheWorkerOfACancelledJob) {
  addJob("s");
  supervisor_.tick();
  const auto busy = started_.back();
  const auto leased = queue_.lease(busy->name, 0ms);
  queue_.cancel(leased->id);
  supervisor_.tick();
  EXPECT_EQ(busy->end->signal, SIGKILL);
  EXPECT_EQ(job("s").state, JobState::Cancelled);
}

TEST_F(SupervisorTest, LetsACrashingWorkerWaitLongerEachTime) {
  addJob("s");
  std::vector<std::chrono::seconds> startedAt;
  for (auto t = 0s; t < 40s; t += 1s) {
    now_ = kNoon + t;
    const auto before = started_.size();
    supervisor_.tick();
    if (started_.size() > before) startedAt.push_back(t);
    for (auto& process : started_)
      if (!process->end) process->end = ProcessEnd{1, 0};
  }
  // Seen dead one tick later; then 2, 4, 8, 16 seconds of pause.
  EXPECT_THAT(startedAt, ::testing::ElementsAre(0s, 3s, 8s, 17s, 34s));
}

TEST_F(SupervisorTest, GoesOnWhenTheProgramCannotBeStarted) {
  addJob("s");
  cannotStart_ = true;
  supervisor_.tick();
  cannotStart_ = false;
  now_ += 2s;
  supervisor_.tick();
  EXPECT_FALSE(started_.empty());
}

TEST_F(SupervisorTest, GivesTheJobsBackAtAStopWithoutCost) {
  addJob("s");
  supervisor_.tick();
  queue_.ledger().lease(newest().name, 30s, now_);
  supervisor_.stopAll();
  EXPECT_EQ(job("s").state, JobState::Waiting);
  EXPECT_EQ(job("s").triesLeft, 3);
}

std::optional<ProcessEnd> endOf(ChildProcess& child) {
  for (int i = 0; i < 500; ++i) {
    if (auto end = child.poll()) return end;
    std::this_thread::sleep_for(10ms);
  }
  return std::nullopt;
}

TEST(PosixProcess, TellsHowAProgramEnded) {
  const auto child = spawnProcess("/bin/false", {});
  const auto end = endOf(*child);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exitCode, 1);
  const auto hanging = spawnProcess("/bin/cat", {});  // waits for its standard input to end
  EXPECT_FALSE(hanging->poll());
  hanging->kill();
  EXPECT_EQ(endOf(*hanging)->signal, SIGKILL);
}

TEST(PosixProcess, ThrowsForAProgramThatIsNotThere) {
  EXPECT_THROW(spawnProcess("/no/such/program", {}), std::runtime_error);
}

}  // namespace
}  // namespace fedpet::plugin
