// Whole rounds through Coordinator::handle().
#include "tests/federation/TestConsortium.h"

#include <atomic>
#include <cmath>
#include <sstream>
#include <thread>

namespace fedpet::federation::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string inputOf(RunningConsortium& c, const std::string& round) {
  return decode<RoundStart>(c.site(1).view(round).start.payload).inputSha256;
}

class CoordinatorRounds : public ::testing::TestWithParam<Masking> {};

TEST_P(CoordinatorRounds, MakeTheSumOfAllSitesAndGoOnToTheNext) {
  RunningConsortium c(4, smallPlan(GetParam(), 3));
  c.start();
  Progress expected = begin(c.plan);
  for (int number = 1; number <= 2; ++number) {
    const std::string round = c.openRound();
    EXPECT_EQ(inputOf(c, round), sha256Hex(encode(expected.input))) << "round " << number;
    c.runRound();
    ASSERT_EQ(c.statusOf(round), "done");
    expected = c.expectedAfter(expected, {1, 2, 3, 4});
  }
  EXPECT_EQ(inputOf(c, c.openRound()), sha256Hex(encode(expected.input)));
}

TEST_P(CoordinatorRounds, FinishThePlanAndReleaseWhatItMade) {
  RunningConsortium c(3, smallPlan(GetParam(), 3));
  c.start();
  c.runPlan();
  ASSERT_EQ(c.status(), "finished");
  EXPECT_EQ(c.admin("POST", "plans/" + c.hash + "/start").status, 409);

  Progress expected = begin(c.plan);
  while (!expected.outcome) expected = c.expectedAfter(expected, {1, 2, 3});
  const auto hash = c.adminJson("POST", "releases", json{{"planHash", c.hash}}.dump()).at("hash");
  EXPECT_EQ(c.adminJson("POST", "releases", json{{"planHash", c.hash}}.dump()).at("hash"), hash);
  std::string told;
  for (const auto& a : c.site(1).poll().assignments)
    if (a.kind == Assignment::Kind::Release) told = a.releaseHash;
  ASSERT_EQ(told, hash);
  const auto document = decodeSignedDocument(c.site(1).call("GET", "/v1/releases/" + told).body);
  const json about =
      json::parse(textOf(c.coordinator->handle({"GET", "/v1/consortium", {}, {}, {}}).body));
  const Bytes keyBytes = fromHex(about.at("coordinatorKey").get<std::string>());
  PublicKey key{};
  std::copy(keyBytes.begin(), keyBytes.end(), key.begin());
  ASSERT_NO_THROW(requireSignature(document, "release", "coordinator", key));
  const auto release = decode<Release>(document.payload);
  EXPECT_EQ(release.planHash, c.hash);
  EXPECT_EQ(release.contributors.size(), 3U);
  for (const auto& who : release.contributors) EXPECT_THAT(who, Not(HasSubstr("s1")));
  const auto parameters = decodeRoundInput(c.site(2).download(release.files.at("parameters.cbor")));
  EXPECT_EQ(parameters.values, expected.outcome->values);
  EXPECT_EQ(textOf(c.site(2).download(release.files.at("outcome.json"))),
            expected.outcome->resultJson);
  EXPECT_THAT(c.auditText(), HasSubstr(release.auditHead));
}

TEST_P(CoordinatorRounds, ComeToTheSameSumWhenTheCoordinatorDiesAfterEveryAnswer) {
  RunningConsortium c(4, smallPlan(GetParam(), 3));
  c.restartAfterEachRequest = true;
  c.start();
  const Progress first = begin(c.plan);
  const std::string round = c.runRound();
  EXPECT_EQ(c.statusOf(round), "done");
  const Progress second = c.expectedAfter(first, {1, 2, 3, 4});
  EXPECT_EQ(inputOf(c, c.openRound()), sha256Hex(encode(second.input)));
}

TEST_P(CoordinatorRounds, SurviveTheDropoutOfOneSiteAtEveryStep) {
  const bool masked = GetParam() != Masking::None;
  for (const Step step : {Step::Join, Step::Share, Step::Contribute, Step::Confirm, Step::Reveal}) {
    if (!masked && step != Step::Join && step != Step::Contribute) continue;
    RunningConsortium c(4, smallPlan(GetParam(), 3));
    c.start();
    const std::string round = c.runRound({{"s3", step}});
    ASSERT_EQ(c.statusOf(round), "done") << toString(step);
    const bool contributed = step > Step::Contribute;
    const Progress next = c.expectedAfter(
        begin(c.plan), contributed ? std::vector{1, 2, 3, 4} : std::vector{1, 2, 4});
    EXPECT_EQ(c.planFacts(c.hash)["rounds"][0]["contributors"].size(), contributed ? 4U : 3U);
    // A site that said nothing is not waited for again: 3 are invited to the next.
    EXPECT_EQ(inputOf(c, c.openRound()), sha256Hex(encode(next.input))) << toString(step);
  }
}

