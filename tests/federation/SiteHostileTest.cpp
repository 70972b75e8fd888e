// A coordinator that lies: what it shows is altered on its way, or signed with its real key but
// against the protocol. A site refuses, says so, and gives nothing away.
#include "federation/crypto/Certificate.h"
#include "federation/site/SiteStore.h"
#include "tests/federation/SiteConsortium.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedpet::federation::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string textFrom(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

// Four hospitals; h1 is lied to.
class Hostile : public ::testing::Test {
 protected:
  using Alter = std::function<void(RoundView&)>;

  SiteWorld world{4};
  Hospital& victim = world.hospital(1);
  SigningKey key = world.coordinatorKey();
  std::mutex mutex;  // guards what h1 said
  std::vector<RoundMessage> said;
  std::string sent;      // all bodies of h1's requests
  bool swallow = false;  // what h1 says in rounds does not reach the coordinator

  Hostile() { listen(nullptr, ""); }

  // `alter`: the views that h1 gets at step `step` or, when empty, at all of them.
  void listen(Alter alter, const std::string& step) {
    world.setIntercept([=, this](const net::HttpRequest& request, const std::string& site,
                                 const std::function<Answer()>& ask) {
      if (site != "h1") return ask();
      record(request);
      if (swallow && request.target.ends_with("/messages"))
        return Answer{200, {}, textFrom(encode(MessageReply{}))};
      Answer answer = ask();
      const bool isView =
          request.method == "GET" && request.target.starts_with("/fedpet/v1/rounds/");
      if (!isView || answer.status != 200 || !alter) return answer;
      RoundView view = decode<RoundView>(viewOf(answer.body));
      if (!step.empty() && toString(view.step) != step) return answer;
      alter(view);
      answer.body = textFrom(encode(view));
      return answer;
    });
  }
  void record(const net::HttpRequest& request) {
    const std::lock_guard lock(mutex);
    sent += request.body;
    if (!request.target.ends_with("/messages")) return;
    said.push_back(decode<RoundMessage>(decodeSignedDocument(viewOf(request.body)).payload));
  }
  template <typename Body>
  int times() {
    const std::lock_guard lock(mutex);
    return static_cast<int>(std::count_if(said.begin(), said.end(), [](const RoundMessage& m) {
      return std::holds_alternative<Body>(m.body);
    }));
  }
  // The whole round is played, lies included.
  void playOneRound(Masking masking = Masking::Ring64) {
    world.runningPlan(smallPlan(masking, 3));
    const std::string round = world.openRound();
    world.runUntil([&] { return world.openRound() != round; }, 12);
  }
  void expectRefusal(const std::string& about) {
    EXPECT_THAT(victim.auditText(), HasSubstr("violation"));
    EXPECT_THAT(victim.observer.all + victim.problem(), HasSubstr(about));
    std::istringstream log(victim.auditText());
    EXPECT_TRUE(verifyAudit(log).intact);
  }
  SignedDocument signedStart(RoundStart start) {
    return signDocument("round", encode(start), "coordinator", key);
  }
  Alter withStart(const std::function<void(RoundStart&)>& change) {
    return [this, change](RoundView& view) {
      auto start = decode<RoundStart>(view.start.payload);
      change(start);
      view.start = signedStart(start);
    };
  }
};

TEST_F(Hostile, CannotMakeASiteHelpWithTwoListsOfSurvivors) {
  listen([](RoundView& view) { view.survivors = {"h1", "h2", "h3"}; }, "reveal");
  playOneRound();
  EXPECT_EQ(times<ConfirmBody>(), 1);
  EXPECT_EQ(times<RevealBody>(), 0);
  expectRefusal("two lists of survivors");
}

