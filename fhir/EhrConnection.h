// One FHIR server, asked one thing at a time with the credentials of the site, and what its
// answers mean for an outbox.
#pragma once

#include "fhir/Delivery.h"
#include "fhir/auth/TokenSource.h"
#include "net/HttpClient.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace fedpet::fhir {

struct EhrOptions {
  std::string baseUrl;  // "https://ehr.example/fhir"
  // At most one of the four ways; none: no Authorization header.
  std::string bearerToken;
  std::string user, password;           // HTTP Basic
  std::shared_ptr<TokenSource> tokens;  // SMART Backend Services; a 401 is met with one new token
  // The header's value, asked for before each request: files with secrets change. Throws AuthError.
  std::function<std::string()> authorization;
  net::HttpClientOptions http = defaultHttp();
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;

  // An answer to a bundle is small; a transaction may take an EHR a while.
  static net::HttpClientOptions defaultHttp();
};

// Not thread-safe.
class EhrConnection {
 public:
  // Throws std::invalid_argument for a base URL that net::parseUrl refuses, net::NetError (Tls)
  // for unreadable certificate files.
  explicit EhrConnection(EhrOptions);

  // `below` is what follows the base URL: "" for the base itself, "Patient?identifier=...".
  // Throws net::NetError and AuthError.
  net::HttpResponse send(const std::string& method, const std::string& below, std::string_view body,
                         net::Headers extra, const std::stop_token& stop);

  std::chrono::system_clock::time_point now() const { return options_.now(); }
  std::string host() const { return http_.origin().host; }

 private:
  net::HttpResponse once(const net::HttpRequest&, std::string_view body,
                         const std::string& authorization, const std::stop_token&);

  EhrOptions options_;
  std::string basePath_;  // without a final '/'
  net::HttpClient http_;
};

// For an answer that is not 2xx.
DeliveryOutcome failureOf(const net::HttpResponse&, std::chrono::system_clock::time_point now);
// For what send() throws; throws other exceptions on. Call inside a catch block.
DeliveryOutcome failureOfCurrentException();
RetryLater unintelligible(std::string reason);
// The issues of an OperationOutcome as text for a person, at most 2000 characters; or empty.
std::string outcomeText(const std::string& body);

}  // namespace fedpet::fhir
