// X25519 (RFC 7748), HKDF-SHA256 (RFC 5869), ChaCha20-Poly1305 (RFC 8439): what two sites use to
// talk past the coordinator, and what masks are made of.
#pragma once

#include "federation/crypto/SecretBytes.h"

#include <optional>
#include <string_view>

namespace fedpet::federation {

using AgreementPublicKey = std::array<std::uint8_t, 32>;

// The private key is kept as its 32 raw bytes, because Shamir shares are made of them.
class AgreementKey {
 public:
  static AgreementKey generate();
  static AgreementKey fromRaw(SecretBytes raw32);  // throws CryptoError
  const SecretBytes& raw() const { return raw_; }
  AgreementPublicKey publicKey() const;
  // Throws CryptoError for a peer key of small order (an all-zero secret, RFC 7748 section 6.1).
  SecretBytes agree(const AgreementPublicKey& peer) const;

 private:
  explicit AgreementKey(SecretBytes raw) : raw_(std::move(raw)) {}
  SecretBytes raw_;
};

SecretBytes hkdfSha256(ByteView secret, ByteView salt, std::string_view info, std::size_t length);

// A fresh random nonce stands before the ciphertext. `context` is authenticated, not sent.
Bytes seal(const SecretBytes& key32, ByteView context, ByteView plaintext);
// nullopt: not made with this key and context, or altered.
std::optional<SecretBytes> openSealed(const SecretBytes& key32, ByteView context, ByteView sealed);

}  // namespace fedpet::federation
