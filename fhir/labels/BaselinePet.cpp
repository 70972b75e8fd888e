#include "fhir/labels/FhirDay.h"
#include "fhir/labels/Rules.h"

namespace fedpet::fhir {

std::optional<std::string> whyNoBaselinePet(Day pet, Day treatmentStart, const LabelRules& rules) {
  const auto days = (treatmentStart - pet).count();
  if (days < 0) return "the PET was made after treatment had begun";
  if (days == 0)
    return "the PET was made on the first day of treatment: which came first is not known";
  if (days > rules.petWindowDays)
    return "the PET was made " + std::to_string(days) + " days before treatment, more than " +
           std::to_string(rules.petWindowDays);
  return std::nullopt;
}

std::optional<Day> chooseBaselinePet(const std::vector<Day>& pets, Day treatmentStart,
                                     const LabelRules& rules) {
  std::optional<Day> newest;
  for (const Day pet : pets)
    if (!whyNoBaselinePet(pet, treatmentStart, rules) && (!newest || pet > *newest)) newest = pet;
  return newest;
}

void judgeBaselinePet(const PatientFacts& facts, const LabelRules& rules, PatientLabels& labels) {
  if (!facts.petDay || !labels.treatmentStart) return;
  const auto why = whyNoBaselinePet(*facts.petDay, *labels.treatmentStart, rules);
  if (!why) return;
  labels.excluded.push_back(*why);
  Evidence pet;
  pet.resource = "cohort list";
  pet.date = toText(*facts.petDay);
  std::vector<Evidence> evidence{pet};
  const auto& start = labels.evidence["treatment_start"];
  evidence.insert(evidence.end(), start.begin(), start.end());
  labels.conflicts.push_back({ConflictKind::BaselinePet, "", *why, std::move(evidence)});
}

}  // namespace fedpet::fhir
