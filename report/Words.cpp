#include "report/Words.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace fedpet::report {
namespace {

constexpr std::string_view kSpace = "\u00a0";  // between thousands, and before a unit
constexpr std::string_view kMinus = "\u2212";

std::string withUnit(std::string number, std::string_view ucum) {
  const std::string unit = unitText(ucum);
  return unit.empty() ? number : number + std::string(kSpace) + unit;
}

int decimalsOf(std::string_view ucum, double value) {
  if (ucum == "{count}" || ucum == "mm") return 0;
  if (ucum == "ml" || ucum == "g") return std::abs(value) < 1000 ? 1 : 0;
  return ucum == "%" ? 0 : 2;
}

bool isZero(std::string_view digits) {
  return digits.find_first_of("123456789") == std::string_view::npos;
}

std::string digitsOf(double magnitude, int decimals) {
  // Not printf: a program's locale may write a comma.
  std::array<char, 400> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), magnitude,
                                 std::chars_format::fixed, decimals);
  return {text.data(), end.ptr};
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find(at, from), text.size());
    parts.push_back(trimmed(text.substr(from, to - from)));
    from = to + 1;
  }
  return parts;
}

bool allDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

std::string joined(std::initializer_list<std::string> parts, std::string_view by) {
  std::string text;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!text.empty()) text += by;
    text += part;
  }
  return text;
}

// One component group: "Family^Given^Middle^Prefix^Suffix".
std::string groupText(std::string_view group) {
  auto parts = split(group, '^');
  parts.resize(std::max<std::size_t>(parts.size(), 5));
  return joined({parts[0], joined({parts[3], parts[1], parts[2], parts[4]}, " ")}, ", ");
}

}  // namespace

std::string numberText(double value, int decimals) {
  if (!std::isfinite(value)) return "not a number";
  const std::string digits = digitsOf(std::abs(value), decimals);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  std::string text = value < 0 && !isZero(digits) ? std::string(kMinus) : "";
  for (std::size_t i = 0; i < point; ++i) {
    if (i > 0 && point > 4 && (point - i) % 3 == 0) text += kSpace;
    text += digits[i];
  }
  return text + digits.substr(point);
}

std::string signedText(double value, int decimals) {
  const bool positive = value > 0 && !isZero(digitsOf(value, decimals));
  return (positive ? "+" : "") + numberText(value, decimals);
}

std::string unitText(std::string_view ucum) {
  std::string unit;
  bool annotation = false;
  for (const char c : ucum) {
    if (c == '{') annotation = true;
    if (!annotation) unit += c;
    if (c == '}') annotation = false;
  }
  if (unit == "1") return {};
  return unit == "a" ? "years" : unit;
}

std::string quantityText(double value, std::string_view ucum) {
  return withUnit(numberText(value, decimalsOf(ucum, value)), ucum);
}

std::string inputText(double value, std::string_view ucum) {
  if (ucum == "{1=yes}" && (value == 0 || value == 1)) return value == 1 ? "yes" : "no";
  const double magnitude = std::abs(value);
  const bool whole = value == std::floor(value);
  const int decimals = whole || magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2;
  return withUnit(numberText(value, decimals), ucum);
}

std::string percentText(double probability) {
  const std::string unit = std::string(kSpace) + "%";
  const double percent = probability * 100;
  if (percent < 0.5) return "<" + std::string(kSpace) + "1" + unit;
  if (percent >= 99.5) return ">" + std::string(kSpace) + "99" + unit;
  return numberText(percent, 0) + unit;
}

std::string changeText(double percent) {
  return signedText(percent, 0) + std::string(kSpace) + "%";
}

std::string valueText(const Measurement& m) {
  if (!m.value) return "not given";
  if (ucumUnit(m.quantity) == "%") return changeText(*m.value);
  return quantityText(*m.value, ucumUnit(m.quantity));
}

std::string refusalText(const Refusal& refusal) {
  std::string text(explain(refusal.code));
  if (!refusal.detail.empty()) text += " Finding: " + refusal.detail + ".";
  return text;
}

std::string definitionText(const Measurement& m) {
  return m.value ? m.definition : refusalText(m.value.error());
}

std::string personName(std::string_view pn) {
  std::string name;
  std::string others;
  for (const std::string& group : split(pn, '=')) {
    const std::string text = groupText(group);
    if (text.empty()) continue;
    if (name.empty())
      name = text;
    else
      others += (others.empty() ? "" : ", ") + text;
  }
  if (name.empty()) return "Name not given";
  return others.empty() ? name : name + " (" + others + ")";
}

std::string dicomDate(std::string_view da) {
  if (da.size() != 8 || !allDigits(da)) return std::string(da);
  return std::string(da.substr(0, 4)) + "-" + std::string(da.substr(4, 2)) + "-" +
         std::string(da.substr(6, 2));
}

std::string dicomTime(std::string_view tm) {
  if (tm.size() < 4 || !allDigits(tm.substr(0, 4))) return std::string(tm);
  return std::string(tm.substr(0, 2)) + ":" + std::string(tm.substr(2, 2));
}

std::string dateText(WallClock at) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(at));
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

std::string clockText(WallClock at) {
  const std::chrono::hh_mm_ss time(at - std::chrono::floor<std::chrono::days>(at));
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), " %02d:%02d:%02d", static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return dateText(at) + text.data();
}

std::string sexText(std::string_view sex) {
  if (sex == "M") return "male";
  if (sex == "F") return "female";
  if (sex == "O") return "other";
  return sex.empty() ? "sex not given" : std::string(sex);
}

std::string organText(Organ organ) {
  std::string text;
  for (const char c : toString(organ)) {
    const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (upper && !text.empty()) text += ' ';
    text += text.empty() ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

std::string countText(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string cleaned(std::string_view text) {
  gchar* valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
  std::string line(valid);
  g_free(valid);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return line;
}

const Measurement* find(const std::vector<Measurement>& measurements, Quantity quantity) {
  for (const Measurement& m : measurements)
    if (m.quantity == quantity) return &m;
  return nullptr;
}

}  // namespace fedpet::report
