// Hands transaction bundles to one FHIR R4 server and judges its answer.
#pragma once

#include "fhir/Delivery.h"
#include "fhir/RetryAfter.h"
#include "fhir/auth/TokenSource.h"
#include "net/HttpClient.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace fedpet::fhir {

struct EhrOptions {
  std::string baseUrl;  // "https://ehr.example/fhir"
  // At most one of the three ways; none: no Authorization header.
  std::string bearerToken;
  std::string user, password;           // HTTP Basic
  std::shared_ptr<TokenSource> tokens;  // SMART Backend Services; a 401 is met with one new token
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
  net::HttpResponse post(const std::string& bundle, const std::string& requestId,
                         const std::stop_token& stop);

  EhrOptions options_;
  net::HttpClient http_;
};

}  // namespace fedpet::fhir
