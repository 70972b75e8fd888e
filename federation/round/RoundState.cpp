#include "federation/round/RoundState.h"

#include "federation/secagg/SecureSum.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace fedpet::federation {
namespace {

using Sites = std::set<std::string>;

bool isOver(Step step) { return step == Step::Done || step == Step::Failed; }

Sites& heardIn(RoundState& state, Step step) {
  switch (step) {
    case Step::Join:
      return state.joined;
    case Step::Share:
      return state.sharers;
    case Step::Contribute:
      return state.contributed;
    case Step::Confirm:
      return state.confirmed;
    default:
      assert(step == Step::Reveal);
      return state.revealed;
  }
}
const Sites& heardIn(const RoundState& state, Step step) {
  return heardIn(const_cast<RoundState&>(state), step);
}

// Who has earned the right to speak in a step: whoever did the one before.
const Sites& entitledTo(const RoundTerms& terms, const RoundState& state, Step step) {
  switch (step) {
    case Step::Join:
      return terms.invited;
    case Step::Share:
      return state.joined;
    case Step::Contribute:
      return terms.masked ? state.sharers : state.joined;
    case Step::Confirm:
      return state.contributed;
    default:
      assert(step == Step::Reveal);
      return state.confirmed;
  }
}

// Until the list of survivors is made, a site that goes takes its message with it. Afterwards the
// others have signed for what it sent.
bool canTakeBack(Step step) {
  return step == Step::Join || step == Step::Share || step == Step::Contribute;
}

int neededIn(const RoundTerms& terms, const RoundState& state) {
  if (!terms.masked) return std::max(terms.quorum, 1);
  const int toOpen = std::max(kFewestSurvivors, state.threshold);  // threshold 0 while joining
  return canTakeBack(state.step) ? std::max(terms.quorum, toOpen) : toOpen;
}

Step following(const RoundTerms& terms, Step step) {
  switch (step) {
    case Step::Join:
      return terms.masked ? Step::Share : Step::Contribute;
    case Step::Share:
      return Step::Contribute;
    case Step::Contribute:
      return terms.masked ? Step::Confirm : Step::Done;
    case Step::Confirm:
      return Step::Reveal;
    default:
      assert(step == Step::Reveal);
      return Step::Done;
  }
}

std::chrono::seconds timeFor(const RoundTerms& terms, Step step) {
  return step == Step::Contribute ? terms.trainingTimeout : terms.stepTimeout;
}

int countOf(const Sites& sites) { return static_cast<int>(sites.size()); }

// One transition under way.
class Advance {
 public:
  Advance(const RoundTerms& terms, RoundState state, std::chrono::sys_seconds at)
      : terms_(terms), state_(std::move(state)), at_(at) {}

  void passTime() {
    if (isOver(state_.step) || at_ < state_.deadline) return;
    if (countOf(heardIn(state_, state_.step)) >= neededIn(terms_, state_))
      enterNext();
    else
      fail("the deadline of step " + std::string(toString(state_.step)) + " passed with " +
           shortfall(countOf(heardIn(state_, state_.step))));
  }

  void hear(const SiteSpoke& spoke) {
    const Answer answer = judge(spoke);
    actions_.emplace_back(answer);
    if (answer.verdict != Verdict::Accepted) return;
    heardIn(state_, state_.step).insert(spoke.site);
    settle();
  }

  void letGo(const SiteWithdrew& gone) {
    const Answer answer = judge(gone);
    actions_.emplace_back(answer);
    if (answer.verdict != Verdict::Accepted) return;
    state_.withdrawn.insert(gone.site);
    if (canTakeBack(state_.step)) heardIn(state_, state_.step).erase(gone.site);
    settle();
  }

  void fail(const std::string& reason) {
    if (isOver(state_.step)) return;
    state_.step = Step::Failed;
    state_.failure = reason;
    actions_.emplace_back(RoundFailed{reason});
  }

  Transition finish() && { return {std::move(state_), std::move(actions_)}; }

