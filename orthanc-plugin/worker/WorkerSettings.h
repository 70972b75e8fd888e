// How one worker process was started. A child of the plugin is told everything by its environment,
// never by its arguments: other users can read those.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace fedpet::plugin {

struct WorkerSettings {
  std::string orthancUrl = "http://127.0.0.1:8042";
  std::string authorization;  // value of the Authorization header; empty: none
  std::string secret;         // of a child; empty for a remote worker
  std::string name;
  std::string caFile;
  int memoryLimitMb = 0;              // 0: none
  int jobsPerProcess = 0;             // 0: no end
  std::chrono::seconds idleAfter{0};  // 0: waits for ever
  int threads = 0;                    // 0: as many as the processor has
  int connections = 2;                // for fetching a series
  int parentPid = 0;                  // of a child: it dies with it
  bool once = false;                  // one job, then the end
  std::string contributionFolder;     // not empty: one question of the federation, then the end
};

// nullopt: answered --help or --version, or could not: then `exitCode` says which.
std::optional<WorkerSettings> readWorkerSettings(int argc, char** argv, int& exitCode);

}  // namespace fedpet::plugin
