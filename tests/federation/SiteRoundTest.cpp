// Sites and coordinator together, through HTTP on the loopback interface.
#include "federation/site/SiteStore.h"
#include "tests/federation/SiteConsortium.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <semaphore>
#include <set>
#include <thread>

namespace fedpet::federation::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(SiteRounds, MaskedGiveWhatTheSumOfAllSitesGives) {
  SiteWorld world(4);
  const Plan plan = smallPlan(Masking::Ring64, 3);
  const std::string hash = world.runningPlan(plan);
  ASSERT_TRUE(world.finish(hash)) << world.planFacts(hash).dump(2) << world.log;
  EXPECT_EQ(world.resultOf(hash), world.expectedResult(plan));
  for (int i = 0; i < 6; ++i) world.stepAll();  // the last round is looked after, too
  for (auto& h : world.hospitals) {
    EXPECT_EQ(h->problem(), "");
    EXPECT_THAT(h->site->status().rounds, Each(HasSubstr("done"))) << h->name;
    for (const auto& [round, times] : h->trainer.computed) EXPECT_EQ(times, 1) << round;
    EXPECT_EQ(h->trainer.contributorsAtLeast, 3);
  }
}

TEST(SiteRounds, GiveTheSameWithoutMasksAndIn32Bits) {
  for (const Masking masking : {Masking::None, Masking::Ring32}) {
    SiteWorld world(3);
    for (auto& h : world.hospitals) h->policy.requireMasking = false;
    Plan plan = smallPlan(masking, 3);
    plan.maximumPatients = 100;  // 32 bits: a coarse step for a small sum
    const std::string hash = world.runningPlan(plan);
    ASSERT_TRUE(world.finish(hash)) << toString(masking) << world.planFacts(hash).dump(2);
    EXPECT_EQ(world.resultOf(hash), world.expectedResult(plan)) << toString(masking);
  }
}

TEST(SiteRounds, GoOnWithoutASiteThatFallsSilent) {
  for (const std::size_t silentFrom : {1U, 2U, 3U, 4U}) {  // share, contribute, confirm, reveal
    SiteWorld world(4);
    world.setIntercept([&](const net::HttpRequest& request, const std::string& site,
                           const std::function<Answer()>& answer) {
      if (site == "h4" && request.target.ends_with("/messages")) {
        const auto message =
            decode<RoundMessage>(decodeSignedDocument(viewOf(request.body)).payload);
        if (message.body.index() >= silentFrom) return Answer{503, {}, ""};
      }
      return answer();
    });
    world.runningPlan(smallPlan(Masking::Ring64, 3));
    const std::string round = world.openRound();
    for (int i = 0; i < 20 && world.openRound() == round; ++i) {
      const std::string before = world.stepOf(round);
      world.stepAll();
      if (world.stepOf(round) == before) world.wait(before == "contribute" ? 1001s : 101s);
    }
    EXPECT_EQ(world.stepOf(round), "done") << silentFrom << world.log;
  }
}

// --- killed and cut off ------------------------------------------------------------------------

// Kills h1 at its n-th request of each round, n = 1, 2, ...: before the request arrived, or after
// it was answered but before the answer did.
void killAtEveryRequest(bool answerIsLost) {
  SiteWorld world(4);
  Hospital& victim = world.hospital(1);
  std::atomic<int> countdown{-1};
  std::map<std::string, std::set<std::string>> said;  // payloads of h1 by round and step
  world.setIntercept([&](const net::HttpRequest& request, const std::string& site,
                         const std::function<Answer()>& answer) {
    if (site != "h1") return answer();
    if (request.target.ends_with("/messages")) {
      const auto document = decodeSignedDocument(viewOf(request.body));
      const auto message = decode<RoundMessage>(document.payload);
      said[message.roundId + " " + std::to_string(message.body.index())].insert(document.hashHex());
    }
    if (--countdown != 0) return answer();
    Answer cut;
    if (answerIsLost) cut = answer();
    cut.raw = "HTTP/1.1 20";
    return cut;
  });

  int requests = 1;
  std::size_t killed = 0;
  for (int planNumber = 1; requests <= 16; ++planNumber) {
    Plan plan = smallPlan(Masking::Ring64, 3);
    plan.title += " " + std::to_string(planNumber);
    const std::string hash = world.runningPlan(plan);
    std::string round;
    ASSERT_TRUE(world.runUntil([&] {
      if (world.openRound() != round) {
        round = world.openRound();
        countdown = ++requests;
      }
      if (countdown <= 0 && countdown > -1000) {  // it was cut: the program dies
        victim.boot();
        countdown = -1000;
        ++killed;
      }
      return world.status(hash) == "finished";
    })) << world.planFacts(hash).dump(2)
        << victim.problem();
    EXPECT_EQ(world.resultOf(hash), world.expectedResult(plan));
  }
  EXPECT_GE(killed, 10U);
  for (const auto& [what, payloads] : said)
    EXPECT_EQ(payloads.size(), 1U) << what << " was said in two ways";
  SiteStore store(victim.folder, [&] { return world.now; });
  for (const StoredPlan& plan : store.plans()) {
    const auto rounds = world.planFacts(plan.hash).at("rounds");
    EXPECT_EQ(store.roundsCharged(plan.hash), static_cast<int>(rounds.size()));
  }
  std::istringstream theirs(world.auditText()), ours(victim.auditText());
  EXPECT_THAT(compareAudits(theirs, ours), IsEmpty());
}

