// Ed25519 (RFC 8032): the identity of a site and of the coordinator. The same key is in the
// member's TLS certificate (crypto/Certificate.h), so whoever has the certificate can check what
// the member signed.
#pragma once

#include "federation/crypto/SecretBytes.h"

#include <memory>

namespace fedpet::federation {

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

class SigningKey {
 public:
  static SigningKey generate();
  static SigningKey fromPem(ByteView pkcs8Pem);  // throws CryptoError
  ~SigningKey();
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;

  SecretBytes toPem() const;  // PKCS#8, not encrypted: for a file that its owner alone may read
  PublicKey publicKey() const;
  Signature sign(ByteView message) const;

 private:
  friend class CertificateMaker;
  struct Impl;
  explicit SigningKey(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

bool verifies(const PublicKey&, ByteView message, ByteView signature);

}  // namespace fedpet::federation
