#include "federation/secagg/FixedPoint.h"

#include "federation/wire/WireError.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace fedpet::federation {
namespace {

static_assert(std::endian::native == std::endian::little, "words travel as they lie in memory");

constexpr int kMaxExponent = 1000;
constexpr int kMostSites = 65535;  // of any protocol here; the search below needs some limit

// sites * (steps + 1) < 2^(bits-1), exactly. `steps`: bound * scale, not negative.
bool cannotOverflow(double steps, int sites, int bits) {
  const std::uint64_t limit = std::uint64_t{1} << (bits - 1);
  const auto n = static_cast<std::uint64_t>(sites);
  if (steps >= static_cast<double>(limit)) return false;
  const auto whole = static_cast<std::uint64_t>(steps);
  // Compared with limit / n = quotient + rest / n, where nothing is rounded: n times a fraction of
  // a double of this size has less than 53 bits.
  const std::uint64_t quotient = limit / n, rest = limit % n;
  if (whole + 1 != quotient) return whole + 1 < quotient;
  return (steps - static_cast<double>(whole)) * sites < static_cast<double>(rest);
}

int scaleExponent(double bound, int sites, int bits) {
  int exponent = std::min(kMaxExponent, bits - std::ilogb(bound));
  while (!cannotOverflow(std::ldexp(bound, exponent), sites, bits)) --exponent;
  return exponent;
}

[[noreturn]] void refuse(const SumField& field, const std::string& fault) {
  throw RangeError("field '" + field.name + "': " + fault);
}

void requireLength(std::size_t found, const SumLayout& layout) {
  if (found != layout.length())
    throw RangeError("a vector of " + std::to_string(found) + " numbers where the layout has " +
                     std::to_string(layout.length()));
}

}  // namespace

FixedPoint::FixedPoint(const SumLayout& layout, int sites, Masking masking)
    : layout_(layout), bits_(masking == Masking::Ring32 ? 32 : 64) {
  if (sites < 1 || sites > kMostSites)
    throw RangeError("a sum over " + std::to_string(sites) + " sites");
  for (const auto& field : layout_.fields) {
    if (!std::isfinite(field.bound) || field.bound <= 0)
      refuse(field, "its bound must be a positive number");
    // A sum at the end of the range of doubles could round to infinity.
    if (field.bound > std::numeric_limits<double>::max() / (2.0 * sites))
      refuse(field, "its bound is too large to be summed");
    const int exponent = scaleExponent(field.bound, sites, bits_);
    const double steps = std::ldexp(field.bound, exponent);
    if (steps * kCoarsestStep < 1)
      refuse(field, bits_ == 32 ? "32 bits are too coarse for " + std::to_string(sites) +
                                      " sites; use 64-bit words (masking ring64)"
                                : "its bound is too small for any scale");
    scales_.push_back(std::ldexp(1.0, exponent));
    largestSums_.push_back(static_cast<std::int64_t>(sites) *
                           (static_cast<std::int64_t>(steps) + 1));
  }
}

std::vector<std::uint64_t> FixedPoint::encode(std::span<const double> values) const {
  requireLength(values.size(), layout_);
  const std::uint64_t ring = bits_ == 64 ? ~std::uint64_t{0} : 0xffff'ffffU;
  std::vector<std::uint64_t> words;
  words.reserve(values.size());
  for (std::size_t f = 0; f < scales_.size(); ++f) {
    const auto& field = layout_.fields[f];
    for (const double value : values.subspan(words.size(), field.length)) {
      // Also false for NaN.
      if (!(std::abs(value) <= field.bound))
        refuse(field, "a value that is not a number or beyond its bound");
      words.push_back(static_cast<std::uint64_t>(std::llrint(value * scales_[f])) & ring);
    }
  }
  return words;
}

std::vector<double> FixedPoint::decode(std::span<const std::uint64_t> sum) const {
  requireLength(sum.size(), layout_);
  std::vector<double> values;
  values.reserve(sum.size());
  for (std::size_t f = 0; f < scales_.size(); ++f) {
    const double size = step(f);
    for (const std::uint64_t word : sum.subspan(values.size(), layout_.fields[f].length)) {
      const auto steps = bits_ == 64 ? static_cast<std::int64_t>(word)
                                     : static_cast<std::int32_t>(static_cast<std::uint32_t>(word));
      if (steps > largestSums_[f] || steps < -largestSums_[f])
        refuse(layout_.fields[f], "a sum larger than all sites together can give");
      values.push_back(static_cast<double>(steps) * size);
    }
  }
  return values;
}

int FixedPoint::wordBytes() const { return bits_ / 8; }
double FixedPoint::step(std::size_t field) const { return 1.0 / scales_.at(field); }

Bytes packWords(std::span<const std::uint64_t> words, int wordBytes) {
  const auto size = static_cast<std::size_t>(wordBytes);
  Bytes packed(words.size() * size);
  if (size == sizeof(std::uint64_t)) {
    if (!words.empty()) std::memcpy(packed.data(), words.data(), packed.size());
    return packed;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto word = static_cast<std::uint32_t>(words[i]);
    std::memcpy(&packed[i * size], &word, sizeof word);
  }
  return packed;
}

std::vector<std::uint64_t> unpackWords(ByteView packed, int wordBytes) {
  const auto size = static_cast<std::size_t>(wordBytes);
  if (packed.size() % size != 0)
    throw WireError(WireError::Kind::Malformed, "a vector that does not end at a word");
  std::vector<std::uint64_t> words(packed.size() / size);
  if (size == sizeof(std::uint64_t)) {
    if (!words.empty()) std::memcpy(words.data(), packed.data(), packed.size());
    return words;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::uint32_t word;
    std::memcpy(&word, &packed[i * size], sizeof word);
    words[i] = word;
  }
  return words;
}

}  // namespace fedpet::federation
