// Where an attempt is, measured, and told to the plugin once a second from a thread of its own,
// so that the plugin sees a hanging computation as such and a dead process as dead.
#pragma once

#include "orthanc-plugin/worker/OrthancClient.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace fedpet::plugin {

class Progress {
 public:
  // Ends the process with kExitLeaseLost when the plugin has taken the job away: a computation
  // cannot be interrupted otherwise, and nothing of it is wanted any more.
  Progress(const WorkerSettings&, const LeasedJob&);
  ~Progress();

  void enter(const std::string& stage, int percent);
  // To be called before the end is reported: a sign of life after it would be one of an attempt
  // that has no job any more. Returns milliseconds by stage, the current one included.
  std::map<std::string, double> finish();

 private:
  void run();

  OrthancClient client_;  // used by thread_ only
  const LeasedJob job_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string stage_ = "start";
  int percent_ = 0;
  bool news_ = false, ended_ = false;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  std::map<std::string, double> timingsMs_;
  std::thread thread_;  // last: everything else stands when it starts
};

}  // namespace fedpet::plugin