TEST_P(CoordinatorRounds, CountARepeatedMessageOnceAndRefuseAnotherInItsPlace) {
  RunningConsortium c(3, smallPlan(GetParam(), 3));
  c.start();
  const std::string round = c.openRound();
  while (c.statusOf(round) == "open") {
    const Step step = c.site(1).view(round).step;
    for (auto& site : c.sites) {
      const RoundView seen = site->view(round);
      if (seen.step != step) break;
      RoundMessage message = site->messageFor(round, seen);
      EXPECT_EQ(answerOf<MessageReply>(site->tell(round, message)).verdict, Verdict::Accepted);
      c.restart();
      EXPECT_EQ(answerOf<MessageReply>(site->tell(round, message)).verdict, Verdict::Duplicate);
      if (auto* join = std::get_if<JoinBody>(&message.body); join && !join->maskKey.empty()) {
        join->maskKey[0] ^= 1;
        EXPECT_EQ(answerOf<MessageReply>(site->tell(round, message)).verdict, Verdict::Refused);
      }
    }
  }
  EXPECT_EQ(c.statusOf(round), "done");
  EXPECT_EQ(c.planFacts(c.hash)["rounds"][0]["contributors"].size(), 3U);
}

INSTANTIATE_TEST_SUITE_P(Masks, CoordinatorRounds,
                         ::testing::Values(Masking::None, Masking::Ring64, Masking::Ring32),
                         [](const auto& test) {
                           return test.param == Masking::None     ? "None"
                                  : test.param == Masking::Ring64 ? "Ring64"
                                                                  : "Ring32";
                         });

TEST(Coordinator, ServesAllSitesAtOnce) {
  RunningConsortium c(5, smallPlan(Masking::Ring64, 3));
  c.start();
  const std::string round = c.openRound();
  {
    std::atomic<bool> over = false;
    std::jthread clock([&] {
      while (!over) c.coordinator->tick();
    });
    std::vector<std::jthread> threads;
    for (auto& site : c.sites)
      threads.emplace_back([&site, &round] {
        for (Step done = Step::Failed;;) {
          site->poll();
          const RoundView seen = site->view(round);
          if (seen.step == Step::Done || seen.step == Step::Failed) return;
          if (seen.step != done) site->say(round, seen);
          done = seen.step;
        }
      });
    threads.clear();  // waits for them
    over = true;
  }
  c.coordinator->tick();
  EXPECT_EQ(c.statusOf(round), "done");
  const Progress next = c.expectedAfter(begin(c.plan), {1, 2, 3, 4, 5});
  EXPECT_EQ(inputOf(c, c.openRound()), sha256Hex(encode(next.input)));
  EXPECT_THAT(c.log, IsEmpty());
}

// --- attempts ----------------------------------------------------------------------------------

TEST(Coordinator, OpensTheRoundAgainAfterAPauseThatGrowsAndAtLastPausesThePlan) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  c.start();
  const std::vector<std::chrono::seconds> pauses{10s, 20s, 40s};  // pollInterval, doubled
  for (int attempt = 1; attempt <= 4; ++attempt) {
    const std::string round = c.openRound();
    EXPECT_THAT(round, ::testing::EndsWith("-1-" + std::to_string(attempt)));
    c.wait(100s);
    EXPECT_EQ(c.statusOf(round), "failed");
    if (attempt == 4) break;
    const auto pause = pauses[static_cast<std::size_t>(attempt - 1)];
    c.wait(pause - 1s);
    EXPECT_EQ(c.openRound(), "");
    c.wait(1s);
  }
  EXPECT_EQ(c.status(), "paused");
  EXPECT_THAT(c.planFacts(c.hash)["reason"].get<std::string>(),
              HasSubstr("failed 4 times; the last time the deadline of step join passed"));
  c.start();  // a person found out why
  EXPECT_THAT(c.openRound(), ::testing::EndsWith("-1-5"));
  const std::string round = c.runRound();
  EXPECT_EQ(c.statusOf(round), "done");
}

