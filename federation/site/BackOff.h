// How long to wait after a failure: doubling, with jitter, so that the sites of a consortium do not
// all return at once after the coordinator was away.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

namespace fedpet::federation {

class BackOff {
 public:
  struct Terms {
    std::chrono::milliseconds first{1000}, longest{600'000};
    std::chrono::seconds longestRetryAfter{3600};  // a peer may ask for more patience, to a point
  };
  // The same seed gives the same waits.
  BackOff(Terms terms, std::uint64_t seed) : terms_(terms), dice_(seed) {}

  // After the n-th failure in a row: between half and the whole of first * 2^(n-1), at most
  // `longest`; never less than the peer asked for (Retry-After, RFC 9110 section 10.2.3).
  std::chrono::milliseconds afterFailure(std::optional<std::chrono::seconds> retryAfter = {});
  void worked() { failures_ = 0; }
  int failures() const { return failures_; }

 private:
  Terms terms_;
  std::mt19937_64 dice_;
  int failures_ = 0;
};

}  // namespace fedpet::federation