 private:
  Answer judge(const SiteSpoke& spoke) const {
    if (isOver(spoke.step)) return {Verdict::Refused, "no message belongs to that step"};
    if (!terms_.invited.contains(spoke.site)) return {Verdict::Refused, "not invited"};
    if (!terms_.masked && spoke.step != Step::Join && spoke.step != Step::Contribute)
      return {Verdict::Refused, "this round has no masks and no such step"};
    if (heardIn(state_, spoke.step).contains(spoke.site)) return {Verdict::Duplicate, ""};
    if (isOver(state_.step)) return {Verdict::TooLate, "the round is over"};
    if (state_.withdrawn.contains(spoke.site))
      return {Verdict::Refused, "the site has withdrawn from this round"};
    if (spoke.step < state_.step)
      return {Verdict::TooLate, "the round is already at step " + now()};
    if (spoke.step > state_.step) return {Verdict::Refused, "the round is still at step " + now()};
    if (!entitledTo(terms_, state_, spoke.step).contains(spoke.site))
      return {Verdict::Refused, "the site did not take part in the step before"};
    return {Verdict::Accepted, ""};
  }

  Answer judge(const SiteWithdrew& gone) const {
    if (!terms_.invited.contains(gone.site)) return {Verdict::Refused, "not invited"};
    if (state_.withdrawn.contains(gone.site)) return {Verdict::Duplicate, ""};
    if (isOver(state_.step)) return {Verdict::TooLate, "the round is over"};
    if (!canTakeBack(state_.step) && state_.contributed.contains(gone.site))
      return {Verdict::Accepted, "its contribution can no longer be taken out of the sum"};
    return {Verdict::Accepted, ""};
  }

  // Goes on when nobody is left to wait for, and gives up as soon as those who may still speak
  // cannot be enough.
  void settle() {
    const Sites& heard = heardIn(state_, state_.step);
    const Sites& entitled = entitledTo(terms_, state_, state_.step);
    const auto awaited = std::count_if(entitled.begin(), entitled.end(), [&](const auto& site) {
      return !heard.contains(site) && !state_.withdrawn.contains(site);
    });
    const int possible = countOf(heard) + static_cast<int>(awaited);
    if (possible < neededIn(terms_, state_))
      fail("too many sites withdrew in step " + now() + ": " + shortfall(possible));
    else if (awaited == 0)
      enterNext();
  }

  void enterNext() {
    if (state_.step == Step::Join && terms_.masked)
      state_.threshold = shamirThreshold(countOf(state_.joined), terms_.thresholdShare);
    state_.step = following(terms_, state_.step);
    actions_.emplace_back(StepEntered{state_.step});
    if (state_.step == Step::Done) {
      actions_.emplace_back(OpenTheSum{});
      return;
    }
    state_.deadline = at_ + timeFor(terms_, state_.step);
    settle();  // those who withdrew meanwhile may leave too few, or nobody to wait for
  }

  std::string now() const { return std::string(toString(state_.step)); }
  std::string shortfall(int sites) const {
    return std::to_string(sites) + " of " + std::to_string(neededIn(terms_, state_)) +
           " sites that are needed";
  }

  const RoundTerms& terms_;
  RoundState state_;
  std::chrono::sys_seconds at_;
  std::vector<Action> actions_;
};

}  // namespace

RoundState openRound(const RoundTerms& terms, std::chrono::sys_seconds at) {
  RoundState state;
  state.deadline = at + terms.stepTimeout;
  return state;
}

Transition advance(const RoundTerms& terms, RoundState state, const Event& event) {
  Advance step(terms, std::move(state), event.at);
  // A message that comes after the deadline is late, whether or not a clock has struck before it.
  step.passTime();
  if (const auto* spoke = std::get_if<SiteSpoke>(&event.what))
    step.hear(*spoke);
  else if (const auto* gone = std::get_if<SiteWithdrew>(&event.what))
    step.letGo(*gone);
  else if (const auto* cancelled = std::get_if<Cancelled>(&event.what))
    step.fail(cancelled->reason);
  return std::move(step).finish();
}

}  // namespace fedpet::federation
