// Real numbers as integers modulo 2^64 (or 2^32), so that sums are exact and masks are perfect.
//
// For n sites and |x| <= bound the scale is the largest power of two with
// n * (bound * scale + 1) < 2^(w-1), w = 64 or 32: a sum of n values, each rounded once, cannot
// leave the signed range. In the 32-bit mode a field whose step would be coarser than
// bound * kCoarsestStep is refused before the round starts. The scale is at most 2^1000, so that
// the step of the smallest bounds is still a number.
#pragma once

#include "federation/learning/Task.h"

#include <cstdint>
#include <span>

namespace fedpet::federation {

inline constexpr double kCoarsestStep = 1.0 / (1 << 16);

struct RangeError : std::runtime_error {  // names the field
  using std::runtime_error::runtime_error;
};

// Scales per field; throws RangeError.
class FixedPoint {
 public:
  FixedPoint(const SumLayout&, int sites, Masking);  // Masking::None uses 64 bits too
  // To the nearest step, ties to even. NaN, infinity or |x| > bound throws RangeError: nothing is
  // clamped silently.
  std::vector<std::uint64_t> encode(std::span<const double>) const;
  // Throws RangeError for a sum that no `sites` values can give: it was not what it claims to be
  // (masks that did not cancel look like this).
  std::vector<double> decode(std::span<const std::uint64_t> sum) const;
  int wordBytes() const;                 // 8 or 4
  double step(std::size_t field) const;  // resolution

 private:
  SumLayout layout_;
  std::vector<double> scales_;
  std::vector<std::int64_t> largestSums_;  // per field, of |sum| in steps
  int bits_;
};

// Little-endian words, as they travel.
Bytes packWords(std::span<const std::uint64_t>, int wordBytes);
std::vector<std::uint64_t> unpackWords(ByteView, int wordBytes);  // throws WireError on length

}  // namespace fedpet::federation
