// The few UCUM units that baseline covariates are measured in. By code only: what a person reads
// ("unit") is never interpreted.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fedpet::fhir {

inline constexpr std::string_view kUcum = "http://unitsofmeasure.org";

// "{cells}/uL" and "10*3/uL{lymphocytes}" without what stands in braces (UCUM 1.9, section 12:
// annotations do not change the unit).
std::string withoutAnnotations(std::string_view code);

// Factor to cells in 10*9/L; nullopt: not a count per volume that we know.
std::optional<double> toGigaPerLitre(std::string_view code);
// Factor to g/dL of a mass concentration.
std::optional<double> toGramPerDecilitre(std::string_view code);
// Factor to mg of a mass.
std::optional<double> toMilligram(std::string_view code);
// Factor to U/L of a catalytic concentration; 1 kat = 6e7 U by definition.
std::optional<double> toUnitPerLitre(std::string_view code);

}  // namespace fedpet::fhir
