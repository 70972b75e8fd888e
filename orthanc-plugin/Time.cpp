#include "orthanc-plugin/Time.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace fedpet::plugin {

std::string toIso8601(UtcTime t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
  const std::time_t whole = std::chrono::system_clock::to_time_t(seconds);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                parts.tm_sec, static_cast<int>((t - seconds).count()));
  return text.data();
}

}  // namespace fedpet::plugin
