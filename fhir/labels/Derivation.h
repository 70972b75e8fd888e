// From facts to labels: a pure function. The rules are written out for a data manager in
// docs/labels.md; the numbers of a site's choice stand in LabelRules.
#pragma once

#include "clinical/CohortRecord.h"
#include "fhir/labels/PatientFacts.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir {

// Which readings count as response and progression. RECIST includes iRECIST, by its own rules.
enum class CriterionChoice { Recist, Clinical };

struct LabelRules {
  CriterionChoice criterion = CriterionChoice::Recist;
  double benefitMonths = 6;       // durable clinical benefit: free of progression longer
  int petWindowDays = 60;         // baseline PET: in so many days before treatment
  int laboratoryWindowDays = 30;  // blood counts, LDH, albumin: newest before treatment
  int ecogWindowDays = 60;
  int pdl1WindowDays = 730;
  int earlierTreatmentDays = 60;     // an older request or statement contradicts t0
  int iRecistConfirmationDays = 56;  // 8 weeks: an iUPD without later reading has stood
  double steroidThresholdMg = 10;    // prednisone equivalent a day
  // The site states that its medication records / problem lists are complete, so that no entry
  // means no.
  bool noSteroidRecordMeansNo = false, noLiverMetastasisRecordMeansNo = false;
  Day dataCutOff{};  // events after it have not happened
};

enum class ConflictKind {
  NotRead,         // not found, found twice, or not read to the end
  TreatmentStart,  // no start, or sources that contradict each other
  Death,           // at an unknown time, before treatment, or followed by signs of life
  Progression,     // readings of one day that contradict each other, or an open iUPD
  Covariate,       // values that contradict each other
  BaselinePet,     // after treatment start, too old, or on the same day
  Unit,            // a number with a wrong or missing unit
  NeedsReview,     // words only, preliminary, unknown codes
  Consistency,     // labels of an imported table that contradict each other
};
std::string_view toString(ConflictKind);  // "treatment-start"

// For a person to decide; both sides are shown.
struct Conflict {
  ConflictKind kind = ConflictKind::NeedsReview;
  std::string label;  // column that is empty because of it; empty: none
  std::string explanation;
  std::vector<Evidence> evidence;
};

// Names of the label columns (LabelTable.h writes them in this order).
namespace column {
inline constexpr const char *kDcb = "dcb", *kPfsMonths = "pfs_months", *kPfsEvent = "pfs_event",
                            *kOsMonths = "os_months", *kOsEvent = "os_event",
                            *kResponse = "objective_response", *kCriterion = "response_criterion",
                            *kAge = "age", *kMale = "male", *kEcog = "ecog", *kPdl1 = "pdl1_tps",
                            *kLdh = "ldh_uln", *kNlr = "nlr", *kDNlr = "dnlr",
                            *kAlbumin = "albumin_g_dl", *kSmoker = "smoker",
                            *kSteroids = "steroids", *kLiver = "liver_metastases";
}  // namespace column

struct PatientLabels {
  std::string identifier, subjectId, centre;
  std::optional<Day> treatmentStart;  // t0
  std::optional<TreatmentSource> treatmentSource;
  std::string drug;
  std::optional<FollowedTime> progressionFreeSurvival, overallSurvival;
  std::optional<bool> durableClinicalBenefit, objectiveResponse;
  std::optional<Criterion> criterion;  // of progression and response
  ClinicalCovariates baseline;
  std::map<std::string, std::vector<Evidence>> evidence;  // by column; "treatment_start" for t0
  std::map<std::string, std::string> reasons;  // by column: how it was derived, or why it is empty
  std::vector<Conflict> conflicts;
  // Why the patient does not enter the cohort; empty: does.
  std::vector<std::string> excluded;
};

PatientLabels deriveLabels(const PatientFacts&, const LabelRules&);

// The baseline PET of a patient: the newest strictly before treatment start and not older than the
// window. Returns the reason when this day is none: the PET of the first treatment day is refused,
// because a day does not say which came first.
std::optional<std::string> whyNoBaselinePet(Day pet, Day treatmentStart, const LabelRules&);
std::optional<Day> chooseBaselinePet(const std::vector<Day>& pets, Day treatmentStart,
                                     const LabelRules&);

// Days as months (clinical/CohortRecord.h); an event of the first day counts half a day, because
// a followed time must not be 0.
double monthsBetween(Day from, Day to);

}  // namespace fedpet::fhir
