#include "federation/wire/Cbor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace fedpet::federation {
namespace {

using nlohmann::json;
using Kind = WireError::Kind;

[[noreturn]] void malformed(const char* what) { throw WireError(Kind::Malformed, what); }

struct Head {
  int major = 0, info = 0;
  std::uint64_t argument = 0;
};

Head readHead(ByteView bytes, std::size_t& at) {
  if (at >= bytes.size()) malformed("CBOR: the message ends in the middle");
  const std::uint8_t first = bytes[at++];
  Head result{first >> 5, first & 31, static_cast<std::uint64_t>(first & 31)};
  if (result.info < 24) return result;
  if (result.info > 27) malformed("CBOR: an indefinite or reserved length");
  const std::size_t width = std::size_t{1} << (result.info - 24);
  if (bytes.size() - at < width) malformed("CBOR: the message ends in the middle");
  result.argument = 0;
  for (std::size_t i = 0; i < width; ++i) result.argument = result.argument << 8 | bytes[at++];
  return result;
}

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

 private:
  struct Container {
    std::uint64_t left;
    bool isMap, keyRead;
  };

  void item() {
    if (++items_ > kMaxCborItems) throw WireError(Kind::TooLarge, "CBOR: too many items");
    Container& parent = open_.back();
    const bool isKey = parent.isMap && !parent.keyRead;
    if (parent.isMap) parent.keyRead = isKey;
    const Head h = readHead(bytes_, at_);
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
    open_.push_back({isMap ? 2 * h.argument : h.argument, isMap, false});
  }

  ByteView bytes_;
  std::size_t at_ = 0, items_ = 0;
  std::vector<Container> open_;
};

// IEEE 754 binary16, RFC 8949 appendix D.
double halfFrom(std::uint64_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const auto fraction = static_cast<double>(bits & 1023);
  double value = 0;
  if (exponent == 0)
    value = std::ldexp(fraction, -24);
  else if (exponent != 31)
    value = std::ldexp(fraction + 1024, exponent - 25);
  else
    value = fraction == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  return (bits & 0x8000) != 0 ? -value : value;
}

// Makes what the walker has let pass; strings are copied as wholes, which nlohmann's own reader
// does byte by byte.
class Builder {
 public:
  explicit Builder(ByteView bytes) : bytes_(bytes) {}

  json build() {  // recursion as deep as the walker allows
    const Head h = readHead(bytes_, at_);
    switch (h.major) {
      case 0:
        return h.argument;
      case 1:
        if (h.argument > static_cast<std::uint64_t>(INT64_MAX))
          malformed("CBOR: a number below the range of 64 bits");
        return -1 - static_cast<std::int64_t>(h.argument);
      case 2: {
        const ByteView bytes = take(h.argument);
        return json::binary({bytes.begin(), bytes.end()});
      }
      case 3:
        return std::string(textOf(take(h.argument)));
      case 4: {
        json list = json::array();
        for (std::uint64_t i = 0; i < h.argument; ++i) list.push_back(build());
        return list;
      }
      case 5:
        return map(h.argument);
      default:
        return simple(h);
    }
  }

 private:
  ByteView take(std::uint64_t count) {
    const ByteView part = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += part.size();
    return part;
  }
  json map(std::uint64_t pairs) {
    json object = json::object();
    for (std::uint64_t i = 0; i < pairs; ++i) {
      std::string key(textOf(take(readHead(bytes_, at_).argument)));
      if (!object.emplace(std::move(key), build()).second)
        malformed("CBOR: a key twice in one map");
    }
    return object;
  }
  static json simple(const Head& h) {
    switch (h.info) {
      case 20:
      case 21:
        return h.info == 21;
      case 22:
        return nullptr;
      case 25:
        return halfFrom(h.argument);
      case 26:
        return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(h.argument)));
      default:
        return std::bit_cast<double>(h.argument);
    }
  }

  ByteView bytes_;
  std::size_t at_ = 0;
};

}  // namespace

json fromCbor(ByteView bytes, std::size_t maxBytes) {
  if (bytes.size() > maxBytes) throw WireError(Kind::TooLarge, "the message is too large");
  Walker(bytes).walk();
  return Builder(bytes).build();
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
  const ByteView found = bytesView(name, fewest, most);
  return Bytes(found.begin(), found.end());
}

ByteView Reader::bytesView(const std::string& name, std::size_t fewest, std::size_t most) {
  const json& value = member(name);
  if (!value.is_binary()) refuse(name, "a byte string");
  const auto& found = value.get_binary();
  if (found.size() < fewest || found.size() > most)
    refuse(name, std::to_string(fewest) + " to " + std::to_string(most) + " bytes long");
  return found;
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
