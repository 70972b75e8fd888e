// What keeps a worker from outliving or starving its machine.
#pragma once

#include "orthanc-plugin/worker/WorkerSettings.h"

namespace fedpet::plugin {

// Memory limit (then the process ends with kExitOutOfMemory), end with the parent by signal and by
// the end of standard input, no core dump: that would hold a patient's images.
void installProcessGuards(const WorkerSettings&);

// For tests: FEDPET_WORKER_FAULT="<kind>:<stage>[:<file>]" makes the process fail when it enters
// that stage; kinds: crash, abort, hang, oom, exit, throw. With a file, only while that exists.
// Does nothing without the variable.
void faultForTests(const std::string& stage);

}  // namespace fedpet::plugin
