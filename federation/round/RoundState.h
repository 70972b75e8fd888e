// One round as a pure function: a state and an event give a new state and what to do. No clock, no
// socket, no disk: the coordinator journals each event before it is applied and, after a restart,
// gets the same state from the same events.
//
//   Join -> Share -> Contribute -> Confirm -> Reveal -> Done      with masking
//   Join -> Contribute -> Done                                    without
//   any step -> Failed
//
// A step ends when all whom it waits for have answered, or at its deadline with enough of them.
#pragma once

#include "federation/wire/Messages.h"

#include <chrono>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace fedpet::federation {

struct RoundTerms {
  std::set<std::string> invited;
  bool masked = true;
  int quorum = 3;                 // contributions needed
  double thresholdShare = 0.667;  // the threshold follows from who joined
  std::chrono::seconds stepTimeout{3600}, trainingTimeout{24 * 3600};
};

struct RoundState {
  Step step = Step::Join;
  std::chrono::sys_seconds deadline{};
  std::set<std::string> joined, sharers, contributed, confirmed, revealed, withdrawn;
  int threshold = 0;    // set when Join ends
  std::string failure;  // a sentence, when Failed
};

struct SiteSpoke {
  std::string site;
  Step step;
};  // a valid message of that step
struct SiteWithdrew {
  std::string site, reason;
};
struct TimePassed {};
struct Cancelled {
  std::string reason;
};
struct Event {
  std::chrono::sys_seconds at{};
  std::variant<SiteSpoke, SiteWithdrew, TimePassed, Cancelled> what;
};

struct Answer {
  Verdict verdict;
  std::string reason;
};  // to the site that spoke
struct StepEntered {
  Step step;
};
struct OpenTheSum {};  // unmask (or just add) and hand over to proceed()
struct RoundFailed {
  std::string reason;
};
using Action = std::variant<Answer, StepEntered, OpenTheSum, RoundFailed>;

struct Transition {
  RoundState state;
  std::vector<Action> actions;
};

RoundState openRound(const RoundTerms&, std::chrono::sys_seconds at);
Transition advance(const RoundTerms&, RoundState, const Event&);

}  // namespace fedpet::federation
