// Baseline covariates: known at treatment start, never later.
#include "fhir/labels/FhirDay.h"
#include "fhir/labels/Rules.h"

#include <algorithm>
#include <cmath>

namespace fedpet::fhir {
namespace {

using std::chrono::days;
using Values = std::vector<const LaboratoryValue*>;

void contradict(PatientLabels& labels, const char* name, std::string why,
                std::vector<Evidence> evidence) {
  explain(labels, name, "empty: " + why);
  labels.evidence.erase(name);
  labels.conflicts.push_back({ConflictKind::Covariate, name, std::move(why), std::move(evidence)});
}

// Oldest first, within the window that ends with the day of treatment start.
Values before(const PatientFacts& facts, Laboratory what, Day start, int windowDays) {
  Values found;
  for (const LaboratoryValue& value : facts.laboratory)
    if (value.what == what && value.day <= start && value.day >= start - days{windowDays})
      found.push_back(&value);
  std::stable_sort(found.begin(), found.end(), [](auto* a, auto* b) {
    return a->day != b->day ? a->day < b->day : a->instant < b->instant;
  });
  return found;
}

// The newest value; two of the same time (scores: of the same day) that differ are a conflict.
const LaboratoryValue* newest(const PatientFacts& facts, Laboratory what, const char* name,
                              Day start, int windowDays, PatientLabels& labels) {
  const Values values = before(facts, what, start, windowDays);
  if (values.empty()) {
    explain(
        labels, name,
        "empty: no usable value in the " + std::to_string(windowDays) + " days before treatment");
    return nullptr;
  }
  const LaboratoryValue* last = values.back();
  const bool isScore = what == Laboratory::Ecog || what == Laboratory::Pdl1Tps;
  for (const auto* other : values) {
    const bool sameTime = isScore ? other->day == last->day : other->instant == last->instant;
    if (sameTime && other->value != last->value) {
      contradict(labels, name, std::string(toString(what)) + ": values of the same time differ",
                 {other->evidence, last->evidence});
      return nullptr;
    }
  }
  labels.evidence[name] = {last->evidence};
  explain(labels, name, "newest value before treatment, of " + toText(last->day));
  return last;
}

struct Pair {
  const LaboratoryValue *first = nullptr, *second = nullptr;
};
// Of the newest day that has both; of the same time where there is such a pair, else the last of
// each on that day.
Pair newestPair(const Values& first, const Values& second) {
  Pair best;
  const auto sameTime = [](const Pair& p) { return p.first->instant == p.second->instant; };
  for (const auto* a : first)
    for (const auto* b : second) {
      if (a->day != b->day) continue;
      const Pair pair{a, b};
      if (!best.first || a->day > best.first->day ||
          (a->day == best.first->day && (sameTime(pair) || !sameTime(best))))
        best = pair;
    }
  return best;
}

void deriveRatios(const PatientFacts& facts, const LabelRules& rules, Day start,
                  PatientLabels& labels) {
  const int window = rules.laboratoryWindowDays;
  const Values neutrophils = before(facts, Laboratory::Neutrophils, start, window);
  const Values lymphocytes = before(facts, Laboratory::Lymphocytes, start, window);
  const Values leukocytes = before(facts, Laboratory::Leukocytes, start, window);
  const auto settle = [&](const char* name, const Pair& pair, double divisor,
                          std::optional<double>& target, const char* impossible) {
    if (!pair.first)
      return explain(labels, name, "empty: no pair of counts of the same day before treatment");
    const std::vector<Evidence> evidence{pair.first->evidence, pair.second->evidence};
    if (!(divisor > 0)) return contradict(labels, name, impossible, evidence);
    target = pair.first->value / divisor;
    labels.evidence[name] = evidence;
    explain(labels, name, "counts of " + toText(pair.first->day));
  };
  const Pair nl = newestPair(neutrophils, lymphocytes), nw = newestPair(neutrophils, leukocytes);
  settle(column::kNlr, nl, nl.second ? nl.second->value : 0, labels.baseline.nlr,
         "no lymphocyte was counted: the ratio has no value");
  // Derived NLR: neutrophils over leukocytes minus neutrophils (Mezquita 2018, JAMA Oncol 4:351).
  settle(column::kDNlr, nw, nw.second ? nw.second->value - nw.first->value : 0,
         labels.baseline.dNlr, "more neutrophils than leukocytes were counted");
}

void deriveAge(const PatientFacts& facts, Day start, PatientLabels& labels) {
  constexpr double kDaysPerYear = 365.25;
  if (facts.birthDay && *facts.birthDay < start) {
    labels.baseline.ageYears =
        static_cast<double>((start - *facts.birthDay).count()) / kDaysPerYear;
    labels.evidence[column::kAge] = {facts.patientEvidence};
  }
  if (facts.male) {
    labels.baseline.male = facts.male;
    labels.evidence[column::kMale] = {facts.patientEvidence};
  }
}

void deriveSmoking(const PatientFacts& facts, Day start, PatientLabels& labels) {
  const DatedAnswer *yes = nullptr, *no = nullptr;  // the first yes, the last no
  for (const DatedAnswer& answer : facts.smoking) {
    if (!answer.day || *answer.day > start) continue;
    if (answer.yes && (!yes || answer.day < yes->day)) yes = &answer;
    if (!answer.yes && (!no || answer.day > no->day)) no = &answer;
  }
  if (!yes && !no)
    return explain(labels, column::kSmoker, "empty: nothing on record before treatment");
  if (yes && no && no->day >= yes->day)
    return contradict(labels, column::kSmoker, "\"never smoked\" after a record of smoking",
                      {yes->evidence, no->evidence});
  labels.baseline.smoker = yes != nullptr;
  labels.evidence[column::kSmoker] = {(yes ? yes : no)->evidence};
}

void deriveLiver(const PatientFacts& facts, const LabelRules& rules, Day start,
                 PatientLabels& labels) {
  std::vector<Evidence> yes, no;
  for (const DatedAnswer& answer : facts.liverMetastases) {
    if (!answer.day)
      labels.conflicts.push_back(
          {ConflictKind::NeedsReview,
           column::kLiver,
           "liver metastases without a date: before or after treatment start?",
           {answer.evidence}});
    else if (*answer.day <= start)
      (answer.yes ? yes : no).push_back(answer.evidence);
  }
  if (!yes.empty() && !no.empty()) {
    yes.insert(yes.end(), no.begin(), no.end());
    return contradict(labels, column::kLiver, "liver metastases are on record and refuted", yes);
  }
  const bool undated = std::any_of(facts.liverMetastases.begin(), facts.liverMetastases.end(),
                                   [](const DatedAnswer& a) { return !a.day; });
  if (!yes.empty() || !no.empty()) {
    labels.baseline.liverMetastases = !yes.empty();
    labels.evidence[column::kLiver] = yes.empty() ? no : yes;
  } else if (rules.noLiverMetastasisRecordMeansNo && !undated) {
    labels.baseline.liverMetastases = false;
    explain(labels, column::kLiver,
            "none on record; the site states that its problem lists are complete");
  } else {
    explain(labels, column::kLiver,
            "empty: nothing on record before treatment; absence is no evidence");
  }
}

bool covers(const SteroidRecord& record, Day day) {
  return record.from <= day && (record.until ? *record.until >= day : record.ongoing);
}
// It may still have run: begun within three months, and nobody wrote when it ended.
bool mayCover(const SteroidRecord& record, Day day) {
  return record.from <= day && !record.until && !record.ongoing && record.from >= day - days{90};
}

// mg a day on that day, by source: the same tablets are ordered, given and told of, so the sources
// are compared and not added.
void deriveSteroids(const PatientFacts& facts, const LabelRules& rules, Day start,
                    PatientLabels& labels) {
  std::map<TreatmentSource, double> perSource;
  std::vector<Evidence> known, unclear;
  for (const SteroidRecord& record : facts.steroids) {
    if (covers(record, start) && record.prednisoneEquivalentMgPerDay) {
      perSource[record.source] += *record.prednisoneEquivalentMgPerDay;
      known.push_back(record.evidence);
    } else if (covers(record, start) || mayCover(record, start)) {
      unclear.push_back(record.evidence);
    }
  }
  double highest = 0;
  for (const auto& [source, milligrams] : perSource) highest = std::max(highest, milligrams);
  const bool reaches = highest >= rules.steroidThresholdMg - 1e-9;
  if (!unclear.empty() && !reaches) {
    explain(labels, column::kSteroids, "empty: a dose or its end is not clear");
    labels.conflicts.push_back(
        {ConflictKind::NeedsReview, column::kSteroids,
         "steroids at treatment start: the daily dose, route or end cannot be told", unclear});
  } else if (!known.empty()) {
    labels.baseline.steroids = reaches;
    labels.evidence[column::kSteroids] = known;
    explain(
        labels, column::kSteroids,
        std::to_string(static_cast<int>(std::lround(highest))) + " mg prednisone equivalent a day");
  } else if (rules.noSteroidRecordMeansNo) {
    labels.baseline.steroids = false;
    explain(labels, column::kSteroids,
            "none on record; the site states that its medication records are complete");
  } else {
    explain(labels, column::kSteroids,
            "empty: nothing on record at treatment start; absence is no evidence");
  }
}

}  // namespace

void deriveCovariates(const PatientFacts& facts, const LabelRules& rules, PatientLabels& labels) {
  const Day start = *labels.treatmentStart;
  const auto take = [&](Laboratory what, const char* name, int window) -> std::optional<double> {
    const auto* value = newest(facts, what, name, start, window, labels);
    return value ? std::optional(value->value) : std::nullopt;
  };
  ClinicalCovariates& baseline = labels.baseline;
  baseline.ldhPerUln = take(Laboratory::Ldh, column::kLdh, rules.laboratoryWindowDays);
  baseline.albuminGPerDl = take(Laboratory::Albumin, column::kAlbumin, rules.laboratoryWindowDays);
  baseline.pdl1TpsPercent = take(Laboratory::Pdl1Tps, column::kPdl1, rules.pdl1WindowDays);
  if (const auto ecog = take(Laboratory::Ecog, column::kEcog, rules.ecogWindowDays)) {
    constexpr double kDead = 5;
    if (*ecog == kDead)
      contradict(labels, column::kEcog, "ECOG 5 means dead, before treatment start",
                 labels.evidence[column::kEcog]);
    else
      baseline.ecog = static_cast<int>(*ecog);
  }
  deriveRatios(facts, rules, start, labels);
  deriveAge(facts, start, labels);
  deriveSmoking(facts, start, labels);
  deriveLiver(facts, rules, start, labels);
  deriveSteroids(facts, rules, start, labels);
}

}  // namespace fedpet::fhir