TEST_F(Hostile, CannotPutItsOwnKeysInAnothersPlace) {
  // The join of h2 with keys of the coordinator's, signed by a key of the coordinator's.
  const SigningKey forged = SigningKey::generate();
  listen(
      [&](RoundView& view) {
        for (auto& join : view.joins) {
          if (join.signer != "h2") continue;
          auto message = decode<RoundMessage>(join.payload);
          message.body = makeJoin(SiteSecrets::generate());
          join = signDocument("round-message", encode(message), "h2", forged);
        }
      },
      "");
  playOneRound();
  EXPECT_EQ(times<ShareBody>(), 0);
  expectRefusal("join of site h2 is not genuine");
}

TEST_F(Hostile, CannotInventSites) {
  for (const bool invited : {false, true}) {
    said.clear();
    const SigningKey forged = SigningKey::generate();
    listen(
        [&](RoundView& view) {
          if (invited) {
            auto start = decode<RoundStart>(view.start.payload);
            start.invited.push_back("ghost");
            std::sort(start.invited.begin(), start.invited.end());
            view.start = signedStart(start);
          }
          if (view.joins.empty()) return;
          RoundMessage message{decode<RoundStart>(view.start.payload).roundId, "ghost",
                               makeJoin(SiteSecrets::generate())};
          view.joins.push_back(signDocument("round-message", encode(message), "ghost", forged));
        },
        "");
    playOneRound();
    EXPECT_EQ(times<ShareBody>(), 0);
    expectRefusal(invited ? "the roster has no valid key of site ghost" : "not invited");
  }
}

TEST_F(Hostile, CannotUseARosterWithCertificatesOfItsOwnMaking) {
  // Signed with the coordinator's key, but h2's certificate is of another CA.
  const auto rogue =
      CertificateAuthority::create("rogue", world.now - 1h, world.now + std::chrono::hours(999));
  const SigningKey forged = SigningKey::generate();
  const std::string certificate =
      rogue.issue(forged.publicKey(), {"h2", world.now - 1h, world.now + 99h, {}, {}, false});
  world.setIntercept([&](const net::HttpRequest& request, const std::string& site,
                         const std::function<Answer()>& ask) {
    Answer answer = ask();
    if (site != "h1") return answer;
    record(request);
    if (request.target == "/fedpet/v1/roster") {
      auto roster = decode<Roster>(decodeSignedDocument(viewOf(answer.body)).payload);
      for (auto& entry : roster.sites)
        if (entry.site == "h2") entry.certificatePem = certificate;
      answer.body = textFrom(encode(signDocument("roster", encode(roster), "coordinator", key)));
    }
    if (request.method == "GET" && request.target.starts_with("/fedpet/v1/rounds/")) {
      auto view = decode<RoundView>(viewOf(answer.body));
      for (auto& join : view.joins)
        if (join.signer == "h2") join = signDocument("round-message", join.payload, "h2", forged);
      answer.body = textFrom(encode(view));
    }
    return answer;
  });
  playOneRound();
  EXPECT_EQ(times<ShareBody>(), 0);
  expectRefusal("no valid key of site h2");
}

TEST_F(Hostile, CannotHideThatFewHaveConfirmed) {
  listen([](RoundView& view) { view.confirmations.resize(2); }, "reveal");
  playOneRound();
  EXPECT_EQ(times<RevealBody>(), 0);
  expectRefusal("have signed for this list");
}

TEST_F(Hostile, CannotCountOneConfirmationTwice) {
  listen(
      [](RoundView& view) {
        const auto first = view.confirmations.front();
        for (auto& confirmation : view.confirmations) confirmation = first;
      },
      "reveal");
  playOneRound();
  EXPECT_EQ(times<RevealBody>(), 0);
  expectRefusal("only 1 of 3");
}

TEST_F(Hostile, CannotLeaveTooFewSurvivors) {
  listen([](RoundView& view) { view.survivors = {"h1", "h2"}; }, "confirm");
  playOneRound();
  EXPECT_EQ(times<ConfirmBody>(), 0);
  expectRefusal("not one of this round");
}

TEST_F(Hostile, CannotNameSharersWhoNeverJoined) {
  listen([](RoundView& view) { view.sharers = {"h1", "h2", "h3", "h9"}; }, "contribute");
  playOneRound();
  EXPECT_EQ(times<ContributeBody>(), 0);
  expectRefusal("not one of this round");
}

