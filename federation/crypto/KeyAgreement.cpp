#include "federation/crypto/KeyAgreement.h"

#include "federation/crypto/OpenSsl.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

namespace fedpet::federation {
namespace {

constexpr std::size_t kKeyBytes = 32, kNonceBytes = 12, kTagBytes = 16;

using OwnedKdf = Owned<EVP_KDF, EVP_KDF_free>;
using OwnedKdfContext = Owned<EVP_KDF_CTX, EVP_KDF_CTX_free>;

OwnedKey privateKeyOf(const SecretBytes& raw) {
  return own<OwnedKey>(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, raw.view().data(), raw.size()),
      "an X25519 private key could not be read");
}

OSSL_PARAM octets(const char* name, ByteView bytes) {
  // OpenSSL takes a mutable pointer and only reads; it does not take null for "empty".
  static std::uint8_t nothing = 0;
  auto* data = bytes.empty() ? &nothing : const_cast<std::uint8_t*>(bytes.data());
  return OSSL_PARAM_construct_octet_string(name, data, bytes.size());
}

int sizeOf(ByteView bytes) {
  if (bytes.size() > (1U << 30)) throw CryptoError("more than 1 GB to seal or open at once");
  return static_cast<int>(bytes.size());
}

void requireKeySize(const SecretBytes& key) {
  if (key.size() != kKeyBytes) throw CryptoError("a key that is not of 32 bytes");
}

// ChaCha20-Poly1305 with key, nonce and context set; `forSealing` else for opening.
OwnedCipher cipherOf(const SecretBytes& key, ByteView nonce, ByteView context, bool forSealing) {
  requireKeySize(key);
  auto cipher = own<OwnedCipher>(EVP_CIPHER_CTX_new(), "no memory for a cipher");
  require(EVP_CipherInit_ex2(cipher.get(), EVP_chacha20_poly1305(), key.view().data(), nonce.data(),
                             forSealing ? 1 : 0, nullptr) == 1,
          "ChaCha20-Poly1305 could not be started");
  int size = 0;
  if (!context.empty())
    require(EVP_CipherUpdate(cipher.get(), nullptr, &size, context.data(), sizeOf(context)) == 1,
            "ChaCha20-Poly1305 refused its context");
  return cipher;
}

}  // namespace

AgreementKey AgreementKey::generate() { return AgreementKey(SecretBytes::random(kKeyBytes)); }

AgreementKey AgreementKey::fromRaw(SecretBytes raw) {
  requireKeySize(raw);
  return AgreementKey(std::move(raw));
}

AgreementPublicKey AgreementKey::publicKey() const {
  AgreementPublicKey key;
  std::size_t size = key.size();
  require(EVP_PKEY_get_raw_public_key(privateKeyOf(raw_).get(), key.data(), &size) == 1 &&
              size == key.size(),
          "an X25519 public key could not be made");
  return key;
}

SecretBytes AgreementKey::agree(const AgreementPublicKey& peer) const {
  const auto mine = privateKeyOf(raw_);
  const auto theirs =
      own<OwnedKey>(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.data(), peer.size()),
                    "an X25519 public key could not be read");
  const auto context =
      own<OwnedKeyContext>(EVP_PKEY_CTX_new(mine.get(), nullptr), "no memory for a key agreement");
  SecretBytes secret(kKeyBytes);
  std::size_t size = secret.size();
  // OpenSSL refuses the all-zero secret of a peer key of small order itself.
  require(EVP_PKEY_derive_init(context.get()) == 1 &&
              EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1 &&
              EVP_PKEY_derive(context.get(), secret.writable().data(), &size) == 1 &&
              size == secret.size(),
          "no X25519 key agreement with this public key");
  return secret;
}

SecretBytes hkdfSha256(ByteView secret, ByteView salt, std::string_view info, std::size_t length) {
  static const OwnedKdf kdf = own<OwnedKdf>(EVP_KDF_fetch(nullptr, "HKDF", nullptr), "no HKDF");
  const auto context = own<OwnedKdfContext>(EVP_KDF_CTX_new(kdf.get()), "no memory for HKDF");
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      octets(OSSL_KDF_PARAM_KEY, secret), octets(OSSL_KDF_PARAM_SALT, salt),
      octets(OSSL_KDF_PARAM_INFO, viewOf(info)), OSSL_PARAM_construct_end()};
  SecretBytes output(length);
  require(EVP_KDF_derive(context.get(), output.writable().data(), length, parameters) == 1,
          "HKDF failed");
  return output;
}

Bytes seal(const SecretBytes& key, ByteView context, ByteView plaintext) {
  Bytes sealed = randomBytes(kNonceBytes);
  sealed.resize(kNonceBytes + plaintext.size() + kTagBytes);
  const auto cipher = cipherOf(key, ByteView(sealed).first(kNonceBytes), context, true);
  std::uint8_t* out = sealed.data() + kNonceBytes;
  int size = 0, rest = 0;
  require(EVP_CipherUpdate(cipher.get(), out, &size, plaintext.data(), sizeOf(plaintext)) == 1 &&
              EVP_CipherFinal_ex(cipher.get(), out + size, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                                  out + plaintext.size()) == 1,
          "sealing failed");
  return sealed;
}

std::optional<SecretBytes> openSealed(const SecretBytes& key, ByteView context, ByteView sealed) {
  requireKeySize(key);
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  const auto ciphertext = sealed.subspan(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  Bytes tag(sealed.end() - kTagBytes, sealed.end());
  const auto cipher = cipherOf(key, sealed.first(kNonceBytes), context, false);
  SecretBytes plaintext(ciphertext.size());
  int size = 0, rest = 0;
  std::uint8_t* out = plaintext.writable().data();
  require(
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
          EVP_CipherUpdate(cipher.get(), out, &size, ciphertext.data(), sizeOf(ciphertext)) == 1,
      "opening failed");
  if (EVP_CipherFinal_ex(cipher.get(), out + size, &rest) == 1) return plaintext;
  ERR_clear_error();
  return std::nullopt;
}

}  // namespace fedpet::federation
