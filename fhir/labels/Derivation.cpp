#include "fhir/labels/Derivation.h"

#include "fhir/labels/FhirDay.h"
#include "fhir/labels/Rules.h"

#include <algorithm>
#include <tuple>

namespace fedpet::fhir {
namespace {

using Why = NotUnderstood::Why;

// A label's refusal: the reason stands beside the column, and a person gets both sides.
void withhold(PatientLabels& labels, ConflictKind kind, const std::string& why,
              std::vector<Evidence> evidence) {
  labels.excluded.push_back(why);
  labels.conflicts.push_back({kind, "treatment_start", why, std::move(evidence)});
}

const ImmunotherapyRecord* earliestOf(const PatientFacts& facts, TreatmentSource source,
                                      Day cutOff) {
  const ImmunotherapyRecord* earliest = nullptr;
  for (const ImmunotherapyRecord& record : facts.immunotherapy)
    if (record.source == source && record.day <= cutOff &&
        (!earliest || record.day < earliest->day))
      earliest = &record;
  return earliest;
}

// A record that may be an earlier treatment but could not be read as one.
const NotUnderstood* unclearEarlierTreatment(const PatientFacts& facts, Day start, int tolerance) {
  for (const NotUnderstood& item : facts.notUnderstood) {
    if (item.fact != "immunotherapy") continue;
    const auto day = dayOf(item.evidence.date);
    const bool given = item.evidence.resource.starts_with("MedicationAdministration/");
    if (day && *day < start - std::chrono::days{given ? 0 : tolerance}) return &item;
  }
  return nullptr;
}

// What the readers could not use: units one by one, the rest by kind with a few examples.
void reportNotUnderstood(const PatientFacts& facts, PatientLabels& labels) {
  constexpr std::size_t kExamples = 3;
  std::map<std::tuple<Why, std::string, std::string>, std::pair<std::size_t, std::vector<Evidence>>>
      kinds;
  for (const NotUnderstood& item : facts.notUnderstood) {
    auto& [count, examples] = kinds[{item.why, item.fact, item.explanation}];
    ++count;
    if (examples.size() < kExamples || item.why == Why::Unit) examples.push_back(item.evidence);
  }
  for (auto& [kind, found] : kinds) {
    const auto& [why, fact, explanation] = kind;
    std::string text = fact + ": " + explanation;
    if (found.first > found.second.size()) text += " (" + std::to_string(found.first) + " records)";
    labels.conflicts.push_back({why == Why::Unit ? ConflictKind::Unit : ConflictKind::NeedsReview,
                                "", std::move(text), std::move(found.second)});
  }
}

}  // namespace

std::string_view toString(Criterion criterion) {
  switch (criterion) {
    case Criterion::Clinical:
      return "clinical";
    case Criterion::Recist:
      return "recist";
    case Criterion::IRecist:
      return "irecist";
  }
  return "";
}

std::string_view toString(Response response) {
  switch (response) {
    case Response::Complete:
      return "complete";
    case Response::Partial:
      return "partial";
    case Response::Stable:
      return "stable";
    case Response::Progressive:
      return "progressive";
    case Response::UnconfirmedProgressive:
      return "unconfirmed progressive";
    case Response::ConfirmedProgressive:
      return "confirmed progressive";
    case Response::Improved:
      return "improved";
    case Response::Undetermined:
      return "undetermined";
  }
  return "";
}

std::string_view toString(TreatmentSource source) {
  switch (source) {
    case TreatmentSource::Administration:
      return "MedicationAdministration";
    case TreatmentSource::Request:
      return "MedicationRequest";
    case TreatmentSource::Statement:
      return "MedicationStatement";
  }
  return "";
}

std::string_view toString(Laboratory what) {
  switch (what) {
    case Laboratory::Neutrophils:
      return "neutrophils";
    case Laboratory::Lymphocytes:
      return "lymphocytes";
    case Laboratory::Leukocytes:
      return "leukocytes";
    case Laboratory::Ldh:
      return "LDH";
    case Laboratory::Albumin:
      return "albumin";
    case Laboratory::Pdl1Tps:
      return "PD-L1";
    case Laboratory::Ecog:
      return "ECOG";
  }
  return "";
}

std::string_view toString(Why why) {
  switch (why) {
    case Why::Unit:
      return "unit";
    case Why::Value:
      return "value";
    case Why::Date:
      return "date";
    case Why::Code:
      return "code";
    case Why::Status:
      return "status";
    case Why::TextOnly:
      return "text-only";
    case Why::Reference:
      return "reference";
    case Why::OwnPrediction:
      return "own-prediction";
  }
  return "";
}

std::string_view toString(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::NotRead:
      return "not-read";
    case ConflictKind::TreatmentStart:
      return "treatment-start";
    case ConflictKind::Death:
      return "death";
    case ConflictKind::Progression:
      return "progression";
    case ConflictKind::Covariate:
      return "covariate";
    case ConflictKind::BaselinePet:
      return "baseline-pet";
    case ConflictKind::Unit:
      return "unit";
    case ConflictKind::NeedsReview:
      return "needs-review";
    case ConflictKind::Consistency:
      return "consistency";
  }
  return "";
}

