// The tables of a coordinator. Bytes are kept as base64url or hexadecimal text, times as Unix
// seconds with 0 for "not yet".
#pragma once

#include <span>

namespace fedpet::federation {

std::span<const char* const> coordinatorSchema();

}  // namespace fedpet::federation
