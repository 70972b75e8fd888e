// Structured reports made byte by byte, for what no library would write.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace fedpet::testing {

using Bytes = std::vector<std::byte>;

inline std::string littleEndian(std::size_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i & 0xFF);
  return text;
}

inline std::string tag(unsigned group, unsigned number) {
  return littleEndian(group, 2) + littleEndian(number, 2);
}

// Explicit VR little endian.
inline std::string element(unsigned group, unsigned number, const std::string& vr,
                           std::string value) {
  if (value.size() % 2 != 0) value += vr == "UI" ? '\0' : ' ';
  const bool isLong = vr == "SQ" || vr == "UT" || vr == "OB";
  return tag(group, number) + vr +
         (isLong ? std::string(2, '\0') + littleEndian(value.size(), 4)
                 : littleEndian(value.size(), 2)) +
         value;
}

inline std::string item(const std::string& elements) {
  return tag(0xFFFE, 0xE000) + littleEndian(elements.size(), 4) + elements;
}

inline std::string code(unsigned group, unsigned number, const std::string& value,
                        const std::string& scheme) {
  return element(group, number, "SQ",
                 item(element(0x0008, 0x0100, "SH", value) + element(0x0008, 0x0102, "SH", scheme) +
                      element(0x0008, 0x0104, "LO", "meaning")));
}

inline std::string content(const std::string& items) {
  return element(0x0040, 0xA730, "SQ", items);
}

inline std::string contentItem(const std::string& relationship, const std::string& type,
                               const std::string& dcmCode, const std::string& rest) {
  return item(element(0x0040, 0xA010, "CS", relationship) + element(0x0040, 0xA040, "CS", type) +
              code(0x0040, 0xA043, dcmCode, "DCM") + rest);
}

inline std::string textItem(const std::string& relationship, const std::string& dcmCode,
                            const std::string& text) {
  return contentItem(relationship, "TEXT", dcmCode, element(0x0040, 0xA160, "UT", text));
}

// ContentSequence and an item in it, both without length, and their ends.
inline std::string openContent() {
  const std::string undefined(4, '\xff');
  return tag(0x0040, 0xA730) + "SQ" + std::string(2, '\0') + undefined + tag(0xFFFE, 0xE000) +
         undefined;
}
inline std::string closeContent() {
  const std::string none(4, '\0');
  return tag(0xFFFE, 0xE00D) + none + tag(0xFFFE, 0xE0DD) + none;
}

// A Comprehensive 3D SR whose root holds `contentSequence`.
inline Bytes reportFile(const std::string& contentSequence,
                        const std::string& templateId = "1500") {
  const std::string sopClass = "1.2.840.10008.5.1.4.1.1.88.34";
  const std::string meta = element(0x0002, 0x0001, "OB", std::string("\0\1", 2)) +
                           element(0x0002, 0x0002, "UI", sopClass) +
                           element(0x0002, 0x0003, "UI", "2.25.1") +
                           element(0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1");
  const std::string text =
      std::string(128, '\0') + "DICM" +
      element(0x0002, 0x0000, "UL", littleEndian(meta.size(), 4)) + meta +
      element(0x0008, 0x0016, "UI", sopClass) + element(0x0008, 0x0018, "UI", "2.25.1") +
      element(0x0040, 0xA040, "CS", "CONTAINER") + code(0x0040, 0xA043, "126000", "DCM") +
      element(0x0040, 0xA504, "SQ", item(element(0x0040, 0xDB00, "CS", templateId))) +
      contentSequence;
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

inline Bytes fileBytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

}  // namespace fedpet::testing
