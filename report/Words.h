// Numbers, units, names and dates as a clinician reads them: the same rules as the result page
// (ui-extension/src/format.ts), so that paper and screen never differ.
#pragma once

#include "clinical/ResponseAssessment.h"

#include <tl/expected.hpp>

#include <string>
#include <string_view>

namespace fedpet::report {

// Thousands in groups by a space; a true minus; "not a number" where it is none.
std::string numberText(double value, int decimals);
std::string signedText(double value, int decimals);
// "{ratio}" has no unit, "g/ml{SUVbw}" is g/ml, "a" is years.
std::string unitText(std::string_view ucum);
std::string quantityText(double value, std::string_view ucum);
// Three significant digits; "yes" or "no" for the unit "{1=yes}".
std::string inputText(double value, std::string_view ucum);
std::string percentText(double probability);  // never 0 % nor 100 %
std::string changeText(double percent);       // "+12 %"

// "not given" in place of a number that was refused.
std::string valueText(const Measurement&);
// What the refusal means, what to do, and the finding: "The weight is missing; ... (Finding: ...)".
std::string refusalText(const Refusal&);
// The definition, or why there is no value.
std::string definitionText(const Measurement&);

std::string personName(std::string_view pn);  // "Family, Given (ideographic)"
std::string dicomDate(std::string_view da);   // "2026-11-24"
std::string dicomTime(std::string_view tm);   // "10:15"
std::string dateText(WallClock);              // "2026-11-24"
std::string clockText(WallClock);             // "2026-11-24 11:42:07"
std::string sexText(std::string_view sex);
std::string organText(Organ);  // "Left kidney"
std::string countText(std::size_t count, std::string_view one, std::string_view many);

// Valid UTF-8 on one line, whatever came: control characters become spaces.
std::string cleaned(std::string_view text);

const Measurement* find(const std::vector<Measurement>&, Quantity);

}  // namespace fedpet::report
