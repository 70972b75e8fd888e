// From Orthanc's log of changes to durable jobs. Orthanc announces a stable series once, from
// memory, and never again after a restart; its log of changes is durable. So the log is the source
// of truth, followed from a sequence number that is stored together with what was made of it, and
// the callback of a change is only the wish to look now.
//
// A series that was still arriving when the power went is found again from two sides: series that
// were new stand in `pending_series`; instances added to an older series are found by reading the
// log once more from `settledSequence`, behind which every series had been announced.
#pragma once

#include "orthanc-plugin/Archive.h"
#include "orthanc-plugin/Ledger.h"
#include "orthanc-plugin/Log.h"

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace fedpet::plugin {

struct IntakeSettings {
  IntakeOptions options;
  EligibilityOptions eligibility;
  RetryOptions retry;
  Seconds stableAge{60};
};

// Used by one thread. Calls the archive: never from a callback of Orthanc.
class Intake {
 public:
  Intake(Archive&, Ledger&, IntakeSettings, Clock, Log);  // archive and ledger are borrowed

  // Once, before step(): where to begin. Throws ArchiveError.
  void begin();
  struct StepResult {
    bool more = false;  // the log has another page: call again
    bool newJobs = false;
    std::vector<std::string> workers;  // whose job was cancelled under them
  };
  // One page of the log, acted on and stored. Throws ArchiveError; then nothing has changed.
  StepResult step();
  // Series whose announcement never came. To be called now and then.
  StepResult sweep();
  // What was deleted from the archive, as its callbacks said.
  StepResult forgetDeleted(const std::vector<std::string>& seriesIds);
  // Results of series that were deleted while nobody listened. To be called once after begin().
  StepResult forgetDeletedBefore() { return forgetDeleted(ledger_.seriesWithResult()); }

 private:
  void judge(const std::string& seriesId, const char* trigger, IntakeBatch&);
  void noteArrival(const std::string& seriesId, IntakeBatch&);
  IntakePosition advancedTo(std::int64_t sequence);
  StepResult store(const IntakeBatch&);

  Archive& archive_;
  Ledger& ledger_;
  IntakeSettings settings_;
  Clock now_;
  Log log_;
  IntakePosition position_;       // as stored; its sequence never goes back
  std::int64_t cursor_ = 0;       // read up to here; behind position_ while reading again
  std::int64_t rescanUntil_ = 0;  // instances up to here are looked up one by one
  struct Mark {
    UtcTime at;
    std::int64_t sequence;
  };
  std::deque<Mark> marks_;  // when the log was read up to where, ascending
};

}  // namespace fedpet::plugin
