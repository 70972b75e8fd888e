#include "federation/learning/SecretRandom.h"

#include "federation/crypto/KeyAgreement.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace fedpet::federation {
namespace {

constexpr std::size_t kBufferBytes = 4096;

void require(bool done) {
  if (!done) throw CryptoError("ChaCha20 failed");
}

}  // namespace

SecretRandom::SecretRandom(const SecretBytes& secret, ByteView purpose)
    : cipher_(EVP_CIPHER_CTX_new()), buffer_(kBufferBytes), used_(kBufferBytes) {
  if (cipher_ == nullptr) throw CryptoError("no memory for ChaCha20");
  const SecretBytes key = hkdfSha256(secret.view(), purpose, "fedpet site randomness", 32);
  const std::uint8_t counterAndNonce[16] = {};  // one stream a key
  require(EVP_EncryptInit_ex(static_cast<EVP_CIPHER_CTX*>(cipher_), EVP_chacha20(), nullptr,
                             key.view().data(), counterAndNonce) == 1);
}

SecretRandom::~SecretRandom() { EVP_CIPHER_CTX_free(static_cast<EVP_CIPHER_CTX*>(cipher_)); }

void SecretRandom::refill() {
  const auto out = buffer_.writable();
  std::fill(out.begin(), out.end(), std::uint8_t{0});
  int written = 0;
  require(EVP_EncryptUpdate(static_cast<EVP_CIPHER_CTX*>(cipher_), out.data(), &written, out.data(),
                            static_cast<int>(out.size())) == 1);
  used_ = 0;
}

double SecretRandom::uniform() {
  if (used_ + 8 > buffer_.size()) refill();
  std::uint64_t word = 0;
  std::memcpy(&word, buffer_.view().data() + used_, 8);
  used_ += 8;
  return (static_cast<double>(word >> 11) + 1) * 0x1.0p-53;
}

double SecretRandom::standardNormal() {
  if (hasSpare_) {
    hasSpare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2 * std::log(uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  hasSpare_ = true;
  return radius * std::cos(angle);
}

}  // namespace fedpet::federation