TEST(Coordinator, KeepsAPauseBetweenAttemptsOverARestart) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  c.start();
  c.wait(100s);
  c.restart();
  c.wait(9s);
  EXPECT_EQ(c.openRound(), "");
  c.wait(1s);
  EXPECT_THAT(c.openRound(), ::testing::EndsWith("-1-2"));
}

TEST(Coordinator, FailsAMaskedRoundWhenTooFewRevealAndDropsWhatWasSent) {
  RunningConsortium c(4, smallPlan(Masking::Ring64, 3));
  c.start();
  const std::string round = c.runRound({{"s3", Step::Reveal}, {"s4", Step::Reveal}});
  EXPECT_EQ(c.statusOf(round), "failed");
  EXPECT_TRUE(std::filesystem::is_empty(c.settings.folder / "contributions"));
}

TEST(Coordinator, RepeatsARoundThatWasHalfOpenedWithTheSameSurvivors) {
  RunningConsortium c(5, smallPlan(Masking::Ring64, 3));
  c.start();
  c.runRound({{"s5", Step::Contribute}, {"s3", Step::Reveal}});  // 3 of 4 reveal, 4 are needed
  c.wait(10s);
  const std::string again = c.openRound();
  const auto start = decode<RoundStart>(c.site(1).view(again).start.payload);
  EXPECT_THAT(start.invited, ::testing::ElementsAre("s1", "s2", "s3", "s4"));
  for (int turn = 0; turn < 5; ++turn)
    for (int i = 1; i <= 4; ++i) c.site(i).act(again);
  EXPECT_EQ(c.statusOf(again), "done");
}

TEST(Coordinator, PausesAPlanWhoseHalfOpenedRoundCannotBeRepeated) {
  RunningConsortium c(4, smallPlan(Masking::Ring64, 3));
  c.start();
  c.runRound({{"s3", Step::Reveal}, {"s4", Step::Reveal}});
  c.adminJson("POST", "sites/s4/revocation");
  c.wait(10s);
  EXPECT_EQ(c.status(), "paused");
  EXPECT_THAT(c.planFacts(c.hash)["reason"].get<std::string>(), HasSubstr("cancel the plan"));
}

TEST(Coordinator, EndsAnOpenRoundWhenItsPlanIsCancelled) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  c.start();
  const std::string round = c.openRound();
  c.adminJson("POST", "plans/" + c.hash + "/cancel", R"({"reason":"no more funds"})");
  EXPECT_EQ(c.site(1).view(round).step, Step::Failed);
  EXPECT_THAT(c.site(1).view(round).failure, HasSubstr("cancelled"));
  EXPECT_EQ(c.site(1).say(round, JoinBody{}).verdict, Verdict::TooLate);
  c.wait(5000s);
  EXPECT_EQ(c.openRound(), "");
  EXPECT_EQ(c.status(), "cancelled");
}

TEST(Coordinator, LeavesARevokedSiteOutOfThePlainRoundItIsIn) {
  RunningConsortium c(4, smallPlan(Masking::None, 3));
  c.start();
  const std::string round = c.openRound();
  for (auto& site : c.sites) site->act(round);
  c.site(4).act(round);  // has contributed
  c.adminJson("POST", "sites/s4/revocation", R"({"reason":"lost its key"})");
  EXPECT_EQ(codeOf(c.site(4).call("POST", "/v1/poll")), "Revoked");
  EXPECT_EQ(c.site(4).call("POST", "/v1/poll").status, 403);
  for (int i = 1; i <= 3; ++i) c.site(i).act(round);
  EXPECT_EQ(c.statusOf(round), "done");
  const Progress next = c.expectedAfter(begin(c.plan), {1, 2, 3});
  EXPECT_EQ(inputOf(c, c.openRound()), sha256Hex(encode(next.input)));
}

TEST(Coordinator, RepeatsAMaskedRoundWithoutASiteThatIsRevokedInIt) {
  RunningConsortium c(4, smallPlan(Masking::Ring64, 3));
  c.start();
  const std::string round = c.openRound();
  for (auto& site : c.sites) site->act(round);
  c.adminJson("POST", "sites/s4/revocation");
  EXPECT_EQ(c.site(1).view(round).step, Step::Failed);
  c.wait(10s);
  const std::string again = c.openRound();
  const auto start = decode<RoundStart>(c.site(1).view(again).start.payload);
  EXPECT_THAT(start.invited, ::testing::ElementsAre("s1", "s2", "s3"));
}

