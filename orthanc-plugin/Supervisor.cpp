#include "orthanc-plugin/Supervisor.h"

#include <algorithm>
#include <csignal>
#include <cstring>

namespace fedpet::plugin {
namespace {

std::string signalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : std::string("SIG") + name;
}

}  // namespace

Reason reasonOf(const ProcessEnd& end) {
  if (end.signal == SIGKILL)
    return {"WorkerCrashed", "SIGKILL: ended from outside, perhaps because memory ran out"};
  if (end.signal != 0) return {"WorkerCrashed", signalName(end.signal)};
  if (end.exitCode == kExitOutOfMemory)
    return {"WorkerOutOfMemory", "the worker reached its memory limit"};
  return {"WorkerCrashed", "exit code " + std::to_string(end.exitCode)};
}

Supervisor::Supervisor(JobQueue& queue, ProcessLauncher launch, std::string tag, Clock clock,
                       Log log)
    : queue_(queue),
      launch_(std::move(launch)),
      tag_(std::move(tag)),
      now_(std::move(clock)),
      log_(std::move(log)),
      slots_(static_cast<std::size_t>(std::max(0, queue.workerOptions().count))) {}

void Supervisor::tick() {
  queue_.revokeOverdue();
  killDispossessed();
  for (Slot& slot : slots_)
    if (slot.child) reap(slot);
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (!slots_[i].child && slots_[i].notBefore <= now_() && queue_.hasWork()) start(slots_[i], i);
  running_ = static_cast<int>(std::count_if(slots_.begin(), slots_.end(),
                                            [](const Slot& s) { return s.child != nullptr; }));
}

void Supervisor::killDispossessed() {
  for (const std::string& worker : queue_.takeDispossessed())
    for (Slot& slot : slots_)
      if (slot.child && slot.worker == worker) {
        slot.child->kill();
        slot.killedByUs = true;
      }
}

void Supervisor::reap(Slot& slot) {
  const auto end = slot.child->poll();
  if (!end) return;
  const Reason reason = reasonOf(*end);
  // Also after an orderly end: a worker that leaves its job behind has lost it.
  queue_.workerEnded(slot.worker, reason);
  slot.child.reset();
  const bool orderly = slot.killedByUs || (end->signal == 0 &&
                                           (end->exitCode == 0 || end->exitCode == kExitLeaseLost));
  if (orderly) {
    slot.failuresInARow = 0;
    slot.notBefore = now_();
    return;
  }
  ++crashes_;
  const WorkerOptions& options = queue_.workerOptions();
  // One that has lived for a while was not broken from the start.
  if (now_() - slot.startedAt > options.restartBackOffMax) slot.failuresInARow = 0;
  ++slot.failuresInARow;
  const Seconds pause =
      backOff(options.restartBackOff, options.restartBackOffMax, slot.failuresInARow);
  slot.notBefore = now_() + pause;
  log_(LogLevel::Warning, "worker " + slot.worker + " ended: " + reason.code + ", " + reason.text +
                              "; next start in " + std::to_string(pause.count()) +
                              " s at the earliest");
}

void Supervisor::start(Slot& slot, std::size_t index) {
  slot.worker =
      kLocalWorkerPrefix + tag_ + "-" + std::to_string(index) + "-" + std::to_string(++started_);
  slot.startedAt = now_();
  slot.killedByUs = false;
  try {
    slot.child = launch_(slot.worker);
  } catch (const std::exception& e) {
    ++slot.failuresInARow;
    slot.notBefore =
        now_() + backOff(queue_.workerOptions().restartBackOff,
                         queue_.workerOptions().restartBackOffMax, slot.failuresInARow);
    log_(LogLevel::Error, std::string("cannot start a worker: ") + e.what());
  }
}

void Supervisor::stopAll() {
  for (Slot& slot : slots_) {
    if (!slot.child) continue;
    slot.child->kill();
    slot.child.reset();
  }
  queue_.releaseLocal();
  running_ = 0;
}

}  // namespace fedpet::plugin