TEST_F(Hostile, CannotShrinkTheRoundUnderItsQuorum) {
  listen(
      [](RoundView& view) {
        std::erase_if(view.joins, [](const auto& join) { return join.signer > "h2"; });
      },
      "share");
  playOneRound();
  EXPECT_EQ(times<ShareBody>(), 0);
  expectRefusal("fewer sites than its quorum");
}

TEST_F(Hostile, CannotBeginARoundAgainstThePlan) {
  const std::pair<std::function<void(RoundStart&)>, const char*> cases[] = {
      {[](RoundStart& s) { s.quorum = 2; }, "quorum"},
      {[](RoundStart& s) {
         s.invited = {"h2", "h3", "h4"};
       },
       "lacks this site"},
      {[](RoundStart& s) {
         s.invited = {"h1", "h1", "h2"};
       },
       "not one"},
      {[](RoundStart& s) {
         s.invited = {"h1", "h2"}, s.quorum = 2;
       },
       "quorum"},
      {[](RoundStart& s) { s.planHash = std::string(64, 'a'); }, "plan never shown"},
      {[](RoundStart& s) { s.number = 9; }, "does not name"},
      {[](RoundStart& s) { s.roundId = "other"; }, "another round"},
      {[](RoundStart& s) { s.rosterNumber += 7; }, "roster"},
      {[](RoundStart& s) { s.inputBytes = 900u << 20; }, "larger"},
  };
  const std::string hash = world.runningPlan(smallPlan(Masking::Ring64, 3));
  swallow = true;
  for (const auto& [change, about] : cases) {
    const std::filesystem::path copy = world.root / "before";
    victim.site.reset();
    std::filesystem::remove_all(copy);
    std::filesystem::copy(victim.folder, copy, std::filesystem::copy_options::recursive);
    said.clear();
    victim.observer.all.clear();
    listen(withStart(change), "");
    victim.step();
    EXPECT_EQ(times<JoinBody>(), 0) << about;
    expectRefusal(about);
    victim.site.reset();
    std::filesystem::remove_all(victim.folder);
    std::filesystem::rename(copy, victim.folder);
  }
}

TEST_F(Hostile, CannotSpeakWithAForeignKey) {
  const SigningKey foreign = SigningKey::generate();
  listen(
      [&](RoundView& view) {
        view.start = signDocument("round", view.start.payload, "coordinator", foreign);
      },
      "");
  playOneRound();
  EXPECT_EQ(times<JoinBody>(), 0);
  expectRefusal("signature");
}

TEST_F(Hostile, CannotAskTwoQuestionsUnderOneRoundNumber) {
  // Attempt 2 of the same number with another input: the noise would be the same.
  world.runningPlan(smallPlan(Masking::Ring64, 3));
  const std::string first = world.openRound();
  ASSERT_TRUE(world.runUntil([&] { return world.stepOf(first) == "confirm"; }));
  const double before = victim.site->status().epsilonSpent;
  RoundInput other;
  other.phase = "magnitudes";
  other.settingsJson = R"({"a": 1})";
  const Bytes blob = encode(other);
  listen(withStart([&](RoundStart& start) {
           if (start.attempt != 2) return;
           start.inputSha256 = sha256Hex(blob);
           start.inputBytes = blob.size();
         }),
         "");
  // Nobody says more: attempt 2.
  for (int i = 0; i < 100 && !world.openRound().ends_with("-1-2"); ++i) world.wait(20s);
  ASSERT_THAT(world.openRound(), HasSubstr("-1-2"));
  const std::string second = world.openRound();
  world.runUntil([&] { return world.openRound() != second; }, 12);
  EXPECT_EQ(times<ContributeBody>(), 1);
  EXPECT_EQ(victim.site->status().epsilonSpent, before);
  EXPECT_EQ(victim.trainer.computed[1], 1);
  expectRefusal("another input");
}

