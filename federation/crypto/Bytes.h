// Bytes, their text forms and their hash.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::federation {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// Something cryptographic did not work out: a malformed key, a wrong length, OpenSSL's refusal.
// what() never holds a secret.
struct CryptoError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The text's own bytes; borrowed.
inline ByteView viewOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view textOf(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string toHex(ByteView);            // lower case
Bytes fromHex(std::string_view);        // either case; throws CryptoError
std::string toBase64Url(ByteView);      // RFC 4648 section 5, without padding
Bytes fromBase64Url(std::string_view);  // throws CryptoError

using Hash256 = std::array<std::uint8_t, 32>;
Hash256 sha256(ByteView);  // FIPS 180-4
std::string sha256Hex(ByteView);

// The same over pieces, for what does not fit into memory.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  void add(ByteView);
  Hash256 finish();  // once

 private:
  void* context_;
};

// From the system's generator, by OpenSSL. Throws CryptoError when it fails.
Bytes randomBytes(std::size_t count);

// In a time that does not depend on where they differ.
bool equalInConstantTime(ByteView, ByteView);

}  // namespace fedpet::federation
