#include "dicom/PriorNumbers.h"

#include "dicom/Codes.h"
#include "dicom/RetiredCodes.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fedpet::dicom {
namespace {

// Digits that a writer drops from a decimal string, and no more.
constexpr double kSameWithin = 1e-5;

bool same(double a, double b) {
  return std::abs(a - b) <= kSameWithin * std::max(std::abs(a), std::abs(b));
}

bool sameOrNone(const std::optional<Code>& a, const std::optional<Code>& b) {
  return a.has_value() == b.has_value() && (!a || meansTheSame(*a, *b));
}

// SUVlbm (126402) may be by any formula: it is Janmahasatian's where its method says so.
bool isQuantity(const ReportNumber& number, const QuantityCodes& wanted) {
  if (!sameOrNone(number.derivation, wanted.derivation)) return false;
  if (meansTheSame(number.name, wanted.quantity)) return true;
  return wanted.quantity == Code{"126405", "DCM", ""} && number.name == Code{"126402", "DCM", ""} &&
         number.method && *number.method == Code{"126414", "DCM", ""};
}

std::string nameOf(const ReportNumber& number) {
  std::string name = number.name.meaning.empty() ? number.name.value : number.name.meaning;
  if (number.derivation) name += " (" + number.derivation->meaning + ")";
  return name;
}

// Concepts of the reports that we write; not all of them matter to a comparison.
bool isKnown(const ReportNumber& number) {
  if (number.name.scheme == kPrivateScheme || number.name == codes::certaintyOfFinding())
    return true;
  constexpr std::array known{Quantity::SuvMin, Quantity::SuvMax, Quantity::SuvMean,
                             Quantity::SuvPeak, Quantity::SulPeak};
  return std::any_of(known.begin(), known.end(),
                     [&](Quantity q) { return isQuantity(number, codesOf(q)); });
}

}  // namespace

std::optional<double> convertedTo(std::string_view wanted, double value, const Code& unit) {
  if (unit.scheme != "UCUM") return std::nullopt;
  const std::string written = currentUnit(unit).value;
  if (written == wanted) return value;
  struct Factor {
    std::string_view from, to;
    double factor;
  };
  constexpr std::array factors{
      Factor{"mL", "ml", 1},
      Factor{"cm3", "ml", 1},
      Factor{"mm3", "ml", 1e-3},
      Factor{"l", "ml", 1000},
      Factor{"L", "ml", 1000},
      Factor{"mg", "g", 1e-3},
      Factor{"s", "min", 1 / 60.},
      Factor{"h", "min", 60},
      // The concept says what kind of SUV it is; some leave that out of the unit.
      Factor{"g/ml", "g/ml{SUVbw}", 1},
      Factor{"g/mL", "g/ml{SUVbw}", 1},
      Factor{"g/mL{SUVbw}", "g/ml{SUVbw}", 1},
      Factor{"g/ml", "g/ml{SUVlbm(Janma)}", 1},
      Factor{"g/mL", "g/ml{SUVlbm(Janma)}", 1},
      Factor{"g/ml{SUVlbm}", "g/ml{SUVlbm(Janma)}", 1},
      Factor{"1", "{count}", 1},
  };
  for (const Factor& f : factors)
    if (f.from == written && f.to == wanted) return value * f.factor;
  return std::nullopt;
}

void PriorNumbers::warn(const ReportGroup* group, const std::string& what) {
  warnings_.push_back(
      group == nullptr ? what : "Group '" + group->trackingId + "' of the report: " + what);
}

void PriorNumbers::collect(const ReportGroup& group, Quantity quantity,
                           std::vector<double>& found) {
  const QuantityCodes wanted = codesOf(quantity);
  for (const ReportNumber& number : group.numbers) {
    if (!isQuantity(number, wanted)) continue;
    used_.insert(&number);
    if (!number.value) continue;
    if (const auto value = convertedTo(ucumUnit(quantity), *number.value, number.unit))
      found.push_back(*value);
    else
      warn(&group,
           "the unit '" + number.unit.value + "' of " + nameOf(number) + " is not understood");
  }
}

std::optional<double> PriorNumbers::valueOf(const ReportGroup& group, Quantity quantity) {
  return valueOf(group, quantity, quantity);
}

std::optional<double> PriorNumbers::valueOf(const ReportGroup& group, Quantity quantity,
                                            Quantity other) {
  std::vector<double> found;
  collect(group, quantity, found);
  if (other != quantity) collect(group, other, found);
  if (found.empty()) return std::nullopt;
  if (std::all_of(found.begin(), found.end(), [&](double v) { return same(v, found.front()); }))
    return found.front();
  warn(&group, std::string(title(quantity)) + " stands there with different values; none is used");
  return std::nullopt;
}

void PriorNumbers::warnOfUnused(const std::vector<const ReportGroup*>& regions) {
  std::vector<std::string> names;
  for (const ReportGroup* group : regions)
    for (const ReportNumber& number : group->numbers) {
      if (used_.count(&number) != 0 || isKnown(number)) continue;
      const std::string name = nameOf(number);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  if (names.empty()) return;
  constexpr std::size_t kShown = 5;
  std::string list;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i)
    list += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kShown) list += " and " + std::to_string(names.size() - kShown) + " more";
  warn(nullptr, "Numbers of the report that a comparison does not use: " + list + ".");
}

}  // namespace fedpet::dicom
