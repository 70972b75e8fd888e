#include "fhir/labels/FhirDay.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace fedpet::fhir {
namespace {

std::optional<int> numberAt(std::string_view text, std::size_t at, std::size_t length) {
  int number = 0;
  const char* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + length, number);
  if (error != std::errc{} || end != begin + length || *begin == '-') return std::nullopt;
  return number;
}

}  // namespace

std::optional<Day> dayOf(std::string_view text) {
  constexpr std::size_t kDateLength = 10;
  if (text.size() < kDateLength || text[4] != '-' || text[7] != '-') return std::nullopt;
  if (text.size() > kDateLength && text[kDateLength] != 'T') return std::nullopt;
  const auto year = numberAt(text, 0, 4), month = numberAt(text, 5, 2), day = numberAt(text, 8, 2);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *year < 1850) return std::nullopt;
  return Day{date};
}

std::string toText(Day day) {
  const std::chrono::year_month_day date{day};
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

}  // namespace fedpet::fhir
