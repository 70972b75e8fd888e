// Parts of a text that is hashed, signed or authenticated, each after its length: no two different
// lists of parts give the same bytes.
#pragma once

#include "federation/crypto/Bytes.h"

#include <initializer_list>

namespace fedpet::federation {

inline void appendFramed(Bytes& bytes, ByteView part) {
  for (int shift = 0; shift < 64; shift += 8)
    bytes.push_back(static_cast<std::uint8_t>(std::uint64_t{part.size()} >> shift));
  bytes.insert(bytes.end(), part.begin(), part.end());
}

inline Bytes framed(std::initializer_list<std::string_view> parts) {
  Bytes bytes;
  for (const auto part : parts) appendFramed(bytes, viewOf(part));
  return bytes;
}

}  // namespace fedpet::federation
