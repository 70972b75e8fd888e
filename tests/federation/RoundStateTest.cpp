#include "federation/round/RoundState.h"
#include "federation/secagg/SecureSum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace fedpet::federation {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Sites = std::set<std::string>;

constexpr std::chrono::sys_seconds kStart{1'800'000'000s};

Sites sites(int n) {
  Sites result;
  for (int i = 1; i <= n; ++i) result.insert("s" + std::to_string(i));
  return result;
}
RoundTerms maskedTerms(int n, int quorum = 3) {
  return {.invited = sites(n),
          .masked = true,
          .quorum = quorum,
          .stepTimeout = 100s,
          .trainingTimeout = 1000s};
}
RoundTerms plainTerms(int n, int quorum) {
  RoundTerms terms = maskedTerms(n, quorum);
  terms.masked = false;
  return terms;
}

// A round that a test talks to; remembers what it was told to do.
class Round {
 public:
  explicit Round(RoundTerms t) : terms(std::move(t)), state(openRound(terms, kStart)) {}

  Verdict say(Step step, const std::string& site) { return answerTo(SiteSpoke{site, step}); }
  Verdict withdraw(const std::string& site) { return answerTo(SiteWithdrew{site, "busy"}); }
  void all(Step step, const Sites& who) {
    for (const auto& site : who) ASSERT_EQ(say(step, site), Verdict::Accepted) << site;
  }
  void wait(std::chrono::seconds time) {
    now += time;
    apply(TimePassed{});
  }
  void cancel() { apply(Cancelled{"a person said so"}); }
  void apply(decltype(Event::what) what) {
    Transition t = advance(terms, state, {now, std::move(what)});
    state = std::move(t.state);
    last = std::move(t.actions);
    for (const auto& action : last) opened += std::holds_alternative<OpenTheSum>(action) ? 1 : 0;
  }
  template <typename What>
  Verdict answerTo(What what) {
    apply(std::move(what));
    for (const auto& action : last)
      if (const auto* answer = std::get_if<Answer>(&action)) {
        reason = answer->reason;
        return answer->verdict;
      }
    ADD_FAILURE() << "no answer";
    return Verdict::Refused;
  }

  RoundTerms terms;
  RoundState state;
  std::chrono::sys_seconds now = kStart;
  std::vector<Action> last;
  std::string reason;
  int opened = 0;
};

void reach(Round& round, Step step) {
  for (const Step s : {Step::Join, Step::Share, Step::Contribute, Step::Confirm, Step::Reveal}) {
    if (round.state.step == step) return;
    round.all(s, round.terms.invited);
  }
}

TEST(RoundState, GoesThroughAllStepsWhenEverySiteAnswers) {
  Round round(maskedTerms(4));
  round.all(Step::Join, sites(4));
  EXPECT_EQ(round.state.step, Step::Share);
  EXPECT_EQ(round.state.threshold, 3);  // floor(2 * 4 / 3) + 1
  round.all(Step::Share, sites(4));
  EXPECT_EQ(round.state.deadline, kStart + 1000s);  // training has its own time
  round.all(Step::Contribute, sites(4));
  round.all(Step::Confirm, sites(4));
  EXPECT_EQ(round.opened, 0);
  round.all(Step::Reveal, sites(4));
  EXPECT_EQ(round.state.step, Step::Done);
  EXPECT_EQ(round.opened, 1);
}

TEST(RoundState, NeedsOnlyTwoStepsWithoutMasks) {
  Round round(plainTerms(2, 1));
  round.all(Step::Join, sites(2));
  EXPECT_EQ(round.state.step, Step::Contribute);
  EXPECT_EQ(round.say(Step::Share, "s1"), Verdict::Refused);
  round.all(Step::Contribute, sites(2));
  EXPECT_EQ(round.state.step, Step::Done);
  EXPECT_EQ(round.opened, 1);
}

TEST(RoundState, CountsARepeatedMessageOnceInEveryStep) {
  Round round(maskedTerms(3));
  for (const Step step : {Step::Join, Step::Share, Step::Contribute, Step::Confirm, Step::Reveal}) {
    EXPECT_EQ(round.say(step, "s1"), Verdict::Accepted);
    EXPECT_EQ(round.say(step, "s1"), Verdict::Duplicate);
    EXPECT_EQ(round.say(step, "s2"), Verdict::Accepted);
    EXPECT_EQ(round.say(step, "s3"), Verdict::Accepted);
    EXPECT_EQ(round.say(step, "s1"), Verdict::Duplicate) << "after the step";
  }
  EXPECT_EQ(round.opened, 1);
}

TEST(RoundState, RefusesWhoWasNotInvited) {
  Round round(maskedTerms(3));
  EXPECT_EQ(round.say(Step::Join, "stranger"), Verdict::Refused);
  EXPECT_EQ(round.withdraw("stranger"), Verdict::Refused);
  EXPECT_TRUE(round.state.joined.empty());
}

TEST(RoundState, RefusesAMessageAheadOfItsStep) {
  Round round(maskedTerms(3));
  EXPECT_EQ(round.say(Step::Contribute, "s1"), Verdict::Refused);
  EXPECT_THAT(round.reason, HasSubstr("still at step join"));
  EXPECT_EQ(round.say(Step::Done, "s1"), Verdict::Refused);
  EXPECT_EQ(round.say(Step::Failed, "s1"), Verdict::Refused);
}

TEST(RoundState, RefusesASiteThatSkippedTheStepBefore) {
  Round round(maskedTerms(5));
  for (const char* site : {"s1", "s2", "s3", "s4"}) round.say(Step::Join, site);
  round.wait(100s);
  ASSERT_EQ(round.state.step, Step::Share);
  EXPECT_EQ(round.say(Step::Share, "s5"), Verdict::Refused);
  EXPECT_THAT(round.reason, HasSubstr("step before"));
  for (const char* site : {"s1", "s2", "s3"}) round.say(Step::Share, site);
  round.wait(100s);
  ASSERT_EQ(round.state.step, Step::Contribute);
  EXPECT_EQ(round.say(Step::Contribute, "s4"), Verdict::Refused) << "it did not share";
  EXPECT_EQ(round.say(Step::Share, "s4"), Verdict::TooLate);
  EXPECT_EQ(round.say(Step::Join, "s5"), Verdict::TooLate);
}

TEST(RoundState, TreatsAMessageAtTheDeadlineAsLateEvenBeforeTheClockStruck) {
  Round round(plainTerms(3, 2));
  round.say(Step::Join, "s1");
  round.say(Step::Join, "s2");
  round.now = round.state.deadline;
  EXPECT_EQ(round.say(Step::Join, "s3"), Verdict::TooLate);
  EXPECT_EQ(round.state.step, Step::Contribute);
  EXPECT_EQ(round.state.deadline, round.now + 1000s);
}

TEST(RoundState, FailsAtTheDeadlineWithFewerThanTheQuorum) {
  for (const Step step : {Step::Join, Step::Share, Step::Contribute}) {
    Round round(maskedTerms(5, 4));
    reach(round, step);
    for (const char* site : {"s1", "s2", "s3"}) round.say(step, site);
    round.wait(1000s);
    EXPECT_EQ(round.state.step, Step::Failed) << toString(step);
    EXPECT_THAT(round.state.failure, HasSubstr("3 of 4 sites"));
    EXPECT_EQ(round.opened, 0);
  }
}

TEST(RoundState, SurvivesTheDropoutOfAThirdAtEveryStep) {
  for (const Step step : {Step::Join, Step::Share, Step::Contribute, Step::Confirm, Step::Reveal}) {
    Round round(maskedTerms(7));
    reach(round, step);
    // Seven joined: threshold floor(14/3)+1 = 5. Two are silent from this step on.
    const Sites rest{"s1", "s2", "s3", "s4", "s5"};
    for (const Step s : {Step::Join, Step::Share, Step::Contribute, Step::Confirm, Step::Reveal})
      if (s >= step) {
        round.all(s, rest);
        if (round.state.step == s) round.wait(1000s);  // for those who stay silent
      }
    EXPECT_EQ(round.state.step, Step::Done) << toString(step);
    EXPECT_EQ(round.opened, 1);
  }
}

TEST(RoundState, FailsBelowTheThresholdThoughTheQuorumWouldDo) {
  for (const Step step : {Step::Share, Step::Contribute, Step::Confirm, Step::Reveal}) {
    Round round(maskedTerms(7, 3));
    reach(round, step);
    for (const char* site : {"s1", "s2", "s3", "s4"}) round.say(step, site);
    round.wait(1000s);
    EXPECT_EQ(round.state.step, Step::Failed) << toString(step);
    EXPECT_THAT(round.state.failure, HasSubstr("4 of 5 sites"));
  }
}

TEST(RoundState, NeverOpensAMaskedRoundOfTwoWhateverTheQuorum) {
  Round round(maskedTerms(3, 1));
  round.say(Step::Join, "s1");
  round.say(Step::Join, "s2");
  round.wait(100s);
  EXPECT_EQ(round.state.step, Step::Failed);
}

TEST(RoundState, FailsAtOnceWhenWithdrawalsLeaveTooFew) {
  Round round(maskedTerms(4, 3));
  EXPECT_EQ(round.withdraw("s1"), Verdict::Accepted);
  EXPECT_EQ(round.withdraw("s1"), Verdict::Duplicate);
  EXPECT_EQ(round.state.step, Step::Join);
  EXPECT_EQ(round.withdraw("s2"), Verdict::Accepted);
  EXPECT_EQ(round.state.step, Step::Failed);
  EXPECT_EQ(round.withdraw("s3"), Verdict::TooLate);
}

TEST(RoundState, DoesNotWaitForWhoWithdrew) {
  Round round(maskedTerms(4, 3));
  round.all(Step::Join, {"s1", "s2", "s3"});
  round.withdraw("s4");
  EXPECT_EQ(round.state.step, Step::Share);
  EXPECT_EQ(round.say(Step::Share, "s4"), Verdict::Refused);
}

TEST(RoundState, TakesAContributionBackUntilTheSurvivorsAreListed) {
  Round round(maskedTerms(4, 3));
  reach(round, Step::Contribute);
  round.all(Step::Contribute, {"s1", "s2", "s3"});
  EXPECT_EQ(round.withdraw("s1"), Verdict::Accepted);
  EXPECT_FALSE(round.state.contributed.contains("s1"));
  EXPECT_TRUE(round.state.sharers.contains("s1")) << "its masks are in the others' vectors";
  EXPECT_EQ(round.say(Step::Contribute, "s1"), Verdict::Refused);
  round.say(Step::Contribute, "s4");
  ASSERT_EQ(round.state.step, Step::Confirm);
  EXPECT_EQ(round.withdraw("s2"), Verdict::Accepted);
  EXPECT_TRUE(round.state.contributed.contains("s2"));
  EXPECT_EQ(round.state.step, Step::Failed) << "three are needed to confirm and two are left";
}

TEST(RoundState, OpensWithoutAWithdrawnSurvivorWhenEnoughConfirm) {
  Round round(maskedTerms(4, 3));
  reach(round, Step::Confirm);
  round.withdraw("s2");
  round.all(Step::Confirm, {"s1", "s3", "s4"});
  EXPECT_EQ(round.state.step, Step::Reveal);
  EXPECT_EQ(round.say(Step::Reveal, "s2"), Verdict::Refused);
  round.all(Step::Reveal, {"s1", "s3", "s4"});
  EXPECT_EQ(round.opened, 1);
  EXPECT_EQ(round.state.contributed, sites(4));
}

TEST(RoundState, MovesOnWhenTheLastAwaitedSiteHadWithdrawnInAnEarlierStep) {
  Round round(maskedTerms(4, 3));
  reach(round, Step::Contribute);
  round.withdraw("s4");
  round.all(Step::Contribute, {"s1", "s2", "s3"});
  EXPECT_EQ(round.state.step, Step::Confirm);
  EXPECT_THAT(round.state.contributed, ElementsAre("s1", "s2", "s3"));
}

TEST(RoundState, EndsForGoodWhenCancelled) {
  Round round(maskedTerms(3));
  round.say(Step::Join, "s1");
  round.cancel();
  EXPECT_EQ(round.state.step, Step::Failed);
  EXPECT_EQ(round.state.failure, "a person said so");
  EXPECT_EQ(round.say(Step::Join, "s2"), Verdict::TooLate);
  EXPECT_EQ(round.say(Step::Join, "s1"), Verdict::Duplicate) << "it was heard";
  round.cancel();
  EXPECT_TRUE(round.last.empty());
  round.wait(5000s);
  EXPECT_TRUE(round.last.empty());
}

// --- whatever happens --------------------------------------------------------------------------

bool within(const Sites& inner, const Sites& outer) {
  return std::includes(outer.begin(), outer.end(), inner.begin(), inner.end());
}

void expectSane(const RoundTerms& terms, const RoundState& before, const Transition& t) {
  const RoundState& s = t.state;
  ASSERT_TRUE(within(s.joined, terms.invited));
  ASSERT_TRUE(within(s.sharers, s.joined));
  ASSERT_TRUE(within(s.contributed, terms.masked ? s.sharers : s.joined));
  ASSERT_TRUE(within(s.confirmed, s.contributed));
  ASSERT_TRUE(within(s.revealed, s.confirmed));
  ASSERT_GE(s.step, before.step) << "a round never goes back";
  ASSERT_TRUE(within(before.withdrawn, s.withdrawn));
  // The lists that others have signed or masked for never change after their step.
  ASSERT_TRUE(before.step <= Step::Share || s.sharers == before.sharers);
  ASSERT_TRUE(before.step <= Step::Contribute || s.contributed == before.contributed);
  ASSERT_TRUE(before.step <= Step::Join || s.threshold == before.threshold);

  const auto opened = std::count_if(t.actions.begin(), t.actions.end(), [](const Action& a) {
    return std::holds_alternative<OpenTheSum>(a);
  });
  ASSERT_EQ(opened, before.step != Step::Done && s.step == Step::Done ? 1 : 0);
  if (opened == 0) return;
  const int counted = static_cast<int>(s.contributed.size());
  ASSERT_GE(counted, terms.quorum);
  if (!terms.masked) return;
  ASSERT_EQ(s.threshold, shamirThreshold(static_cast<int>(s.joined.size()), terms.thresholdShare));
  ASSERT_GE(counted, kFewestSurvivors);
  ASSERT_GE(counted, s.threshold);
  ASSERT_GE(static_cast<int>(s.confirmed.size()), s.threshold);
  ASSERT_GE(static_cast<int>(s.revealed.size()), s.threshold);
}

// Mostly what the round expects, so that all ends are reached; else anything at all.
Event randomEvent(std::mt19937& random, const RoundTerms& terms, const RoundState& state,
                  std::chrono::sys_seconds& now) {
  const auto dice = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  now += std::chrono::seconds(dice(8));
  const std::string site =
      "s" + std::to_string(1 + dice(static_cast<int>(terms.invited.size()) + 1));
  const int kind = dice(100);
  if (kind < 70) return {now, SiteSpoke{site, state.step}};
  if (kind < 88) return {now, SiteSpoke{site, static_cast<Step>(dice(7))}};
  if (kind < 92) return {now, SiteWithdrew{site, ""}};
  if (kind < 99) {
    now += std::chrono::seconds(dice(300));
    return {now, TimePassed{}};
  }
  return {now, dice(8) == 0 ? Event{now, Cancelled{"x"}}.what : Event{now, TimePassed{}}.what};
}

bool same(const RoundState& a, const RoundState& b) {
  return a.step == b.step && a.deadline == b.deadline && a.joined == b.joined &&
         a.sharers == b.sharers && a.contributed == b.contributed && a.confirmed == b.confirmed &&
         a.revealed == b.revealed && a.withdrawn == b.withdrawn && a.threshold == b.threshold &&
         a.failure == b.failure;
}

TEST(RoundState, KeepsItsPromisesWhateverHappensInWhateverOrder) {
  std::mt19937 random(20240601);
  int done = 0, failed = 0;
  for (int run = 0; run < 3000; ++run) {
    const int n = 1 + static_cast<int>(random() % 8);
    RoundTerms terms = maskedTerms(n, 1 + static_cast<int>(random() % static_cast<unsigned>(n)));
    terms.masked = run % 3 != 0;
    terms.trainingTimeout = 200s;
    const RoundState first = openRound(terms, kStart);
    RoundState state = first;
    std::vector<Event> journal;
    std::chrono::sys_seconds now = kStart;
    for (int i = 0; i < 150; ++i) {
      journal.push_back(randomEvent(random, terms, state, now));
      const Transition t = advance(terms, state, journal.back());
      ASSERT_NO_FATAL_FAILURE(expectSane(terms, state, t)) << "run " << run << ", event " << i;
      state = t.state;
    }
    RoundState replayed = first;
    for (const Event& event : journal) replayed = advance(terms, std::move(replayed), event).state;
    ASSERT_TRUE(same(replayed, state)) << "run " << run;
    done += state.step == Step::Done ? 1 : 0;
    failed += state.step == Step::Failed ? 1 : 0;
  }
  EXPECT_GT(done, 300) << "the events must reach what is promised about";
  EXPECT_GT(failed, 300);
}

// The same messages in any order within a step give the same round.
TEST(RoundState, DoesNotDependOnTheOrderOfArrivalWithinAStep) {
  std::mt19937 random(7);
  for (int run = 0; run < 50; ++run) {
    Round round(maskedTerms(6));
    for (const Step step :
         {Step::Join, Step::Share, Step::Contribute, Step::Confirm, Step::Reveal}) {
      std::vector<std::string> order(round.terms.invited.begin(), round.terms.invited.end());
      std::shuffle(order.begin(), order.end(), random);
      for (const auto& site : order) round.say(step, site);
    }
    EXPECT_EQ(round.state.step, Step::Done);
    EXPECT_EQ(round.state.contributed, sites(6));
  }
}

}  // namespace
}  // namespace fedpet::federation
