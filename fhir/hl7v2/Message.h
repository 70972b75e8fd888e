// Inside of fhir/: HL7 v2.5.1 messages as segments and fields (chapter 2 of the standard). Text
// becomes escaped on the way out and plain on the way in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir::hl7v2 {

// The delimiters | ^ & ~ \ as escape sequences (2.7); a line end becomes `lineEnd` (".br" is for
// formatted text, elsewhere a space), other control characters fall away.
std::string escaped(std::string_view text, std::string_view lineEnd = " ");
// The sequences above, \X..\ included, as what they stand for; unknown ones stay as they are.
std::string unescaped(std::string_view text);

// Components of one field: {"1234", "", "", "HOSPITAL"} gives "1234^^^HOSPITAL". A component may
// have subcomponents: see join().
std::string components(const std::vector<std::string>& plain);
std::string join(const std::vector<std::string>& encoded, char separator);  // no empty tail

class Segment {
 public:
  explicit Segment(std::string name) : name_(std::move(name)) {}
  // `encoded` as escaped() or components() give it. Numbered as in the standard, from 1; of MSH,
  // from 3. Empty fields may be left out.
  Segment& set(int field, std::string encoded);
  std::string text() const;  // without the closing \r

 private:
  std::string name_;
  std::map<int, std::string> fields_;
};

// Reads "MSA|AA|17|text": fields by number, still encoded. nullopt when the message holds no
// segment of that name. Delimiters other than |^~\& are not understood: nullopt as well.
std::optional<std::vector<std::string>> fieldsOf(std::string_view message, std::string_view name);
std::vector<std::string> split(std::string_view text, char separator);

}  // namespace fedpet::fhir::hl7v2