TEST(SiteRounds, SurviveAKillBeforeAnyRequest) { killAtEveryRequest(false); }
TEST(SiteRounds, SurviveAKillBeforeAnyAnswer) { killAtEveryRequest(true); }

TEST(SiteRounds, SurviveARestartOfTheCoordinatorAfterEachRequest) {
  SiteWorld world(3);
  std::mutex oneAtATime;
  world.setIntercept(
      [&](const net::HttpRequest&, const std::string&, const std::function<Answer()>& answer) {
        const std::lock_guard lock(oneAtATime);
        Answer result = answer();
        world.restart();
        return result;
      });
  world.runningPlan(smallPlan(Masking::Ring64, 3));
  const std::string round = world.openRound();
  ASSERT_TRUE(world.runUntil([&] { return world.openRound() != round; }));
  EXPECT_EQ(world.stepOf(round), "done");
  for (auto& h : world.hospitals) EXPECT_EQ(h->problem(), "");
}

TEST(SiteRounds, RepeatAFailedAttemptWithTheSameNumbersAndNoNewCharge) {
  SiteWorld world(4);
  world.hospital(1).trainer.spoil = [calls = 0](LocalResult& result) mutable {
    result.values[0] += ++calls;  // a trainer that does not repeat itself
  };
  const std::string hash = world.runningPlan(smallPlan(Masking::Ring64, 4));
  const std::string first = world.openRound();
  ASSERT_TRUE(world.runUntil([&] { return world.stepOf(first) == "contribute"; }));
  for (int n = 1; n <= 3; ++n) world.hospital(n).step();
  world.wait(1001s);  // h4 has not trained in time
  EXPECT_EQ(world.stepOf(first), "failed");
  world.hospital(4).step();
  world.wait(60s);
  ASSERT_TRUE(world.runUntil([&] { return !world.openRound().empty(); }));
  const std::string second = world.openRound();
  EXPECT_THAT(second, HasSubstr("-1-2"));
  ASSERT_TRUE(world.runUntil([&] { return world.openRound() != second; }));
  EXPECT_EQ(world.stepOf(second), "done");
  EXPECT_EQ(world.hospital(1).trainer.computed[1], 1);
}

TEST(SiteRounds, OpenASumForOneListOfSitesOnly) {
  SiteWorld world(4);
  bool revealsPass = false;
  world.setIntercept([&](const net::HttpRequest& request, const std::string& site,
                         const std::function<Answer()>& answer) {
    if (!revealsPass && site != "h1" && request.target.ends_with("/messages")) {
      const auto message = decode<RoundMessage>(decodeSignedDocument(viewOf(request.body)).payload);
      if (std::holds_alternative<RevealBody>(message.body)) {
        Answer busy;
        busy.status = 503;
        return busy;
      }
    }
    return answer();
  });
  const std::string hash = world.runningPlan(smallPlan(Masking::Ring64, 3));
  const std::string first = world.openRound();
  ASSERT_TRUE(world.runUntil([&] { return world.stepOf(first) == "reveal"; }));
  world.stepAll();   // h1 alone reveals
  world.wait(101s);  // and the round fails
  ASSERT_EQ(world.stepOf(first), "failed");

  revealsPass = true;
  world.wait(60s);
  const std::string second = world.openRound();
  ASSERT_THAT(second, HasSubstr("-1-2"));
  world.hospital(4).step();  // joins, and is silent then
  for (int i = 0; i < 20 && world.openRound() == second; ++i) {
    const std::string before = world.stepOf(second);
    for (int n = 1; n <= 3; ++n) world.hospital(n).step();
    if (world.stepOf(second) == before) world.wait(101s);
  }
  // With answers to both the coordinator could have told h4's numbers from the difference.
  EXPECT_EQ(world.stepOf(second), "failed");
  EXPECT_THAT(world.auditText(), HasSubstr("OpenedBefore"))
      << world.adminJson("GET", "rounds").dump(1);

  std::string third;
  ASSERT_TRUE(world.runUntil([&] {
    world.wait(60s);
    third = world.openRound();
    return !third.empty();
  }));
  ASSERT_TRUE(world.runUntil([&] { return world.openRound() != third; }));
  EXPECT_EQ(world.stepOf(third), "done") << "the same four sites may open it";
}

