#include "federation/crypto/OpenSsl.h"

#include <openssl/err.h>

namespace fedpet::federation {

void throwOpenSslError(const char* what) {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  throw CryptoError(reason == nullptr ? std::string(what) : std::string(what) + ": " + reason);
}

OwnedBio readingBio(ByteView bytes) {
  if (bytes.size() > (1U << 20)) throw CryptoError("a key or certificate of more than 1 MB");
  return own<OwnedBio>(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())),
                       "no memory for a key or certificate");
}

OwnedBio writingBio() {
  return own<OwnedBio>(BIO_new(BIO_s_secmem()), "no memory for a key or certificate");
}

ByteView writtenTo(BIO* bio) {
  char* begin = nullptr;
  const long size = BIO_get_mem_data(bio, &begin);
  require(size > 0, "a key or certificate could not be written");
  return {reinterpret_cast<const std::uint8_t*>(begin), static_cast<std::size_t>(size)};
}

PublicKey rawPublicKey(const EVP_PKEY& key) {
  if (EVP_PKEY_get_id(&key) != EVP_PKEY_ED25519) throw CryptoError("not an Ed25519 key");
  PublicKey raw;
  std::size_t size = raw.size();
  require(EVP_PKEY_get_raw_public_key(&key, raw.data(), &size) == 1 && size == raw.size(),
          "an Ed25519 public key could not be read");
  return raw;
}

OwnedKey publicKeyOf(const PublicKey& raw) {
  return own<OwnedKey>(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw.data(), raw.size()),
      "an Ed25519 public key could not be read");
}

}  // namespace fedpet::federation