TEST(Coordinator, DoesNotInviteASiteThatTookItsApprovalBack) {
  RunningConsortium c(4, smallPlan(Masking::Ring64, 3));
  c.start();
  const std::string first = c.openRound();
  c.now += 1s;
  EXPECT_EQ(answerOf<MessageReply>(c.site(2).decide(c.hash, false)).verdict, Verdict::Accepted);
  EXPECT_THAT(c.stateOf(first)["withdrawn"], ::testing::ElementsAre("s2"));
  for (int i : {1, 3, 4}) c.site(i).act(first);
  EXPECT_EQ(c.site(1).view(first).step, Step::Share);
}

TEST(Coordinator, StartsNoPlanBeforeAQuorumHasApproved) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  c.now += 1s;
  c.site(1).decide(c.hash, false);
  EXPECT_EQ(codeOf(c.admin("POST", "plans/" + c.hash + "/start")), "NotApproved");
  c.now += 1s;
  c.site(1).decide(c.hash, true);
  c.start();
  EXPECT_NE(c.openRound(), "");
}

// --- what a sum is made of ---------------------------------------------------------------------

TEST(Coordinator, HandsSingleVectorsToARobustRule) {
  Plan plan = smallPlan(Masking::None, 3);
  plan.task = TaskKind::Train;
  plan.training.robust = RobustRule::Median;
  RunningConsortium c(5, plan);
  c.start();
  c.runPlan();
  ASSERT_EQ(c.status(), "finished") << c.planFacts(c.hash);
  Progress expected = begin(c.plan);
  while (!expected.outcome) expected = c.expectedAfter(expected, {1, 2, 3, 4, 5});
  EXPECT_EQ(c.planFacts(c.hash)["parameters"], sha256Hex(encode(modelBlobOf(*expected.outcome))));
}

// Rounds of one attempt, which all sites speak in until it is over.
std::vector<std::string> runGroups(RunningConsortium& c, const std::string& silent) {
  std::vector<std::string> groups;
  for (const auto& round : c.adminJson("GET", "rounds"))
    if (round["status"] == "open") groups.push_back(round["id"].get<std::string>());
  for (int turn = 0; turn < 8; ++turn) {
    for (auto& site : c.sites) {
      const std::string round = c.roundOf(*site);
      if (site->name == silent || round.empty()) continue;
      const RoundView seen = site->view(round);
      const bool isTurn = seen.step != Step::Done && seen.step != Step::Failed;
      if (isTurn && std::find(groups.begin(), groups.end(), round) != groups.end())
        site->say(round, seen);
    }
  }
  return groups;
}