TEST(SiteRounds, SendAgainWhatTheCoordinatorHasLost) {
  SiteWorld world(3);
  int lost = 0;
  world.setIntercept([&](const net::HttpRequest& request, const std::string& site,
                         const std::function<Answer()>& answer) {
    if (site == "h1" && lost < 2 && request.target.ends_with("/messages")) {
      const auto message = decode<RoundMessage>(decodeSignedDocument(viewOf(request.body)).payload);
      if (const auto* said = std::get_if<ContributeBody>(&message.body)) {
        std::filesystem::remove(world.settings.folder / "contributions" / "h1" / said->blobSha256);
        ++lost;
      }
    }
    return answer();
  });
  const Plan plan = smallPlan(Masking::Ring64, 3);
  const std::string hash = world.runningPlan(plan);
  ASSERT_TRUE(world.finish(hash)) << world.hospital(1).observer.all;
  EXPECT_EQ(lost, 2);
  EXPECT_THAT(world.hospital(1).observer.all, HasSubstr("has lost the upload"));
  EXPECT_EQ(world.resultOf(hash), world.expectedResult(plan));
  for (const auto& round : world.adminJson("GET", "rounds"))
    EXPECT_THAT(round.at("id").get<std::string>(), ::testing::EndsWith("-1")) << "a second attempt";
}

TEST(SiteRounds, EndForASiteWhoseMessageIsRefusedForAnotherReason) {
  SiteWorld world(3);
  int refused = 0;
  world.setIntercept([&](const net::HttpRequest& request, const std::string& site,
                         const std::function<Answer()>& answer) {
    if (site == "h1" && request.target.ends_with("/messages")) {
      const auto message = decode<RoundMessage>(decodeSignedDocument(viewOf(request.body)).payload);
      if (std::holds_alternative<ContributeBody>(message.body)) {
        ++refused;
        const Bytes no = encode(MessageReply{Verdict::Refused, "not you"});
        return Answer{200, {}, std::string(no.begin(), no.end())};
      }
    }
    return answer();
  });
  world.runningPlan(smallPlan(Masking::Ring64, 3));
  for (int i = 0; i < 10; ++i) world.stepAll();
  EXPECT_EQ(refused, 1) << "the upload is there: sending it again would change nothing";
  EXPECT_THAT(world.hospital(1).site->status().rounds.back(), HasSubstr("not you"));
}

// Two vectors under the same masks show their difference.
TEST(SiteRounds, NeverSendOtherNumbersUnderTheSameMasks) {
  SiteWorld world(3);
  std::set<std::string> uploads;
  world.setIntercept([&](const net::HttpRequest& request, const std::string& site,
                         const std::function<Answer()>& answer) {
    if (site != "h1") return answer();
    if (request.method == "PUT") uploads.insert(request.body);
    if (request.method == "PUT") return Answer{503, {}, ""};
    return answer();
  });
  Hospital& h = world.hospital(1);
  world.runningPlan(smallPlan(Masking::Ring64, 3));
  const std::string round = world.openRound();
  ASSERT_TRUE(world.runUntil([&] { return world.stepOf(round) == "contribute"; }));
  h.step();
  ASSERT_EQ(uploads.size(), 1U);
  h.boot();
  h.step();
  EXPECT_EQ(uploads.size(), 1U) << "made again from the journal, it is the same";
  std::filesystem::remove_all(h.folder / "results");
  h.trainer.spoil = [](LocalResult& result) { result.values[0] += 1; };
  h.boot();
  h.step();
  EXPECT_EQ(uploads.size(), 1U);
  EXPECT_THAT(h.site->status().rounds.front(), HasSubstr("computing it again gave another one"));
}

