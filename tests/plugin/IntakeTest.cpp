#include "orthanc-plugin/Intake.h"
#include "tests/plugin/InMemoryArchive.h"
#include "tests/plugin/TemporaryDatabase.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>

namespace fedpet::plugin {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IntakeTest : public ::testing::Test {
 protected:
  IntakeTest() { start(); }

  // The plugin's process begins, or begins again.
  void start() {
    intake_ = std::make_unique<Intake>(
        archive_, ledger_, settings_, [this] { return now_; },
        [this](LogLevel level, const std::string& text) {
          if (level != LogLevel::Info) warnings_.push_back(text);
        });
    intake_->begin();
  }
  void readLog() {
    while (intake_->step().more) {
    }
  }
  void waitLong() {
    now_ += settings_.stableAge + 10s;
    intake_->sweep();
  }
  std::vector<std::string> jobs() {
    std::vector<std::string> list;
    JobFilter all;
    all.limit = 10000;
    for (const Job& job : ledger_.list(all))
      list.push_back(job.seriesId + ": " + job.fingerprint + " " +
                     std::string(toString(job.state)));
    std::reverse(list.begin(), list.end());
    return list;
  }

  UtcTime now_{std::chrono::sys_days{std::chrono::November / 24 / 2026} + 12h};
  TemporaryDatabase file_;
  std::unique_ptr<Database> database_ = file_.open();
  Ledger ledger_{*database_};
  InMemoryArchive archive_;
  IntakeSettings settings_;
  std::vector<std::string> warnings_;
  std::unique_ptr<Intake> intake_;
};

TEST_F(IntakeTest, MakesAJobOfAStablePetSeriesAndNoneBefore) {
  archive_.receive("pt");
  readLog();
  EXPECT_THAT(jobs(), IsEmpty());
  archive_.settle("pt");
  readLog();
  EXPECT_THAT(jobs(), ElementsAre("pt: 1 instances waiting"));
  EXPECT_THAT(ledger_.pendingSeries(), IsEmpty());
}

TEST_F(IntakeTest, LeavesNoTraceOfOtherModalitiesAndOfOurOwnResults) {
  for (const char* modality : {"CT", "SR", "SEG"}) {
    archive_.receive(modality, modality);
    archive_.settle(modality);
  }
  readLog();
  waitLong();
  EXPECT_THAT(jobs(), IsEmpty());
  EXPECT_THAT(ledger_.pendingSeries(), IsEmpty());
}

TEST_F(IntakeTest, FindsASeriesThatWasArrivingWhenThePowerWent) {
  archive_.receive("pt");
  readLog();
  archive_.restart();
  start();
  readLog();
  intake_->sweep();
  EXPECT_THAT(jobs(), IsEmpty()) << "its sender may come back at once";
  waitLong();
  EXPECT_THAT(jobs(), ElementsAre("pt: 1 instances waiting"));
}

TEST_F(IntakeTest, FindsASeriesWhoseAnnouncementIsLostWhileItRuns) {
  archive_.receive("pt");
  readLog();
  archive_.restart();  // forgets what was unstable, and we go on
  waitLong();
  EXPECT_THAT(jobs(), ElementsAre("pt: 1 instances waiting"));
}

TEST_F(IntakeTest, RepeatsNothingWhenItIsKilledWhileItReadsTheLogAgain) {
  for (const char* id : {"a", "b"}) {
    archive_.receive(id);
    archive_.settle(id);
  }
  readLog();
  archive_.pageLimit = 1;
  start();
  intake_->step();
  start();
  readLog();
  EXPECT_THAT(jobs(), ElementsAre("a: 1 instances waiting", "b: 1 instances waiting"));
}

TEST_F(IntakeTest, FindsASeriesWhoseArrivalItNeverSaw) {
  archive_.receive("pt");
  archive_.restart();
  start();
  readLog();
  waitLong();
  EXPECT_THAT(jobs(), ElementsAre("pt: 1 instances waiting"));
}

TEST_F(IntakeTest, FindsInstancesAddedToAnOldSeriesJustBeforeThePowerWent) {
  archive_.receive("pt");
  archive_.settle("pt");
  readLog();
  now_ += 24h;
  archive_.receive("pt");  // no NewSeries this time
  readLog();
  archive_.restart();
  start();
  readLog();
  waitLong();
  EXPECT_THAT(jobs(), ElementsAre("pt: 1 instances cancelled", "pt: 2 instances waiting"));
}

TEST_F(IntakeTest, DoesNotReadThroughDaysOfOldInstancesAtARestart) {
  for (int day = 0; day < 5; ++day) {
    archive_.receive("pt" + std::to_string(day));
    archive_.settle("pt" + std::to_string(day));
    readLog();
    now_ += 24h;
  }
  archive_.receive("last");
  readLog();  // settles what is a day old
  EXPECT_EQ(ledger_.position()->settledSequence, 5 * 3);
}

TEST_F(IntakeTest, MakesANewJobWhenASeriesHasGrownAndNoneWhenItIsSentAgain) {
  archive_.receive("pt");
  archive_.settle("pt");
  readLog();
  archive_.receive("pt");
  archive_.settle("pt");
  readLog();
  EXPECT_EQ(jobs().size(), 2u);
  start();  // reads the last minute again
  readLog();
  waitLong();
  EXPECT_EQ(jobs().size(), 2u);
}

TEST_F(IntakeTest, WaitsForASeriesThatGrowsAgainWhileItsAnnouncementIsRead) {
  archive_.receive("pt");
  archive_.settle("pt");
  archive_.receive("pt");
  readLog();
  EXPECT_THAT(jobs(), IsEmpty());
  archive_.settle("pt");
  readLog();
  EXPECT_THAT(jobs(), ElementsAre("pt: 2 instances waiting"));
}

TEST_F(IntakeTest, ForgetsASeriesThatWasDeletedWhileItArrived) {
  archive_.receive("pt");
  readLog();
  archive_.remove("pt");
  waitLong();
  EXPECT_THAT(jobs(), IsEmpty());
  EXPECT_THAT(ledger_.pendingSeries(), IsEmpty());
}

TEST_F(IntakeTest, AssessesASeriesAnewThatWasDeletedAndSentAgain) {
  archive_.receive("pt");
  archive_.settle("pt");
  readLog();
  archive_.remove("pt");
  archive_.receive("pt");
  archive_.settle("pt");
  readLog();
  EXPECT_THAT(jobs(), ElementsAre("pt: earlier life 1 cancelled", "pt: 1 instances waiting"));
  start();  // reads its arrival again, which is no third life
  readLog();
  EXPECT_EQ(jobs().size(), 2u);
}

TEST_F(IntakeTest, KeepsNoResultOfASeriesThatWasDeleted) {
  archive_.receive("pt");
  archive_.settle("pt");
  readLog();
  const auto job = ledger_.lease("w", 30s, now_);
  ledger_.complete(job->id, 1, {}, "{}", {}, now_);
  intake_->forgetDeletedBefore();
  EXPECT_TRUE(ledger_.assessment("pt")) << "it is still there";
  archive_.remove("pt");
  intake_->forgetDeletedBefore();
  EXPECT_FALSE(ledger_.assessment("pt"));
}

TEST_F(IntakeTest, BeginsWithWhatArrivesFromNowOnUnlessTold) {
  archive_.replaceDatabase("big archive");
  for (const char* id : {"old1", "old2"}) {
    archive_.receive(id);
    archive_.settle(id);
  }
  TemporaryDatabase first, second;
  const auto run = [&](const TemporaryDatabase& file, bool fromNow) {
    const auto database = file.open();
    Ledger ledger(*database);
    IntakeSettings settings;
    settings.options.fromNow = fromNow;
    std::string said;
    Intake intake(
        archive_, ledger, settings, [this] { return now_; },
        [&](LogLevel, const std::string& text) { said += text; });
    intake.begin();
    while (intake.step().more) {
    }
    EXPECT_THAT(said, HasSubstr(fromNow ? "left alone" : "every PET series"));
    return ledger.counts()[JobState::Waiting];
  };
  EXPECT_EQ(run(first, true), 0u);
  EXPECT_EQ(run(second, false), 2u);
}

TEST_F(IntakeTest, StartsAnewWithAReplacedDatabaseAndSaysSo) {
  for (int i = 0; i < 10; ++i) archive_.receive("a" + std::to_string(i));
  readLog();
  archive_.replaceDatabase("archive-2");
  start();
  EXPECT_THAT(warnings_, ::testing::Contains(HasSubstr("was replaced")));
  archive_.receive("b");
  archive_.settle("b");
  readLog();
  EXPECT_THAT(jobs(), ElementsAre("b: 1 instances waiting"));
}

TEST_F(IntakeTest, ReadsAClearedLogFromItsStartWithoutRepeatingAJob) {
  archive_.receive("pt");
  archive_.settle("pt");
  readLog();
  archive_.clearLog();
  start();
  EXPECT_THAT(warnings_, ::testing::Contains(HasSubstr("was cleared")));
  archive_.receive("new");
  archive_.settle("new");
  readLog();
  EXPECT_THAT(jobs(), ElementsAre("pt: 1 instances waiting", "new: 1 instances waiting"));
}

TEST_F(IntakeTest, ChangesNothingWhenTheArchiveFailsInTheMiddle) {
  archive_.receive("pt");
  archive_.settle("pt");
  archive_.failAtCall(1);
  EXPECT_THROW(intake_->step(), ArchiveError);
  readLog();
  EXPECT_EQ(jobs().size(), 1u);
}

TEST_F(IntakeTest, IsNotHeldUpByOneSeriesThatCannotBeRead) {
  archive_.receive("bad");
  archive_.settle("bad");
  archive_.receive("good");
  archive_.settle("good");
  archive_.failAtCall(2);  // the log is read, then "bad" is not
  readLog();
  EXPECT_THAT(jobs(), ElementsAre("good: 1 instances waiting"));
  waitLong();
  EXPECT_EQ(jobs().size(), 2u) << "it is looked at again";
}

// Random histories with restarts of the plugin at random moments, and an archive that fails now
// and then. In the end every PET series has exactly one job of its final content.
TEST_F(IntakeTest, LosesAndRepeatsNothingWhateverTheOrderOfEvents) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    archive_.replaceDatabase("archive of seed " + std::to_string(seed));
    archive_.pageLimit = 3;
    start();
    std::mt19937 random(seed);
    std::set<std::string> sent;
    std::map<std::string, int> slices;
    for (int event = 0; event < 60; ++event) {
      const std::string id = "seed" + std::to_string(seed) + "-" + std::to_string(random() % 6);
      switch (random() % 8) {
        case 0:
        case 1:
        case 2:
          archive_.receive(id);
          ++slices[id];
          break;
        case 3:
          archive_.settle(id);
          break;
        case 4:
          now_ += std::chrono::seconds(random() % 200);
          break;
        case 5:
          archive_.failAtCall(static_cast<int>(random() % 4));
          try {
            intake_->step();
            intake_->sweep();
          } catch (const ArchiveError&) {
          }
          archive_.failAtCall(0);
          break;
        case 6:
          archive_.restart();
          start();
          break;
        case 7:
          archive_.remove(id);
          slices.erase(id);
          break;
      }
    }
    archive_.restart();
    start();
    readLog();
    waitLong();
    std::map<std::string, int> waiting;
    for (const auto& [id, n] : slices) {
      JobFilter filter;
      filter.seriesId = id;
      int live = 0;
      for (const Job& job : ledger_.list(filter))
        if (job.state == JobState::Waiting) {
          ++live;
          EXPECT_EQ(job.fingerprint, std::to_string(n) + " instances") << id;
        }
      EXPECT_EQ(live, 1) << id;
    }
    EXPECT_THAT(ledger_.pendingSeries(), IsEmpty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fedpet::plugin
