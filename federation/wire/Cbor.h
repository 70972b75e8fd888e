// Inside of federation/: CBOR (RFC 8949) as nlohmann/json reads and writes it, with the limits that
// a message from a stranger needs. Only the forms that we write are accepted: definite lengths, no
// tags, text keys, no key twice.
#pragma once

#include "federation/crypto/SigningKey.h"
#include "federation/wire/WireError.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fedpet::federation {

inline constexpr int kMaxCborDepth = 12;
inline constexpr std::size_t kMaxCborItems = 1'000'000;  // containers, keys and values together

// Throws WireError. Walks over the bytes first, without recursion, so that nothing is allocated for
// a length that is not there and no depth can exhaust the stack.
nlohmann::json fromCbor(ByteView, std::size_t maxBytes);
Bytes toCbor(const nlohmann::json&);

nlohmann::json binary(ByteView);  // a CBOR byte string

// The names of an enumeration's values on the wire.
template <typename Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

template <typename Enum, std::size_t N>
std::string_view nameOf(Enum value, const Names<Enum, N>& names) {
  for (const auto& [candidate, name] : names)
    if (candidate == value) return name;
  return "?";
}

// One map, read member by member; everything that is wrong is a WireError that names the member.
class Reader {
 public:
  // `what`: for error texts, "roster". `object` is borrowed.
  Reader(const nlohmann::json& object, std::string what);

  bool has(const std::string& name) const;
  std::string text(const std::string& name, std::size_t maxBytes);
  std::string identifier(const std::string& name);  // 1-64 of A-Z a-z 0-9 . _ -
  std::string hashHex(const std::string& name);     // 64 lower-case hexadecimal digits
  std::string jsonText(const std::string& name, std::size_t maxBytes);  // holds one JSON object
  Bytes bytes(const std::string& name, std::size_t fewest, std::size_t most);
  // Borrowed from the object.
  ByteView bytesView(const std::string& name, std::size_t fewest, std::size_t most);
  template <std::size_t N>
  std::array<std::uint8_t, N> fixedBytes(const std::string& name) {
    const Bytes found = bytes(name, N, N);
    std::array<std::uint8_t, N> result;
    std::copy(found.begin(), found.end(), result.begin());
    return result;
  }
  std::int64_t integer(const std::string& name, std::int64_t least, std::int64_t most);
  double number(const std::string& name, double least, double most);  // finite
  bool boolean(const std::string& name);
  std::chrono::sys_seconds time(const std::string& name);
  const nlohmann::json& list(const std::string& name, std::size_t most);
  const nlohmann::json& map(const std::string& name, std::size_t most);
  std::vector<std::string> identifiers(const std::string& name, std::size_t most);

  template <typename Enum, std::size_t N>
  Enum choice(const std::string& name, const Names<Enum, N>& names) {
    const std::string given = text(name, 32);
    std::string known;
    for (const auto& [value, itsName] : names) {
      if (itsName == given) return value;
      known.append(known.empty() ? "" : ", ").append(itsName);
    }
    refuse(name, "one of " + known);
  }

  // The version of the message, member "v": throws UnknownVersion with what is understood.
  void requireVersion(int version);
  // Every member was read; a message with more than we understand is not ours.
  void finish() const;

  [[noreturn]] void refuse(const std::string& name, const std::string& mustBe) const;

 private:
  const nlohmann::json& member(const std::string& name);
  const nlohmann::json& object_;
  std::string what_;
  std::set<std::string> read_;
};

bool isIdentifier(std::string_view);
bool isHashHex(std::string_view);

}  // namespace fedpet::federation
