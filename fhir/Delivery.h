// What came of handing one bundle to an EHR. Which answer leads to which outcome follows the
// at-least-once rules of an outbox: repeat what may pass, stop on what never will.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

namespace fedpet::fhir {

// Every entry was written (or was there already, unchanged).
struct Delivered {
  std::vector<std::string> locations;  // "Observation/17/_history/2", in the order of the bundle
};

// The EHR may take it later.
struct RetryLater {
  // Unreachable: no answer, 408, 409, 425, 429 or 5xx; worth days of patience.
  // Unintelligible: an answer that is not what FHIR promises (garbage, a redirect, too large, a
  // 200 that confirms nothing); a few attempts, then a person must look.
  enum class Cause { Unreachable, Unintelligible };
  Cause cause = Cause::Unreachable;
  std::optional<std::chrono::seconds> after;  // the peer's Retry-After, when it gave one
  std::string reason;
  // Any other message would fare the same now: no connection, 429, 502, 503, 504. Not a 500, which
  // may lie in this message alone.
  bool concernsAll = false;
};

// The EHR will not take this message as it is: 400, 403, 404, 410, 412, 413, 422 and the like.
struct Rejected {
  std::string reason;            // "412 Precondition Failed"
  std::string operationOutcome;  // its issues as text for a person; empty when there were none
  int status = 0;                // of the HTTP answer; 0: the reason is another one
};

// 401, also after a new token was tried: credentials are wrong or expired.
struct NeedsAuth {
  std::string reason;
};

using DeliveryOutcome = std::variant<Delivered, RetryLater, Rejected, NeedsAuth>;

// The way to one destination; EhrClient is the real one.
class BundleSender {
 public:
  virtual ~BundleSender() = default;
  // Never throws for what a peer does. `requestId` is sent as X-Request-Id.
  virtual DeliveryOutcome deliver(const std::string& bundle, const std::string& requestId,
                                  std::stop_token stop) = 0;
};

}  // namespace fedpet::fhir