TEST(Coordinator, OpensTheSumsOfGroupsEachForItself) {
  Plan plan = smallPlan(Masking::Ring64, 3);
  plan.task = TaskKind::Train;
  plan.training.groups = 2;
  RunningConsortium c(7, plan);
  c.start();
  const auto groups = runGroups(c, "");
  ASSERT_EQ(groups.size(), 2U);
  std::set<std::string> all;
  for (const auto& id : groups) {
    EXPECT_EQ(c.statusOf(id), "done");
    for (const auto& round : c.adminJson("GET", "rounds"))
      if (round["id"] == id)
        for (const auto& site : round["invited"]) all.insert(site.get<std::string>());
  }
  EXPECT_EQ(all.size(), 7U) << "every site is in one group";
  // The first round counts patients: whole numbers, which no fixed point rounds.
  const Progress next = c.expectedAfter(begin(plan), {1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(c.planFacts(c.hash)["rounds"][0]["contributors"].size(), 7U);
  const std::string site = c.roundOf(c.site(1));
  EXPECT_EQ(inputOf(c, site), sha256Hex(encode(next.input)));
}

TEST(Coordinator, GoesOnWithoutAGroupThatBecameTooSmall) {
  Plan plan = smallPlan(Masking::Ring64, 3);
  plan.task = TaskKind::Train;
  plan.training.groups = 2;
  RunningConsortium c(6, plan);
  c.start();
  std::string lost;
  for (const auto& round : c.adminJson("GET", "rounds"))
    if (c.roundOf(c.site(6)) == round["id"]) lost = round["id"].get<std::string>();
  const auto groups = runGroups(c, "s6");  // three of three are needed
  const std::string kept = groups[0] == lost ? groups[1] : groups[0];
  EXPECT_EQ(c.statusOf(kept), "summing") << "the other group may still make it";
  c.restart();
  c.wait(100s);
  EXPECT_EQ(c.statusOf(lost), "failed");
  EXPECT_EQ(c.statusOf(kept), "done");
  EXPECT_EQ(c.planFacts(c.hash)["rounds"][0]["contributors"].size(), 3U);
}

TEST(Coordinator, ForgetsOldRoundsAndKeepsWhatCameOfThem) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  c.start();
  c.runPlan();
  ASSERT_EQ(c.status(), "finished");
  const auto rounds = c.adminJson("GET", "rounds");
  ASSERT_GT(rounds.size(), 2U);
  const std::string first = rounds.front().at("id").get<std::string>(), input = inputOf(c, first);
  const auto blobs = c.settings.folder / "blobs";
  ASSERT_TRUE(std::filesystem::exists(blobs / input));
  const json progress = c.planFacts(c.hash).at("rounds");
  const std::string log = c.auditText();

  c.wait(std::chrono::hours(29 * 24));
  EXPECT_EQ(c.adminJson("GET", "rounds").size(), rounds.size());
  c.wait(std::chrono::hours(2 * 24));
  EXPECT_EQ(c.adminJson("GET", "rounds").size(), 0U);
  EXPECT_FALSE(std::filesystem::exists(blobs / input));
  EXPECT_EQ(c.site(1).call("GET", "/v1/rounds/" + first).status, 404);
  c.restart();
  EXPECT_EQ(c.planFacts(c.hash).at("rounds"), progress);
  const auto release = c.adminJson("POST", "releases", json{{"planHash", c.hash}}.dump());
  const auto parameters = c.planFacts(c.hash).at("parameters").get<std::string>();
  EXPECT_TRUE(std::filesystem::exists(blobs / parameters));
  EXPECT_EQ(c.site(1).call("GET", "/v1/releases/" + release.at("hash").get<std::string>()).status,
            200);
  EXPECT_TRUE(c.auditText().starts_with(log)) << "what was logged stays";
  std::istringstream whole(c.auditText());
  EXPECT_TRUE(verifyAudit(whole).intact);
  c.wait(std::chrono::hours(60 * 24));
  EXPECT_TRUE(std::filesystem::exists(blobs / parameters)) << "a released file is never old";
}

TEST(Coordinator, KeepsTheRoundsThatARunningPlanGoesBy) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  c.start();
  for (int i = 0; i < 3; ++i) c.runRound();
  ASSERT_EQ(c.status(), "running");
  c.wait(std::chrono::hours(20));  // the open round fails, and is opened again
  c.wait(std::chrono::hours(40 * 24));
  for (const auto& round : c.adminJson("GET", "rounds"))
    EXPECT_GE(round.at("number").get<int>(), 3) << round.dump();
}

TEST(Coordinator, EvaluatesAModelThatWasReleased) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  c.start();
  c.runPlan();
  const std::string model = c.planFacts(c.hash)["parameters"].get<std::string>();
  c.plan.task = TaskKind::Evaluate;
  c.plan.evaluation.modelSha256 = model;
  c.hash = c.adminJson("POST", "plans", toReadableJson(c.plan)).at("hash").get<std::string>();
  for (auto& site : c.sites) site->decide(c.hash, true);
  c.start();
  c.runPlan();
  ASSERT_EQ(c.status(), "finished") << c.planFacts(c.hash);
  const auto release = c.adminJson("POST", "releases", json{{"planHash", c.hash}}.dump());
  EXPECT_EQ(c.adminJson("GET", "releases").size(), 1U);
  EXPECT_TRUE(release.contains("hash"));
}

TEST(Coordinator, PausesAPlanWhoseNumbersAllowNoStep) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  for (auto& site : c.sites)
    for (double& value : site->cohort.features) value = std::nan("");
  c.start();
  c.runRound();
  EXPECT_EQ(c.status(), "paused");
  EXPECT_NE(c.planFacts(c.hash)["reason"], "");
}

// --- what sites may not do ---------------------------------------------------------------------

TEST(Coordinator, RefusesAMessageSignedByAnotherSite) {
  RunningConsortium c(3, smallPlan(Masking::None, 3));
  c.start();
  const std::string round = c.openRound();
  RoundMessage message;
  message.roundId = round;
  message.site = "s1";
  message.body = JoinBody{};
  const SignedDocument forged = signDocument("round-message", encode(message), "s1", c.site(2).key);
  const auto response = c.site(1).call("POST", "/v1/rounds/" + round + "/messages", encode(forged));
  EXPECT_EQ(codeOf(response), "BadSignature");
  // And one of its own in another's name.
  message.site = "s2";
  const SignedDocument disguised = c.site(1).sign("round-message", encode(message));
  EXPECT_EQ(codeOf(c.site(1).call("POST", "/v1/rounds/" + round + "/messages", encode(disguised))),
            "Malformed");
  EXPECT_THAT(c.stateOf(round)["joined"], IsEmpty());
}