double monthsBetween(Day from, Day to) {
  const double days = std::max(0.5, static_cast<double>((to - from).count()));
  return days / kDaysPerMonth;
}

void findTreatmentStart(const PatientFacts& facts, const LabelRules& rules, PatientLabels& labels) {
  const ImmunotherapyRecord* start = nullptr;
  for (const auto source :
       {TreatmentSource::Administration, TreatmentSource::Request, TreatmentSource::Statement})
    if (!start) start = earliestOf(facts, source, rules.dataCutOff);
  if (!start) {
    std::vector<Evidence> unclear;
    for (const NotUnderstood& item : facts.notUnderstood)
      if (item.fact == "immunotherapy") unclear.push_back(item.evidence);
    return withhold(labels, ConflictKind::TreatmentStart, "no start of immunotherapy is on record",
                    std::move(unclear));
  }
  const auto tolerance = std::chrono::days{rules.earlierTreatmentDays};
  for (const ImmunotherapyRecord& other : facts.immunotherapy)
    if (other.source > start->source && other.day < start->day - tolerance)
      return withhold(labels, ConflictKind::TreatmentStart,
                      "an older record tells of immunotherapy long before the first " +
                          std::string(toString(start->source)) + ": treated elsewhere before?",
                      {start->evidence, other.evidence});
  if (const auto* item = unclearEarlierTreatment(facts, start->day, rules.earlierTreatmentDays))
    return withhold(labels, ConflictKind::TreatmentStart,
                    "a record that could not be read tells of earlier immunotherapy (" +
                        item->explanation + ")",
                    {start->evidence, item->evidence});
  if (facts.deathDay && *facts.deathDay < start->day)
    return withhold(labels, ConflictKind::Death, "the patient died before the treatment began",
                    {facts.patientEvidence, start->evidence});
  labels.treatmentStart = start->day;
  labels.treatmentSource = start->source;
  labels.drug = start->drug;
  labels.evidence["treatment_start"] = {start->evidence};
  labels.reasons["treatment_start"] =
      "first " + std::string(toString(start->source)) + " of " + start->drug;
}

PatientLabels deriveLabels(const PatientFacts& facts, const LabelRules& rules) {
  PatientLabels labels;
  labels.identifier = facts.identifier;
  labels.subjectId = facts.subjectId;
  labels.centre = facts.centre;
  for (const std::string& why : facts.unread) {
    labels.excluded.push_back(why);
    labels.conflicts.push_back({ConflictKind::NotRead, "", why, {facts.patientEvidence}});
  }
  reportNotUnderstood(facts, labels);
  if (!facts.unread.empty()) return labels;
  findTreatmentStart(facts, rules, labels);
  if (!labels.treatmentStart) return labels;
  judgeBaselinePet(facts, rules, labels);
  deriveOutcomes(facts, rules, labels);
  deriveCovariates(facts, rules, labels);
  return labels;
}

}  // namespace fedpet::fhir
