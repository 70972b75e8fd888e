#include "dicom/DatasetShape.h"

#include "dicom/DicomError.h"
#include "dicom/FileMeta.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctag.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fedpet::dicom {
namespace {

constexpr std::uint32_t kItem = 0xFFFEE000, kItemEnd = 0xFFFEE00D, kSequenceEnd = 0xFFFEE0DD;
constexpr std::uint32_t kContentSequence = 0x0040A730, kPixelData = 0x7FE00010;
constexpr std::uint32_t kUndefined = 0xFFFFFFFF;

constexpr std::array<std::string_view, 13> kLongForm{"OB", "OD", "OF", "OL", "OV", "OW", "SQ",
                                                     "SV", "UC", "UN", "UR", "UT", "UV"};
constexpr std::array<std::string_view, 21> kShortForm{"AE", "AS", "AT", "CS", "DA", "DS", "DT",
                                                      "FD", "FL", "IS", "LO", "LT", "PN", "SH",
                                                      "SL", "SS", "ST", "TM", "UI", "UL", "US"};

template <std::size_t N>
bool isOneOf(const std::array<std::string_view, N>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

struct Malformed {};

class Walk {
 public:
  Walk(std::span<const std::byte> bytes, bool implicitVr, bool bigEndian)
      : bytes_(bytes), bigEndian_(bigEndian) {
    open_.push_back({Kind::Elements, bytes.size(), false, implicitVr, false});
  }

  DatasetShape run() {
    while (!open_.empty()) {
      const Open top = open_.back();
      if (top.end == at_) {
        if (top.undefined) throw Malformed{};  // its delimiter is missing
        open_.pop_back();
        continue;
      }
      if (at_ > top.end) throw Malformed{};
      switch (top.kind) {
        case Kind::Elements:
          element(top);
          break;
        case Kind::Sequence:
          item(top);
          break;
        case Kind::Fragments:
          fragment();
          break;
      }
    }
    return shape_;
  }

 private:
  enum class Kind { Elements, Sequence, Fragments };
  struct Open {
    Kind kind;
    std::size_t end;  // of what encloses it, where its own length is undefined
    bool undefined;   // ends with a delimiter
    bool implicitVr;
    bool ofContent;  // the sequence is ContentSequence
  };

  std::uint32_t number(std::size_t size) {
    if (size > open_.back().end - at_) throw Malformed{};
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value = value << 8 |
              std::to_integer<std::uint32_t>(bytes_[at_ + (bigEndian_ ? i : size - 1 - i)]);
    at_ += size;
    return value;
  }
  std::uint32_t tag() {
    const std::uint32_t group = number(2);
    return group << 16 | number(2);
  }
  void skip(std::uint32_t length) {
    if (length > open_.back().end - at_) throw Malformed{};
    at_ += length;
  }
  void enter(Kind kind, std::uint32_t length, bool implicitVr, bool ofContent) {
    const bool undefined = length == kUndefined;
    const std::size_t outer = open_.back().end;
    if (!undefined && length > outer - at_) throw Malformed{};
    open_.push_back({kind, undefined ? outer : at_ + length, undefined, implicitVr, ofContent});
  }
  void leave() {
    if (!open_.back().undefined || number(4) != 0) throw Malformed{};
    open_.pop_back();
  }

  void element(const Open& in) {
    const std::uint32_t name = tag();
    if (name == kItemEnd) return leave();
    if (name >> 16 == 0xFFFE) throw Malformed{};
    if (in.implicitVr) return implicitElement(name);
    const auto* text = reinterpret_cast<const char*>(bytes_.data() + at_);
    skip(2);
    const std::string_view vr(text, 2);
    const bool isLong = isOneOf(kLongForm, vr);
    if (!isLong && !isOneOf(kShortForm, vr)) throw Malformed{};
    if (isLong) skip(2);
    const std::uint32_t length = number(isLong ? 4 : 2);
    if (vr == "SQ")
      enter(Kind::Sequence, length, false, name == kContentSequence);
    else if (length != kUndefined || !isLong)
      skip(length);
    else if (vr == "UN")  // PS3.5 6.2.2: a sequence in implicit VR
      enter(Kind::Sequence, length, true, name == kContentSequence);
    else if (vr == "OB" || vr == "OW")
      enter(Kind::Fragments, length, false, false);
    else
      throw Malformed{};
  }

  // What is a sequence only the dictionary knows, or the value itself: its first item's tag.
  void implicitElement(std::uint32_t name) {
    const std::uint32_t length = number(4);
    const DcmTagKey key(static_cast<Uint16>(name >> 16), static_cast<Uint16>(name));
    const bool sequence = length == kUndefined || DcmTag(key).getEVR() == EVR_SQ ||
                          (name != kPixelData && startsWithItem(length));
    if (sequence)
      enter(Kind::Sequence, length, true, name == kContentSequence);
    else
      skip(length);
  }
  bool startsWithItem(std::uint32_t length) {
    if (length < 8 || length > open_.back().end - at_) return false;
    const std::size_t here = at_;
    const bool is = tag() == kItem;
    at_ = here;
    return is;
  }

  void item(const Open& in) {
    const std::uint32_t name = tag();
    if (name == kSequenceEnd) return leave();
    if (name != kItem) throw Malformed{};
    ++shape_.items;
    if (in.ofContent) ++shape_.contentItems;
    const std::uint32_t length = number(4);
    enter(Kind::Elements, length, in.implicitVr, false);
    shape_.depth = std::max(shape_.depth, (open_.size() - 1) / 2);
  }

  void fragment() {
    const std::uint32_t name = tag();
    if (name == kSequenceEnd) return leave();
    if (name != kItem) throw Malformed{};
    skip(number(4));
  }

  std::span<const std::byte> bytes_;
  bool bigEndian_;
  std::size_t at_ = 0;
  std::vector<Open> open_;
  DatasetShape shape_;
};

bool looksExplicit(std::span<const std::byte> dataset) {
  return dataset.size() >= 6 && std::to_integer<int>(dataset[4]) >= 'A' &&
         std::to_integer<int>(dataset[4]) <= 'Z' && std::to_integer<int>(dataset[5]) >= 'A' &&
         std::to_integer<int>(dataset[5]) <= 'Z';
}

}  // namespace

std::optional<DatasetShape> shapeOf(std::span<const std::byte> file) try {
  const auto meta = readFileMeta(file);
  if (!meta) return std::nullopt;
  std::span<const std::byte> dataset = file.subspan(meta->datasetOffset);
  std::optional<std::vector<std::byte>> inflated;
  if (meta->transferSyntaxUid == kDeflatedTransferSyntax) {
    inflated = inflatedDataset(file, *meta);
    if (!inflated) return std::nullopt;
    dataset = *inflated;
  }
  const std::string& syntax = meta->transferSyntaxUid;
  const bool implicitVr =
      syntax == "1.2.840.10008.1.2" || (syntax.empty() && !looksExplicit(dataset));
  return Walk(dataset, implicitVr, syntax == "1.2.840.10008.1.2.2").run();
} catch (const Malformed&) {
  return std::nullopt;
}

DatasetShape requireHarmless(std::span<const std::byte> file, const std::string& cannot) {
  const auto shape = shapeOf(file);
  if (!shape) throw DicomError(cannot + ": it is no DICOM file, is damaged or ends early");
  if (shape->depth > kMaxDepth)
    throw DicomError(cannot + ": its sequences are nested more than " + std::to_string(kMaxDepth) +
                     " deep");
  return *shape;
}

}  // namespace fedpet::dicom
