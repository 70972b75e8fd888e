// Progression, death, and what follows from them.
#include "fhir/labels/FhirDay.h"
#include "fhir/labels/Rules.h"

#include <algorithm>

namespace fedpet::fhir {
namespace {

using std::chrono::days;

bool isProgression(Response r) {
  return r == Response::Progressive || r == Response::UnconfirmedProgressive ||
         r == Response::ConfirmedProgressive;
}
bool isFreeOfProgression(Response r) { return !isProgression(r) && r != Response::Undetermined; }
bool isObjectiveResponse(Response r) { return r == Response::Complete || r == Response::Partial; }

// What the readings after treatment start say, by one criterion.
struct Course {
  std::optional<Criterion> criterion;            // absent: no usable reading
  std::vector<const ResponseReading*> readings;  // by day
  const ResponseReading* progression = nullptr;
  const ResponseReading* confirmation = nullptr;  // iCPD of that iUPD
  const ResponseReading* lastFree = nullptr;      // newest without progression, before it
  bool undecided = false;                         // readings contradict, or an iUPD is open
};

std::vector<const ResponseReading*> readingsBy(const PatientFacts& facts, Criterion criterion,
                                               Day after, Day until) {
  std::vector<const ResponseReading*> found;
  for (const ResponseReading& reading : facts.readings)
    if (reading.criterion == criterion && reading.day > after && reading.day <= until)
      found.push_back(&reading);
  std::stable_sort(found.begin(), found.end(), [](auto* a, auto* b) { return a->day < b->day; });
  return found;
}

bool anyDecided(const std::vector<const ResponseReading*>& readings) {
  return std::any_of(readings.begin(), readings.end(),
                     [](auto* r) { return r->response != Response::Undetermined; });
}

// RECIST before iRECIST where a site has both: two criteria are never mixed in one patient.
Course courseOf(const PatientFacts& facts, const LabelRules& rules, Day start) {
  Course course;
  const bool clinical = rules.criterion == CriterionChoice::Clinical;
  for (const Criterion criterion : {Criterion::Recist, Criterion::IRecist, Criterion::Clinical}) {
    if ((criterion == Criterion::Clinical) != clinical) continue;
    course.readings = readingsBy(facts, criterion, start, rules.dataCutOff);
    if (!anyDecided(course.readings)) continue;
    course.criterion = criterion;
    return course;
  }
  course.readings.clear();
  return course;
}

void contradict(PatientLabels& labels, std::string explanation, std::vector<Evidence> evidence) {
  labels.conflicts.push_back(
      {ConflictKind::Progression, column::kPfsMonths, std::move(explanation), std::move(evidence)});
}

// Two readings of one day, one of progression and one of none.
void findContradictions(Course& course, PatientLabels& labels) {
  for (const auto* a : course.readings)
    for (const auto* b : course.readings)
      if (a->day == b->day && isProgression(a->response) && isFreeOfProgression(b->response)) {
        course.undecided = true;
        contradict(
            labels,
            "two readings of one day contradict each other: " + std::string(toString(a->response)) +
                " and " + std::string(toString(b->response)),
            {a->evidence, b->evidence});
      }
}

void noteOtherCriteria(const PatientFacts& facts, const Course& course, PatientLabels& labels) {
  for (const auto* used : course.readings)
    for (const ResponseReading& other : facts.readings)
      if ((other.criterion == Criterion::Clinical) != (used->criterion == Criterion::Clinical) &&
          other.day == used->day &&
          isProgression(other.response) != isProgression(used->response) &&
          other.response != Response::Undetermined && used->response != Response::Undetermined)
        labels.conflicts.push_back(
            {ConflictKind::Progression,
             "",
             "clinical judgement and RECIST of one day differ; the label goes by " +
                 std::string(toString(used->criterion)),
             {used->evidence, other.evidence}});
}

// iRECIST (Seymour 2017, Lancet Oncol 18:e143): progression counts from the iUPD that an iCPD
// confirms; an iUPD followed by iSD, iPR or iCR is void; one that nothing follows counts.
void walkIRecist(Course& course, const PatientFacts& facts, const LabelRules& rules,
                 PatientLabels& labels) {
  const ResponseReading* open = nullptr;
  for (const auto* reading : course.readings) {
    if (reading->response == Response::ConfirmedProgressive ||
        reading->response == Response::Progressive) {
      course.progression = open ? open : reading;
      course.confirmation = reading;
      return;
    }
    if (reading->response == Response::UnconfirmedProgressive) {
      if (!open) open = reading;
    } else if (isFreeOfProgression(reading->response)) {
      open = nullptr;
      course.lastFree = reading;
    }
  }
  if (!open) return;
  const bool hasStood = rules.dataCutOff - open->day > days{rules.iRecistConfirmationDays};
  if (hasStood || facts.deceased) {
    course.progression = open;
    return;
  }
  course.undecided = true;
  contradict(labels, "an unconfirmed progression (iUPD) waits for its confirmation",
             {open->evidence});
}

void walk(Course& course, const PatientFacts& facts, const LabelRules& rules,
          PatientLabels& labels) {
  if (course.criterion == Criterion::IRecist) return walkIRecist(course, facts, rules, labels);
  for (const auto* reading : course.readings) {
    if (isProgression(reading->response)) {
      course.progression = reading;
      return;
    }
    if (isFreeOfProgression(reading->response)) course.lastFree = reading;
  }
}

struct Death {
  std::optional<Day> day;
  bool atUnknownTime = false;
  bool disputed = false;  // signs of life afterwards
};

Death deathOf(const PatientFacts& facts, const LabelRules& rules, PatientLabels& labels) {
  Death death;
  if (!facts.deceased || (facts.deathDay && *facts.deathDay > rules.dataCutOff)) return death;
  if (!facts.deathDay) {
    death.atUnknownTime = true;
    labels.conflicts.push_back(
        {ConflictKind::Death,
         column::kOsMonths,
         "the patient is dead, but the day is not on record: left out of survival times",
         {facts.patientEvidence}});
    return death;
  }
  death.day = facts.deathDay;
  // The day after: results of a last sample are booked then.
  const Day last = *facts.deathDay + days{1};
  const auto dispute = [&](Day day, const Evidence& evidence) {
    if (day <= last || death.disputed) return;
    death.disputed = true;
    labels.conflicts.push_back({ConflictKind::Death,
                                column::kOsMonths,
                                "there are records of the patient after the day of death",
                                {facts.patientEvidence, evidence}});
  };
  for (const Contact& contact : facts.contacts) dispute(contact.day, contact.evidence);
  for (const ResponseReading& reading : facts.readings) dispute(reading.day, reading.evidence);
  return death;
}

void derivePfs(const Course& course, const Death& death, const PatientFacts& facts, Day start,
               PatientLabels& labels) {
  auto& evidence = labels.evidence[column::kPfsMonths];
  const auto settle = [&](Day day, bool event, std::string reason) {
    labels.progressionFreeSurvival = FollowedTime{monthsBetween(start, day), event};
    explain(labels, column::kPfsMonths, std::move(reason));
  };
  if (course.undecided || death.disputed)
    return explain(labels, column::kPfsMonths, "empty: a conflict waits for a person");
  if (course.progression) {
    evidence.push_back(course.progression->evidence);
    if (course.confirmation && course.confirmation != course.progression)
      evidence.push_back(course.confirmation->evidence);
    return settle(course.progression->day, true,
                  "event: " + std::string(toString(course.progression->response)) + " disease on " +
                      toText(course.progression->day));
  }
  if (death.atUnknownTime)
    return explain(labels, column::kPfsMonths, "empty: died on an unknown day");
  if (!course.criterion)
    explain(labels, column::kPfsMonths,
            "empty: no reading of the chosen criterion after treatment start");
  if (death.day) {
    evidence.push_back(facts.patientEvidence);
    return settle(*death.day, true, "event: death on " + toText(*death.day));
  }
  if (!course.lastFree) return;
  evidence.push_back(course.lastFree->evidence);
  settle(course.lastFree->day, false,
         "censored: last reading without progression on " + toText(course.lastFree->day));
}

void deriveOs(const Death& death, const PatientFacts& facts, const LabelRules& rules, Day start,
              PatientLabels& labels) {
  auto& evidence = labels.evidence[column::kOsMonths];
  if (death.disputed)
    return explain(labels, column::kOsMonths, "empty: a conflict waits for a person");
  if (death.atUnknownTime)
    return explain(labels, column::kOsMonths, "empty: died on an unknown day");
  if (death.day) {
    evidence.push_back(facts.patientEvidence);
    labels.overallSurvival = FollowedTime{monthsBetween(start, *death.day), true};
    return explain(labels, column::kOsMonths, "event: death on " + toText(*death.day));
  }
  std::optional<Contact> last;
  // Who is seen, or dies, after the cut-off was alive on that day.
  const auto consider = [&](Day day, const Evidence& from) {
    const Day seen = std::min(day, rules.dataCutOff);
    if (seen > start && (!last || seen > last->day)) last = Contact{seen, from};
  };
  if (facts.deathDay) consider(*facts.deathDay, facts.patientEvidence);
  for (const Contact& contact : facts.contacts) consider(contact.day, contact.evidence);
  for (const ResponseReading& reading : facts.readings) consider(reading.day, reading.evidence);
  if (!last) return explain(labels, column::kOsMonths, "empty: no contact after treatment start");
  evidence.push_back(last->evidence);
  labels.overallSurvival = FollowedTime{monthsBetween(start, last->day), false};
  explain(labels, column::kOsMonths, "censored: last contact on " + toText(last->day));
}

void deriveBenefit(const Course& course, const Death& death, const LabelRules& rules, Day start,
                   PatientLabels& labels) {
  const auto& pfs = labels.progressionFreeSurvival;
  auto benefit = eventFreeAt(pfs, rules.benefitMonths);
  // Dead on an unknown day, but seen free of progression after the limit: alive and free then.
  if (!pfs && death.atUnknownTime && !course.undecided && course.lastFree &&
      monthsBetween(start, course.lastFree->day) > rules.benefitMonths) {
    benefit = true;
    labels.evidence[column::kDcb] = {course.lastFree->evidence};
  }
  labels.durableClinicalBenefit = benefit;
  if (benefit && pfs) labels.evidence[column::kDcb] = labels.evidence[column::kPfsMonths];
  if (benefit)
    explain(labels, column::kDcb,
            *benefit ? "free of progression and alive longer" : "progression or death before");
  else
    explain(labels, column::kDcb,
            pfs ? "empty: followed for too short a time; left out, not counted as an event"
                : "empty: progression-free survival is not known");
}

void deriveResponse(const Course& course, const Death& death, PatientLabels& labels) {
  if (course.undecided || death.disputed)
    return explain(labels, column::kResponse, "empty: a conflict waits for a person");
  if (!course.criterion || course.criterion == Criterion::Clinical)
    return explain(labels, column::kResponse,
                   "empty: needs a RECIST reading after treatment start");
  const ResponseReading* best = nullptr;
  for (const auto* reading : course.readings) {
    if (course.progression && reading->day > course.progression->day) break;
    if (reading->response == Response::Undetermined) continue;
    if (!best || (isObjectiveResponse(reading->response) && !isObjectiveResponse(best->response)) ||
        (reading->response == Response::Complete && best->response == Response::Partial))
      best = reading;
  }
  if (!best) return;
  labels.objectiveResponse = isObjectiveResponse(best->response);
  labels.evidence[column::kResponse] = {best->evidence};
  explain(labels, column::kResponse,
          "best response up to progression: " + std::string(toString(best->response)));
}

}  // namespace

void deriveOutcomes(const PatientFacts& facts, const LabelRules& rules, PatientLabels& labels) {
  const Day start = *labels.treatmentStart;
  const Death death = deathOf(facts, rules, labels);
  Course course = courseOf(facts, rules, start);
  findContradictions(course, labels);
  noteOtherCriteria(facts, course, labels);
  walk(course, facts, rules, labels);
  labels.criterion = course.criterion;
  derivePfs(course, death, facts, start, labels);
  deriveOs(death, facts, rules, start, labels);
  deriveBenefit(course, death, rules, start, labels);
  deriveResponse(course, death, labels);
  std::erase_if(labels.evidence, [](const auto& entry) { return entry.second.empty(); });
}

}  // namespace fedpet::fhir
