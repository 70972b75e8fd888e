// Empties an outbox: takes what is due, hands it to its destination, settles it by the outcome.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "fhir/Delivery.h"
#include "fhir/Outbox.h"

namespace fedpet::fhir {

struct RetryPolicy {
  std::chrono::milliseconds firstDelay{30'000};
  double factor = 2;
  std::chrono::milliseconds longestDelay{3'600'000};
  double jitter = 0.2;  // a delay is spread over +-20 %, so that sites do not knock in step
  // Unreachable or unauthorised: a person may need a weekend and a day to notice and repair.
  std::chrono::hours giveUpAfter{14 * 24};
  int unintelligibleAttempts = 5;  // in a row, since this process started
  // Longer than a delivery may take (HttpClientOptions::overallTimeout).
  std::chrono::milliseconds claimFor{300'000};
};

// Delay before attempt `attempts` + 1, for `attempts` >= 1. `spread` is in 0..1 (0.5: no jitter).
std::chrono::milliseconds backOff(const RetryPolicy&, int attempts, double spread);

// What an attempt came to; for log and metrics. Called on the courier's thread.
class CourierObserver {
 public:
  virtual ~CourierObserver() = default;
  // `entry` is as it was claimed; no text given here names a patient.
  virtual void delivered(const OutboxEntry& entry) = 0;
  virtual void postponed(const OutboxEntry& entry, OutboxTime until, const std::string& reason) = 0;
  virtual void deadLettered(const OutboxEntry& entry, const std::string& reason) = 0;
  virtual void storeFailed(const std::string& what) = 0;
};

// Not thread-safe; the store, the senders and the observer must outlive it.
class OutboxCourier {
 public:
  using Senders = std::map<std::string, std::shared_ptr<BundleSender>>;  // by destination

  struct Inject {
    std::function<OutboxTime()> now;
    std::function<double()> spread;  // uniform in 0..1
  };
  static Inject systemClockAndDice();

  OutboxCourier(OutboxStore&, Senders, CourierObserver&, RetryPolicy = {},
                Inject = systemClockAndDice());

  // Attempts everything that is due, until nothing is or `stop` is requested; returns the number
  // of claims made. A destination that cannot be reached is asked once: what else is due for it is
  // postponed alike. Throws what the store throws.
  std::size_t deliverDue(std::stop_token stop = {});

 private:
  void attempt(const OutboxEntry&, std::stop_token);
  void settle(const OutboxEntry&, const Delivered&);
  void settle(const OutboxEntry&, const RetryLater&);
  void settle(const OutboxEntry&, const Rejected&);
  void settle(const OutboxEntry&, const NeedsAuth&);
  void postpone(const OutboxEntry&, std::chrono::milliseconds, const std::string& reason);
  void giveUp(const OutboxEntry&, const std::string& reason, const std::string& details = {});

  OutboxStore& store_;
  Senders senders_;
  CourierObserver& observer_;
  RetryPolicy policy_;
  Inject inject_;
  std::map<std::int64_t, int> unintelligible_;  // answers in a row, by entry
  std::map<std::string, RetryLater> unreachable_;  // destinations, within one deliverDue
};

// Runs a courier on a thread of its own, woken by wake(), by the next due time, or every
// `longestSleep`. The destructor cancels a delivery that is under way and joins.
class OutboxCourierThread {
 public:
  OutboxCourierThread(OutboxStore&, OutboxCourier::Senders, CourierObserver&, RetryPolicy = {},
                      std::chrono::milliseconds longestSleep = std::chrono::seconds{30});
  ~OutboxCourierThread();
  void wake();  // after an enqueue or a requeue

 private:
  void run(std::stop_token);
  std::chrono::milliseconds sleepTime() const;

  OutboxStore& store_;
  CourierObserver& observer_;
  const std::chrono::milliseconds longestSleep_;
  OutboxCourier courier_;
  std::condition_variable_any wakeUp_;
  std::mutex mutex_;     // guards woken_
  bool woken_ = false;
  std::jthread thread_;  // last: starts when everything else stands
};

}  // namespace fedpet::fhir