TEST_F(Hostile, CannotGoBackToAnEarlierRound) {
  const std::string hash = world.runningPlan(smallPlan(Masking::Ring64, 3));
  const std::string first = world.openRound();
  SignedDocument old;
  listen([&](RoundView& view) { old = view.start; }, "join");
  ASSERT_TRUE(world.runUntil([&] { return world.openRound() != first; }));
  const std::string second = world.openRound();
  victim.step();
  // The first round once more, as attempt 7.
  auto again = decode<RoundStart>(old.payload);
  again.attempt = 7;
  again.roundId = hash.substr(0, 16) + "-1-7";
  world.setIntercept([&](const net::HttpRequest& request, const std::string& site,
                         const std::function<Answer()>& ask) {
    if (site != "h1") return ask();
    record(request);
    if (request.target == "/fedpet/v1/rounds/" + again.roundId) {
      RoundView view;
      view.start = signedStart(again);
      Answer answer;
      answer.body = textFrom(encode(view));
      return answer;
    }
    Answer answer = ask();
    if (request.target == "/fedpet/v1/poll") {
      auto reply = decode<PollReply>(viewOf(answer.body));
      for (auto& a : reply.assignments)
        if (a.kind == Assignment::Kind::Round) a.roundId = again.roundId;
      answer.body = textFrom(encode(reply));
    }
    return answer;
  });
  world.stepAll();
  for (const auto& message : said) EXPECT_NE(message.roundId, again.roundId);
  // A round that h1 has opened before it knows of the lie decides the order.
  EXPECT_THAT(victim.auditText(),
              AnyOf(HasSubstr("older than the last"), HasSubstr(again.roundId)));
}

TEST_F(Hostile, CannotPassOnePlanForAnother) {
  const Plan plan = smallPlan(Masking::Ring64, 3);
  Plan worse = plan;
  worse.title = "Something else";
  world.setIntercept([&](const net::HttpRequest& request, const std::string& site,
                         const std::function<Answer()>& ask) {
    Answer answer = ask();
    if (site == "h1" && request.target.starts_with("/fedpet/v1/plans/") && request.method == "GET")
      answer.body = textFrom(encode(signDocument("plan", encode(worse), "coordinator", key)));
    return answer;
  });
  world.propose(plan);
  victim.step();
  EXPECT_THAT(victim.site->status().plans, IsEmpty());
  expectRefusal("another plan");
}

TEST_F(Hostile, CannotGoBackToAnOlderRosterOrSignTwo) {
  victim.step();
  std::string lie;
  world.setIntercept([&](const net::HttpRequest& request, const std::string& site,
                         const std::function<Answer()>& ask) {
    Answer answer = ask();
    if (site != "h1") return answer;
    if (request.target == "/fedpet/v1/poll") {
      auto reply = decode<PollReply>(viewOf(answer.body));
      reply.rosterNumber = lie == "older" ? 1 : reply.rosterNumber + 5;
      answer.body = textFrom(encode(reply));
    } else if (request.target == "/fedpet/v1/roster") {
      auto roster = decode<Roster>(decodeSignedDocument(viewOf(answer.body)).payload);
      if (lie == "two") roster.issued += 1s;
      if (lie == "own key")
        for (auto& entry : roster.sites)
          if (entry.site == "h1") entry.certificatePem = roster.sites[1].certificatePem;
      if (lie == "impostor") {
        ++roster.number;
        std::ifstream file(world.settings.folder / "ca-key.pem");
        const std::string pem{std::istreambuf_iterator<char>(file), {}};
        std::ifstream caFile(world.settings.folder / "ca.pem");
        const std::string ca{std::istreambuf_iterator<char>(caFile), {}};
        const auto authority = CertificateAuthority::load(ca, viewOf(pem));
        for (auto& entry : roster.sites)
          if (entry.site == "h1")
            entry.certificatePem =
                authority.issue(SigningKey::generate().publicKey(),
                                {"h1", world.now - 1h, world.now + 99h, {}, {}, false});
      }
      answer.body = textFrom(encode(signDocument("roster", encode(roster), "coordinator", key)));
    }
    return answer;
  });
  for (const auto& [what, about] : {std::pair{"older", "older roster"},
                                    {"two", "two rosters of number"},
                                    {"impostor", "not its own"}}) {
    lie = what;
    victim.step();
    expectRefusal(about);
  }
}

