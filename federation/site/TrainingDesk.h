// One training at a time, in a thread of its own, while the site goes on answering its other
// rounds: a peer whose step waits for this site does not wait for its trainer.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace fedpet::federation {

class TrainingDesk {
 public:
  // `onEnd` is called from the training's thread whenever one has ended.
  explicit TrainingDesk(std::function<void()> onEnd) : onEnd_(std::move(onEnd)) {}
  ~TrainingDesk() = default;  // stops the training that is under way, and waits for it
  TrainingDesk(const TrainingDesk&) = delete;
  TrainingDesk& operator=(const TrainingDesk&) = delete;

  // Begins, unless a training is under way, this round's or another's. The one that asks keeps its
  // answer by itself; what it throws waits for rethrowFailure().
  void begin(const std::string& roundId, std::function<void(std::stop_token)> training);
  bool isBusy();
  // Once for each failure.
  void rethrowFailure(const std::string& roundId);
  void stop();  // the training that is under way, and waits for it
  // The round needs no training any more.
  void cancel(const std::string& roundId);

 private:
  std::function<void()> onEnd_;
  std::mutex mutex_;     // guards the next two
  std::string current_;  // empty: nothing is under way
  std::map<std::string, std::exception_ptr> failures_;
  std::jthread thread_;  // last: it uses all above
};

}  // namespace fedpet::federation
