// Shamir's secret sharing (1979, doi 10.1145/359168.359176) of byte strings, over GF(2^16) with
// the polynomial x^16 + x^12 + x^3 + x + 1: a byte-wise field would end at 255 sites, below
// kMaxSites.
//
// Two bytes are one symbol, little-endian. Arithmetic on secrets uses neither tables nor branches
// that depend on them, so its time tells nothing.
#pragma once

#include "federation/crypto/SecretBytes.h"

#include <cstdint>
#include <span>
#include <vector>

namespace fedpet::federation {

inline constexpr int kMaxShares = 65535;

// Share i belongs to point i + 1. The coefficients follow from `seed32`, so that a repeat gives the
// same shares; it must serve this one secret, number of shares and threshold only.
// Throws CryptoError unless 1 <= threshold <= shares <= kMaxShares and the secret has an even size.
std::vector<SecretBytes> splitSecret(ByteView secret, int shares, int threshold,
                                     const SecretBytes& seed32);

// The polynomials through given points, at one further point: 0 is the secret.
class Interpolation {
 public:
  // As many different points as the threshold; throws CryptoError when two are equal.
  explicit Interpolation(std::span<const std::uint16_t> points, std::uint16_t at = 0);
  // One share for each point, of equal size; throws CryptoError otherwise.
  SecretBytes operator()(std::span<const ByteView> shares) const;

 private:
  std::vector<std::uint16_t> weights_;
};

// Of the field; here for the tests.
std::uint16_t multiplyInField(std::uint16_t, std::uint16_t);
std::uint16_t invertInField(std::uint16_t);  // 0 gives 0

}  // namespace fedpet::federation
