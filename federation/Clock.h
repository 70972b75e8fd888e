// The federation reckons in whole seconds. The clock is passed in everywhere, so that tests move it
// by hand; this one is the machine's.
#pragma once

#include <chrono>

namespace fedpet::federation {

inline std::chrono::sys_seconds systemSeconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace fedpet::federation