TEST_F(Hostile, CannotCrashASiteWithGarbage) {
  const std::string hash = world.runningPlan(smallPlan(Masking::Ring64, 3));
  std::mt19937 random(11);
  int broken = 0;
  world.setIntercept(
      [&](const net::HttpRequest&, const std::string& site, const std::function<Answer()>& ask) {
        Answer answer = ask();
        // Once at every third request of h1, in one of several ways.
        if (site != "h1" || answer.status / 100 != 2 || random() % 3 != 0) return answer;
        ++broken;
        switch (random() % 5) {
          case 0:
            answer.body = "<html>Welcome to the guest network</html>";
            break;
          case 1:
            answer.body.clear();
            break;
          case 2:
            answer.body.resize(answer.body.size() / 2);
            break;
          case 3:
            for (int i = 0; i < 3 && !answer.body.empty(); ++i)
              answer.body[random() % answer.body.size()] ^= static_cast<char>(1 + random() % 255);
            break;
          default:
            answer.body = std::string(3000, '\x81');
            break;  // deeply nested CBOR
        }
        return answer;
      });
  for (int i = 0; i < 60; ++i) {
    victim.step();
    if (i % 5 == 4) victim.boot();
  }
  EXPECT_GT(broken, 20);
  std::istringstream log(victim.auditText());
  EXPECT_TRUE(verifyAudit(log).intact);
  // And then it tells the truth again.
  world.setIntercept(nullptr);
  victim.step();
  EXPECT_TRUE(world.runUntil([&] { return world.status(hash) != "running"; })) << world.log;
}

TEST_F(Hostile, GetsNoSecretOfASite) {
  world.runningPlan(smallPlan(Masking::Ring64, 3));
  const std::string round = world.openRound();
  ASSERT_TRUE(world.runUntil([&] { return world.stepOf(round) == "confirm"; }));
  std::vector<Bytes> secrets;
  {
    SiteStore store(victim.folder, [&] { return world.now; });
    const SiteSecrets all = SiteSecrets::parse(store.secrets(round).view());
    for (const SecretBytes* one :
         {&all.encryptionKey, &all.maskKey, &all.selfMaskSeed, &all.shareSeed})
      secrets.emplace_back(one->view().begin(), one->view().end());
  }
  world.runUntil([&] { return world.openRound() != round; });
  const std::string seen =
      sent + victim.observer.all + victim.auditText() + victim.site->status().lastProblem;
  ASSERT_GT(sent.size(), 1000U);
  for (const Bytes& secret : secrets) {
    ASSERT_EQ(secret.size(), 32U);
    EXPECT_EQ(seen.find(std::string(textOf(secret))), std::string::npos);
    EXPECT_EQ(seen.find(toBase64Url(secret)), std::string::npos);
    EXPECT_EQ(seen.find(toHex(secret)), std::string::npos);
  }
}

TEST_F(Hostile, IsNotFollowedIntoHugeLists) {
  listen(
      [](RoundView& view) {
        view.sharers.clear();
        for (int i = 0; i < kMaxSites; ++i)
          view.sharers.push_back("h" + std::to_string(100000 + i));
        view.survivors = view.sharers;
        view.failure = std::string(2000, '\x01');
      },
      "contribute");
  playOneRound();
  EXPECT_EQ(times<ContributeBody>(), 0);
  EXPECT_THAT(victim.site->status().rounds.front(),
              AnyOf(HasSubstr("without this site"), HasSubstr("ProtocolViolation")));
}

}  // namespace
}  // namespace fedpet::federation::testing
