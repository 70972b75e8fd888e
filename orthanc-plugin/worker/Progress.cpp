#include "orthanc-plugin/worker/Progress.h"

#include "orthanc-plugin/Supervisor.h"

#include <unistd.h>

#include <cstdio>

namespace fedpet::plugin {
namespace {

constexpr std::chrono::seconds kBeat{1};
// A new stage is told at once, but a burst of them is one message.
constexpr std::chrono::milliseconds kShortest{100};

double millisSince(std::chrono::steady_clock::time_point t) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - t).count();
}

}  // namespace

Progress::Progress(const WorkerSettings& settings, const LeasedJob& job)
    : client_(settings), job_(job), thread_([this] { run(); }) {}

Progress::~Progress() { finish(); }

void Progress::enter(const std::string& stage, int percent) {
  const std::lock_guard lock(mutex_);
  percent_ = percent;
  if (stage == stage_) return;
  timingsMs_[stage_] += millisSince(since_);
  since_ = std::chrono::steady_clock::now();
  stage_ = stage;
  news_ = true;
  changed_.notify_all();
}

std::map<std::string, double> Progress::finish() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  auto timings = timingsMs_;
  timings[stage_] += millisSince(since_);
  timings.erase("start");
  return timings;
}

void Progress::run() {
  for (;;) {
    std::string stage;
    int percent = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kShortest, [this] { return ended_; });
      changed_.wait_for(lock, kBeat, [this] { return news_ || ended_; });
      if (ended_) return;
      news_ = false;
      stage = stage_;
      percent = percent_;
    }
    try {
      client_.heartbeat(job_, stage, percent);
    } catch (const LeaseLost& e) {
      std::fprintf(stderr, "fedpet-worker: job %lld: %s\n", static_cast<long long>(job_.id),
                   e.what());
      _exit(kExitLeaseLost);
    } catch (const std::exception&) {
      // Orthanc is busy or restarting: the lease outlasts some missed beats.
    }
  }
}

}  // namespace fedpet::plugin
