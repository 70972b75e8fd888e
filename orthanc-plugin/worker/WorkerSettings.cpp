#include "orthanc-plugin/worker/WorkerSettings.h"

#include "net/HttpClient.h"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

namespace fedpet::plugin {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int environmentNumber(const char* name, int standard) {
  const std::string text = environment(name);
  return text.empty() ? standard : std::stoi(text);
}

// First line of a file: secrets do not belong into arguments.
std::string firstLine(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line)) throw CLI::ValidationError("cannot read " + file);
  return line;
}

std::string hostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unnamed";
}

WorkerSettings fromEnvironment() {
  WorkerSettings s;
  if (const std::string url = environment("FEDPET_ORTHANC_URL"); !url.empty()) s.orthancUrl = url;
  s.authorization = environment("FEDPET_ORTHANC_AUTHORIZATION");
  s.secret = environment("FEDPET_WORKER_SECRET");
  s.name = environment("FEDPET_WORKER_NAME");
  if (s.name.empty()) s.name = hostName() + "-" + std::to_string(getpid());
  s.caFile = environment("FEDPET_CA_FILE");
  s.memoryLimitMb = environmentNumber("FEDPET_MEMORY_LIMIT_MB", s.memoryLimitMb);
  s.jobsPerProcess = environmentNumber("FEDPET_JOBS_PER_PROCESS", s.jobsPerProcess);
  s.idleAfter = std::chrono::seconds(environmentNumber("FEDPET_IDLE_SECONDS", 0));
  s.threads = environmentNumber("FEDPET_THREADS", s.threads);
  s.parentPid = environmentNumber("FEDPET_PARENT_PID", s.parentPid);
  s.contributionFolder = environment("FEDPET_CONTRIBUTION_FOLDER");
  return s;
}

}  // namespace

std::optional<WorkerSettings> readWorkerSettings(int argc, char** argv, int& exitCode) {
  exitCode = 0;
  CLI::App app{
      "fedpet-worker: takes jobs from the fedpet plugin of an Orthanc and does them.\n"
      "The plugin starts its own workers; start one by hand to lend it another machine\n"
      "(FedPet.Worker.AllowRemote must be true). Research use only."};
  app.set_version_flag("--version", "fedpet-worker " FEDPET_VERSION);
  std::string userFile, passwordFile;
  try {
    WorkerSettings s = fromEnvironment();
    app.add_option("--orthanc-url", s.orthancUrl, "Orthanc's HTTP address")->capture_default_str();
    app.add_option("--username-file", userFile, "File whose first line is a user of Orthanc");
    app.add_option("--password-file", passwordFile, "File whose first line is the password")
        ->needs("--username-file");
    app.add_option("--name", s.name, "How the plugin's job list calls this worker");
    app.add_option("--ca-file", s.caFile, "PEM certificates that sign Orthanc's, for https");
    app.add_option("--memory-limit", s.memoryLimitMb, "Address space in MiB, 0: no limit");
    app.add_option("--threads", s.threads, "Computing threads, 0: all of the processor");
    app.add_option("--connections", s.connections, "Connections for fetching a series")
        ->check(CLI::Range(1, 8));
    app.add_flag("--once", s.once, "Do one job and end");
    app.parse(argc, argv);
    if (!userFile.empty())
      s.authorization = net::basicCredentials(firstLine(userFile),
                                              passwordFile.empty() ? "" : firstLine(passwordFile));
    return s;
  } catch (const CLI::ParseError& e) {
    exitCode = app.exit(e);
  } catch (const std::logic_error& e) {
    std::fprintf(stderr, "fedpet-worker: a FEDPET_ variable is not a number: %s\n", e.what());
    exitCode = 64;
  }
  return std::nullopt;
}

}  // namespace fedpet::plugin
