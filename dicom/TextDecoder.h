// Text of a DICOM file to UTF-8, from whatever SpecificCharacterSet (0008,0005) says: ISO 646,
// the ISO 8859 parts, ISO 2022 with escapes (Japanese, Korean, Chinese), GB18030, GBK, UTF-8.
// The result is always valid UTF-8: what cannot be decoded becomes U+FFFD and is reported.
#pragma once

#include <memory>
#include <string>
#include <string_view>

class DcmSpecificCharacterSet;

namespace fedpet::dicom {

class TextDecoder {
 public:
  // Values of (0008,0005) with backslashes, as in the file; empty: the default repertoire.
  explicit TextDecoder(std::string specificCharacterSet);
  ~TextDecoder();
  TextDecoder(TextDecoder&&) noexcept;
  TextDecoder& operator=(TextDecoder&&) noexcept;

  const std::string& specificCharacterSet() const { return specificCharacterSet_; }
  // `delimiters` are the characters that reset ISO 2022 escapes: "\\^=" in person names,
  // "\\" in other text (PS3.5 6.1.2.5.3).
  std::string toUtf8(std::string_view raw, std::string_view delimiters = "\\");
  // True once some text did not fit the declared character set.
  bool replacedSomething() const { return replacedSomething_; }

 private:
  std::string specificCharacterSet_;
  std::unique_ptr<DcmSpecificCharacterSet> converter_;  // null: DCMTK does not know the set
  const char* japanese_ = nullptr;  // the C library's name for the set, where DCMTK has none
  bool replacedSomething_ = false;
};

// `text` with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string validUtf8(std::string_view text);

}  // namespace fedpet::dicom
