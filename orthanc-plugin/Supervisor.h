// Keeps the worker processes of this machine: starts them when there is work, ends those whose job
// was taken from them, notes why one died, and lets a crashing one wait before it is started
// again. A worker's death costs one attempt of one job and nothing else.
#pragma once

#include "orthanc-plugin/JobQueue.h"
#include "orthanc-plugin/Log.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::plugin {

struct ProcessEnd {
  int exitCode = 0;  // when signal is 0
  int signal = 0;
};

// A running child. Ended and reaped at the latest by the destructor.
class ChildProcess {
 public:
  virtual ~ChildProcess() = default;
  virtual std::optional<ProcessEnd> poll() = 0;  // nullopt: still running
  virtual void kill() = 0;                       // SIGKILL: it may hang anywhere
};

// `name` is the worker's name in the protocol. Throws std::runtime_error.
using ProcessLauncher = std::function<std::unique_ptr<ChildProcess>(const std::string& name)>;

// Exit codes of fedpet-worker, docs/worker-protocol.md.
inline constexpr int kExitOutOfMemory = 71;
inline constexpr int kExitLeaseLost = 75;

// What the end of a process means for the attempt it was at.
Reason reasonOf(const ProcessEnd&);

// tick() is called by one thread, some times a second.
class Supervisor {
 public:
  // `tag` makes the workers' names unlike those of an earlier life of the plugin.
  Supervisor(JobQueue&, ProcessLauncher, std::string tag, Clock, Log);

  void tick();
  // Ends every child now; their jobs wait again at no cost.
  void stopAll();

  struct Snapshot {
    int running = 0, crashes = 0;
  };
  Snapshot snapshot() const { return {running_, crashes_}; }

 private:
  struct Slot {
    std::string worker;
    std::unique_ptr<ChildProcess> child;
    bool killedByUs = false;
    int failuresInARow = 0;
    UtcTime startedAt{}, notBefore{};
  };

  void killDispossessed();
  void reap(Slot&);
  void start(Slot&, std::size_t index);

  JobQueue& queue_;
  ProcessLauncher launch_;
  std::string tag_;
  Clock now_;
  Log log_;
  std::vector<Slot> slots_;
  int started_ = 0;
  std::atomic<int> running_{0}, crashes_{0};
};

}  // namespace fedpet::plugin
