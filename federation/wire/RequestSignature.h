// Every request of a site is signed, so that the coordinator knows it also where TLS ends at a
// proxy or at Orthanc. Header "FedPET-Signature: site=<id>, time=<unix seconds>, nonce=<32 hex>,
// signature=<base64url>"; signed are protocol, method, target, time, nonce and the body's SHA-256.
// A nonce counts once; a time off by more than the tolerance is refused with code "ClockSkew" and
// the coordinator's time, by which the site then corrects itself.
#pragma once

#include "federation/crypto/SigningKey.h"

#include <chrono>
#include <optional>
#include <string>

namespace fedpet::federation {

inline constexpr const char* kSignatureHeader = "FedPET-Signature";

struct RequestSignature {
  std::string site, nonce;
  std::chrono::sys_seconds time{};
  Signature signature{};
};

struct SignedRequest {
  std::string_view method, target;
  ByteView body;
  std::string bodySha256 = {};  // hex, of one who has it already; empty: made from `body`
};

std::string makeSignatureHeader(const SignedRequest&, const std::string& site,
                                std::chrono::sys_seconds, const SigningKey&);
std::optional<RequestSignature> parseSignatureHeader(std::string_view);  // nullopt: malformed
bool isSignedBy(const SignedRequest&, const RequestSignature&, const PublicKey&);

}  // namespace fedpet::federation