// --- training beside the conversation ----------------------------------------------------------

class SlowTrainer : public SumsTrainer {
 public:
  tl::expected<LocalResult, CannotTakePart> compute(const Plan& plan, int round,
                                                    const RoundInput& input, int atLeast,
                                                    const std::function<void(int)>& progress,
                                                    std::stop_token stop) override {
    if (plan.title == "slow") {
      begun.release();
      mayEnd.acquire();
    }
    return SumsTrainer::compute(plan, round, input, atLeast, progress, stop);
  }
  std::counting_semaphore<64> begun{0}, mayEnd{0};
};

TEST(SiteRounds, AreAnsweredWhileAnotherPlanTrains) {
  SiteWorld world(5);
  world.settings.pollInterval = 1s;
  world.restart();
  Plan quick = smallPlan(Masking::Ring64, 3), slow = quick;
  quick.title = "quick";
  slow.title = "slow";
  slow.purpose = "quality";
  // h1 takes part in both plans, the others in one each.
  for (const int n : {2, 3}) world.hospital(n).policy.allowedPurposes = {quick.purpose};
  for (const int n : {4, 5}) world.hospital(n).policy.allowedPurposes = {slow.purpose};
  world.runningPlan(quick);
  const std::string quickRound = world.openRound();
  for (int i = 0; i < 30 && world.stepOf(quickRound) != "contribute"; ++i)
    world.hospital(i % 3 + 1).step();
  ASSERT_EQ(world.stepOf(quickRound), "contribute");

  Hospital& h = world.hospital(1);
  h.site.reset();
  SlowTrainer trainer;
  trainer.seed = h.trainer.seed;
  Site site(h.siteSettings(), trainer, h.observer);
  site.step({});  // contributes to the quick one, which then waits for the last of the three
  const std::string slowPlan = world.propose(slow);
  site.step({});
  for (const int n : {4, 5}) world.hospital(n).step();
  world.start(slowPlan);
  const std::string slowRound = slowPlan.substr(0, 16) + "-1-1";

  std::jthread running([&](std::stop_token stop) { site.run(stop); });
  const auto soon = [&](const std::string& round, const char* step, std::array<int, 2> others) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (world.stepOf(round) != step && std::chrono::steady_clock::now() < end) {
      for (const int n : others) world.hospital(n).step();
      world.coordinator->tick();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return world.stepOf(round) == step;
  };
  ASSERT_TRUE(soon(slowRound, "contribute", {4, 5}));
  trainer.begun.acquire();  // from here on h1 trains until the test lets it
  EXPECT_EQ(world.stepOf(quickRound), "contribute");
  EXPECT_TRUE(soon(quickRound, "done", {2, 3})) << "h1 must confirm and reveal meanwhile";
  EXPECT_EQ(world.stepOf(slowRound), "contribute");
  trainer.mayEnd.release(60);
  EXPECT_TRUE(soon(slowRound, "done", {4, 5})) << site.status().lastProblem;
  running.request_stop();
  running.join();
  EXPECT_EQ(trainer.computed[1], 2) << "once for each plan";
}

TEST(SiteRounds, StopTheirTrainingWithTheProgram) {
  SiteWorld world(3);
  Hospital& h = world.hospital(1);
  world.runningPlan(smallPlan(Masking::Ring64, 3));
  const std::string round = world.openRound();
  ASSERT_TRUE(world.runUntil([&] { return world.stepOf(round) == "contribute"; }));
  struct UntilStopped : SumsTrainer {
    tl::expected<LocalResult, CannotTakePart> compute(const Plan&, int, const RoundInput&, int,
                                                      const std::function<void(int)>&,
                                                      std::stop_token stop) override {
      begun.release();
      while (!stop.stop_requested()) std::this_thread::yield();
      return LocalResult{{1, 2, 3}, "{}"};  // no answer
    }
    std::counting_semaphore<8> begun{0};
  } trainer;
  h.site.reset();
  {
    Site site(h.siteSettings(), trainer, h.observer);
    std::jthread running([&](std::stop_token stop) { site.run(stop); });
    trainer.begun.acquire();
  }
  EXPECT_FALSE(std::filesystem::exists(h.folder / "results" / (round.substr(0, 16) + "-1")));
  ASSERT_TRUE(world.runUntil([&] { return world.openRound() != round; }));
  EXPECT_EQ(world.stepOf(round), "done") << "with the numbers of the next start";
}

