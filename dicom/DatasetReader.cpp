#include "dicom/DatasetReader.h"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace fedpet::dicom {
namespace {

DcmTagKey keyOf(const Attribute& attribute) { return {attribute.group, attribute.element}; }

std::string_view trimmed(std::string_view text) {
  const auto padding = [](char c) { return c == ' ' || c == '\0'; };
  while (!text.empty() && padding(text.back())) text.remove_suffix(1);
  while (!text.empty() && padding(text.front())) text.remove_prefix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find('\\', from), text.size());
    parts.push_back(trimmed(text.substr(from, to - from)));
    from = to + 1;
  }
  return parts;
}

// The value's bytes as text, whatever the VR: a private element without a known one is UN.
std::string bytesOf(DcmElement& element) {
  char* text = nullptr;
  Uint32 length = 0;
  if (element.getString(text, length).good() && text) return std::string(trimmed({text, length}));
  Uint8* bytes = nullptr;
  if (element.getUint8Array(bytes).good() && bytes)
    return std::string(trimmed({reinterpret_cast<const char*>(bytes), element.getLength()}));
  return {};
}

std::string bytesAt(DcmItem& item, const DcmTagKey& key) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(key, element).bad() || !element || element->getLength() == 0)
    return {};
  return bytesOf(*element);
}

}  // namespace

std::optional<double> parseNumber(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      !std::isfinite(number))
    return std::nullopt;
  return number;
}

void DatasetReader::warn(std::string message) const {
  if (std::find(warnings_.begin(), warnings_.end(), message) == warnings_.end())
    warnings_.push_back(std::move(message));
}

std::string DatasetReader::rawText(const Attribute& attribute) const {
  return bytesAt(item_, keyOf(attribute));
}

std::string DatasetReader::text(const Attribute& attribute) const {
  return std::string(trimmed(decoder_.toUtf8(rawText(attribute))));
}

std::string DatasetReader::personName(const Attribute& attribute) const {
  return std::string(trimmed(decoder_.toUtf8(rawText(attribute), "\\^=")));
}

std::vector<std::string> DatasetReader::values(const Attribute& attribute) const {
  const std::string all = rawText(attribute);
  std::vector<std::string> result;
  if (all.empty()) return result;
  for (const std::string_view part : split(all)) result.push_back(validUtf8(part));
  return result;
}

std::optional<std::vector<double>> DatasetReader::numbers(const Attribute& attribute,
                                                          std::size_t count,
                                                          RefusalCode code) const {
  const std::string all = rawText(attribute);
  if (all.empty()) return std::nullopt;
  std::vector<double> result;
  for (const std::string_view part : split(all))
    if (const auto number = parseNumber(part))
      result.push_back(*number);
    else
      result.push_back(NAN);
  const bool finite = std::all_of(result.begin(), result.end(),
                                  [](double number) { return std::isfinite(number); });
  if (result.size() != count || !finite)
    throw Unusable(code, describe(attribute) + " does not hold " +
                             (count == 1 ? "a number" : std::to_string(count) + " numbers"));
  return result;
}

std::optional<double> DatasetReader::number(const Attribute& attribute, RefusalCode code) const {
  const auto one = numbers(attribute, 1, code);
  if (!one) return std::nullopt;
  return one->front();
}

std::optional<int> DatasetReader::integer(const Attribute& attribute) const {
  DcmElement* element = nullptr;
  if (item_.findAndGetElement(keyOf(attribute), element).bad() || !element) return std::nullopt;
  Uint16 small = 0;
  if (element->getUint16(small).good()) return small;
  Sint32 number = 0;
  if (element->getSint32(number).good()) return number;
  return std::nullopt;
}

std::optional<std::chrono::local_days> DatasetReader::date(const Attribute& attribute) const {
  const std::string raw = rawText(attribute);
  if (raw.empty()) return std::nullopt;
  const auto date = parseDate(raw);
  if (!date) warn(describe(attribute) + " is not a DICOM date and is ignored");
  return date;
}

