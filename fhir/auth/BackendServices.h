// SMART App Launch 2, Backend Services: a system gets an access token for a signed assertion
// (RFC 7523, private_key_jwt), without a person and without a shared secret.
#pragma once

#include "fhir/auth/SigningKey.h"
#include "fhir/auth/TokenSource.h"
#include "net/HttpClient.h"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir {

struct BackendServicesOptions {
  std::string fhirBaseUrl;  // "https://ehr.example/fhir": where discovery starts
  std::string clientId;     // as the server's administrator registered us
  std::string tokenUrl;     // empty: from .well-known/smart-configuration
  // SMART v2 scopes, "system/Observation.rs". A server that knows only v1 is asked for the same in
  // its words ("system/Observation.read").
  std::vector<std::string> scopes;
  net::HttpClientOptions http = defaultHttp();  // for discovery and token requests
  std::chrono::seconds assertionLifetime{240};  // SMART allows 300 at most; clocks differ
  std::chrono::seconds renewBefore{60};         // or a quarter of a token's life, if that is less
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;

  static net::HttpClientOptions defaultHttp();
};

// Keeps its token and asks for the next one shortly before it expires. Credentials go over https
// only, or to this machine itself.
class BackendServices : public TokenSource {
 public:
  // Throws AuthError (Configuration) for options that cannot work; asks nobody yet.
  BackendServices(BackendServicesOptions, SigningKey);
  ~BackendServices() override;

  std::string token(std::stop_token stop = {}) override;
  void reject(const std::string& token) override;

  // What the newest token allows, as the server said; empty before the first.
  std::string grantedScope() const;

 private:
  struct Discovered {
    std::string tokenUrl;
    bool knowsV1 = false, knowsV2 = false;  // neither: the server does not say
  };
  Discovered discover(const std::stop_token&);
  void renew(const std::stop_token&);
  std::string askForToken(const std::string& scope, const std::stop_token&);
  std::string assertion() const;
  void keep(const std::string& answerBody, std::chrono::system_clock::time_point asked);

  BackendServicesOptions options_;
  SigningKey key_;
  // Held while asking: threads that need a token at the same time share one.
  mutable std::mutex mutex_;
  Discovered server_;
  bool speaksV1_ = false;
  std::string token_, grantedScope_;
  std::chrono::system_clock::time_point renewAt_{};
};

// "system/Observation.rs" as "system/Observation.read", "system/*.cruds" as "system/*.*";
// parameters ("?category=...") fall away: v1 has none. What is no v2 scope stays as it is.
std::string scopeInV1(std::string_view scope);

// Whether a secret may be sent there: https, or a loopback address.
bool mayCarrySecrets(const net::Url&);

}  // namespace fedpet::fhir
