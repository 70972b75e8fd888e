#include "fhir/facade/DateRange.h"

#include <chrono>
#include <regex>

namespace fedpet::fhir {
namespace {

using namespace std::chrono;

constexpr std::int64_t kDayMillis = 24ll * 3600 * 1000;

std::int64_t floorDiv(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

std::int64_t millisOf(year_month_day day) {
  return duration_cast<milliseconds>(sys_days(day).time_since_epoch()).count();
}

int integer(const std::ssub_match& match) { return match.matched ? std::stoi(match.str()) : 0; }

void setDate(DateCondition& c, const std::smatch& m, const std::string& parameter) {
  const bool hasMonth = m[2].matched, hasDay = m[3].matched;
  const year y{integer(m[1])};
  const month month_{hasMonth ? static_cast<unsigned>(integer(m[2])) : 1u};
  const year_month_day first{y, month_, day{hasDay ? static_cast<unsigned>(integer(m[3])) : 1u}};
  if (!first.ok()) throw FacadeError(400, "invalid", parameter + ": no such date");
  c.from = millisOf(first);
  if (hasDay)
    c.until = c.from + kDayMillis;
  else
    c.until = millisOf(hasMonth ? first + months{1} : first + years{1});
}

void setTime(DateCondition& c, const std::smatch& m, const std::string& parameter) {
  const int hour = integer(m[4]), minute = integer(m[5]), second = integer(m[6]);
  if (hour > 23 || minute > 59 || second > 59)
    throw FacadeError(400, "invalid", parameter + ": no such time");
  c.from += (hour * 3600ll + minute * 60 + second) * 1000;
  std::int64_t width = m[6].matched ? 1000 : 60'000;
  if (m[7].matched) {
    const std::string fraction = (m[7].str() + "00").substr(0, 3);
    c.from += std::stoi(fraction);
    width = 1;
  }
  if (const std::string zone = m[8].str(); zone != "Z") {
    const int offset = std::stoi(zone.substr(1, 2)) * 60 + std::stoi(zone.substr(4, 2));
    c.from -= (zone[0] == '-' ? -1 : 1) * offset * 60'000ll;
  }
  c.until = c.from + width;
}

}  // namespace

DateCondition dateCondition(const std::string& parameter, const std::string& text) {
  static const std::regex kForm(
      R"((\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d))?)?)?)");
  DateCondition c;
  std::string value = text;
  using Prefix = DateCondition::Prefix;
  for (const auto& [name, prefix] :
       {std::pair{"eq", Prefix::Eq}, std::pair{"ge", Prefix::Ge}, std::pair{"gt", Prefix::Gt},
        std::pair{"le", Prefix::Le}, std::pair{"lt", Prefix::Lt}})
    if (text.starts_with(name)) {
      c.prefix = prefix;
      value = text.substr(2);
      break;
    }
  std::smatch m;
  // The length is checked first: std::regex recurses.
  if (value.size() > 40 || !std::regex_match(value, m, kForm))
    throw FacadeError(400, "invalid",
                      parameter +
                          ": expected eq, ge, gt, le or lt and a date such as 2026, "
                          "2026-11, 2026-11-24 or 2026-11-24T09:30:00Z (a + in a URL is %2B)");
  setDate(c, m, parameter);
  if (m[4].matched) setTime(c, m, parameter);
  return c;
}

// A day d is the span [d, d+1). ge, le: the spans overlap or it lies beyond; gt, lt: part of it
// lies beyond; eq: it lies wholly inside.
Bounds<std::int64_t> DateCondition::days() const {
  Bounds<std::int64_t> b;
  switch (prefix) {
    case Prefix::Eq:
      b.low = -floorDiv(-from, kDayMillis);
      b.high = floorDiv(until, kDayMillis) - 1;
      break;
    case Prefix::Ge:
      b.low = floorDiv(from, kDayMillis);
      break;
    case Prefix::Gt:
      b.low = floorDiv(until, kDayMillis);
      break;
    case Prefix::Le:
      b.high = floorDiv(until - 1, kDayMillis);
      break;
    case Prefix::Lt:
      b.high = floorDiv(from - 1, kDayMillis);
      break;
  }
  return b;
}

Bounds<std::int64_t> DateCondition::millis() const {
  Bounds<std::int64_t> b;
  if (prefix == Prefix::Eq || prefix == Prefix::Ge) b.low = from;
  if (prefix == Prefix::Eq || prefix == Prefix::Le) b.high = until - 1;
  if (prefix == Prefix::Gt) b.low = until;
  if (prefix == Prefix::Lt) b.high = from - 1;
  return b;
}

}  // namespace fedpet::fhir
