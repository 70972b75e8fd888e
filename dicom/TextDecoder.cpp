#include "dicom/TextDecoder.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcspchrs.h>
#include <iconv.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace fedpet::dicom {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool isPlainAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\x1b'; });
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

// DCMTK asks the C library for "ISO-IR-87" and "ISO-IR-159", which glibc does not have; but it has
// the mail encodings that are made of the same escapes (RFC 1468, RFC 1554, JIS X 0213 annex 2).
const char* japaneseEncoding(std::string_view characterSet) {
  if (characterSet.find("IR 159") != std::string_view::npos) return "ISO-2022-JP-2";
  if (characterSet.find("IR 87") != std::string_view::npos) return "ISO-2022-JP-3";
  return nullptr;
}

// ISO_IR 13 keeps half-width katakana in the upper half of the byte; the mail encoding wants an
// escape and the lower half.
std::string withEscapedKatakana(std::string_view raw) {
  std::string result;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0xa1 && byte <= 0xdf)
      result += std::string("\x1b(I") + static_cast<char>(byte - 0x80) + "\x1b(B";
    else
      result += c;
  }
  return result;
}

std::optional<std::string> converted(std::string text, const char* encoding) {
  const iconv_t descriptor = iconv_open("UTF-8", encoding);
  if (descriptor == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  std::string out(4 * text.size() + 16, '\0');
  char* from = text.data();
  char* to = out.data();
  std::size_t left = text.size(), room = out.size();
  const bool ok = iconv(descriptor, &from, &left, &to, &room) != static_cast<std::size_t>(-1);
  iconv_close(descriptor);
  if (!ok) return std::nullopt;
  out.resize(out.size() - room);
  return out;
}

}  // namespace

std::string validUtf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequenceLength(text);
    if (length == 0)
      result += kReplacement;
    else
      result += text.substr(0, length);
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
  else
    japanese_ = japaneseEncoding(specificCharacterSet_);
}

TextDecoder::~TextDecoder() = default;
TextDecoder::TextDecoder(TextDecoder&&) noexcept = default;
TextDecoder& TextDecoder::operator=(TextDecoder&&) noexcept = default;

std::string TextDecoder::toUtf8(std::string_view raw, std::string_view delimiters) {
  if (isPlainAscii(raw)) return std::string(raw);
  std::optional<std::string> text;
  if (converter_) {
    OFString utf8;
    const OFString marks(delimiters.data(), delimiters.size());
    if (converter_->convertString(raw.data(), raw.size(), utf8, marks).good())
      text = std::string(utf8.data(), utf8.size());
  } else if (japanese_) {
    text = converted(withEscapedKatakana(raw), japanese_);
  }
  std::string valid = validUtf8(text ? *text : raw);
  if (!text || valid != *text) replacedSomething_ = true;
  return valid;
}

}  // namespace fedpet::dicom