std::optional<std::chrono::microseconds> DatasetReader::timeOfDay(
    const Attribute& attribute) const {
  const std::string raw = rawText(attribute);
  if (raw.empty()) return std::nullopt;
  const auto time = parseTimeOfDay(raw);
  if (!time) warn(describe(attribute) + " is not a DICOM time and is ignored");
  return time;
}

std::optional<WallClock> DatasetReader::inOwnZone(
    const ZonedDateTime& time, const std::string& name,
    std::optional<std::chrono::minutes> ownZone) const {
  if (!time.zone) return time.wallClock;
  if (ownZone) return time.wallClock - *time.zone + *ownZone;
  warn(name +
       " has a time zone, but the series does not say its own (TimezoneOffsetFromUTC "
       "(0008,0201)): taken as the scanner's wall clock");
  return time.wallClock;
}

std::optional<WallClock> DatasetReader::dateTime(
    const Attribute& attribute, std::optional<std::chrono::minutes> ownZone) const {
  const std::string raw = rawText(attribute);
  if (raw.empty()) return std::nullopt;
  const auto time = parseDateTime(raw);
  if (time) return inOwnZone(*time, describe(attribute), ownZone);
  warn(describe(attribute) + " is not a DICOM date and time and is ignored");
  return std::nullopt;
}

std::optional<WallClock> DatasetReader::privateDateTime(
    const PrivateAttribute& attribute, std::optional<std::chrono::minutes> ownZone) const {
  const std::string raw = privateText(attribute);
  if (raw.empty()) return std::nullopt;
  const auto time = parseDateTime(raw);
  if (time) return inOwnZone(*time, describe(attribute), ownZone);
  warn(describe(attribute) + " is not a DICOM date and time and is ignored");
  return std::nullopt;
}

unsigned long DatasetReader::itemCount(const Attribute& attribute) const {
  DcmSequenceOfItems* sequence = nullptr;
  if (item_.findAndGetSequence(keyOf(attribute), sequence).bad() || !sequence) return 0;
  return sequence->card();
}

std::optional<DatasetReader> DatasetReader::item(const Attribute& attribute,
                                                 unsigned long index) const {
  DcmSequenceOfItems* sequence = nullptr;
  if (item_.findAndGetSequence(keyOf(attribute), sequence).bad() || !sequence ||
      index >= sequence->card())
    return std::nullopt;
  return DatasetReader(*sequence->getItem(index), decoder_, warnings_);
}

std::optional<Code> DatasetReader::code(const Attribute& sequence) const {
  const auto first = item(sequence, 0);
  if (!first) return std::nullopt;
  Code code{first->text(tags::kCodeValue), first->text(tags::kCodingSchemeDesignator),
            first->text(tags::kCodeMeaning)};
  if (code.value.empty()) code.value = first->text(tags::kLongCodeValue);
  if (code.value.empty()) return std::nullopt;
  return code;
}

std::string DatasetReader::privateText(const PrivateAttribute& attribute,
                                       bool blockWithoutCreator) const {
  bool anyCreator = false;
  for (DcmObject* object = item_.nextInContainer(nullptr); object;
       object = item_.nextInContainer(object)) {
    if (object->getGTag() > attribute.group) break;
    const Uint16 block = object->getETag();
    if (object->getGTag() != attribute.group || block < 0x10 || block > 0xff) continue;
    anyCreator = true;
    if (bytesOf(static_cast<DcmElement&>(*object)) == attribute.creator)
      return bytesAt(item_,
                     {attribute.group, static_cast<Uint16>((block << 8) | attribute.offset)});
  }
  if (anyCreator || !blockWithoutCreator) return {};
  std::string value =
      bytesAt(item_, {attribute.group, static_cast<Uint16>(0x1000 | attribute.offset)});
  if (!value.empty())
    warn(describe(attribute) + " is read although its private creator is missing");
  return value;
}

}  // namespace fedpet::dicom
