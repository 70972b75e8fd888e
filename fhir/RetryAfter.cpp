#include "fhir/RetryAfter.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>

namespace fedpet::fhir {

std::optional<std::chrono::seconds> parseRetryAfter(const std::string& value,
                                                    std::chrono::system_clock::time_point now) {
  using std::chrono::seconds;
  constexpr seconds longest{24 * 3600};
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (error == std::errc{} && end == value.data() + value.size())
    return std::clamp(seconds{count}, seconds{0}, longest);
  std::tm date{};
  std::istringstream text(value);
  text.imbue(std::locale::classic());
  text >> std::get_time(&date, "%a, %d %b %Y %H:%M:%S GMT");
  if (text.fail()) return std::nullopt;
  const auto then = std::chrono::system_clock::from_time_t(::timegm(&date));
  return std::clamp(std::chrono::duration_cast<seconds>(then - now), seconds{0}, longest);
}

}  // namespace fedpet::fhir
