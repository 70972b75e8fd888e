// Inside of fhir/: the text that a person reads where an EHR shows no structured data. XHTML 1.0
// as FHIR allows it; every text that comes from elsewhere is escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fhir/resources/DataTypes.h"

namespace fedpet::fhir {

class NarrativeBuilder {
 public:
  NarrativeBuilder& heading(std::string_view);
  NarrativeBuilder& paragraph(std::string_view);                  // nothing for no text
  NarrativeBuilder& list(const std::vector<std::string>& items);  // nothing for no items
  // The first row is the head; every row has as many cells.
  NarrativeBuilder& table(const std::vector<std::vector<std::string>>& rows);
  Narrative build() const;

 private:
  std::string body_;
};

// &, <, >, quotes; characters that XML 1.0 forbids become U+FFFD.
std::string escapeXml(std::string_view utf8);

}  // namespace fedpet::fhir
