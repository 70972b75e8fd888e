// The private key of a FHIR client (SMART Backend Services, private_key_jwt): signs, and shows its
// public half as a JWK. OpenSSL stays behind this header.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace fedpet::fhir {

// RFC 4648, section 5, without padding.
std::string base64Url(std::string_view bytes);

class SigningKey {
 public:
  // PEM, not encrypted: EC P-384 (signs ES384) or RSA of at least 2048 bits (RS384), the two
  // algorithms of SMART App Launch 2. A file that others than its owner may read or write is
  // refused, as ssh does. Throws AuthError (Configuration).
  static SigningKey fromPemFile(const std::filesystem::path&);

  const std::string& algorithm() const { return algorithm_; }  // "ES384", "RS384"
  const std::string& keyId() const { return keyId_; }          // RFC 7638 thumbprint, SHA-256
  // JWK (RFC 7517) with kty, use, key_ops, alg, kid and the public numbers.
  std::string publicJwk() const;
  // {"keys":[...]}: the document that the administrator of the FHIR server registers.
  std::string jwks() const;
  // A compact JWS (RFC 7515) over this payload. An ECDSA signature is the raw pair r, s of 48
  // bytes each (RFC 7518, section 3.4), not OpenSSL's DER.
  std::string signedJwt(const std::string& payloadJson) const;

 private:
  struct Handle;
  explicit SigningKey(std::shared_ptr<const Handle>);
  std::string sign(const std::string& text) const;

  std::shared_ptr<const Handle> key_;
  std::string algorithm_, keyId_, jwk_;
};

}  // namespace fedpet::fhir
