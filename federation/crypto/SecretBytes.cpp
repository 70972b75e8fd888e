#include "federation/crypto/SecretBytes.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

namespace fedpet::federation {

SecretBytes::~SecretBytes() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
  bytes_ = std::move(other.bytes_);
  other.bytes_.clear();
  return *this;
}

SecretBytes SecretBytes::random(std::size_t size) {
  SecretBytes secret(size);
  // The generator of its own, which never shows its output to anybody else.
  if (RAND_priv_bytes(secret.bytes_.data(), static_cast<int>(size)) != 1)
    throw CryptoError("the random generator failed");
  return secret;
}

}  // namespace fedpet::federation
