// Where an Authorization header's bearer token comes from.
#pragma once

#include <stdexcept>
#include <stop_token>
#include <string>

namespace fedpet::fhir {

// No token: what() is a sentence for the log, without any secret.
struct AuthError : std::runtime_error {
  enum class Kind {
    Configuration,  // key file, client or server set-up: a person must act
    Refused,        // the authorization server said no
    Unreachable,    // it did not answer, or not in a way that OAuth knows: may pass
  };
  AuthError(Kind kindOfFailure, const std::string& message)
      : std::runtime_error(message), kind(kindOfFailure) {}
  Kind kind;
};

// Safe to use from several threads at once.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // A token that is not about to expire, new or kept. Throws AuthError.
  virtual std::string token(std::stop_token stop = {}) = 0;
  // The server answered this token with 401: it is not given out again.
  virtual void reject(const std::string& token) = 0;
};

}  // namespace fedpet::fhir
