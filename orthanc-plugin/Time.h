// Instants of the plugin's own bookkeeping. The clock is passed in, so that tests move it by hand.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace fedpet::plugin {

using UtcTime = std::chrono::sys_time<std::chrono::milliseconds>;
using Clock = std::function<UtcTime()>;

inline UtcTime systemNow() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}
inline std::int64_t toMillis(UtcTime t) { return t.time_since_epoch().count(); }
inline UtcTime fromMillis(std::int64_t ms) { return UtcTime(std::chrono::milliseconds(ms)); }

// "2026-11-24T03:30:56.120Z"
std::string toIso8601(UtcTime);

}  // namespace fedpet::plugin
