#include "fhir/OutboxCourier.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

namespace fedpet::fhir {
namespace {

OutboxTime systemNow() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

std::chrono::milliseconds backOff(const RetryPolicy& policy, int attempts, double spread) {
  const auto longest = static_cast<double>(policy.longestDelay.count());
  const double exact = static_cast<double>(policy.firstDelay.count()) *
                       std::pow(policy.factor, std::max(0, attempts - 1));
  const double spreadOut = std::min(exact, longest) * (1 + policy.jitter * (2 * spread - 1));
  return std::chrono::milliseconds{std::llround(spreadOut)};
}

OutboxCourier::Inject OutboxCourier::systemClockAndDice() {
  return {systemNow, [dice = std::make_shared<std::mt19937_64>(std::random_device{}())] {
            return std::uniform_real_distribution<double>(0, 1)(*dice);
          }};
}

OutboxCourier::OutboxCourier(OutboxStore& store, Senders senders, CourierObserver& observer,
                             RetryPolicy policy, Inject inject)
    : store_(store),
      senders_(std::move(senders)),
      observer_(observer),
      policy_(policy),
      inject_(std::move(inject)) {}

std::size_t OutboxCourier::deliverDue(std::stop_token stop) {
  unreachable_.clear();
  std::size_t claims = 0;
  while (!stop.stop_requested()) {
    const auto entry = store_.claimDue(inject_.now(), policy_.claimFor);
    if (!entry) break;
    ++claims;
    attempt(*entry, stop);
  }
  return claims;
}

void OutboxCourier::attempt(const OutboxEntry& entry, std::stop_token stop) {
  const auto sender = senders_.find(entry.message.destination);
  if (sender == senders_.end())
    return giveUp(entry, "no destination of this name is configured");
  if (const auto down = unreachable_.find(entry.message.destination); down != unreachable_.end())
    return settle(entry, RetryLater(down->second));

  const std::string requestId = entry.message.key + "-" + std::to_string(entry.revision);
  DeliveryOutcome outcome;
  try {
    outcome = sender->second->deliver(entry.message.body, requestId, stop);
  } catch (const std::exception& error) {
    outcome = RetryLater{RetryLater::Cause::Unreachable, std::nullopt, error.what(), false};
  }
  const bool isDelivered = std::holds_alternative<Delivered>(outcome);
  if (stop.stop_requested() && !isDelivered)
    return postpone(entry, std::chrono::milliseconds{0}, "stopped before the answer came");
  std::visit([&](const auto& came) { settle(entry, came); }, outcome);
}

void OutboxCourier::settle(const OutboxEntry& entry, const Delivered& delivered) {
  unintelligible_.erase(entry.id);
  // False when the body was replaced meanwhile: then the new one is delivered next.
  if (store_.markDelivered(entry.id, entry.revision, inject_.now(), delivered.locations))
    observer_.delivered(entry);
}

void OutboxCourier::settle(const OutboxEntry& entry, const RetryLater& later) {
  if (later.cause == RetryLater::Cause::Unreachable) {
    unintelligible_.erase(entry.id);
    if (later.concernsAll) unreachable_[entry.message.destination] = later;
    if (inject_.now() - entry.enqueuedAt >= policy_.giveUpAfter)
      return giveUp(entry, "given up after " + std::to_string(policy_.giveUpAfter.count()) +
                               " hours: " + later.reason);
  } else if (++unintelligible_[entry.id] >= policy_.unintelligibleAttempts) {
    return giveUp(entry, "no intelligible answer: " + later.reason);
  }
  // The peer may ask for more patience than our own, not for less.
  const auto own = backOff(policy_, entry.attempts, inject_.spread());
  postpone(entry, later.after ? std::max<std::chrono::milliseconds>(own, *later.after) : own,
           later.reason);
}

void OutboxCourier::settle(const OutboxEntry& entry, const Rejected& rejected) {
  giveUp(entry, "rejected: " + rejected.reason, rejected.operationOutcome);
}

void OutboxCourier::settle(const OutboxEntry& entry, const NeedsAuth& needsAuth) {
  settle(entry, RetryLater{RetryLater::Cause::Unreachable, std::nullopt,
                           "credentials refused: " + needsAuth.reason, true});
}

void OutboxCourier::postpone(const OutboxEntry& entry, std::chrono::milliseconds delay,
                             const std::string& reason) {
  const OutboxTime until = inject_.now() + delay;
  if (store_.retryAt(entry.id, entry.revision, until, reason))
    observer_.postponed(entry, until, reason);
}

// `details` come from the EHR and may name the patient: they go into the store, for the page, and
// not to the observer, who writes the log.
void OutboxCourier::giveUp(const OutboxEntry& entry, const std::string& reason,
                           const std::string& details) {
  unintelligible_.erase(entry.id);
  const std::string full = details.empty() ? reason : reason + ": " + details;
  if (store_.deadLetter(entry.id, entry.revision, inject_.now(), full))
    observer_.deadLettered(entry, reason);
}

OutboxCourierThread::OutboxCourierThread(OutboxStore& store, OutboxCourier::Senders senders,
                                         CourierObserver& observer, RetryPolicy policy,
                                         std::chrono::milliseconds longestSleep)
    : store_(store),
      observer_(observer),
      longestSleep_(longestSleep),
      courier_(store, std::move(senders), observer, policy),
      thread_([this](std::stop_token stop) { run(stop); }) {}

OutboxCourierThread::~OutboxCourierThread() = default;  // jthread: request_stop, then join

void OutboxCourierThread::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wakeUp_.notify_one();
}

void OutboxCourierThread::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::chrono::milliseconds sleep = longestSleep_;
    try {
      courier_.deliverDue(stop);
      sleep = sleepTime();
    } catch (const std::exception& error) {
      observer_.storeFailed(error.what());
    }
    std::unique_lock lock(mutex_);
    wakeUp_.wait_for(lock, stop, sleep, [this] { return woken_; });
    woken_ = false;
  }
}

std::chrono::milliseconds OutboxCourierThread::sleepTime() const {
  // The next due entry may be held back by an earlier one of its study: do not spin on it.
  constexpr std::chrono::milliseconds shortest{1000};
  const auto next = store_.nextDue();
  if (!next) return longestSleep_;
  return std::clamp(*next - systemNow(), std::min(shortest, longestSleep_), longestSleep_);
}

}  // namespace fedpet::fhir
