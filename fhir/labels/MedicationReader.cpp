#include "fhir/labels/FhirDay.h"
#include "fhir/labels/JsonView.h"
#include "fhir/labels/Readers.h"
#include "fhir/labels/Units.h"

#include <algorithm>
#include <array>

namespace fedpet::fhir {
namespace {

using nlohmann::json;
using Why = NotUnderstood::Why;
using C = Concept;

const std::set<Concept>& drugs() {
  static const std::set<Concept> all = [] {
    std::set<Concept> found;
    for (int c = static_cast<int>(C::Pembrolizumab); c <= static_cast<int>(C::Deflazacort); ++c)
      found.insert(static_cast<Concept>(c));
    return found;
  }();
  return all;
}

// The CodeableConcept of what was given; nullptr: it is told by a reference that was not read.
const json* medicationOf(const json& resource, const ReadContext& context) {
  if (const json& direct = at(resource, "medicationCodeableConcept"); direct.is_object())
    return &direct;
  const std::string reference = textAt(at(resource, "medicationReference"), "reference");
  if (reference.starts_with('#'))
    for (const json& contained : listAt(resource, "contained"))
      if ("#" + textAt(contained, "id") == reference) return &at(contained, "code");
  const std::string name = medicationReference(resource);
  if (context.medications != nullptr && !name.empty())
    if (const auto found = context.medications->find(name); found != context.medications->end())
      return &at(found->second, "code");
  return nullptr;
}

struct NamedInText {
  std::string_view word, fact;
};
constexpr std::array kWords{
    NamedInText{"pembrolizumab", "immunotherapy"},
    NamedInText{"keytruda", "immunotherapy"},
    NamedInText{"nivolumab", "immunotherapy"},
    NamedInText{"opdivo", "immunotherapy"},
    NamedInText{"durvalumab", "immunotherapy"},
    NamedInText{"imfinzi", "immunotherapy"},
    NamedInText{"avelumab", "immunotherapy"},
    NamedInText{"bavencio", "immunotherapy"},
    NamedInText{"atezolizumab", "immunotherapy"},
    NamedInText{"tecentriq", "immunotherapy"},
    NamedInText{"cemiplimab", "immunotherapy"},
    NamedInText{"libtayo", "immunotherapy"},
    NamedInText{"ipilimumab", "immunotherapy"},
    NamedInText{"yervoy", "immunotherapy"},
    NamedInText{"prednis", "steroids"},
    NamedInText{"dexameth", "steroids"},
    NamedInText{"dexaméth", "steroids"},
    NamedInText{"hydrocortison", "steroids"},
    NamedInText{"betameth", "steroids"},
};

// What the words of a medication may mean: for a person to look at, never a fact.
std::string_view suspected(const json& medication) {
  std::string text = textAt(medication, "text");
  for (const json& coding : listAt(medication, "coding")) text += " " + textAt(coding, "display");
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  for (const NamedInText& entry : kWords)
    if (text.find(entry.word) != std::string::npos) return entry.fact;
  return {};
}

enum class Standing { Real, Void, Unclear };

bool isOneOf(const std::string& text, std::initializer_list<const char*> all) {
  return std::find(all.begin(), all.end(), text) != all.end();
}

Standing standingOf(const json& resource, TreatmentSource source) {
  const std::string status = textAt(resource, "status");
  switch (source) {
    case TreatmentSource::Administration:
      if (isOneOf(status, {"completed", "in-progress", "stopped"})) return Standing::Real;
      return isOneOf(status, {"not-done", "entered-in-error"}) ? Standing::Void : Standing::Unclear;
    case TreatmentSource::Request: {
      if (at(resource, "doNotPerform") == true) return Standing::Void;
      const std::string intent = textAt(resource, "intent");
      if (isOneOf(status, {"cancelled", "entered-in-error", "draft"})) return Standing::Void;
      const bool isOrder = intent == "order" || intent.ends_with("-order");
      return isOrder && isOneOf(status, {"active", "completed", "stopped", "on-hold"})
                 ? Standing::Real
                 : Standing::Unclear;
    }
    case TreatmentSource::Statement:
      if (isOneOf(status, {"active", "completed", "stopped", "on-hold"})) return Standing::Real;
      return isOneOf(status, {"not-taken", "entered-in-error"}) ? Standing::Void
                                                                : Standing::Unclear;
  }
  return Standing::Unclear;
}

// Doses a day; nullopt: not regular, or on demand.
std::optional<double> dosesPerDay(const json& dosage) {
  if (at(dosage, "asNeededBoolean") == true || at(dosage, "asNeededCodeableConcept").is_object())
    return std::nullopt;
  const json& timing = at(dosage, "timing");
  const json& repeat = at(timing, "repeat");
  const auto period = numberAt(repeat, "period");
  const std::string unit = textAt(repeat, "periodUnit");
  if (period && *period > 0 && at(repeat, "frequencyMax").is_null()) {
    const double days = unit == "d"    ? *period
                        : unit == "h"  ? *period / 24
                        : unit == "wk" ? *period * 7
                                       : 0;
    // Less than once a day has no daily dose.
    if (days > 0 && days <= 1) return numberAt(repeat, "frequency").value_or(1) / days;
    return std::nullopt;
  }
  struct Abbreviation {
    std::string_view code;
    double perDay;
  };
  constexpr std::array kTimes{Abbreviation{"QD", 1},  Abbreviation{"AM", 1},
                              Abbreviation{"PM", 1},  Abbreviation{"BID", 2},
                              Abbreviation{"TID", 3}, Abbreviation{"QID", 4}};
  for (const json& coding : listAt(at(timing, "code"), "coding"))
    for (const Abbreviation& known : kTimes)
      if (textAt(coding, "code") == known.code) return known.perDay;
  return std::nullopt;
}

std::optional<double> milligramsOf(const json& quantity) {
  const auto value = numberAt(quantity, "value");
  const auto factor =
      textAt(quantity, "system") == kUcum ? toMilligram(textAt(quantity, "code")) : std::nullopt;
  if (!value || !factor || !textAt(quantity, "comparator").empty() || *value < 0)
    return std::nullopt;
  return *value * *factor;
}

bool isSystemic(const json& dosage, const Coded& drug, const CodeTable& codes) {
  if (drug.system == "http://www.whocc.no/atc") return true;  // H02: for systemic use
  return !knownCodings(at(dosage, "route"), codes, {C::SystemicRoute}).empty();
}

// mg of the drug a day of an order or a statement with one regular dosage.
std::optional<double> dailyDose(const json& dosages, const Coded& drug, const CodeTable& codes) {
  if (dosages.size() != 1 || !isSystemic(dosages[0], drug, codes)) return std::nullopt;
  const json& rates = listAt(dosages[0], "doseAndRate");
  if (rates.size() != 1) return std::nullopt;
  const auto dose = milligramsOf(at(rates[0], "doseQuantity"));
  const auto perDay = dosesPerDay(dosages[0]);
  if (!dose || !perDay) return std::nullopt;
  return *dose * *perDay;
}

std::optional<Day> endOf(const json& resource) {
  if (const auto day = dayOf(textAt(at(resource, "effectivePeriod"), "end"))) return day;
  for (const char* member : {"dosageInstruction", "dosage"})
    for (const json& dosage : listAt(resource, member)) {
      const json& bounds = at(at(at(dosage, "timing"), "repeat"), "boundsPeriod");
      if (const auto day = dayOf(textAt(bounds, "end"))) return day;
    }
  return dayOf(textAt(at(at(resource, "dispenseRequest"), "validityPeriod"), "end"));
}

SteroidRecord steroidOf(const json& resource, TreatmentSource source, const Coded& drug, Day day,
                        const Evidence& evidence, const CodeTable& codes) {
  SteroidRecord record;
  record.from = day;
  record.source = source;
  record.drug = std::string(toString(drug.meaning));
  record.evidence = evidence;
  std::optional<double> milligrams;
  if (source == TreatmentSource::Administration) {
    record.until = day;
    const json& dosage = at(resource, "dosage");
    if (isSystemic(dosage, drug, codes)) milligrams = milligramsOf(at(dosage, "dose"));
  } else {
    const bool ordered = source == TreatmentSource::Request;
    record.until = endOf(resource);
    record.ongoing = textAt(resource, "status") == "active";
    milligrams = dailyDose(listAt(resource, ordered ? "dosageInstruction" : "dosage"), drug, codes);
  }
  if (milligrams) {
    record.prednisoneEquivalentMgPerDay = *milligrams * *prednisonePerMg(drug.meaning);
    record.evidence.value = json(*milligrams).dump() + " mg";
  }
  return record;
}

std::optional<TreatmentSource> sourceOf(const std::string& type) {
  for (const auto source :
       {TreatmentSource::Administration, TreatmentSource::Request, TreatmentSource::Statement})
    if (toString(source) == type) return source;
  return std::nullopt;
}

Dated dateOfTreatment(const json& resource, TreatmentSource source) {
  if (source == TreatmentSource::Request) return datedBy(resource, {"authoredOn"});
  return datedBy(resource, {"effectiveDateTime", "effectivePeriod"});
}

}  // namespace

std::string medicationReference(const json& resource) {
  const std::string reference = textAt(at(resource, "medicationReference"), "reference");
  const auto start = reference.rfind("Medication/");
  if (start == std::string::npos) return {};
  const std::string name = reference.substr(start);
  return name.substr(0, name.find("/_history"));
}

void readMedication(const json& resource, const ReadContext& context, PatientFacts& facts) {
  const auto source = sourceOf(textAt(resource, "resourceType"));
  if (!source) return;
  const Standing standing = standingOf(resource, *source);
  if (standing == Standing::Void) return;
  const Dated dated = dateOfTreatment(resource, *source);
  Evidence evidence = evidenceOf(resource, dated.text);
  if (*source == TreatmentSource::Administration && standing == Standing::Real && dated.day &&
      *dated.day <= context.today)
    noteContact(facts, *dated.day, evidence);

  const json* medication = medicationOf(resource, context);
  if (medication == nullptr)
    return notUnderstood(facts, Why::Reference, "medication",
                         "which drug it is stands in a resource that was not read", evidence);
  evidence.value = inWords(*medication);
  const auto known = knownCodings(*medication, context.codes, drugs());
  if (known.empty()) {
    if (const auto fact = suspected(*medication); !fact.empty())
      notUnderstood(facts, Why::TextOnly, std::string(fact),
                    "the drug is named in words, without a known code", evidence);
    return;
  }
  const Coded& drug = known.front();
  evidence.system = drug.system;
  evidence.code = drug.code;
  const std::string fact = isImmunotherapy(drug.meaning) ? "immunotherapy" : "steroids";
  if (standing == Standing::Unclear)
    return notUnderstood(facts, Why::Status, fact,
                         "status \"" + textAt(resource, "status").substr(0, 40) + "\", intent \"" +
                             textAt(resource, "intent").substr(0, 40) +
                             "\": whether it was given is for a person",
                         evidence);
  const auto day = usableDay(dated, context, fact, evidence, facts);
  if (!day) return;
  if (isImmunotherapy(drug.meaning))
    facts.immunotherapy.push_back({*day, *source, std::string(toString(drug.meaning)), evidence});
  else
    facts.steroids.push_back(steroidOf(resource, *source, drug, *day, evidence, context.codes));
}

}  // namespace fedpet::fhir