// --- what is old -------------------------------------------------------------------------------

TEST(SiteRounds, LeaveAWholeLogWhenTheyAreForgotten) {
  SiteWorld world(3);
  const std::string hash = world.runningPlan(smallPlan(Masking::Ring64, 3));
  ASSERT_TRUE(world.finish(hash));
  for (int i = 0; i < 6; ++i) world.stepAll();
  Hospital& h = world.hospital(1);
  const auto store = [&] { return SiteStore(h.folder, [&] { return world.now; }); };
  const std::size_t before = store().rounds(100).size();
  ASSERT_GT(before, 2U);
  const int firstRoster = store().rosterNumber();
  Hospital late(world, "h4", 4);
  late.enrol();
  h.step();
  ASSERT_GT(store().rosterNumber(), firstRoster);
  const int charged = store().roundsCharged(hash);
  const auto old = h.folder / "blobs" / std::string(64, 'a'),
             young = h.folder / "blobs" / std::string(64, 'b');
  for (const auto& path : {old, young}) std::ofstream(path) << "input of a round that failed";
  std::filesystem::last_write_time(
      old, std::filesystem::file_time_type::clock::now() - std::chrono::hours(31 * 24));

  world.now += std::chrono::hours(29 * 24);
  h.step();
  EXPECT_EQ(store().rounds(100).size(), before) << "not yet";
  world.now += std::chrono::hours(2 * 24);
  h.step();
  EXPECT_EQ(h.problem(), "");
  EXPECT_EQ(store().rounds(100).size(), 1U);
  EXPECT_FALSE(store().roster(firstRoster));
  EXPECT_TRUE(store().roster(store().rosterNumber()));
  EXPECT_FALSE(std::filesystem::exists(old));
  EXPECT_TRUE(std::filesystem::exists(young));
  EXPECT_EQ(store().roundsCharged(hash), charged) << "the budget forgets nothing";
  EXPECT_EQ(store().newestRound(hash).first, charged) << "older numbers stay refused";
  std::istringstream theirs(world.auditText()), ours(h.auditText());
  EXPECT_THAT(compareAudits(theirs, ours), IsEmpty());
  // And it goes on.
  Plan next = smallPlan(Masking::Ring64, 3);
  next.title = "another";
  const std::string second = world.runningPlan(next);
  ASSERT_TRUE(world.finish(second)) << h.problem();
  EXPECT_THAT(h.site->status().rounds.front(), HasSubstr(second.substr(0, 16)));
}

// --- taking part, or not -----------------------------------------------------------------------

TEST(SiteRounds, AreLeftWithAReasonAndNoNumbers) {
  struct Case {
    std::function<void(Hospital&)> make;
    const char* code;
    const char* detail;  // for the site's own eyes
  };
  const Case cases[] = {
      {[](Hospital& h) { h.trainer.patientsClaimed = 7, h.policy.minimumPatients = 8; },
       "TooFewPatients", "7 of 8"},
      {[](Hospital& h) { h.trainer.patientsClaimed = 471147; }, "TooManyPatients", "471147"},
      {[](Hospital& h) { h.trainer.refusal = "column age is missing"; }, "CannotTakePart",
       "column age"},
      {[](Hospital& h) { h.policy.allowedPurposes = {"war"}; }, "PolicyForbids", "purpose"},
      {[](Hospital& h) { h.trainer.spoil = [](LocalResult& r) { r.values[0] = std::nan(""); }; },
       "TrainerFailed", "finite"},
      {[](Hospital& h) { h.trainer.spoil = [](LocalResult& r) { r.values[0] = 1e30; }; },
       "TrainerFailed", "bound"},
      {[](Hospital& h) { h.trainer.spoil = [](LocalResult& r) { r.values.pop_back(); }; },
       "TrainerFailed", "numbers"},
      {[](Hospital& h) {
         h.trainer.spoil = [](LocalResult&) { throw std::runtime_error("patient 471147 is odd"); };
       },
       "TrainerFailed", "471147"},
  };
  for (const Case& c : cases) {
    SiteWorld world(4);
    Plan plan = smallPlan(Masking::Ring64, 3);
    plan.minimumPatients = 8;
    const std::string hash = world.runningPlan(plan);
    Hospital& odd = world.hospital(1);
    c.make(odd);
    odd.boot();  // with its new policy
    const std::string round = world.openRound();
    ASSERT_TRUE(world.runUntil([&] { return world.openRound() != round; }, 30)) << c.code;
    EXPECT_EQ(world.stepOf(round), "done") << "the others go on";
    const std::string ending = odd.site->status().rounds.back();
    EXPECT_THAT(ending, HasSubstr(c.code));
    EXPECT_THAT(ending, HasSubstr(c.detail));
    EXPECT_THAT(world.auditText(), HasSubstr(c.code));
    EXPECT_THAT(world.auditText(), Not(HasSubstr("471147"))) << "a detail was told";
    EXPECT_THAT(odd.auditText(), Not(HasSubstr("471147")));
  }
}

