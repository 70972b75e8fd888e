// Hands transaction bundles to one FHIR R4 server and judges its answer.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "fhir/Delivery.h"
#include "net/HttpClient.h"

namespace fedpet::fhir {

struct EhrOptions {
  std::string baseUrl;  // "https://ehr.example/fhir"
  // At most one of the two ways; none: no Authorization header.
  std::string bearerToken;
  std::string user, password;  // HTTP Basic
  net::HttpClientOptions http = defaultHttp();
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;

  // An answer to a bundle is small; a transaction may take an EHR a while.
  static net::HttpClientOptions defaultHttp();
};

// Not thread-safe. A bundle counts as delivered only when the server confirms every entry of it:
// a transaction-response Bundle with one 2xx status each.
class EhrClient : public BundleSender {
 public:
  // Throws std::invalid_argument for a base URL that net::parseUrl refuses, net::NetError (Tls)
  // for unreadable certificate files.
  explicit EhrClient(EhrOptions);

  DeliveryOutcome deliver(const std::string& bundle, const std::string& requestId,
                          std::stop_token stop = {}) override;

 private:
  EhrOptions options_;
  net::HttpClient http_;
};

// Retry-After (RFC 9110, 10.2.3) in seconds or as a date; within 0 to 24 hours. nullopt when the
// text is neither.
std::optional<std::chrono::seconds> parseRetryAfter(const std::string& value,
                                                    std::chrono::system_clock::time_point now);

}  // namespace fedpet::fhir
