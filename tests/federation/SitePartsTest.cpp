// The parts of a site that need no coordinator.
#include "federation/files/DurableFiles.h"
#include "federation/privacy/RdpAccountant.h"
#include "federation/site/BackOff.h"
#include "federation/site/ContributionCheck.h"
#include "federation/site/Policy.h"
#include "federation/site/SiteStore.h"
#include "federation/site/TrainingDesk.h"
#include "tests/support/TemporaryDirectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <fstream>
#include <future>
#include <limits>
#include <semaphore>
#include <thread>

namespace fedpet::federation {
namespace {

using namespace std::chrono_literals;
using fedpet::testing::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// --- waiting -----------------------------------------------------------------------------------

TEST(BackOff, DoublesBetweenHalfAndWholeUpToItsLimit) {
  BackOff backOff({1000ms, 8000ms, 3600s}, 7);
  for (const auto whole : {1000ms, 2000ms, 4000ms, 8000ms, 8000ms, 8000ms}) {
    const auto wait = backOff.afterFailure();
    EXPECT_GE(wait, whole / 2);
    EXPECT_LE(wait, whole);
  }
  backOff.worked();
  EXPECT_LE(backOff.afterFailure(), 1000ms);
}

TEST(BackOff, RepeatsItselfFromTheSameSeedOnly) {
  BackOff one({}, 1), same({}, 1), other({}, 2);
  const auto waits = [](BackOff& b) { return std::vector{b.afterFailure(), b.afterFailure()}; };
  const auto first = waits(one);
  EXPECT_EQ(first, waits(same));
  EXPECT_NE(first, waits(other));
}

TEST(BackOff, WaitsAsLongAsThePeerAsksButNotForEver) {
  BackOff backOff({1000ms, 2000ms, 60s}, 1);
  EXPECT_EQ(backOff.afterFailure(30s), 30s);
  EXPECT_EQ(backOff.afterFailure(24h), 60s);
  EXPECT_GE(backOff.afterFailure(0s), 1000ms);  // never less than its own
}

TEST(BackOff, SurvivesAnyNumberOfFailures) {
  BackOff backOff({1000ms, 600s, 3600s}, 1);
  for (int i = 0; i < 5000; ++i) {
    const auto wait = backOff.afterFailure();
    ASSERT_GT(wait, 0ms);
    ASSERT_LE(wait, 600s);
  }
}

// --- policy ------------------------------------------------------------------------------------

Plan noisyPlan() {
  Plan plan;
  plan.purpose = "research";
  plan.privacy.noise = NoiseKind::Local;
  plan.privacy.noiseMultiplier = 1.0;
  plan.privacy.sampleRate = 0.1;
  plan.privacy.delta = 1e-5;
  plan.training.rounds = 10;
  plan.training.localSteps = 5;
  plan.privacy.epsilon = epsilonOf(spendingOf(plan, 12), 1e-5);
  return plan;
}
SitePolicy openPolicy() {
  SitePolicy policy;
  policy.maximumEpsilon = 100;
  return policy;
}

TEST(SitePolicy, AllowsAPlanThatKeepsToIt) {
  SitePolicy policy = openPolicy();
  policy.allowedPurposes = {"evaluation", "research"};
  EXPECT_THAT(objectionsTo(noisyPlan(), policy, 0), IsEmpty());
}

TEST(SitePolicy, ObjectsToEachThingItForbids) {
  SitePolicy policy;
  policy.allowedPurposes = {"evaluation"};
  policy.minimumPatients = 20;
  policy.requireNoise = true;
  Plan plan;
  plan.purpose = "marketing";
  plan.masking = Masking::None;
  EXPECT_THAT(objectionsTo(plan, policy, 0),
              ElementsAre(HasSubstr("marketing"), HasSubstr("at least 20"), HasSubstr("masking"),
                          HasSubstr("noise")));
}

TEST(SitePolicy, CountsWhatOtherPlansHaveSpent) {
  SitePolicy policy = openPolicy();
  Plan plan = noisyPlan();
  plan.privacy.epsilon = 3;
  policy.maximumEpsilon = 5;
  EXPECT_THAT(objectionsTo(plan, policy, 2.0), IsEmpty());
  EXPECT_THAT(objectionsTo(plan, policy, 2.1), ElementsAre(HasSubstr("more than the 5")));
  policy.maximumEpsilon = 0;
  EXPECT_THAT(objectionsTo(plan, policy, 0), ElementsAre(HasSubstr("grants none")));
}

TEST(SitePolicy, StopsAPlanAtItsLastRoundWithinTheBudget) {
  const Plan plan = noisyPlan();  // affords exactly 12 rounds: two to prepare, ten to train
  const SitePolicy policy = openPolicy();
  const auto last = priceOfOneMoreRound(plan, policy, {11, 0});
  ASSERT_TRUE(last);
  EXPECT_NEAR(*last, plan.privacy.epsilon, 1e-9);
  EXPECT_FALSE(priceOfOneMoreRound(plan, policy, {12, 0}));
}

TEST(SitePolicy, StopsAllPlansTogetherAtTheSitesOwnLimit) {
  const Plan plan = noisyPlan();
  SitePolicy policy;
  policy.maximumEpsilon = plan.privacy.epsilon + 1;
  EXPECT_TRUE(priceOfOneMoreRound(plan, policy, {11, 0.99}));
  EXPECT_FALSE(priceOfOneMoreRound(plan, policy, {11, 1.01}));
}

TEST(SitePolicy, KnowsWindowsThatReachOverMidnight) {
  EXPECT_TRUE(isWithin(std::nullopt, 12));
  EXPECT_TRUE(isWithin(std::pair(8, 18), 8));
  EXPECT_FALSE(isWithin(std::pair(8, 18), 18));
  EXPECT_TRUE(isWithin(std::pair(22, 6), 23));
  EXPECT_TRUE(isWithin(std::pair(22, 6), 5));
  EXPECT_FALSE(isWithin(std::pair(22, 6), 6));
}

TEST(SitePolicy, IsReadAsItIsWritten) {
  SitePolicy policy;
  policy.allowedPurposes = {"research"};
  policy.minimumPatients = 25;
  policy.maximumEpsilon = 4.5;
  policy.requireNoise = true;
  policy.hoursOfDay = {20, 6};
  const SitePolicy read = policyFromJson(toReadableJson(policy));
  EXPECT_EQ(toReadableJson(read), toReadableJson(policy));
  EXPECT_EQ(read.hoursOfDay, (std::pair{20, 6}));
}

TEST(SitePolicy, NamesWhatIsWrongInItsFile) {
  const auto complaint = [](const char* text) {
    try {
      policyFromJson(text);
    } catch (const std::invalid_argument& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(complaint("[]"), HasSubstr("object"));
  EXPECT_THAT(complaint(R"({"maximumEpsilom": 3})"), HasSubstr("maximumEpsilom"));
  EXPECT_THAT(complaint(R"({"requireNoise": "no"})"), HasSubstr("requireNoise"));
  EXPECT_THAT(complaint(R"({"hoursOfDay": [7, 25]})"), HasSubstr("hoursOfDay"));
  EXPECT_THAT(complaint(R"({"minimumPatients": 0})"), HasSubstr("minimumPatients"));
}

// --- what a trainer hands over -----------------------------------------------------------------

Plan trainPlan() {
  Plan plan;
  plan.training.updateNormBound = 1.0;
  return plan;
}
const SumLayout kTrainLayout{{{"weight", 1, 1000}, {"update", 2, 1000}}};

TEST(Contribution, HasItsUpdateScaledDownToTheNormBound) {
  std::vector<double> values{2, 3, 4};  // |update| = 5, allowed 2 patients * 1.0
  EXPECT_TRUE(makeFit(values, trainPlan(), kTrainLayout));
  EXPECT_NEAR(values[1], 1.2, 1e-12);
  EXPECT_NEAR(values[2], 1.6, 1e-12);
  EXPECT_EQ(values[0], 2);
}

TEST(Contribution, KeepsAnUpdateThatIsShortEnough) {
  std::vector<double> values{5, 3, 4};
  EXPECT_FALSE(makeFit(values, trainPlan(), kTrainLayout));
  EXPECT_THAT(values, ElementsAre(5, 3, 4));
}

TEST(Contribution, BoundsHugeUpdatesWhoseSquaresOverflow) {
  std::vector<double> values{1, 1e300, 1e300};
  EXPECT_TRUE(makeFit(values, trainPlan(), kTrainLayout));
  EXPECT_NEAR(std::hypot(values[1], values[2]), 1, 1e-9);
}

TEST(Contribution, IsRefusedWithWhatIsNoNumberOrOutOfBounds) {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               infinity = std::numeric_limits<double>::infinity();
  for (const std::vector<double>& bad : {std::vector<double>{1, nan, 0},
                                         {1, 0, infinity},
                                         {1001, 0, 0},
                                         {-1001, 0, 0},
                                         {1, 2},
                                         {}}) {
    std::vector<double> values = bad;
    EXPECT_THROW(makeFit(values, trainPlan(), kTrainLayout), UnfitContribution);
  }
  std::vector<double> negative{-3, 5, 0};  // a negative number of patients has no update
  EXPECT_TRUE(makeFit(negative, trainPlan(), kTrainLayout));
  EXPECT_EQ(negative[1], 0);
}

// --- files -------------------------------------------------------------------------------------

int modeOf(const std::filesystem::path& path) {
  struct stat facts {};
  EXPECT_EQ(stat(path.c_str(), &facts), 0);
  return static_cast<int>(facts.st_mode & 07777);
}

TEST(DurableFiles, AreForTheirOwnerOnly) {
  const TemporaryDirectory folder;
  makeOwnerFolder(folder.path() / "site");
  writeOwnerFile(folder.path() / "site" / "key", viewOf("secret"));
  EXPECT_EQ(modeOf(folder.path() / "site"), 0700);
  EXPECT_EQ(modeOf(folder.path() / "site" / "key"), 0600);
  { AppendFile file(folder.path() / "site" / "part"); }
  EXPECT_EQ(modeOf(folder.path() / "site" / "part"), 0600);
}

TEST(DurableFiles, LoseWhatACrashLeftBehind) {
  const TemporaryDirectory folder;
  writeOwnerFile(folder.path() / "key", viewOf("old"));
  writeOwnerFile(folder.path() / "key", viewOf("whole"));
  { std::ofstream(folder.path() / "key.new-1a2b3c4d") << "half"; }
  removeUnfinished(folder.path());
  EXPECT_EQ(textOf(readOwnerFile(folder.path() / "key", 100)->view()), "whole");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "key.new-1a2b3c4d"));
  EXPECT_FALSE(readOwnerFile(folder.path() / "absent", 100));
  EXPECT_THROW(readOwnerFile(folder.path() / "key", 4), std::filesystem::filesystem_error);
}

TEST(DurableFiles, SurviveSeveralWritersAsOneOfTheirContents) {
  const TemporaryDirectory folder;
  const std::string contents[] = {std::string(300'000, 'a'), std::string(200'000, 'b')};
  {
    std::vector<std::jthread> writers;
    for (const std::string& content : contents)
      writers.emplace_back([&] {
        for (int i = 0; i < 20; ++i) writeOwnerFile(folder.path() / "blob", viewOf(content));
      });
  }
  const Bytes left = readWholeFile(folder.path() / "blob");
  EXPECT_TRUE(textOf(left) == contents[0] || textOf(left) == contents[1]);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(DurableFiles, AreReadAsFarAsTheyGo) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "f";
  writeAt(path, 3, viewOf("defg"));
  writeAt(path, 0, viewOf("abc"));
  EXPECT_EQ(textOf(readPiece(path, 2, 3)), "cde");
  EXPECT_EQ(sha256OfFile(path), sha256(viewOf("abcdefg")));
  EXPECT_THROW(readPiece(path, 5, 3), std::filesystem::filesystem_error);
  EXPECT_THROW(readWholeFile(folder.path() / "absent"), std::filesystem::filesystem_error);
}

// --- training beside the conversation ----------------------------------------------------------

TEST(TrainingDesk, TrainsOneAtATimeAndTellsEachFailureOnce) {
  std::promise<void> begun, mayEnd;
  std::counting_semaphore<8> ended(0);
  TrainingDesk desk([&] { ended.release(); });
  desk.begin("a", [&](std::stop_token) {
    begun.set_value();
    mayEnd.get_future().wait();
    throw std::runtime_error("died");
  });
  begun.get_future().wait();
  bool other = false;
  desk.begin("b", [&](std::stop_token) { other = true; });
  EXPECT_NO_THROW(desk.rethrowFailure("a")) << "it is still under way";
  mayEnd.set_value();
  ended.acquire();
  EXPECT_FALSE(other);
  EXPECT_FALSE(desk.isBusy());
  EXPECT_THROW(desk.rethrowFailure("a"), std::runtime_error);
  EXPECT_NO_THROW(desk.rethrowFailure("a"));
  desk.begin("b", [&](std::stop_token) { other = true; });
  ended.acquire();
  EXPECT_TRUE(other);
}

TEST(TrainingDesk, StopsWhatNobodyNeedsAnyMore) {
  std::counting_semaphore<8> ended(0);
  TrainingDesk desk([&] { ended.release(); });
  const auto untilStopped = [](std::stop_token stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
    throw std::runtime_error("stopped");
  };
  desk.begin("a", untilStopped);
  desk.cancel("b");
  EXPECT_TRUE(desk.isBusy());
  desk.cancel("a");
  ended.acquire();
  EXPECT_NO_THROW(desk.rethrowFailure("a"));
  desk.begin("c", untilStopped);
  desk.stop();
  EXPECT_FALSE(desk.isBusy());
}

// --- memory ------------------------------------------------------------------------------------

class SiteStoreTest : public ::testing::Test {
 protected:
  TemporaryDirectory folder;
  std::chrono::sys_seconds now{1'800'000'000s};
  std::unique_ptr<SiteStore> store = open();

  std::unique_ptr<SiteStore> open() {
    return std::make_unique<SiteStore>(folder.path(), [this] { return now; });
  }
  void restart() {
    store.reset();
    store = open();
  }
  // Epsilon 1.5 for each round.
  static tl::expected<double, std::string> price(int charged, double) {
    return 1.5 * (charged + 1);
  }
  RoundRecord round(const std::string& id) {
    RoundRecord record;
    record.id = id;
    record.planHash = "p";
    record.number = record.attempt = 1;
    record.start = SignedDocument{"round", {1, 0, 2}, "coordinator", {}};
    return record;
  }
};

TEST_F(SiteStoreTest, ChargesARoundOnceHoweverOftenItIsRepeated) {
  EXPECT_EQ(store->charge({"p", 1, "in"}, price), SiteStore::Charge::New);
  restart();
  EXPECT_EQ(store->charge({"p", 1, "in"}, price), SiteStore::Charge::Known);
  EXPECT_DOUBLE_EQ(store->epsilonSpent("p"), 1.5);
  EXPECT_EQ(store->charge({"p", 2, "in2"}, price), SiteStore::Charge::New);
  EXPECT_DOUBLE_EQ(store->epsilonSpent("p"), 3.0);
  EXPECT_EQ(store->charge({"q", 1, "in"}, price), SiteStore::Charge::New);
  EXPECT_DOUBLE_EQ(store->epsilonSpent(), 4.5);
  EXPECT_DOUBLE_EQ(store->epsilonSpentElsewhere("p"), 1.5);
  EXPECT_EQ(store->roundsCharged("p"), 2);
}

TEST_F(SiteStoreTest, RefusesAnotherInputUnderTheSameRoundNumber) {
  ASSERT_TRUE(store->charge({"p", 1, "in"}, price));
  EXPECT_EQ(store->charge({"p", 1, "other"}, price), SiteStore::Charge::OtherInput);
  EXPECT_EQ(store->roundsCharged("p"), 1);
}

TEST_F(SiteStoreTest, ChargesNothingWhenThePriceIsTooHigh) {
  const auto outcome =
      store->charge({"p", 1, "in"}, [](int, double) -> tl::expected<double, std::string> {
        return tl::unexpected(std::string("too much"));
      });
  EXPECT_EQ(outcome.error(), "too much");
  EXPECT_EQ(store->roundsCharged("p"), 0);
  EXPECT_THAT(store->audit(), IsEmpty());
}

TEST_F(SiteStoreTest, KeepsTheFirstListAndTheFirstWordForEver) {
  store->openRound(round("r"), SecretBytes(32), {"round", {{"round", "r"}}});
  using Names = std::vector<std::string>;
  EXPECT_EQ(store->keepSurvivors("r", {"a", "b", "c"}, {"s", {{"round", "r"}}}),
            (Names{"a", "b", "c"}));
  EXPECT_EQ(store->keepMessage("r", Step::Join, "join", {1, 2, 3}, std::nullopt), (Bytes{1, 2, 3}));
  EXPECT_EQ(store->keepOpened("p", 1, {"a", "b", "c"}), (Names{"a", "b", "c"}));
  restart();
  EXPECT_EQ(store->keepSurvivors("r", {"a", "b", "d"}, {"s", {{"round", "r"}}}),
            (Names{"a", "b", "c"}));
  EXPECT_EQ(store->keepMessage("r", Step::Join, "join", {9}, std::nullopt), (Bytes{1, 2, 3}));
  EXPECT_EQ(store->keepOpened("p", 1, {"x", "y", "z"}), (Names{"a", "b", "c"}));
  EXPECT_EQ(store->round("r")->start.payload, (Bytes{1, 0, 2}));
}

TEST_F(SiteStoreTest, WipesTheSecretsOfARoundThatIsOver) {
  const SecretBytes secret(viewOf("0123456789abcdef-very-secret-0123456789"));
  store->openRound(round("r"), secret, {"round", {{"round", "r"}}});
  ASSERT_EQ(textOf(store->secrets("r").view()), textOf(secret.view()));
  store->endRound("r", Step::Done, "done", {"round-end", {{"round", "r"}}});
  EXPECT_TRUE(store->secrets("r").empty());
  store.reset();  // SQLite writes the log back into the file
  std::ifstream file(folder.path() / "site.db", std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  ASSERT_THAT(content, HasSubstr("SQLite"));
  EXPECT_EQ(content.find(toBase64Url(secret.view())), std::string::npos);
  EXPECT_EQ(modeOf(folder.path() / "site.db"), 0600);
}

TEST_F(SiteStoreTest, NeverGoesBackToAnOlderRoster) {
  const SignedDocument five{"roster", {5}, "coordinator", {}}, otherFive{"roster", {55}, "c", {}};
  using Kept = SiteStore::Kept;
  EXPECT_EQ(store->keepRoster(5, five, {}), Kept::New);
  EXPECT_EQ(store->keepRoster(5, five, {}), Kept::Known);
  EXPECT_EQ(store->keepRoster(5, otherFive, {}), Kept::Different);
  EXPECT_EQ(store->keepRoster(4, {"roster", {4}, "coordinator", {}}, {}), Kept::Older);
  EXPECT_EQ(store->rosterNumber(), 5);
}

TEST_F(SiteStoreTest, ChainsItsLogOverRestarts) {
  for (int i = 0; i < 3; ++i) {
    now += 10s;
    store->note({"thing", {{"number", i}}});
    restart();
  }
  const auto entries = store->audit();
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[1].factsJson, R"({"number":1})");
  std::stringstream exported;
  exportAudit(exported, "site-1", entries);
  EXPECT_TRUE(verifyAudit(exported).intact);
}

TEST_F(SiteStoreTest, TakesOneDecisionOnAPlan) {
  const Decision yes{"p", "s", "Dr A", true, "good", now}, no{"p", "s", "Dr B", false, "bad", now};
  EXPECT_TRUE(store->decide(yes, {"decision", {{"plan", "p"}}}));
  EXPECT_FALSE(store->decide(no, {"decision", {{"plan", "p"}}}));
  ASSERT_EQ(store->unsentDecisions().size(), 1U);
  EXPECT_EQ(store->unsentDecisions()[0].by, "Dr A");
  store->markDecisionSent("p", {"decision-sent", {{"plan", "p"}}});
  EXPECT_THAT(store->unsentDecisions(), IsEmpty());
}

}  // namespace
}  // namespace fedpet::federation
