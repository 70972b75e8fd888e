#include "federation/crypto/Bytes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <utility>

namespace fedpet::federation {
namespace {

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  throw CryptoError("not a hexadecimal digit");
}

constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

EVP_MD_CTX* contextOf(void* context) { return static_cast<EVP_MD_CTX*>(context); }

void require(int result, const char* what) {
  if (result != 1) throw CryptoError(std::string(what) + " failed");
}

}  // namespace

std::string toHex(ByteView bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

Bytes fromHex(std::string_view text) {
  if (text.size() % 2 != 0) throw CryptoError("a hexadecimal text of odd length");
  Bytes bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(hexDigit(text[2 * i]) << 4 | hexDigit(text[2 * i + 1]));
  return bytes;
}

// OpenSSL's own encoder knows neither this alphabet nor the absence of padding.
std::string toBase64Url(ByteView bytes) {
  std::string text;
  std::uint32_t word = 0;
  int bits = 0;
  for (const std::uint8_t byte : bytes) {
    word = word << 8 | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += kBase64Url[word >> (bits - 6) & 63];
  }
  if (bits > 0) text += kBase64Url[word << (6 - bits) & 63];
  return text;
}

Bytes fromBase64Url(std::string_view text) {
  if (text.size() % 4 == 1) throw CryptoError("a base64url text of impossible length");
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t word = 0;
  int bits = 0;
  for (const char c : text) {
    const auto digit = kBase64Url.find(c);
    if (digit == std::string_view::npos) throw CryptoError("not a base64url character");
    word = word << 6 | static_cast<std::uint32_t>(digit);
    if ((bits += 6) >= 8) bytes.push_back(static_cast<std::uint8_t>(word >> (bits -= 8)));
  }
  // Two texts for the same bytes would be two names for one thing.
  if ((word & ((1U << bits) - 1)) != 0) throw CryptoError("a base64url text with stray bits");
  return bytes;
}

Hash256 sha256(ByteView bytes) {
  Sha256Stream stream;
  stream.add(bytes);
  return stream.finish();
}

std::string sha256Hex(ByteView bytes) { return toHex(sha256(bytes)); }

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw CryptoError("no memory for SHA-256");
  require(EVP_DigestInit_ex(contextOf(context_), EVP_sha256(), nullptr), "SHA-256");
}
Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(contextOf(context_)); }
Sha256Stream::Sha256Stream(Sha256Stream&& other) noexcept
    : context_(std::exchange(other.context_, nullptr)) {}
Sha256Stream& Sha256Stream::operator=(Sha256Stream&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}
void Sha256Stream::add(ByteView bytes) {
  require(EVP_DigestUpdate(contextOf(context_), bytes.data(), bytes.size()), "SHA-256");
}
Hash256 Sha256Stream::finish() {
  Hash256 hash;
  require(EVP_DigestFinal_ex(contextOf(context_), hash.data(), nullptr), "SHA-256");
  return hash;
}

Bytes randomBytes(std::size_t count) {
  Bytes bytes(count);
  require(RAND_bytes(bytes.data(), static_cast<int>(count)), "the random generator");
  return bytes;
}

bool equalInConstantTime(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace fedpet::federation
