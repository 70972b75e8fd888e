// The site's line to the coordinator: every request is signed, every answer is bounded, and what is
// not 2xx becomes an exception with the coordinator's own code.
#pragma once

#include "federation/crypto/SigningKey.h"
#include "federation/wire/RequestSignature.h"
#include "net/HttpClient.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

namespace fedpet::federation {

// The coordinator said no. what() is its sentence, made harmless for a log.
struct CoordinatorRefusal : std::runtime_error {
  int status = 0;
  std::string code;                                    // "ClockSkew", "Revoked", ...; may be empty
  std::optional<std::chrono::seconds> retryAfter;      // of the Retry-After header
  std::optional<std::chrono::sys_seconds> serverTime;  // of the problem
  CoordinatorRefusal(int httpStatus, std::string itsCode, const std::string& sentence)
      : std::runtime_error(sentence), status(httpStatus), code(std::move(itsCode)) {}
  // Worth another try later: the coordinator is busy or has a fault of its own.
  bool isPassing() const { return status == 429 || status >= 500; }
};

// The difference to the coordinator's clock, used for signing requests and nothing else: what is
// logged, charged or compared with a certificate goes by the site's own clock.
class ClockCorrection {
 public:
  // A machine whose clock is off by more has a problem that should be mended, not hidden.
  static constexpr std::chrono::seconds kLargest{std::chrono::hours{12}};

  std::chrono::seconds offset() const { return offset_; }
  void restore(std::chrono::seconds offset) { offset_ = within(offset) ? offset : offset_; }
  // False: the difference is too large to be believed, and the old offset stays.
  bool learn(std::chrono::sys_seconds theirs, std::chrono::sys_seconds ours) {
    if (!within(theirs - ours)) return false;
    offset_ = theirs - ours;
    return true;
  }

 private:
  static bool within(std::chrono::seconds offset) {
    return offset <= kLargest && -offset <= kLargest;
  }
  std::chrono::seconds offset_{0};
};

// Letters, digits and punctuation of a peer's text; the rest becomes '?'. For logs and audit.
std::string harmless(std::string_view text, std::size_t maxBytes = 300);

struct LinkSettings {
  std::string baseUrl;  // API base: "https://host:port/fedpet"
  net::HttpClientOptions http;
  std::function<std::chrono::sys_seconds()> now;
  // Holds the value of the Authorization header for what stands before the coordinator; empty:
  // none. Read for each request, so that it may be changed; never logged.
  std::filesystem::path authorizationFile = {};
};

// "2026-11-24T08:15:00Z"
std::string utcText(std::chrono::sys_seconds);

// Not thread-safe.
class CoordinatorLink {
 public:
  // Throws std::invalid_argument for an unusable URL, and for http beyond this machine: a
  // consortium's traffic is encrypted.
  explicit CoordinatorLink(LinkSettings);

  // From now on requests are signed. `key` is borrowed.
  void signAs(std::string site, const SigningKey* key);
  ClockCorrection& clock() { return clock_; }
  // By its public description; nullopt: it does not say.
  std::optional<std::chrono::sys_seconds> coordinatorTime(std::stop_token);

  // `target` begins with "/v1/". Signed anew at each try; a skewed clock is corrected and the
  // request repeated once. `bodySha256`: in hex, of one who has it already. Throws net::NetError
  // and CoordinatorRefusal.
  net::HttpResponse send(std::string_view method, const std::string& target, ByteView body = {},
                         net::Headers headers = {}, std::stop_token stop = {},
                         const std::string& bodySha256 = {});
  net::HttpResponse get(const std::string& target, std::stop_token stop) {
    return send("GET", target, {}, {}, std::move(stop));
  }
  // The body of a 2xx answer as bytes.
  static ByteView bodyOf(const net::HttpResponse& response) { return viewOf(response.body); }

 private:
  net::HttpResponse exchange(const net::HttpRequest&, ByteView body, std::stop_token);
  net::HttpResponse sendOnce(const SignedRequest&, net::Headers headers, std::stop_token stop);

  std::string basePath_;
  std::function<std::chrono::sys_seconds()> now_;
  std::filesystem::path authorizationFile_;
  net::HttpClient client_;
  std::string site_;
  const SigningKey* key_ = nullptr;
  ClockCorrection clock_;
};

}  // namespace fedpet::federation
