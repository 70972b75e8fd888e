#include "dicom/TextDecoder.h"

#include <algorithm>
#include <utility>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcspchrs.h>

namespace fedpet::dicom {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool isPlainAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80 && c != '\x1b';
  });
}

// Length of the well-formed UTF-8 sequence at the front (Unicode 15, table 3-7), or 0.
std::size_t sequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80, high = lead == 0xed ? 0x9f : 0xbf;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80, high = lead == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string validUtf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequenceLength(text);
    if (length == 0) result += kReplacement;
    else result += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

TextDecoder::TextDecoder(std::string specificCharacterSet)
    : specificCharacterSet_(std::move(specificCharacterSet)) {
  if (specificCharacterSet_.empty()) return;
  auto converter = std::make_unique<DcmSpecificCharacterSet>();
  if (converter->selectCharacterSet(OFString(specificCharacterSet_.c_str())).good())
    converter_ = std::move(converter);
}

TextDecoder::~TextDecoder() = default;
TextDecoder::TextDecoder(TextDecoder&&) noexcept = default;
TextDecoder& TextDecoder::operator=(TextDecoder&&) noexcept = default;

std::string TextDecoder::toUtf8(std::string_view raw, std::string_view delimiters) {
  if (isPlainAscii(raw)) return std::string(raw);
  std::string text(raw);
  if (converter_) {
    OFString converted;
    const OFString marks(delimiters.data(), delimiters.size());
    if (converter_->convertString(raw.data(), raw.size(), converted, marks).good())
      text.assign(converted.data(), converted.size());
  }
  std::string valid = validUtf8(text);
  // Without a declared character set, UTF-8 is the one encoding that shows what it is.
  if (valid != text || !converter_) replacedSomething_ = true;
  return valid;
}

}  // namespace fedpet::dicom
