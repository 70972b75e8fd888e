// The outbox in a real database while its process is killed: ten thousand results, an EHR that is
// down for a day, and SIGKILL in the middle, again and again.
#include "fhir/OutboxCourier.h"
#include "orthanc-plugin/SociOutbox.h"
#include "tests/plugin/TemporaryDatabase.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

namespace fedpet::fhir {
namespace {

using namespace std::chrono_literals;
using plugin::SociOutbox;
using plugin::TemporaryDatabase;

constexpr int kMessages = 10'000;
const OutboxTime kStart{std::chrono::sys_days{std::chrono::November / 24 / 2026}};

// SIGKILL loses no page cache, so memory serves as well as a disk and spares the machine.
void keepInMemory() {
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
}

struct Silent : CourierObserver {
  void delivered(const OutboxEntry&) override {}
  void postponed(const OutboxEntry&, OutboxTime, const std::string&) override {}
  void deadLettered(const OutboxEntry&, const std::string&) override {}
  void storeFailed(const std::string&) override {}
};

// The EHR's end: what it took, a line each, in a pipe that outlives the sender.
class PipeSender : public BundleSender {
 public:
  PipeSender(int pipe, bool isDown) : pipe_(pipe), isDown_(isDown) {}
  DeliveryOutcome deliver(const std::string& bundle, const std::string&, std::stop_token) override {
    const std::string line = (isDown_ ? "-" : bundle) + "\n";
    if (::write(pipe_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
    // Not of every message: the courier must go on to the next, so that the kill finds it at work.
    if (isDown_) return RetryLater{RetryLater::Cause::Unreachable, std::nullopt, "down", false};
    return Delivered{};
  }

 private:
  int pipe_;
  bool isDown_;
};

class OutboxKill : public ::testing::Test {
 protected:
  struct Life {
    OutboxTime now;
    bool isDown;
    int killAfter;  // lines; 0: it may live
  };

  // One life of the delivering process. True when it ended by itself.
  bool live(const Life& life) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      deliver(life, ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    FILE* lines = ::fdopen(ends[0], "r");
    std::array<char, 64> line{};
    for (int count = 1; std::fgets(line.data(), line.size(), lines); ++count) {
      ++received_[line.data()];
      if (count == life.killAfter) ::kill(child, SIGKILL);
    }
    std::fclose(lines);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFEXITED(status);
  }

  void deliver(const Life& life, int pipe) {
    const auto database = file_.open();
    SociOutbox outbox(*database);
    Silent observer;
    OutboxCourier courier(outbox, {{"ehr", std::make_shared<PipeSender>(pipe, life.isDown)}},
                          observer, {}, {[&] { return life.now; }, [] { return 0.5; }});
    courier.deliverDue();
  }

  void enqueueAll() {
    const auto database = file_.open();
    database->transaction([&](soci::session& sql) {
      for (int i = 0; i < kMessages; ++i) {
        const std::string number = std::to_string(i);
        SociOutbox::enqueueIn(sql, {"key " + number, "ehr", "study " + number, number}, kStart, "");
      }
    });
  }

  OutboxCounts counts() {
    const auto database = file_.open();
    return SociOutbox(*database).counts();
  }

  const bool isInMemory_ = (keepInMemory(), true);
  TemporaryDatabase file_;
  std::map<std::string, int> received_;  // line -> how often
};

TEST_F(OutboxKill, LosesNothingOfTenThousandResults) {
  enqueueAll();
  // The EHR is down; the process dies while it postpones, and comes back a day later.
  EXPECT_FALSE(live({kStart, true, 300}));
  EXPECT_EQ(counts().delivered, 0u);
  received_.clear();
  OutboxTime now = kStart + 24h;
  int kills = 0;
  while (!live({now, false, 700 + 311 * kills})) {
    ++kills;
    now += 10min;  // longer than a claim holds
    ASSERT_LT(kills, 100);
  }
  EXPECT_GE(kills, 5);
  const OutboxCounts counted = counts();
  EXPECT_EQ(counted.delivered, static_cast<std::size_t>(kMessages));
  EXPECT_EQ(counted.pending + counted.delivering + counted.deadLetter, 0u);
  EXPECT_EQ(received_.size(), static_cast<std::size_t>(kMessages)) << "each result arrived";
  int repeated = 0;
  for (const auto& [line, times] : received_) repeated += times - 1;
  EXPECT_LE(repeated, kills) << "only what was under way at a kill is sent again";
}

}  // namespace
}  // namespace fedpet::fhir