TEST(SiteRounds, TryATrainingAgainThatDiedOnce) {
  SiteWorld world(3);
  world.hospital(1).trainer.spoil = [calls = 0](LocalResult&) mutable {
    if (++calls == 1) throw std::runtime_error("the process was killed");
  };
  world.runningPlan(smallPlan(Masking::Ring64, 3));
  const std::string round = world.openRound();
  ASSERT_TRUE(world.runUntil([&] { return world.openRound() != round; }));
  EXPECT_EQ(world.stepOf(round), "done");
  EXPECT_THAT(world.hospital(1).observer.all, HasSubstr("the process was killed"));
}

TEST(SiteRounds, WaitForTheHoursThatThePolicyGrants) {
  SiteWorld world(3);
  Hospital& nightly = world.hospital(1);
  const std::string hash = world.runningPlan(smallPlan(Masking::Ring64, 3));
  const auto hourNow = [&] {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(world.now);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return parts.tm_hour;
  };
  nightly.policy.hoursOfDay = {(hourNow() + 1) % 24, (hourNow() + 2) % 24};
  nightly.boot();
  const std::string round = world.openRound();
  for (int i = 0; i < 5; ++i) world.stepAll();
  EXPECT_EQ(world.stepOf(round), "join");
  EXPECT_EQ(nightly.problem(), "");
  nightly.clockError = 1h;
  for (int i = 0; i < 5 && world.stepOf(round) == "join"; ++i) world.stepAll();
  EXPECT_NE(world.stepOf(round), "join");
}

Plan noisyPlan() {
  Plan plan = smallPlan(Masking::Ring64, 3);
  plan.task = TaskKind::Train;
  plan.training.rounds = 3;
  plan.training.localSteps = 1;
  plan.privacy.noise = NoiseKind::Distributed;
  plan.privacy.noiseMultiplier = 0.5;
  plan.privacy.sampleRate = 0.5;
  plan.privacy.epsilon = 100;  // not an example: a hundred patients cannot hide well
  plan.privacy.delta = 1e-5;
  return plan;
}

TEST(SiteRounds, StopWhenTheBudgetIsSpent) {
  SiteWorld world(4);
  for (auto& h : world.hospitals) h->policy.maximumEpsilon = 1000;
  const Plan plan = noisyPlan();
  ASSERT_THAT(faultsOf(plan), IsEmpty());
  const std::string hash = world.runningPlan(plan);
  Hospital& strict = world.hospital(1);
  // Enough for one round and not for two.
  const std::string round = world.openRound();
  ASSERT_TRUE(world.runUntil([&] { return world.openRound() != round; }));
  const double afterOne = strict.site->status().epsilonSpent;
  ASSERT_GT(afterOne, 0);
  {
    SiteStore store(strict.folder, [&] { return world.now; });
    // Another plan has eaten the rest.
    const auto eaten = [&](int, double) {
      return tl::expected<double, std::string>(999.9 - afterOne);
    };
    ASSERT_TRUE(store.charge({std::string(64, 'e'), 1, "in"}, eaten));
  }
  world.runUntil([&] { return world.status(hash) != "running"; }, 30);
  EXPECT_LE(strict.site->status().epsilonSpent, 1000);
  EXPECT_THAT(strict.site->status().rounds.front(), HasSubstr("PolicyForbids")) << strict.problem();
}

