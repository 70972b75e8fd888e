#include "fhir/hl7v2/Message.h"

#include <charconv>

namespace fedpet::fhir::hl7v2 {
namespace {

constexpr std::string_view kDelimiters = "|^~\\&";

char letterOf(char delimiter) {
  switch (delimiter) {
    case '|':
      return 'F';
    case '^':
      return 'S';
    case '&':
      return 'T';
    case '~':
      return 'R';
    case '\\':
      return 'E';
    default:
      return 0;
  }
}

char delimiterOf(std::string_view letter) {
  for (const char c : kDelimiters)
    if (letter.size() == 1 && letter.front() == letterOf(c)) return c;
  return 0;
}

// "X0D0A": bytes in hex; false when it is none.
bool appendHex(std::string_view sequence, std::string& text) {
  if (!sequence.starts_with('X') || sequence.size() < 3 || sequence.size() % 2 == 0) return false;
  std::string bytes;
  for (std::size_t i = 1; i < sequence.size(); i += 2) {
    unsigned value = 0;
    const char* const begin = sequence.data() + i;
    const auto [end, error] = std::from_chars(begin, begin + 2, value, 16);
    if (error != std::errc{} || end != begin + 2) return false;
    bytes += static_cast<char>(value);
  }
  text += bytes;
  return true;
}

}  // namespace

std::string escaped(std::string_view text, std::string_view lineEnd) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (const char letter = letterOf(c)) {
      out += {'\\', letter, '\\'};
    } else if (c == '\n' || c == '\r') {
      if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      out += lineEnd.starts_with('.') ? "\\" + std::string(lineEnd) + "\\" : std::string(lineEnd);
    } else if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
      out += c;
    } else if (c == '\t') {
      out += ' ';
    }
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t end = text[i] == '\\' ? text.find('\\', i + 1) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += text[i];
      continue;
    }
    const std::string_view sequence = text.substr(i + 1, end - i - 1);
    if (const char delimiter = delimiterOf(sequence))
      out += delimiter;
    else if (sequence == ".br")
      out += '\n';
    else if (!appendHex(sequence, out))
      out += text.substr(i, end - i + 1);
    i = end;
  }
  return out;
}

std::string join(const std::vector<std::string>& encoded, char separator) {
  std::string text, gap;
  for (const std::string& part : encoded) {
    if (!part.empty()) {
      text += gap + part;
      gap.clear();
    }
    gap += separator;
  }
  return text;
}

std::string components(const std::vector<std::string>& plain) {
  std::vector<std::string> encoded;
  for (const std::string& part : plain) encoded.push_back(escaped(part));
  return join(encoded, '^');
}

Segment& Segment::set(int field, std::string encoded) {
  if (!encoded.empty()) fields_[field] = std::move(encoded);
  return *this;
}

std::string Segment::text() const {
  std::string out = name_;
  int at = 0;
  if (name_ == "MSH") {
    out += "|^~\\&";
    at = 2;
  }
  for (const auto& [number, value] : fields_) {
    out.append(static_cast<std::size_t>(number - at), '|');
    out += value;
    at = number;
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::optional<std::vector<std::string>> fieldsOf(std::string_view message, std::string_view name) {
  if (!message.starts_with("MSH|^~\\&")) return std::nullopt;
  std::string lines(message);
  for (char& c : lines)
    if (c == '\n') c = '\r';  // some senders end segments as text files do
  for (const std::string& line : split(lines, '\r'))
    if (line.starts_with(std::string(name) + "|")) return split(line, '|');
  return std::nullopt;
}

}  // namespace fedpet::fhir::hl7v2
