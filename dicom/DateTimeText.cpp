#include "dicom/DateTimeText.h"

#include <algorithm>
#include <cctype>

namespace fedpet::dicom {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string_view trimmed(std::string_view text) {
  const auto padding = [](char c) { return c == ' ' || c == '\0'; };
  while (!text.empty() && padding(text.back())) text.remove_suffix(1);
  while (!text.empty() && padding(text.front())) text.remove_prefix(1);
  return text;
}

// Exactly `digits` digits from the front of `text`, in [low, high]; they are taken off.
std::optional<int> takeNumber(std::string_view& text, std::size_t digits, int low, int high) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  if (number < low || number > high) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<microseconds> takeFraction(std::string_view& text) {
  int fraction = 0, scale = 100000;
  if (text.empty() || text.size() > 6) return std::nullopt;
  for (; !text.empty(); text.remove_prefix(1), scale /= 10) {
    if (text.front() < '0' || text.front() > '9') return std::nullopt;
    fraction += (text.front() - '0') * scale;
  }
  return microseconds(fraction);
}

}  // namespace

std::optional<std::chrono::local_days> parseDate(std::string_view text) {
  text = trimmed(text);
  const auto year = takeNumber(text, 4, 1800, 9999);
  const bool dotted = take(text, '.');
  const auto month = takeNumber(text, 2, 1, 12);
  if (dotted && !take(text, '.')) return std::nullopt;
  const auto day = takeNumber(text, 2, 1, 31);
  if (!year || !month || !day || !text.empty()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::local_days(date);
}

std::optional<microseconds> parseTimeOfDay(std::string_view text) {
  text = trimmed(text);
  const auto hour = takeNumber(text, 2, 0, 23);
  if (!hour) return std::nullopt;
  microseconds time = hours(*hour);
  if (text.empty()) return time;
  const bool colons = take(text, ':');
  const auto minute = takeNumber(text, 2, 0, 59);
  if (!minute) return std::nullopt;
  time += minutes(*minute);
  if (text.empty()) return time;
  if (colons && !take(text, ':')) return std::nullopt;
  const auto second = takeNumber(text, 2, 0, 60);  // 60: a leap second
  if (!second) return std::nullopt;
  time += seconds(*second);
  if (text.empty()) return time;
  if (!take(text, '.')) return std::nullopt;
  const auto fraction = takeFraction(text);
  if (!fraction) return std::nullopt;
  return time + *fraction;
}

std::optional<minutes> parseZone(std::string_view text) {
  text = trimmed(text);
  const bool negative = !text.empty() && text.front() == '-';
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto hour = takeNumber(text, 2, 0, 14);
  const auto minute = takeNumber(text, 2, 0, 59);
  if (!hour || !minute || !text.empty()) return std::nullopt;
  const minutes offset = hours(*hour) + minutes(*minute);
  return negative ? -offset : offset;
}

std::optional<ZonedDateTime> parseDateTime(std::string_view text) {
  text = trimmed(text);
  ZonedDateTime result;
  if (const auto sign = text.find_first_of("+-"); sign != std::string_view::npos) {
    result.zone = parseZone(text.substr(sign));
    if (!result.zone) return std::nullopt;
    text = trimmed(text.substr(0, sign));
  }
  if (text.size() < 8) return std::nullopt;
  const auto date = parseDate(text.substr(0, 8));
  const auto time = parseTimeOfDay(text.substr(8));  // a date alone is no moment: nullopt
  if (!date || !time) return std::nullopt;
  result.wallClock = *date + *time;
  return result;
}

}  // namespace fedpet::dicom
