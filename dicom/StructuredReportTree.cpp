#include "dicom/StructuredReportTree.h"

#include "dicom/Codes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>

namespace fedpet::dicom::sr {

Item number(Relation relation, Code name, double value, std::string_view ucum) {
  if (!std::isfinite(value)) return noNumber(relation, std::move(name), codes::notANumber());
  return {relation, std::move(name), NumberValue{decimalString(value), unitCode(ucum)}, {}, {}};
}

Item noNumber(Relation relation, Code name, Code qualifier) {
  return code(relation, std::move(name), std::move(qualifier));
}

std::string decimalString(double value) {
  assert(std::isfinite(value));
  if (value == 0) return "0";
  constexpr int kSignificantDigits = 7;
  const double magnitude = std::abs(value);
  const bool plain = magnitude >= 1e-4 && magnitude < 1e12;
  const int beforePoint = static_cast<int>(std::floor(std::log10(magnitude))) + 1;
  const int decimals = std::max(0, kSignificantDigits - beforePoint);

  std::array<char, 32> buffer{};
  const auto end = plain ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                         std::chars_format::fixed, decimals)
                         : std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                         std::chars_format::scientific, kSignificantDigits - 1);
  assert(end.ec == std::errc());
  std::string digits(buffer.data(), end.ptr);
  if (plain && digits.find('.') != std::string::npos) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  assert(digits.size() <= 16);
  return digits;
}

}  // namespace fedpet::dicom::sr
