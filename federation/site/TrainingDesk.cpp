#include "federation/site/TrainingDesk.h"

namespace fedpet::federation {

void TrainingDesk::begin(const std::string& roundId,
                         std::function<void(std::stop_token)> training) {
  {
    const std::lock_guard lock(mutex_);
    if (!current_.empty()) return;
    current_ = roundId;
  }
  // The last one has said that it is over, so that this does not wait.
  thread_ = std::jthread([this, roundId, train = std::move(training)](std::stop_token stop) {
    std::exception_ptr failure;
    try {
      train(stop);
    } catch (...) {
      failure = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      current_.clear();
      if (failure && !stop.stop_requested()) failures_[roundId] = failure;
    }
    onEnd_();
  });
}

bool TrainingDesk::isBusy() {
  const std::lock_guard lock(mutex_);
  return !current_.empty();
}

void TrainingDesk::rethrowFailure(const std::string& roundId) {
  std::exception_ptr failure;
  {
    const std::lock_guard lock(mutex_);
    const auto found = failures_.find(roundId);
    if (found == failures_.end()) return;
    failure = found->second;
    failures_.erase(found);
  }
  std::rethrow_exception(failure);
}

void TrainingDesk::stop() { thread_ = {}; }

void TrainingDesk::cancel(const std::string& roundId) {
  const std::lock_guard lock(mutex_);
  failures_.erase(roundId);
  if (current_ == roundId) thread_.request_stop();
}

}  // namespace fedpet::federation
