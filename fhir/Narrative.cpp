#include "fhir/Narrative.h"

namespace fedpet::fhir {
namespace {

std::string element(std::string_view name, const std::string& escapedContent) {
  const std::string tag(name);
  return "<" + tag + ">" + escapedContent + "</" + tag + ">";
}

}  // namespace

std::string escapeXml(std::string_view utf8) {
  std::string escaped;
  for (const char c : utf8) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const bool forbidden = byte < 0x20 && c != '\t' && c != '\n' && c != '\r';
        escaped += forbidden ? std::string("\xef\xbf\xbd") : std::string(1, c);
      }
    }
  }
  return escaped;
}

NarrativeBuilder& NarrativeBuilder::heading(std::string_view text) {
  body_ += element("h2", escapeXml(text));
  return *this;
}

NarrativeBuilder& NarrativeBuilder::paragraph(std::string_view text) {
  if (text.empty()) return *this;
  body_ += element("p", escapeXml(text));
  return *this;
}

NarrativeBuilder& NarrativeBuilder::list(const std::vector<std::string>& items) {
  if (items.empty()) return *this;
  std::string content;
  for (const std::string& item : items) content += element("li", escapeXml(item));
  body_ += element("ul", content);
  return *this;
}

NarrativeBuilder& NarrativeBuilder::table(const std::vector<std::vector<std::string>>& rows) {
  std::string content;
  for (const auto& row : rows) {
    std::string cells;
    for (const std::string& cell : row)
      cells += element(&row == &rows.front() ? "th" : "td", escapeXml(cell));
    content += element("tr", cells);
  }
  body_ += element("table", element("tbody", content));
  return *this;
}

Narrative NarrativeBuilder::build() const {
  return {"<div xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\" xml:lang=\"en\">" + body_ +
          "</div>"};
}

}  // namespace fedpet::fhir
