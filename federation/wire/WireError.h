#pragma once

#include <stdexcept>
#include <string>

namespace fedpet::federation {

// A message that is not what it must be. what() names the member and the fault, never its content:
// it may come from a hostile peer and goes into logs.
struct WireError : std::runtime_error {
  enum class Kind { Malformed, TooLarge, TooDeep, UnknownVersion, WrongType, BadSignature };
  WireError(Kind k, const std::string& text) : std::runtime_error(text), kind(k) {}
  Kind kind;
};

}  // namespace fedpet::federation
