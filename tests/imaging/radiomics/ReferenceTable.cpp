#include "tests/imaging/radiomics/ReferenceTable.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <sstream>

namespace fedpet::testing {

double ReferenceValue::allowed() const {
  if (value == 0) return tolerance + 5e-4;
  // Whole numbers such as 125256 are written with more digits; trailing zeros do not count.
  std::string digits;
  for (const char c : text.substr(0, text.find_first_of("eE")))
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 && !(digits.empty() && c == '0'))
      digits += c;
  while (!digits.empty() && digits.back() == '0') digits.pop_back();
  const int significant = std::max(3, static_cast<int>(digits.size()));
  const int exponent = static_cast<int>(std::floor(std::log10(std::abs(value))));
  return tolerance + 0.5 * std::pow(10, exponent - significant + 1) * (1 + 1e-9);
}

std::vector<ReferenceValue> readReferenceTable(const std::filesystem::path& csv) {
  std::ifstream file(csv);
  return parseReferenceTable(file);
}

std::vector<ReferenceValue> parseReferenceTable(std::istream& file) {
  std::vector<ReferenceValue> values;
  std::string line;
  std::getline(file, line);  // the heading
  while (std::getline(file, line)) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    std::istringstream fields(line);
    std::string value, tolerance, tag;
    std::getline(fields, value, ';');
    std::getline(fields, tolerance, ';');
    std::getline(fields, tag, ';');
    if (!value.empty()) values.push_back({tag, std::stod(value), std::stod(tolerance), value});
  }
  return values;
}

}  // namespace fedpet::testing