TEST(SiteRounds, ShowAndLogWhatTheyCost) {
  SiteWorld world(3);
  for (auto& h : world.hospitals) h->policy.maximumEpsilon = 200;
  const std::string hash = world.runningPlan(noisyPlan());
  ASSERT_TRUE(world.finish(hash)) << world.planFacts(hash).at("reason") << world.log;
  const SiteStatus status = world.hospital(1).site->status();
  EXPECT_GT(status.epsilonSpent, 0);
  EXPECT_LE(status.epsilonSpent, 100);
  EXPECT_EQ(status.epsilonAllowed, 200);
  ASSERT_EQ(status.plans.size(), 1U);
  EXPECT_EQ(status.plans[0].epsilonSpent, status.epsilonSpent);
  EXPECT_THAT(world.hospital(1).auditText(), HasSubstr("budget"));
}

// --- plans -------------------------------------------------------------------------------------

TEST(SitePlans, WaitForAPersonWhoseDecisionIsFinal) {
  SiteWorld world(3);
  for (auto& h : world.hospitals) h->policy.approveAutomatically = false;
  const std::string hash = world.propose(smallPlan(Masking::Ring64, 3));
  world.stepAll();
  Hospital& h = world.hospital(1);
  ASSERT_EQ(h.site->status().plans.size(), 1U);
  EXPECT_FALSE(h.site->status().plans[0].decision);
  EXPECT_THROW(h.site->decide(std::string(64, '0'), true, "Dr A", ""), std::invalid_argument);
  EXPECT_THROW(h.site->decide(hash.substr(0, 12), true, "Dr A", ""), std::invalid_argument);
  EXPECT_THROW(h.site->decide(hash, true, "", ""), std::invalid_argument);
  h.site->decide(hash, true, "Dr A", "ethics vote 12");
  EXPECT_THROW(h.site->decide(hash, false, "Dr B", ""), std::invalid_argument);
  h.boot();  // before it was sent
  h.step();
  const json decisions = world.planFacts(hash).at("decisions");
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions[0].at("site"), "h1");
  EXPECT_EQ(decisions[0].at("by"), "Dr A");
  EXPECT_EQ(decisions[0].at("approved"), true);
  world.hospital(2).site->decide(hash, false, "Dr C", "no");
  world.hospital(2).step();
  EXPECT_EQ(world.planFacts(hash).at("decisions").size(), 2U);
}

TEST(SitePlans, AreNotApprovedAgainstThePolicy) {
  SiteWorld world(1);
  Hospital& h = world.hospital(1);
  h.policy.allowedPurposes = {"quality"};
  const std::string hash = world.propose(smallPlan(Masking::Ring64, 3));
  h.step();
  ASSERT_EQ(h.site->status().plans.size(), 1U);
  EXPECT_THAT(h.site->status().plans[0].policyObjections, ElementsAre(HasSubstr("research")));
  EXPECT_FALSE(h.site->status().plans[0].decision) << "the policy is no person: it rejects nothing";
  EXPECT_THROW(h.site->decide(hash, true, "Dr A", ""), std::invalid_argument);
  EXPECT_NO_THROW(h.site->decide(hash, false, "Dr A", ""));
}

// --- releases ----------------------------------------------------------------------------------

TEST(SiteReleases, AreCheckedAndStored) {
  SiteWorld world(3);
  const Plan plan = smallPlan(Masking::Ring64, 3);
  const std::string hash = world.runningPlan(plan);
  ASSERT_TRUE(world.finish(hash));
  const std::string release =
      world.adminJson("POST", "releases", json{{"planHash", hash}, {"title", "A model"}}.dump())
          .at("hash")
          .get<std::string>();
  Hospital& h = world.hospital(1);
  h.step();
  EXPECT_EQ(h.problem(), "");
  const auto folder = h.folder / "releases" / release;
  std::ifstream file(folder / "release.cbor", std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  const auto document = decodeSignedDocument(viewOf(content));
  EXPECT_EQ(document.hashHex(), release);
  const auto facts = decode<Release>(document.payload);
  EXPECT_EQ(facts.planHash, hash);
  EXPECT_FALSE(facts.files.empty());
  for (const auto& [name, sha256] : facts.files) {
    std::ifstream part(folder / name, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(part), {}};
    EXPECT_EQ(sha256Hex(viewOf(bytes)), sha256) << name;
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "result.json"));
  EXPECT_THAT(h.auditText(), HasSubstr(release));
}

}  // namespace
}  // namespace fedpet::federation::testing
