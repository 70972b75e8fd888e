#include "dicom/FileMeta.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace fedpet::dicom {
namespace {

bool hasAt(std::span<const std::byte> bytes, std::size_t at, std::string_view text) {
  return at + text.size() <= bytes.size() &&
         std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

// Little endian, as all of group 0002 is. `at + size` must be inside.
std::uint32_t numberAt(std::span<const std::byte> bytes, std::size_t at, std::size_t size) {
  std::uint32_t number = 0;
  for (std::size_t i = size; i-- > 0;)
    number = number << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return number;
}

// One element of group 0002, explicit VR little endian.
struct MetaElement {
  std::uint32_t element = 0;
  std::span<const std::byte> value;
  std::size_t end = 0;
};

std::optional<MetaElement> metaElementAt(std::span<const std::byte> bytes, std::size_t at) {
  if (at + 8 > bytes.size()) return std::nullopt;
  const bool isLong = hasAt(bytes, at + 4, "OB") || hasAt(bytes, at + 4, "UN") ||
                      hasAt(bytes, at + 4, "OW") || hasAt(bytes, at + 4, "SQ") ||
                      hasAt(bytes, at + 4, "UT");
  const std::size_t start = at + (isLong ? 12 : 8);
  if (start > bytes.size()) return std::nullopt;
  const std::size_t length = isLong ? numberAt(bytes, at + 8, 4) : numberAt(bytes, at + 6, 2);
  if (length > bytes.size() - start) return std::nullopt;
  return MetaElement{numberAt(bytes, at + 2, 2), bytes.subspan(start, length), start + length};
}

std::string uidOf(std::span<const std::byte> value) {
  std::string uid(reinterpret_cast<const char*>(value.data()), value.size());
  while (!uid.empty() && (uid.back() == '\0' || uid.back() == ' ')) uid.pop_back();
  return uid;
}

std::size_t countTags(std::span<const std::byte> bytes, std::string_view tag, std::size_t enough) {
  std::size_t count = 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::size_t at = text.find(tag); at != std::string_view::npos && count <= enough;
       at = text.find(tag, at + 1))
    ++count;
  return count;
}

std::size_t countItemTags(std::span<const std::byte> bytes, std::size_t enough) {
  using namespace std::string_view_literals;
  return countTags(bytes, "\xfe\xff\x00\xe0"sv, enough) +
         countTags(bytes, "\xff\xfe\xe0\x00"sv, enough);
}

std::optional<std::vector<std::byte>> inflated(std::span<const std::byte> deflated) {
  constexpr std::size_t kMaxInflated = std::size_t{256} << 20;
  std::vector<std::byte> out, part(1 << 18);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(deflated.data()));
  stream.avail_in = static_cast<uInt>(std::min<std::size_t>(deflated.size(), UINT32_MAX));
  int status = Z_OK;
  while (status == Z_OK && out.size() <= kMaxInflated) {
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.insert(out.end(), part.begin(), part.end() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) return std::nullopt;
  return out;
}

}  // namespace

bool looksLikeDicom(std::span<const std::byte> bytes) {
  using namespace std::string_view_literals;
  return hasAt(bytes, 128, "DICM") || hasAt(bytes, 0, "\x08\x00"sv) ||
         hasAt(bytes, 0, "\x00\x08"sv) || hasAt(bytes, 0, "\x02\x00"sv);
}

std::optional<FileMeta> readFileMeta(std::span<const std::byte> bytes) {
  using namespace std::string_view_literals;
  FileMeta meta;
  if (!looksLikeDicom(bytes)) return std::nullopt;
  if (hasAt(bytes, 128, "DICM"))
    meta.datasetOffset = 132;
  else if (!hasAt(bytes, 0, "\x02\x00"sv))
    return meta;
  while (hasAt(bytes, meta.datasetOffset, "\x02\x00"sv)) {
    const auto element = metaElementAt(bytes, meta.datasetOffset);
    if (!element) return std::nullopt;
    if (element->element == 0x0002) meta.sopClassUid = uidOf(element->value);
    if (element->element == 0x0010) meta.transferSyntaxUid = uidOf(element->value);
    meta.datasetOffset = element->end;
  }
  if (meta.transferSyntaxUid.empty()) return std::nullopt;
  return meta;
}

std::optional<std::size_t> countItems(std::span<const std::byte> file, const FileMeta& meta,
                                      std::size_t enough) {
  if (enough == SIZE_MAX) return 0;
  if (meta.transferSyntaxUid != kDeflatedTransferSyntax) return countItemTags(file, enough);
  const auto dataset = inflated(file.subspan(meta.datasetOffset));
  if (!dataset) return std::nullopt;
  return countItemTags(*dataset, enough);
}

std::optional<std::vector<std::byte>> inflatedDataset(std::span<const std::byte> file,
                                                      const FileMeta& meta) {
  return inflated(file.subspan(meta.datasetOffset));
}

}  // namespace fedpet::dicom
