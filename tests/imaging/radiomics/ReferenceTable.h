// The IBSI's consensus values: "reference value;tolerance;tag" as MIRP ships them.
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <vector>

namespace fedpet::testing {

struct ReferenceValue {
  std::string tag;
  double value = 0, tolerance = 0;
  std::string text;  // the value as written

  // Consensus values are printed with three significant digits: a result may differ by the
  // tolerance and by half a unit of the last of them.
  double allowed() const;
};

std::vector<ReferenceValue> parseReferenceTable(std::istream&);
// Rows without a value (no consensus) are left out. Empty when the file does not exist.
std::vector<ReferenceValue> readReferenceTable(const std::filesystem::path& csv);

// Names for INSTANTIATE_TEST_SUITE_P.
inline std::string nameOfTag(const std::string& tag) { return tag.empty() ? "absent" : tag; }

}  // namespace fedpet::testing
