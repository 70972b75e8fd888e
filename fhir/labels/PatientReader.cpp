#include "fhir/labels/FhirDay.h"
#include "fhir/labels/JsonView.h"
#include "fhir/labels/Readers.h"

#include <algorithm>

namespace fedpet::fhir {

using nlohmann::json;
using Why = NotUnderstood::Why;

// --- shared --------------------------------------------------------------------------------------

std::vector<Coded> knownCodings(const json& concept_, const CodeTable& codes,
                                const std::set<Concept>& wanted) {
  std::vector<Coded> found;
  for (const json& coding : listAt(concept_, "coding")) {
    const std::string system = textAt(coding, "system"), code = textAt(coding, "code");
    const auto meaning = codes.find(system, code);
    if (meaning && wanted.contains(*meaning)) found.push_back({*meaning, system, code});
  }
  return found;
}

std::string inWords(const json& concept_) {
  std::string words;
  for (const json& coding : listAt(concept_, "coding"))
    words += (words.empty() ? "" : ", ") + textAt(coding, "system") + "|" + textAt(coding, "code");
  if (words.empty()) words = textAt(concept_, "text");
  constexpr std::size_t kLongest = 200;
  words = words.substr(0, kLongest);
  std::replace_if(
      words.begin(), words.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return words;
}

Evidence evidenceOf(const json& resource, std::string date) {
  Evidence evidence;
  evidence.resource = textAt(resource, "resourceType") + "/" + textAt(resource, "id");
  evidence.version = textAt(at(resource, "meta"), "versionId");
  evidence.date = std::move(date);
  return evidence;
}

void notUnderstood(PatientFacts& facts, Why why, std::string fact, std::string explanation,
                   Evidence evidence) {
  constexpr std::size_t kMost = 2000;  // of one patient
  if (facts.notUnderstood.size() < kMost)
    facts.notUnderstood.push_back(
        {why, std::move(fact), std::move(explanation), std::move(evidence)});
}

void noteContact(PatientFacts& facts, Day day, const Evidence& evidence) {
  const auto kindOf = [](const Evidence& e) { return e.resource.substr(0, e.resource.find('/')); };
  for (Contact& contact : facts.contacts)
    if (kindOf(contact.evidence) == kindOf(evidence)) {
      if (day > contact.day) contact = {day, evidence};
      return;
    }
  facts.contacts.push_back({day, evidence});
}

bool isByAlgorithm(const json& resource) {
  for (const json& label : listAt(at(resource, "meta"), "security"))
    if (textAt(label, "code") == "AIAST") return true;
  return false;
}

Dated datedBy(const json& resource, std::initializer_list<const char*> members) {
  for (const char* member : members) {
    const json& found = at(resource, member);
    std::string text = found.is_string() ? found.get<std::string>() : textAt(found, "start");
    if (text.empty()) continue;
    const auto day = dayOf(text);
    return {std::move(text), day};
  }
  return {};
}

std::optional<Day> usableDay(const Dated& dated, const ReadContext& context,
                             const std::string& fact, const Evidence& evidence,
                             PatientFacts& facts) {
  if (dated.day && *dated.day <= context.today) return dated.day;
  const char* why = dated.text.empty() ? "the record has no date"
                    : dated.day        ? "the record is dated in the future"
                                       : "the date is no calendar day";
  notUnderstood(facts, Why::Date, fact, why, evidence);
  return std::nullopt;
}

// --- Patient -------------------------------------------------------------------------------------

void readPatient(const json& patient, const ReadContext& context, PatientFacts& facts) {
  facts.patientEvidence = evidenceOf(patient, textAt(patient, "deceasedDateTime"));
  facts.patientResource = facts.patientEvidence.resource;
  const std::string birth = textAt(patient, "birthDate"), gender = textAt(patient, "gender");
  facts.birthDay = dayOf(birth);
  Evidence born = facts.patientEvidence;
  born.date = birth;
  if (!birth.empty() && !facts.birthDay)
    notUnderstood(facts, Why::Date, "age", "the birth date is no calendar day", born);
  if (gender == "male" || gender == "female") facts.male = gender == "male";

  const json& deceased = at(patient, "deceasedBoolean");
  const std::string date = textAt(patient, "deceasedDateTime");
  facts.deceased = !date.empty() || (deceased.is_boolean() && deceased.get<bool>());
  facts.deathDay = dayOf(date);
  if (facts.deathDay && *facts.deathDay > context.today) facts.deathDay.reset();
  if (!date.empty() && !facts.deathDay)
    notUnderstood(facts, Why::Date, "death", "the date of death is no calendar day of the past",
                  facts.patientEvidence);
  for (const json& link : listAt(patient, "link"))
    if (textAt(link, "type") == "replaced-by")
      facts.unread.emplace_back(
          "the patient record was merged into another one; list that identifier");
}

// --- Condition, Encounter ------------------------------------------------------------------------

void readCondition(const json& condition, const ReadContext& context, PatientFacts& facts) {
  using C = Concept;
  auto known = knownCodings(at(condition, "code"), context.codes, {C::LiverMetastasis});
  if (known.empty()) {
    known = knownCodings(at(condition, "code"), context.codes, {C::SecondaryMalignancy});
    bool inLiver = false;
    for (const json& site : listAt(condition, "bodySite"))
      inLiver = inLiver || !knownCodings(site, context.codes, {C::Liver}).empty();
    if (known.empty() || !inLiver) return;
  }
  const Dated dated = datedBy(condition, {"onsetDateTime", "onsetPeriod", "recordedDate"});
  Evidence evidence = evidenceOf(condition, dated.text);
  evidence.system = known.front().system;
  evidence.code = known.front().code;
  const auto codeOf = [&](const char* member) {
    const json& codings = listAt(at(condition, member), "coding");
    return codings.empty() ? std::string() : textAt(codings[0], "code");
  };
  const std::string verified = codeOf("verificationStatus"), clinical = codeOf("clinicalStatus");
  if (verified == "entered-in-error") return;
  evidence.value = verified.empty() ? clinical : verified;
  const bool isOver = clinical == "resolved" || clinical == "remission" || clinical == "inactive";
  const bool isRefuted = verified == "refuted";
  if (!isRefuted && (isOver || (!verified.empty() && verified != "confirmed")))
    return notUnderstood(
        facts, Why::Status, "liver metastases",
        isOver ? "the condition is over: whether it was there at baseline is for a person"
               : "the condition is not confirmed",
        evidence);
  if (isByAlgorithm(condition))
    return notUnderstood(facts, Why::OwnPrediction, "liver metastases", "written by an algorithm",
                         evidence);
  if (dated.text.empty()) {
    facts.liverMetastases.push_back({std::nullopt, !isRefuted, evidence});
  } else if (const auto day = usableDay(dated, context, "liver metastases", evidence, facts)) {
    facts.liverMetastases.push_back({day, !isRefuted, evidence});
  }
}

void readEncounter(const json& encounter, const ReadContext& context, PatientFacts& facts) {
  const std::string status = textAt(encounter, "status");
  if (status != "finished" && status != "in-progress" && status != "arrived" &&
      status != "triaged" && status != "onleave" && status != "completed")  // R5 says "completed"
    return;
  const json& period = at(encounter, "period");
  for (const char* end : {"end", "start"}) {
    const std::string text = textAt(period, end);
    const auto day = dayOf(text);
    if (!day || *day > context.today) continue;
    noteContact(facts, *day, evidenceOf(encounter, text));
    return;
  }
}

}  // namespace fedpet::fhir
