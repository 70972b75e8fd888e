#include "federation/wire/Cbor.h"

#include <algorithm>
#include <cmath>

namespace fedpet::federation {
namespace {

using nlohmann::json;
using Kind = WireError::Kind;

[[noreturn]] void malformed(const char* what) { throw WireError(Kind::Malformed, what); }

struct Head {
  int major = 0, info = 0;
  std::uint64_t argument = 0;
};

// Looks at every item of a CBOR text without building any.
class Walker {
 public:
  explicit Walker(ByteView bytes) : bytes_(bytes) {}

  void walk() {
    open_.push_back({1, false, false});
    while (!open_.empty()) {
      if (open_.back().left == 0) {
        open_.pop_back();
        continue;
      }
      --open_.back().left;
      item();
    }
    if (at_ != bytes_.size()) malformed("CBOR: bytes after the end of the message");
  }
  std::size_t pairs() const { return pairs_; }

 private:
  struct Container {
    std::uint64_t left;
    bool isMap, keyRead;
  };

  Head head() {
    if (at_ >= bytes_.size()) malformed("CBOR: the message ends in the middle");
    const std::uint8_t first = bytes_[at_++];
    Head result{first >> 5, first & 31, static_cast<std::uint64_t>(first & 31)};
    if (result.info < 24) return result;
    if (result.info > 27) malformed("CBOR: an indefinite or reserved length");
    const std::size_t width = std::size_t{1} << (result.info - 24);
    if (bytes_.size() - at_ < width) malformed("CBOR: the message ends in the middle");
    result.argument = 0;
    for (std::size_t i = 0; i < width; ++i) result.argument = result.argument << 8 | bytes_[at_++];
    return result;
  }

  void item() {
    if (++items_ > kMaxCborItems) throw WireError(Kind::TooLarge, "CBOR: too many items");
    Container& parent = open_.back();
    const bool isKey = parent.isMap && !parent.keyRead;
    if (parent.isMap) parent.keyRead = isKey;
    const Head h = head();
    if (isKey && h.major != 3) malformed("CBOR: a key that is no text");
    switch (h.major) {
      case 0:
      case 1:
        return;
      case 2:
      case 3:
        if (h.argument > bytes_.size() - at_) malformed("CBOR: a string longer than the message");
        at_ += static_cast<std::size_t>(h.argument);
        return;
      case 4:
      case 5:
        return enter(h);
      case 7:
        if (h.info < 20 || h.info == 23 || h.info == 24) malformed("CBOR: an unknown simple value");
        return;
      default:
        malformed("CBOR: a tag");
    }
  }

  void enter(const Head& h) {
    // Each member takes a byte at least: a count that cannot be true is not believed.
    if (h.argument > bytes_.size() - at_) malformed("CBOR: a container longer than the message");
    if (open_.size() > static_cast<std::size_t>(kMaxCborDepth))
      throw WireError(Kind::TooDeep, "CBOR: nested too deeply");
    const bool isMap = h.major == 5;
    if (isMap) pairs_ += static_cast<std::size_t>(h.argument);
    open_.push_back({isMap ? 2 * h.argument : h.argument, isMap, false});
  }