TEST(Coordinator, RefusesAMessageOfAnotherRound) {
  RunningConsortium c(3, smallPlan(Masking::None, 3));
  c.start();
  const std::string first = c.openRound();
  c.wait(100s);
  c.wait(10s);
  RoundMessage old;
  old.roundId = first;
  old.site = "s1";
  old.body = JoinBody{};
  const auto document = encode(c.site(1).sign("round-message", encode(old)));
  EXPECT_EQ(codeOf(c.site(1).call("POST", "/v1/rounds/" + c.openRound() + "/messages", document)),
            "Malformed");
}

TEST(Coordinator, HidesARoundFromASiteThatIsNotInvited) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  TestSite outsider(c, "outsider");
  outsider.enrol();
  c.start();
  EXPECT_EQ(codeOf(outsider.call("GET", "/v1/rounds/" + c.openRound())), "NotFound");
  EXPECT_EQ(outsider.tell(c.openRound(), {}).status, 404);
}

struct Misdeed {
  const char* name;
  Step step;
  void (*spoil)(TestSite&, RoundMessage&);
  const char* reason;
};

class CoordinatorChecks : public ::testing::TestWithParam<Misdeed> {};

TEST_P(CoordinatorChecks, RefuseAMessageThatCannotBeUsed) {
  RunningConsortium c(4, smallPlan(Masking::Ring64, 3));
  c.start();
  const std::string round = c.openRound();
  // Until that step; a dropout after sharing, so that Reveal holds both kinds of shares.
  while (c.site(1).view(round).step != GetParam().step) {
    const Step step = c.site(1).view(round).step;
    for (int i = 1; i <= 4; ++i)
      if (i != 4 || step < Step::Contribute) c.site(i).act(round);
    if (step == Step::Contribute) c.wait(1000s);
  }
  if (GetParam().step == Step::Join) c.site(2).act(round);
  RoundMessage message = c.site(1).messageFor(round, c.site(1).view(round));
  GetParam().spoil(c.site(1), message);
  const auto reply = answerOf<MessageReply>(c.site(1).tell(round, message));
  EXPECT_EQ(reply.verdict, Verdict::Refused);
  EXPECT_THAT(reply.reason, HasSubstr(GetParam().reason));
  EXPECT_EQ(c.site(1).act(round).verdict, Verdict::Accepted) << "the right one still counts";
}

INSTANTIATE_TEST_SUITE_P(
    Misdeeds, CoordinatorChecks,
    ::testing::Values(
        Misdeed{"NoKeys", Step::Join, [](TestSite&, RoundMessage& m) { m.body = JoinBody{}; },
                "two keys"},
        Misdeed{"OneKeyTwice", Step::Join,
                [](TestSite&, RoundMessage& m) {
                  auto& join = std::get<JoinBody>(m.body);
                  join.maskKey = join.encryptionKey;
                },
                "must differ"},
        // Every site would refuse the round because of this one.
        Misdeed{"KeyOfSmallOrder", Step::Join,
                [](TestSite&, RoundMessage& m) { std::get<JoinBody>(m.body).maskKey = Bytes(32); },
                "nobody can agree with"},
        Misdeed{"ShareForNobody", Step::Share,
                [](TestSite&, RoundMessage& m) { std::get<ShareBody>(m.body).sealed.erase("s2"); },
                "for every other site"},
        Misdeed{"ShareForAStranger", Step::Share,
                [](TestSite&, RoundMessage& m) {
                  std::get<ShareBody>(m.body).sealed["stranger"] = Bytes(16);
                },
                "for every other site"},
        Misdeed{"UploadMissing", Step::Contribute,
                [](TestSite&, RoundMessage& m) {
                  std::get<ContributeBody>(m.body).blobSha256 = sha256Hex(viewOf("x"));
                },
                "not complete"},
        Misdeed{"WrongSize", Step::Contribute,
                [](TestSite&, RoundMessage& m) { std::get<ContributeBody>(m.body).blobBytes += 8; },
                "bytes, not"},
        Misdeed{"TooManyPatients", Step::Contribute,
                [](TestSite&, RoundMessage& m) {
                  std::get<ContributeBody>(m.body).metricsJson = R"({"patients":1001})";
                },
                "more patients than the plan allows"},
        Misdeed{"OtherSurvivors", Step::Confirm,
                [](TestSite& site, RoundMessage& m) {
                  m.body = site.confirmation(m.roundId, {"s1", "s2", "s4"});
                },
                "list of survivors"},
        Misdeed{"BothSecrets", Step::Reveal,
                [](TestSite&, RoundMessage& m) {
                  auto& reveal = std::get<RevealBody>(m.body);
                  reveal.selfMaskShares["s4"] = reveal.maskKeyShares["s4"];
                },
                "s4"},
        Misdeed{"ShareMissing", Step::Reveal,
                [](TestSite&, RoundMessage& m) {
                  std::get<RevealBody>(m.body).selfMaskShares.erase("s2");
                },
                "exactly the shares"}),
    [](const auto& test) { return test.param.name; });

