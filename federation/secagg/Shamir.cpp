#include "federation/secagg/Shamir.h"

#include "federation/secagg/KeyStream.h"

#include <algorithm>

namespace fedpet::federation {
namespace {

constexpr std::uint32_t kPolynomial = 0x1100b;
constexpr std::size_t kSymbolBytes = 2;

std::uint16_t symbolAt(ByteView bytes, std::size_t symbol) {
  return static_cast<std::uint16_t>(bytes[kSymbolBytes * symbol] | bytes[kSymbolBytes * symbol + 1]
                                                                       << 8);
}
void setSymbol(std::span<std::uint8_t> bytes, std::size_t symbol, std::uint16_t value) {
  bytes[kSymbolBytes * symbol] = static_cast<std::uint8_t>(value);
  bytes[kSymbolBytes * symbol + 1] = static_cast<std::uint8_t>(value >> 8);
}

}  // namespace

std::uint16_t multiplyInField(std::uint16_t a, std::uint16_t b) {
  std::uint32_t product = 0;
  for (int bit = 15; bit >= 0; --bit) {
    product <<= 1;
    product ^= kPolynomial & (0U - (product >> 16));
    product ^= a & (0U - (b >> bit & 1U));
  }
  return static_cast<std::uint16_t>(product);
}

std::uint16_t invertInField(std::uint16_t a) {
  // a^(2^16 - 2): the product of a^2, a^4, ..., a^(2^15).
  std::uint16_t power = a, inverse = 1;
  for (int i = 1; i < 16; ++i) {
    power = multiplyInField(power, power);
    inverse = multiplyInField(inverse, power);
  }
  return inverse;
}

std::vector<SecretBytes> splitSecret(ByteView secret, int shares, int threshold,
                                     const SecretBytes& seed) {
  if (threshold < 1 || threshold > shares || shares > kMaxShares)
    throw CryptoError("impossible numbers for shares of a secret");
  if (secret.size() % kSymbolBytes != 0) throw CryptoError("a secret of odd size cannot be shared");
  // One row for each power of x; row 0 is the secret itself.
  const auto powers = static_cast<std::size_t>(threshold);
  SecretBytes rows(powers * secret.size());
  std::ranges::copy(secret, rows.writable().begin());
  KeyStream(seed).fill(rows.writable().subspan(secret.size()));

  std::vector<SecretBytes> result;
  for (int point = 1; point <= shares; ++point) {
    SecretBytes& share = result.emplace_back(secret.size());
    for (std::size_t s = 0; s < secret.size() / kSymbolBytes; ++s) {
      std::uint16_t value = 0;  // Horner
      for (std::size_t power = powers; power-- > 0;)
        value = static_cast<std::uint16_t>(
            multiplyInField(value, static_cast<std::uint16_t>(point)) ^
            symbolAt(rows.view().subspan(power * secret.size(), secret.size()), s));
      setSymbol(share.writable(), s, value);
    }
  }
  return result;
}

Interpolation::Interpolation(std::span<const std::uint16_t> points, std::uint16_t at) {
  // Lagrange: weight of point i = product over j != i of (at - x_j) / (x_i - x_j), and "-" is "^".
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::uint16_t above = 1, below = 1;
    for (std::size_t j = 0; j < points.size(); ++j) {
      if (j == i) continue;
      above = multiplyInField(above, static_cast<std::uint16_t>(at ^ points[j]));
      below = multiplyInField(below, static_cast<std::uint16_t>(points[i] ^ points[j]));
    }
    if (below == 0) throw CryptoError("two shares for the same point");
    weights_.push_back(multiplyInField(above, invertInField(below)));
  }
}

SecretBytes Interpolation::operator()(std::span<const ByteView> shares) const {
  if (shares.size() != weights_.size() || shares.empty())
    throw CryptoError("the wrong number of shares");
  const std::size_t size = shares.front().size();
  if (size % kSymbolBytes != 0 ||
      std::ranges::any_of(shares, [&](ByteView share) { return share.size() != size; }))
    throw CryptoError("shares of different or odd sizes");
  SecretBytes result(size);
  for (std::size_t i = 0; i < shares.size(); ++i)
    for (std::size_t s = 0; s < size / kSymbolBytes; ++s)
      setSymbol(result.writable(), s,
                static_cast<std::uint16_t>(symbolAt(result.view(), s) ^
                                           multiplyInField(weights_[i], symbolAt(shares[i], s))));
  return result;
}

}  // namespace fedpet::federation
