#include "orthanc-plugin/worker/ProcessGuards.h"

#include "orthanc-plugin/Supervisor.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

namespace fedpet::plugin {
namespace {

void limitMemory(int megabytes) {
  if (megabytes <= 0) return;
  const rlimit limit{static_cast<rlim_t>(megabytes) << 20, static_cast<rlim_t>(megabytes) << 20};
  if (setrlimit(RLIMIT_AS, &limit) != 0) throw std::runtime_error("cannot limit the memory");
  // Whatever library asks for memory in whatever thread: one end, that the plugin knows by name.
  std::set_new_handler([] { _exit(kExitOutOfMemory); });
}

void dieWithParent(int parentPid) {
  if (parentPid == 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parentPid) _exit(0);  // it died before the line above
  std::thread([] {
    std::array<char, 64> ignored{};
    for (;;) {
      const ssize_t n = read(STDIN_FILENO, ignored.data(), ignored.size());
      if (n == 0 || (n < 0 && errno != EINTR)) _exit(0);
    }
  }).detach();
}

// Asked for and never touched: the limit is on addresses, and the machine keeps its memory.
[[noreturn]] void useUpMemory() {
  std::vector<std::unique_ptr<char[]>> blocks;
  for (;;) blocks.push_back(std::make_unique_for_overwrite<char[]>(std::size_t{16} << 20));
}

void fault(const std::string& kind) {
  if (kind == "crash") std::raise(SIGSEGV);
  if (kind == "abort") std::abort();
  if (kind == "hang") std::this_thread::sleep_for(std::chrono::hours(24));
  if (kind == "oom") useUpMemory();
  if (kind == "exit") _exit(3);
  if (kind == "throw") throw std::runtime_error("a fault for tests");
}

}  // namespace

void installProcessGuards(const WorkerSettings& settings) {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  limitMemory(settings.memoryLimitMb);
  dieWithParent(settings.parentPid);
}

void faultForTests(const std::string& stage) {
  const char* variable = std::getenv("FEDPET_WORKER_FAULT");
  if (variable == nullptr) return;
  const std::string text(variable);
  const std::size_t first = text.find(':'), second = text.find(':', first + 1);
  if (first == std::string::npos || text.substr(first + 1, second - first - 1) != stage) return;
  if (second != std::string::npos && !std::filesystem::exists(text.substr(second + 1))) return;
  fault(text.substr(0, first));
}

}  // namespace fedpet::plugin