TEST(Coordinator, RefusesTheKeyOfAnotherSite) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  c.start();
  const std::string round = c.openRound();
  const RoundMessage first = c.site(1).messageFor(round, c.site(1).view(round));
  c.site(1).tell(round, first);
  RoundMessage copy = c.site(2).messageFor(round, c.site(2).view(round));
  std::get<JoinBody>(copy.body).maskKey = std::get<JoinBody>(first.body).maskKey;
  EXPECT_THAT(answerOf<MessageReply>(c.site(2).tell(round, copy)).reason, HasSubstr("same key"));
}

TEST(Coordinator, RefusesAPlainVectorBeyondTheBoundsOfTheLayout) {
  RunningConsortium c(3, smallPlan(Masking::None, 3));
  c.start();
  const std::string round = c.openRound();
  for (auto& site : c.sites) site->act(round);
  const RoundView seen = c.site(1).view(round);
  Bytes packed = c.site(1).vectorFor(round, seen, c.plan);
  packed[7] = 0x3f;  // the most significant byte of the first word
  c.site(1).upload(packed);
  const auto reply = c.site(1).say(round, ContributeBody{sha256Hex(packed), packed.size(), "{}"});
  EXPECT_EQ(reply.verdict, Verdict::Refused);
  EXPECT_THAT(reply.reason, HasSubstr("beyond what the plan allows one site"));
}

TEST(Coordinator, AnswersALateMessageWithTooLate) {
  RunningConsortium c(4, smallPlan(Masking::None, 3));
  c.start();
  const std::string round = c.openRound();
  for (int i = 1; i <= 3; ++i) c.site(i).act(round);
  c.now += 100s;  // the deadline, and no tick yet
  EXPECT_EQ(c.site(4).say(round, JoinBody{}).verdict, Verdict::TooLate);
  EXPECT_EQ(c.site(1).view(round).step, Step::Contribute);
}

TEST(Coordinator, TakesAWithdrawalWithItsReason) {
  RunningConsortium c(4, smallPlan(Masking::Ring64, 3));
  c.start();
  const std::string round = c.openRound();
  const auto reply = c.site(4).say(round, WithdrawBody{"BudgetSpent", "epsilon is used up"});
  EXPECT_EQ(reply.verdict, Verdict::Accepted);
  EXPECT_THAT(c.auditText(), HasSubstr("BudgetSpent: epsilon is used up"));
  EXPECT_EQ(c.roundOf(c.site(4)), "");
  c.restart();
  EXPECT_EQ(c.site(4).say(round, WithdrawBody{"BudgetSpent", "again"}).verdict, Verdict::Duplicate);
}

// --- uploads -----------------------------------------------------------------------------------

class CoordinatorUploads : public ::testing::Test {
 protected:
  void SetUp() override {
    c.start();
    round = c.openRound();
    for (auto& site : c.sites) site->act(round);
    packed = c.site(1).vectorFor(round, c.site(1).view(round), c.plan);
    hash = sha256Hex(packed);
    ASSERT_GT(packed.size(), 100U);
  }
  Bytes piece(std::size_t from, std::size_t to) const {
    return Bytes(packed.begin() + static_cast<long>(from), packed.begin() + static_cast<long>(to));
  }
  RunningConsortium c{3, smallPlan(Masking::None, 3)};
  std::string round, hash;
  Bytes packed;
};

