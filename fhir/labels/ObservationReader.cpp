#include "fhir/labels/JsonView.h"
#include "fhir/labels/Readers.h"
#include "fhir/labels/Units.h"

#include <algorithm>
#include <cmath>

namespace fedpet::fhir {
namespace {

using nlohmann::json;
using Why = NotUnderstood::Why;
using C = Concept;

const std::set<Concept> kResponseQuestions{C::DiseaseStatus, C::RecistStatus, C::IRecistStatus};
const std::set<Concept> kQuestions{
    C::DiseaseStatus, C::RecistStatus, C::IRecistStatus, C::Pdl1Tps, C::Ecog,         C::Ldh,
    C::Neutrophils,   C::Lymphocytes,  C::Leukocytes,    C::Albumin, C::SmokingStatus};
const std::set<Concept> kRecistAnswers{C::RecistComplete,
                                       C::RecistPartial,
                                       C::RecistStable,
                                       C::RecistProgressive,
                                       C::IRecistComplete,
                                       C::IRecistPartial,
                                       C::IRecistStable,
                                       C::IRecistUnconfirmedProgressive,
                                       C::IRecistConfirmedProgressive};
const std::set<Concept> kStatusAnswers{C::StatusFullRemission, C::StatusPartialRemission,
                                       C::StatusImproved,      C::StatusStable,
                                       C::StatusWorsened,      C::StatusUndetermined};

bool isFinal(const std::string& status) {
  return status == "final" || status == "amended" || status == "corrected" || status == "appended";
}
// Neither a fact nor news of one.
bool isVoid(const std::string& status) {
  return status == "entered-in-error" || status == "cancelled";
}

struct Meaning {
  Criterion criterion;
  Response response;
  bool operator==(const Meaning&) const = default;
};

// What an answer says to a question. A RECIST code means RECIST wherever it stands; a SNOMED status
// means what the question was about.
std::optional<Meaning> meaningOf(Concept question, Concept answer) {
  using R = Response;
  switch (answer) {
    case C::RecistComplete:
      return Meaning{Criterion::Recist, R::Complete};
    case C::RecistPartial:
      return Meaning{Criterion::Recist, R::Partial};
    case C::RecistStable:
      return Meaning{Criterion::Recist, R::Stable};
    case C::RecistProgressive:
      return Meaning{Criterion::Recist, R::Progressive};
    case C::IRecistComplete:
      return Meaning{Criterion::IRecist, R::Complete};
    case C::IRecistPartial:
      return Meaning{Criterion::IRecist, R::Partial};
    case C::IRecistStable:
      return Meaning{Criterion::IRecist, R::Stable};
    case C::IRecistUnconfirmedProgressive:
      return Meaning{Criterion::IRecist, R::UnconfirmedProgressive};
    case C::IRecistConfirmedProgressive:
      return Meaning{Criterion::IRecist, R::ConfirmedProgressive};
    default:
      break;
  }
  if (question == C::IRecistStatus) return std::nullopt;  // SNOMED cannot tell iUPD from iCPD
  const Criterion criterion = question == C::RecistStatus ? Criterion::Recist : Criterion::Clinical;
  switch (answer) {
    case C::StatusFullRemission:
      return Meaning{criterion, R::Complete};
    case C::StatusPartialRemission:
      return Meaning{criterion, R::Partial};
    case C::StatusStable:
      return Meaning{criterion, R::Stable};
    case C::StatusWorsened:
      return Meaning{criterion, R::Progressive};
    case C::StatusUndetermined:
      return Meaning{criterion, R::Undetermined};
    case C::StatusImproved:
      if (criterion == Criterion::Clinical) return Meaning{criterion, R::Improved};
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

// A judgement in a CodeableConcept. False: there is none, and nothing was reported.
void readJudgement(const json& answer, Concept question, Day day, Evidence evidence,
                   const ReadContext& context, PatientFacts& facts) {
  std::set<Concept> wanted = kRecistAnswers;
  wanted.insert(kStatusAnswers.begin(), kStatusAnswers.end());
  std::optional<Meaning> meaning;
  evidence.value = inWords(answer);
  for (const Coded& coded : knownCodings(answer, context.codes, wanted)) {
    const auto found = meaningOf(question, coded.meaning);
    if (!found) continue;
    if (meaning && *meaning != *found)
      return notUnderstood(facts, Why::Code, "response", "its codings contradict each other",
                           evidence);
    meaning = found;
    evidence.system = coded.system;
    evidence.code = coded.code;
  }
  if (meaning) {
    facts.readings.push_back({day, meaning->criterion, meaning->response, evidence});
  } else {
    const bool onlyText = listAt(answer, "coding").empty();
    notUnderstood(facts, onlyText ? Why::TextOnly : Why::Code, "response",
                  onlyText
                      ? "the response is given in words only"
                      : "the code of the response is in no table; map it in the site's ConceptMap",
                  evidence);
  }
}

struct Quantity {
  double value = 0;
  std::string unit, comparator;  // unit: UCUM code
};

std::string quantityInWords(const json& quantity, double value) {
  std::string number = json(value).dump();
  const std::string unit =
      textAt(quantity, "code").empty() ? textAt(quantity, "unit") : textAt(quantity, "code");
  return textAt(quantity, "comparator") + number + (unit.empty() ? "" : " " + unit.substr(0, 40));
}

// The quantity with a UCUM code, or its fault reported.
std::optional<Quantity> quantityOf(const json& quantity, const std::string& fact,
                                   Evidence& evidence, PatientFacts& facts) {
  const auto value = numberAt(quantity, "value");
  if (!value) {
    notUnderstood(facts, Why::Value, fact, "there is no number", evidence);
    return std::nullopt;
  }
  evidence.value = quantityInWords(quantity, *value);
  if (textAt(quantity, "system") != kUcum || textAt(quantity, "code").empty()) {
    notUnderstood(facts, Why::Unit, fact, "the unit has no UCUM code", evidence);
    return std::nullopt;
  }
  return Quantity{*value, textAt(quantity, "code"), textAt(quantity, "comparator")};
}

struct Asked {
  const json& holder;  // the Observation, or the component of it that has the value
  Laboratory what;
  Day day;
  Dated dated;
  Evidence evidence;
};

void keep(PatientFacts& facts, const Asked& asked, double value) {
  facts.laboratory.push_back({asked.what, asked.day, asked.dated.text, value, asked.evidence});
}

struct Limits {
  double low, high;
};
// Wide enough for any living patient: outside is a wrong unit or a slip of the pen.
Limits plausible(Laboratory what) {
  switch (what) {
    case Laboratory::Ldh:
      return {0.1, 40};
    case Laboratory::Albumin:
      return {0.8, 6.5};
    case Laboratory::Pdl1Tps:
      return {0, 100};
    case Laboratory::Ecog:
      return {0, 5};
    default:
      return {0, 1000};
  }
}

void keepPlausible(PatientFacts& facts, const Asked& asked, double value) {
  const Limits limits = plausible(asked.what);
  if (value >= limits.low && value <= limits.high) return keep(facts, asked, value);
  notUnderstood(facts, Why::Value, std::string(toString(asked.what)),
                "the value is outside what can be", asked.evidence);
}

// The upper limit of normal in U/L: the one referenceRange.high, in a unit of its own.
std::optional<double> upperLimit(const json& observation, std::string& why, Why& kind) {
  std::optional<double> limit;
  kind = Why::Value;
  for (const json& range : listAt(observation, "referenceRange")) {
    const json& type = listAt(at(range, "type"), "coding");
    if (!type.empty() && textAt(type[0], "code") != "normal") continue;
    const json& high = at(range, "high");
    const auto value = numberAt(high, "value");
    if (!value) continue;
    const auto factor =
        textAt(high, "system") == kUcum ? toUnitPerLitre(textAt(high, "code")) : std::nullopt;
    if (!factor) {
      kind = Why::Unit;
      why = "the upper limit of its reference range has no UCUM code of a catalytic concentration";
      return std::nullopt;
    }
    if (limit && *limit != *value * *factor) {
      why = "it has several upper limits of normal";
      return std::nullopt;
    }
    limit = *value * *factor;
  }
  if (limit && *limit > 0) return limit;
  why = "without an upper limit of normal (referenceRange.high) the value cannot be compared";
  return std::nullopt;
}

void readLdh(Asked asked, const Quantity& quantity, PatientFacts& facts) {
  const auto factor = toUnitPerLitre(quantity.unit);
  if (!factor)
    return notUnderstood(facts, Why::Unit, "LDH",
                         "\"" + quantity.unit + "\" is no catalytic concentration", asked.evidence);
  std::string why;
  Why kind = Why::Value;
  const auto limit = upperLimit(asked.holder, why, kind);
  if (!limit) return notUnderstood(facts, kind, "LDH", why, asked.evidence);
  asked.evidence.value += ", upper limit " + json(*limit).dump() + " U/L";
  keepPlausible(facts, asked, quantity.value * *factor / *limit);
}

void readQuantity(Asked asked, PatientFacts& facts) {
  const std::string fact(toString(asked.what));
  const auto quantity = quantityOf(at(asked.holder, "valueQuantity"), fact, asked.evidence, facts);
  if (!quantity) return;
  const bool isTps = asked.what == Laboratory::Pdl1Tps;
  if (!quantity->comparator.empty()) {
    // A TPS is counted in whole per cent: "< 1 %" is how 0 is reported.
    if (isTps && quantity->comparator == "<" && quantity->value == 1 && quantity->unit == "%")
      return keep(facts, asked, 0);
    return notUnderstood(facts, Why::Value, fact, "a bound is no value", asked.evidence);
  }
  std::optional<double> factor;
  switch (asked.what) {
    case Laboratory::Ldh:
      return readLdh(std::move(asked), *quantity, facts);
    case Laboratory::Albumin:
      factor = toGramPerDecilitre(quantity->unit);
      break;
    case Laboratory::Pdl1Tps:
      if (withoutAnnotations(quantity->unit) == "%") factor = 1;
      break;
    case Laboratory::Ecog:
      if (const std::string unit = withoutAnnotations(quantity->unit); unit.empty() || unit == "1")
        factor = 1;
      break;
    default:
      factor = toGigaPerLitre(quantity->unit);
  }
  if (!factor)
    return notUnderstood(facts, Why::Unit, fact,
                         "\"" + quantity->unit.substr(0, 40) + "\" is not a unit of it",
                         asked.evidence);
  const double value = quantity->value * *factor;
  if (asked.what == Laboratory::Ecog && value != std::floor(value))
    return notUnderstood(facts, Why::Value, fact, "an ECOG status is a whole number",
                         asked.evidence);
  keepPlausible(facts, asked, value);
}

void readEcog(Asked asked, const ReadContext& context, PatientFacts& facts) {
  if (const json& number = at(asked.holder, "valueInteger"); number.is_number_integer()) {
    asked.evidence.value = number.dump();
    return keepPlausible(facts, asked, number.get<double>());
  }
  const json& answer = at(asked.holder, "valueCodeableConcept");
  if (!answer.is_object()) return readQuantity(std::move(asked), facts);
  asked.evidence.value = inWords(answer);
  const auto known = knownCodings(answer, context.codes,
                                  {C::Ecog0, C::Ecog1, C::Ecog2, C::Ecog3, C::Ecog4, C::Ecog5});
  const bool agree = std::all_of(known.begin(), known.end(), [&](const Coded& c) {
    return c.meaning == known.front().meaning;
  });
  if (known.empty() || !agree)
    return notUnderstood(facts, Why::Code, "ECOG", "the code of the answer is in no table",
                         asked.evidence);
  keep(facts, asked, static_cast<int>(known.front().meaning) - static_cast<int>(C::Ecog0));
}

void readSmoking(const json& observation, Day day, Evidence evidence, const ReadContext& context,
                 PatientFacts& facts) {
  const json& answer = at(observation, "valueCodeableConcept");
  evidence.value = inWords(answer);
  const auto known =
      knownCodings(answer, context.codes, {C::EverSmoker, C::NeverSmoker, C::SmokingUnknown});
  if (known.empty())
    return notUnderstood(facts, listAt(answer, "coding").empty() ? Why::TextOnly : Why::Code,
                         "smoking", "the code of the answer is in no table", evidence);
  if (known.front().meaning == C::SmokingUnknown) return;
  facts.smoking.push_back({day, known.front().meaning == C::EverSmoker, evidence});
}

std::optional<Laboratory> laboratoryOf(Concept question) {
  switch (question) {
    case C::Pdl1Tps:
      return Laboratory::Pdl1Tps;
    case C::Ecog:
      return Laboratory::Ecog;
    case C::Ldh:
      return Laboratory::Ldh;
    case C::Neutrophils:
      return Laboratory::Neutrophils;
    case C::Lymphocytes:
      return Laboratory::Lymphocytes;
    case C::Leukocytes:
      return Laboratory::Leukocytes;
    case C::Albumin:
      return Laboratory::Albumin;
    default:
      return std::nullopt;
  }
}

std::string factName(Concept question) {
  if (const auto what = laboratoryOf(question)) return std::string(toString(*what));
  return question == C::SmokingStatus ? "smoking" : "response";
}

// Reports and answers true when the resource as a whole is no fact.
bool isUnusable(const json& resource, const std::string& fact, const Evidence& evidence,
                PatientFacts& facts) {
  const std::string status = textAt(resource, "status");
  if (isVoid(status)) return true;
  if (isByAlgorithm(resource)) {
    notUnderstood(facts, Why::OwnPrediction, fact,
                  "written by an algorithm: a prediction is no label", evidence);
    return true;
  }
  if (isFinal(status)) return false;
  notUnderstood(facts, Why::Status, fact,
                "its status is \"" + status.substr(0, 40) + "\", not final", evidence);
  return true;
}

}  // namespace

void readObservation(const json& observation, const ReadContext& context, PatientFacts& facts) {
  // A component may carry the code we know (TPS and CPS in one Observation).
  const json* holder = &observation;
  auto known = knownCodings(at(observation, "code"), context.codes, kQuestions);
  if (known.empty())
    for (const json& component : listAt(observation, "component")) {
      known = knownCodings(at(component, "code"), context.codes, {C::Pdl1Tps});
      holder = &component;
      if (!known.empty()) break;
    }
  if (known.empty()) return;
  const Concept question = known.front().meaning;
  const std::string fact = factName(question);
  const Dated dated =
      datedBy(observation, {"effectiveDateTime", "effectiveInstant", "effectivePeriod"});
  Evidence evidence = evidenceOf(observation, dated.text);
  evidence.system = known.front().system;
  evidence.code = known.front().code;
  if (isUnusable(observation, fact, evidence, facts)) return;
  const auto day = usableDay(dated, context, fact, evidence, facts);
  if (!day) return;
  noteContact(facts, *day, evidence);
  if (at(*holder, "dataAbsentReason").is_object()) return;
  if (kResponseQuestions.contains(question))
    return readJudgement(at(observation, "valueCodeableConcept"), question, *day, evidence, context,
                         facts);
  if (question == C::SmokingStatus) return readSmoking(observation, *day, evidence, context, facts);
  Asked asked{*holder, *laboratoryOf(question), *day, dated, evidence};
  if (question == C::Ecog)
    readEcog(std::move(asked), context, facts);
  else
    readQuantity(std::move(asked), facts);
}

void readDiagnosticReport(const json& report, const ReadContext& context, PatientFacts& facts) {
  const auto about = knownCodings(at(report, "code"), context.codes, kResponseQuestions);
  const Dated dated = datedBy(report, {"effectiveDateTime", "effectivePeriod"});
  Evidence evidence = evidenceOf(report, dated.text);
  std::vector<const json*> judgements;
  for (const json& conclusion : listAt(report, "conclusionCode"))
    if (!about.empty() || !knownCodings(conclusion, context.codes, kRecistAnswers).empty())
      judgements.push_back(&conclusion);
  const bool onlyText =
      judgements.empty() && !about.empty() && !textAt(report, "conclusion").empty();
  if (judgements.empty() && !onlyText) return;
  if (isUnusable(report, "response", evidence, facts)) return;
  if (onlyText)
    return notUnderstood(facts, Why::TextOnly, "response",
                         "the report's conclusion is in words only", evidence);
  const auto day = usableDay(dated, context, "response", evidence, facts);
  if (!day) return;
  for (const json* judgement : judgements)
    readJudgement(*judgement, about.empty() ? C::RecistStatus : about.front().meaning, *day,
                  evidence, context, facts);
}

}  // namespace fedpet::fhir