  ByteView bytes_;
  std::size_t at_ = 0, items_ = 0, pairs_ = 0;
  std::vector<Container> open_;
};

std::size_t membersOf(const json& value) {
  if (!value.is_structured()) return 0;
  std::size_t count = value.is_object() ? value.size() : 0;
  for (const auto& child : value) count += membersOf(child);
  return count;
}

}  // namespace

json fromCbor(ByteView bytes, std::size_t maxBytes) {
  if (bytes.size() > maxBytes) throw WireError(Kind::TooLarge, "the message is too large");
  Walker walker(bytes);
  walker.walk();
  json value = json::from_cbor(bytes.begin(), bytes.end(), true, false);
  if (value.is_discarded()) malformed("not CBOR as this program reads it");
  if (membersOf(value) != walker.pairs()) malformed("CBOR: a key twice in one map");
  return value;
}

Bytes toCbor(const json& value) { return json::to_cbor(value); }

json binary(ByteView bytes) { return json::binary({bytes.begin(), bytes.end()}); }

bool isIdentifier(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

bool isHashHex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Reader::Reader(const json& object, std::string what) : object_(object), what_(std::move(what)) {
  if (!object.is_object()) throw WireError(Kind::WrongType, what_ + " is not a map");
}

void Reader::refuse(const std::string& name, const std::string& mustBe) const {
  throw WireError(Kind::WrongType, what_ + ": \"" + name + "\" must be " + mustBe);
}

bool Reader::has(const std::string& name) const { return object_.contains(name); }

const json& Reader::member(const std::string& name) {
  const auto found = object_.find(name);
  if (found == object_.end())
    throw WireError(Kind::WrongType, what_ + ": \"" + name + "\" is missing");
  read_.insert(name);
  return *found;
}

std::string Reader::text(const std::string& name, std::size_t maxBytes) {
  const json& value = member(name);
  if (!value.is_string()) refuse(name, "a text");
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > maxBytes) refuse(name, "at most " + std::to_string(maxBytes) + " bytes long");
  return text;
}

std::string Reader::identifier(const std::string& name) {
  std::string value = text(name, 64);
  if (!isIdentifier(value)) refuse(name, "1 to 64 letters, digits, dots, dashes or underscores");
  return value;
}

std::string Reader::hashHex(const std::string& name) {
  std::string value = text(name, 64);
  if (!isHashHex(value)) refuse(name, "a SHA-256 in lower-case hexadecimal");
  return value;
}

std::string Reader::jsonText(const std::string& name, std::size_t maxBytes) {
  std::string value = text(name, maxBytes);
  // nlohmann's parser keeps its own stack on the heap; its values are destroyed the same way.
  const json parsed = json::parse(value, nullptr, false);
  if (!parsed.is_object()) refuse(name, "the text of a JSON object");
  return value;
}

Bytes Reader::bytes(const std::string& name, std::size_t fewest, std::size_t most) {
  const json& value = member(name);
  if (!value.is_binary()) refuse(name, "a byte string");
  const auto& found = value.get_binary();
  if (found.size() < fewest || found.size() > most)
    refuse(name, std::to_string(fewest) + " to " + std::to_string(most) + " bytes long");
  return Bytes(found.begin(), found.end());
}

std::int64_t Reader::integer(const std::string& name, std::int64_t least, std::int64_t most) {
  const json& value = member(name);
  const std::string range =
      "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  if (!value.is_number_integer()) refuse(name, range);
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    refuse(name, range);
  const auto number = value.get<std::int64_t>();
  if (number < least || number > most) refuse(name, range);
  return number;
}

double Reader::number(const std::string& name, double least, double most) {
  const json& value = member(name);
  if (!value.is_number()) refuse(name, "a number");
  const auto number = value.get<double>();
  if (!std::isfinite(number) || number < least || number > most)
    refuse(name, "a number from " + json(least).dump() + " to " + json(most).dump());
  return number;
}

bool Reader::boolean(const std::string& name) {
  const json& value = member(name);
  if (!value.is_boolean()) refuse(name, "true or false");
  return value.get<bool>();
}

std::chrono::sys_seconds Reader::time(const std::string& name) {
  constexpr std::int64_t endOfYear9999 = 253402300799;
  return std::chrono::sys_seconds(std::chrono::seconds(integer(name, 0, endOfYear9999)));
}

const json& Reader::list(const std::string& name, std::size_t most) {
  const json& value = member(name);
  if (!value.is_array() || value.size() > most)
    refuse(name, "a list of at most " + std::to_string(most));
  return value;
}

const json& Reader::map(const std::string& name, std::size_t most) {
  const json& value = member(name);
  if (!value.is_object() || value.size() > most)
    refuse(name, "a map of at most " + std::to_string(most));
  return value;
}

std::vector<std::string> Reader::identifiers(const std::string& name, std::size_t most) {
  std::vector<std::string> result;
  for (const json& entry : list(name, most)) {
    if (!entry.is_string() || !isIdentifier(entry.get_ref<const std::string&>()))
      refuse(name, "a list of identifiers");
    result.push_back(entry.get<std::string>());
  }
  return result;
}

void Reader::requireVersion(int version) {
  const auto found = integer("v", 0, INT32_MAX);
  if (found != version)
    throw WireError(Kind::UnknownVersion, what_ + " has version " + std::to_string(found) +
                                              "; this program understands " +
                                              std::to_string(version));
}

void Reader::finish() const {
  for (const auto& [name, unused] : object_.items())
    if (!read_.contains(name))
      throw WireError(Kind::WrongType, what_ + ": a member that is not known to this version");
}

}  // namespace fedpet::federation
