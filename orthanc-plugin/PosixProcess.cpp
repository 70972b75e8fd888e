#include "orthanc-plugin/PosixProcess.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <vector>

extern char** environ;

namespace fedpet::plugin {
namespace {

class PosixChild final : public ChildProcess {
 public:
  PosixChild(pid_t pid, int lifeline) : pid_(pid), lifeline_(lifeline) {}
  ~PosixChild() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      int status = 0;
      while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
      }
    }
    close(lifeline_);
  }

  std::optional<ProcessEnd> poll() override {
    int status = 0;
    const pid_t reaped = waitpid(pid_, &status, WNOHANG);
    if (reaped == 0 || (reaped < 0 && errno == EINTR)) return std::nullopt;
    pid_ = -1;
    if (reaped < 0) return ProcessEnd{-1, 0};  // somebody else reaped it
    if (WIFSIGNALED(status)) return ProcessEnd{0, WTERMSIG(status)};
    return ProcessEnd{WEXITSTATUS(status), 0};
  }

  void kill() override {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
  }

 private:
  pid_t pid_;
  int lifeline_;  // write end of the child's standard input
};

std::vector<std::string> mergedEnvironment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> lines;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string line(*entry);
    if (!added.contains(line.substr(0, line.find('=')))) lines.push_back(line);
  }
  for (const auto& [name, value] : added) lines.push_back(name + "=" + value);
  return lines;
}

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error(what + ": " + std::strerror(error));
}

// The two objects of posix_spawn that need an explicit end.
struct FileActions {
  posix_spawn_file_actions_t value{};
  FileActions() { posix_spawn_file_actions_init(&value); }
  ~FileActions() { posix_spawn_file_actions_destroy(&value); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
};
struct Attributes {
  posix_spawnattr_t value{};
  Attributes() { posix_spawnattr_init(&value); }
  ~Attributes() { posix_spawnattr_destroy(&value); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
};

}  // namespace

std::unique_ptr<ChildProcess> spawnProcess(const std::string& program,
                                           const std::map<std::string, std::string>& environment) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe", errno);
  FileActions actions;
  posix_spawn_file_actions_adddup2(&actions.value, ends[0], STDIN_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions.value, STDERR_FILENO + 1);
  Attributes attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes.value, &none);  // Orthanc's threads block signals
  posix_spawnattr_setsigdefault(&attributes.value, &all);
  posix_spawnattr_setpgroup(&attributes.value, 0);
  posix_spawnattr_setflags(&attributes.value,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> lines = mergedEnvironment(environment);
  std::vector<char*> variables;
  for (std::string& line : lines) variables.push_back(line.data());
  variables.push_back(nullptr);
  std::string name = program;
  char* arguments[] = {name.data(), nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.c_str(), &actions.value, &attributes.value, arguments,
                                variables.data());
  close(ends[0]);
  if (error != 0) {
    close(ends[1]);
    fail(program, error);
  }
  return std::make_unique<PosixChild>(pid, ends[1]);
}

std::string ownDirectory() {
  Dl_info info{};
  // The address of any object in this shared object will do.
  if (dladdr(reinterpret_cast<const void*>(&ownDirectory), &info) == 0 || info.dli_fname == nullptr)
    throw std::runtime_error("cannot tell where the plugin lies");
  return std::filesystem::absolute(info.dli_fname).parent_path().string();
}

}  // namespace fedpet::plugin