TEST_F(CoordinatorUploads, GoOnWhereTheyStoppedAlsoAfterARestart) {
  EXPECT_EQ(c.site(1).received(hash, packed.size()), 0U);
  EXPECT_EQ(c.site(1).sendPiece(hash, packed.size(), 0, piece(0, 50)).status, 200);
  c.restart();
  EXPECT_EQ(c.site(1).received(hash, packed.size()), 50U);
  EXPECT_EQ(c.site(1).sendPiece(hash, packed.size(), 20, piece(20, 60)).status, 200) << "overlap";
  EXPECT_EQ(c.site(1).sendPiece(hash, packed.size(), 0, piece(0, 50)).status, 200) << "again";
  EXPECT_EQ(c.site(1).received(hash, packed.size()), 60U);
  EXPECT_EQ(c.site(1).sendPiece(hash, packed.size(), 60, piece(60, packed.size())).status, 200);
  EXPECT_EQ(c.site(1).received(hash, packed.size()), packed.size());
  const auto reply = c.site(1).say(round, ContributeBody{hash, packed.size(), "{}"});
  EXPECT_EQ(reply.verdict, Verdict::Accepted);
}

TEST_F(CoordinatorUploads, AreDroppedWhenTheWholeHasAnotherHash) {
  Bytes damaged = piece(0, packed.size());
  damaged[3] ^= 1;
  c.site(1).sendPiece(hash, packed.size(), 0, Bytes(damaged.begin(), damaged.begin() + 40));
  const auto response =
      c.site(1).sendPiece(hash, packed.size(), 40, Bytes(damaged.begin() + 40, damaged.end()));
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(codeOf(response), "HashMismatch");
  EXPECT_EQ(c.site(1).received(hash, packed.size()), 0U);
}

TEST_F(CoordinatorUploads, RefuseAPieceThatWasDamagedOnItsWay) {
  ApiRequest request = c.site(1).request(
      "PUT", "/v1/uploads/" + hash + "/" + std::to_string(packed.size()) + "/0", packed);
  request.headers.emplace_back("FedPET-Chunk-SHA256", sha256Hex(viewOf("other")));
  EXPECT_EQ(codeOf(c.handle(request)), "HashMismatch");
  EXPECT_EQ(c.site(1).received(hash, packed.size()), 0U);
}

TEST_F(CoordinatorUploads, RefuseWhatNoRoundWaitsFor) {
  EXPECT_EQ(codeOf(c.site(1).sendPiece(hash, packed.size() + 8, 0, piece(0, 50))), "NotExpected");
  EXPECT_EQ(codeOf(c.site(1).sendPiece(hash, std::size_t{5} << 40, 0, piece(0, 50))), "TooLarge");
  EXPECT_EQ(codeOf(c.site(1).sendPiece(hash, packed.size(), 60, piece(60, 80))), "Gap");
  EXPECT_EQ(codeOf(c.site(1).sendPiece(hash, packed.size(), 0, Bytes(packed.size() + 1))),
            "TooLarge");
  EXPECT_EQ(codeOf(c.site(1).sendPiece(hash, packed.size(), 0, Bytes(kChunkBytes + 1))),
            "TooLarge");
  EXPECT_EQ(codeOf(c.site(1).sendPiece("../../etc/passwd", 10, 0, Bytes(10))), "NotFound");
}

TEST_F(CoordinatorUploads, OfOneSiteAreNotSeenByAnother) {
  c.site(1).upload(packed);
  EXPECT_EQ(c.site(2).received(hash, packed.size()), 0U);
  EXPECT_EQ(codeOf(c.site(2).call("GET", "/v1/blobs/" + hash)), "NotFound");
  EXPECT_EQ(c.site(2).say(round, ContributeBody{hash, packed.size(), "{}"}).verdict,
            Verdict::Refused);
}

TEST_F(CoordinatorUploads, AreGoneOnceTheSumIsMade) {
  for (auto& site : c.sites) site->act(round);
  ASSERT_EQ(c.statusOf(round), "done");
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(c.settings.folder / "contributions"))
    EXPECT_FALSE(entry.is_regular_file()) << entry.path();
}

// --- audit -------------------------------------------------------------------------------------

TEST(Coordinator, WritesDownAllThatHappensInAChainThatVerifies) {
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3));
  c.start();
  c.runRound();
  std::istringstream text(c.auditText());
  const AuditVerdict verdict = verifyAudit(text);
  EXPECT_TRUE(verdict.intact) << verdict.problem;
  for (const char* kind :
       {"consortium", "invitation", "enrolment", "roster", "plan-proposed", "decision",
        "plan-started", "round-opened", "contribution", "round-closed"})
    EXPECT_THAT(c.auditText(), HasSubstr("\"kind\":\"" + std::string(kind) + "\""));
  EXPECT_THAT(c.auditText(), Not(HasSubstr(c.token)));
  EXPECT_THAT(c.log, IsEmpty());
}

}  // namespace
}  // namespace fedpet::federation::testing
