// fedpet-worker: the process that computes. A crash, a hang or the end of its memory costs one
// attempt of one job; the plugin starts another.
#include "net/NetError.h"
#include "orthanc-plugin/Supervisor.h"
#include "orthanc-plugin/worker/Contribution.h"
#include "orthanc-plugin/worker/JobRunner.h"
#include "orthanc-plugin/worker/ProcessGuards.h"
#include "orthanc-plugin/worker/Threads.h"
#include "orthanc-plugin/worker/WorkerSettings.h"

#include <chrono>
#include <cstdio>
#include <thread>

namespace fedpet::plugin {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLeasePatience{5};
// A remote worker outlives a restart of Orthanc; a child does not survive its parent anyway.
constexpr std::chrono::seconds kPauseWhenUnreachable{2};

int work(const WorkerSettings& settings) {
  OrthancClient client(settings);
  JobRunner runner(settings);
  auto idleSince = SteadyClock::now();
  for (int done = 0; settings.jobsPerProcess == 0 || done < settings.jobsPerProcess;) {
    try {
      const auto job = client.lease(kLeasePatience);
      if (!job) {
        const bool idle =
            settings.idleAfter.count() > 0 && SteadyClock::now() - idleSince >= settings.idleAfter;
        if (idle) return 0;
        continue;
      }
      runner.run(*job);
      ++done;
      if (settings.once) return 0;
      idleSince = SteadyClock::now();
    } catch (const net::NetError& e) {
      std::fprintf(stderr, "fedpet-worker: %s\n", e.what());
      std::this_thread::sleep_for(kPauseWhenUnreachable);
    }
  }
  return 0;
}

}  // namespace
}  // namespace fedpet::plugin

int main(int argc, char** argv) {
  using namespace fedpet::plugin;
  int exitCode = 0;
  const auto settings = readWorkerSettings(argc, argv, exitCode);
  if (!settings) return exitCode;
  try {
    installProcessGuards(*settings);
    limitThreads(settings->threads);
    if (!settings->contributionFolder.empty()) {
      answerContribution(settings->contributionFolder);
      return 0;
    }
    return work(*settings);
  } catch (const LeaseLost& e) {
    std::fprintf(stderr, "fedpet-worker: %s\n", e.what());
    return kExitLeaseLost;
  } catch (const std::bad_alloc&) {
    return kExitOutOfMemory;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "fedpet-worker: %s\n", e.what());
    return 1;
  }
}
