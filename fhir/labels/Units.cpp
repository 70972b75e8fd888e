#include "fhir/labels/Units.h"

#include <array>
#include <span>

namespace fedpet::fhir {
namespace {

struct Known {
  std::string_view code;
  double factor;
};

std::optional<double> find(std::span<const Known> known, std::string_view code) {
  const std::string plain = withoutAnnotations(code);
  for (const Known& unit : known)
    if (unit.code == plain) return unit.factor;
  return std::nullopt;
}

constexpr std::array kCounts{Known{"10*9/L", 1},  Known{"10*3/uL", 1},   Known{"10*3/mm3", 1},
                             Known{"10*6/mL", 1}, Known{"10*6/L", 1e-3}, Known{"/uL", 1e-3},
                             Known{"/mm3", 1e-3}, Known{"/L", 1e-9},     Known{"/nL", 1}};
constexpr std::array kMassConcentrations{Known{"g/dL", 1}, Known{"g/L", 0.1}, Known{"mg/dL", 1e-3},
                                         Known{"mg/mL", 0.1}, Known{"g%", 1}};
constexpr std::array kMasses{Known{"mg", 1}, Known{"g", 1000}, Known{"ug", 1e-3}};
constexpr std::array kActivities{Known{"U/L", 1},   Known{"[IU]/L", 1},  Known{"[iU]/L", 1},
                                 Known{"mU/mL", 1}, Known{"ukat/L", 60}, Known{"nkat/L", 0.06}};

}  // namespace

std::string withoutAnnotations(std::string_view code) {
  std::string plain;
  int depth = 0;
  for (const char c : code) {
    if (c == '{') ++depth;
    if (depth == 0) plain += c;
    if (c == '}') --depth;
  }
  return plain;
}

std::optional<double> toGigaPerLitre(std::string_view code) { return find(kCounts, code); }
std::optional<double> toGramPerDecilitre(std::string_view code) {
  return find(kMassConcentrations, code);
}
std::optional<double> toMilligram(std::string_view code) { return find(kMasses, code); }
std::optional<double> toUnitPerLitre(std::string_view code) { return find(kActivities, code); }

}  // namespace fedpet::fhir
