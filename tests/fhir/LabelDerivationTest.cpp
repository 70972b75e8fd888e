// Labels from facts: cases computed by hand, and properties that hold for any patient. A month is
// 365.25 / 12 = 30.4375 days; treatment begins on 2025-01-10 unless a test says otherwise, so six
// months (182.625 days) end in the night to 2025-07-12.
#include "tests/fhir/FactsBuilder.h"

#include <gtest/gtest.h>

#include <random>

namespace fedpet::fhir {
namespace {

using namespace fedpet::testing;
using R = Response;
using C = Criterion;

// --- treatment start -----------------------------------------------------------------------------

TEST(TreatmentStart, IsTheFirstAdministrationThoughAnOrderIsOlder) {
  const auto labels =
      labelsOf(aPatient().given("2025-02-01").given("2025-01-03", TreatmentSource::Request));
  ASSERT_TRUE(labels.treatmentStart);
  EXPECT_EQ(toText(*labels.treatmentStart), "2025-01-10");
  EXPECT_EQ(labels.treatmentSource, TreatmentSource::Administration);
  EXPECT_EQ(labels.evidence.at("treatment_start").front().resource, "MedicationAdministration/1");
}

TEST(TreatmentStart, FallsBackToTheOrderAndThenToTheStatement) {
  const auto ordered = labelsOf(aPatient()
                                    .withoutTreatment()
                                    .given("2025-01-05", TreatmentSource::Request)
                                    .given("2024-12-20", TreatmentSource::Statement));
  EXPECT_EQ(toText(*ordered.treatmentStart), "2025-01-05");
  const auto told =
      labelsOf(aPatient().withoutTreatment().given("2025-01-05", TreatmentSource::Statement));
  EXPECT_EQ(told.treatmentSource, TreatmentSource::Statement);
}

TEST(TreatmentStart, IsAConflictWhenAnOlderStatementTellsOfEarlierTreatment) {
  const auto labels = labelsOf(aPatient().given("2024-03-01", TreatmentSource::Statement));
  EXPECT_FALSE(labels.treatmentStart);
  EXPECT_FALSE(labels.excluded.empty());
  ASSERT_EQ(conflictsOf(labels, ConflictKind::TreatmentStart), 1);
  EXPECT_EQ(labels.conflicts[0].evidence.size(), 2U) << "both sides are shown";
}

TEST(TreatmentStart, IsAConflictWhenAnEarlierInfusionIsNamedInWordsOnly) {
  auto patient = aPatient();
  patient.facts().notUnderstood.push_back({NotUnderstood::Why::TextOnly, "immunotherapy",
                                           "in words",
                                           evidence("MedicationAdministration/7", "2025-01-02")});
  EXPECT_FALSE(labelsOf(patient).treatmentStart);
  patient.facts().notUnderstood[0].evidence.date = "2025-02-02";  // a later cycle changes nothing
  EXPECT_TRUE(labelsOf(patient).treatmentStart);
}

TEST(TreatmentStart, ExcludesAPatientWithoutOne) {
  const auto labels = labelsOf(aPatient().withoutTreatment().read("2025-03-01", R::Progressive));
  EXPECT_FALSE(labels.excluded.empty());
  EXPECT_FALSE(labels.progressionFreeSurvival);
}

// --- progression, death, benefit -----------------------------------------------------------------

TEST(Outcomes, CountProgressionFromItsReading) {
  // 2025-01-10 to 2025-04-10: 90 days = 2.9569 months.
  const auto labels = labelsOf(aPatient()
                                   .read("2025-02-20", R::Stable)
                                   .read("2025-04-10", R::Progressive)
                                   .read("2025-08-01", R::Partial)
                                   .seen("2026-01-10"));
  ASSERT_TRUE(labels.progressionFreeSurvival);
  EXPECT_NEAR(labels.progressionFreeSurvival->months, 90 / 30.4375, 1e-9);
  EXPECT_TRUE(labels.progressionFreeSurvival->eventObserved);
  EXPECT_EQ(labels.durableClinicalBenefit, false);
  // Alive on 2026-01-10: 365 days.
  EXPECT_NEAR(labels.overallSurvival->months, 365 / 30.4375, 1e-9);
  EXPECT_FALSE(labels.overallSurvival->eventObserved);
  EXPECT_EQ(labels.objectiveResponse, false)
      << "the response after progression belongs to another treatment";
  EXPECT_EQ(labels.evidence.at("pfs_months").front().date, "2025-04-10");
}

TEST(Outcomes, LeaveOutAPatientCensoredBeforeSixMonths) {
  const auto labels = labelsOf(aPatient().read("2025-05-10", R::Partial));
  EXPECT_FALSE(labels.progressionFreeSurvival->eventObserved);
  EXPECT_FALSE(labels.durableClinicalBenefit)
      << "censored before 6 months: excluded, never an event";
  EXPECT_NE(labels.reasons.at("dcb").find("left out"), std::string::npos);
  EXPECT_EQ(labels.objectiveResponse, true);
}

TEST(Outcomes, TellSixMonthsFromALittleLess) {
  // 182 days are 5.979 months, 183 days 6.012.
  EXPECT_EQ(labelsOf(aPatient().read("2025-07-12", R::Stable)).durableClinicalBenefit,
            true);  // 183 days
  EXPECT_FALSE(
      labelsOf(aPatient().read("2025-07-11", R::Stable)).durableClinicalBenefit);  // 182 days
  EXPECT_EQ(labelsOf(aPatient().read("2025-07-11", R::Progressive)).durableClinicalBenefit, false);
  EXPECT_EQ(labelsOf(aPatient().read("2025-07-12", R::Progressive)).durableClinicalBenefit, true);
}

TEST(Outcomes, CountDeathAsAnEventOfBoth) {
  const auto labels = labelsOf(aPatient().read("2025-03-01", R::Stable).died("2025-05-01"));
  EXPECT_NEAR(labels.progressionFreeSurvival->months, 111 / 30.4375,
              1e-9);  // 2025-01-10 + 111 days
  EXPECT_TRUE(labels.progressionFreeSurvival->eventObserved);
  EXPECT_TRUE(labels.overallSurvival->eventObserved);
  EXPECT_EQ(labels.durableClinicalBenefit, false);
}

TEST(Outcomes, NeedNoReadingForADeath) {
  const auto labels = labelsOf(aPatient().died("2025-02-01"));
  EXPECT_TRUE(labels.progressionFreeSurvival->eventObserved);
  EXPECT_FALSE(labels.objectiveResponse);
}

TEST(Outcomes, GiveHalfADayToADeathOnTheFirstDay) {
  const auto labels = labelsOf(aPatient().died("2025-01-10"));
  EXPECT_NEAR(labels.overallSurvival->months, 0.5 / 30.4375, 1e-12);
}

TEST(Outcomes, LeaveADeathWithoutADateOutOfSurvivalTimesAndReportIt) {
  const auto labels = labelsOf(aPatient().read("2025-04-01", R::Stable).died(""));
  EXPECT_FALSE(labels.overallSurvival);
  EXPECT_FALSE(labels.progressionFreeSurvival);
  EXPECT_FALSE(labels.durableClinicalBenefit);
  EXPECT_EQ(conflictsOf(labels, ConflictKind::Death), 1);
  // Progression before it is known to the day all the same.
  EXPECT_TRUE(labelsOf(aPatient().read("2025-04-01", R::Progressive).died(""))
                  .progressionFreeSurvival->eventObserved);
  // Seen free of progression after six months: the benefit is known whenever death came.
  EXPECT_EQ(labelsOf(aPatient().read("2025-09-01", R::Stable).died("")).durableClinicalBenefit,
            true);
}

TEST(Outcomes, DisputeADeathAfterWhichThePatientWasSeen) {
  const auto labels =
      labelsOf(aPatient().read("2025-03-01", R::Stable).died("2025-05-01").seen("2025-06-15"));
  EXPECT_FALSE(labels.overallSurvival);
  EXPECT_FALSE(labels.progressionFreeSurvival);
  ASSERT_EQ(conflictsOf(labels, ConflictKind::Death), 1);
  EXPECT_EQ(labels.conflicts[0].evidence.size(), 2U);
  // A result booked on the day after is none.
  EXPECT_TRUE(labelsOf(aPatient().died("2025-05-01").seen("2025-05-02")).overallSurvival);
}

TEST(Outcomes, ExcludeADeathBeforeTreatment) {
  const auto labels = labelsOf(aPatient().died("2025-01-09"));
  EXPECT_FALSE(labels.excluded.empty());
  EXPECT_EQ(conflictsOf(labels, ConflictKind::Death), 1);
}

TEST(Outcomes, IgnoreProgressionOnOrBeforeTheFirstDay) {
  const auto labels = labelsOf(aPatient()
                                   .read("2024-12-20", R::Progressive)
                                   .read("2025-01-10", R::Progressive)
                                   .read("2025-08-10", R::Stable));
  EXPECT_EQ(labels.durableClinicalBenefit, true);
}

TEST(Outcomes, TakeAnUndeterminedReadingForNothing) {
  const auto labels =
      labelsOf(aPatient().read("2025-04-01", R::Stable).read("2025-09-01", R::Undetermined));
  EXPECT_NEAR(labels.progressionFreeSurvival->months, 81 / 30.4375, 1e-9);  // 2025-01-10 + 81 days
  EXPECT_NEAR(labels.overallSurvival->months, 234 / 30.4375, 1e-9) << "but the patient was seen";
}

TEST(Outcomes, ReportTwoReadingsOfOneDayThatContradictEachOther) {
  const auto labels =
      labelsOf(aPatient().read("2025-04-01", R::Stable).read("2025-04-01", R::Progressive));
  EXPECT_FALSE(labels.progressionFreeSurvival);
  EXPECT_FALSE(labels.objectiveResponse);
  ASSERT_EQ(conflictsOf(labels, ConflictKind::Progression), 1);
  EXPECT_EQ(labels.conflicts[0].evidence.size(), 2U);
}

TEST(Outcomes, NeverMixCriteria) {
  const auto patient =
      aPatient().read("2025-03-01", R::Progressive, C::Clinical).read("2025-09-01", R::Partial);
  EXPECT_EQ(labelsOf(patient).durableClinicalBenefit, true);
  EXPECT_EQ(labelsOf(patient).criterion, C::Recist);
  auto clinical = rules();
  clinical.criterion = CriterionChoice::Clinical;
  EXPECT_EQ(labelsOf(patient, clinical).durableClinicalBenefit, false);
  EXPECT_FALSE(labelsOf(patient, clinical).objectiveResponse)
      << "an objective response needs RECIST";
  const auto onlyClinical = labelsOf(aPatient().read("2025-09-01", R::Improved, C::Clinical));
  EXPECT_FALSE(onlyClinical.progressionFreeSurvival);
  EXPECT_FALSE(onlyClinical.criterion);
}

TEST(Outcomes, StopAtTheDataCutOff) {
  auto early = rules();
  early.dataCutOff = day("2025-06-01");
  const auto labels = labelsOf(aPatient()
                                   .read("2025-05-01", R::Stable)
                                   .read("2025-08-01", R::Progressive)
                                   .died("2025-09-01"),
                               early);
  EXPECT_FALSE(labels.progressionFreeSurvival->eventObserved);
  EXPECT_FALSE(labels.overallSurvival->eventObserved);
}

TEST(Outcomes, TakeAPatientWhoIsSeenAfterTheCutOffForAliveThen) {
  auto early = rules();
  early.dataCutOff = day("2025-06-01");
  for (const auto& patient : {aPatient().seen("2026-03-01"), aPatient().died("2026-03-01")}) {
    const auto labels = labelsOf(patient, early);
    ASSERT_TRUE(labels.overallSurvival);
    EXPECT_FALSE(labels.overallSurvival->eventObserved);
    EXPECT_NEAR(labels.overallSurvival->months, 142 / 30.4375, 1e-9);  // 2025-01-10 + 142 days
  }
}

// iRECIST: Seymour 2017, Lancet Oncol 18:e143.
TEST(IRecist, CountsAConfirmedProgressionFromTheUnconfirmedOne) {
  const auto labels = labelsOf(aPatient()
                                   .read("2025-04-01", R::UnconfirmedProgressive, C::IRecist)
                                   .read("2025-05-06", R::ConfirmedProgressive, C::IRecist));
  EXPECT_NEAR(labels.progressionFreeSurvival->months, 81 / 30.4375, 1e-9);
  EXPECT_EQ(labels.evidence.at("pfs_months").size(), 2U);
}

TEST(IRecist, DisregardsAnUnconfirmedProgressionThatAResponseFollows) {
  const auto labels = labelsOf(aPatient()
                                   .read("2025-04-01", R::UnconfirmedProgressive, C::IRecist)
                                   .read("2025-05-06", R::Partial, C::IRecist)
                                   .read("2025-09-01", R::Stable, C::IRecist));
  EXPECT_EQ(labels.durableClinicalBenefit, true);
  EXPECT_EQ(labels.objectiveResponse, true);
}

TEST(IRecist, WaitsForAConfirmationThatCanStillCome) {
  auto soon = rules();
  soon.dataCutOff = day("2025-04-20");
  const auto patient = aPatient().read("2025-04-01", R::UnconfirmedProgressive, C::IRecist);
  EXPECT_FALSE(labelsOf(patient, soon).progressionFreeSurvival);
  EXPECT_EQ(conflictsOf(labelsOf(patient, soon), ConflictKind::Progression), 1);
  // Never assessed again: the unconfirmed progression counts.
  EXPECT_TRUE(labelsOf(patient).progressionFreeSurvival->eventObserved);
}

// --- covariates ----------------------------------------------------------------------------------

TEST(Covariates, TakeTheNewestValueBeforeTreatmentAndNeverALaterOne) {
  const auto labels = labelsOf(aPatient()
                                   .measured(Laboratory::Ldh, "2024-12-20T08:00:00Z", 1.1)
                                   .measured(Laboratory::Ldh, "2025-01-09T08:00:00Z", 1.4)
                                   .measured(Laboratory::Ldh, "2025-01-11T08:00:00Z", 2.0));
  EXPECT_EQ(labels.baseline.ldhPerUln, 1.4);
  EXPECT_EQ(labels.evidence.at("ldh_uln").front().date, "2025-01-09T08:00:00Z");
}

TEST(Covariates, DropWhatIsOlderThanTheWindow) {
  EXPECT_FALSE(labelsOf(aPatient().measured(Laboratory::Albumin, "2024-12-10", 3.9))
                   .baseline.albuminGPerDl);  // 31 days
  EXPECT_TRUE(labelsOf(aPatient().measured(Laboratory::Albumin, "2024-12-11", 3.9))
                  .baseline.albuminGPerDl);  // 30 days
}

TEST(Covariates, ComputeRatiosFromOneDayOnly) {
  // NLR 6.0 / 1.5 = 4; dNLR 6.0 / (9.0 - 6.0) = 2.
  const auto labels = labelsOf(aPatient()
                                   .measured(Laboratory::Neutrophils, "2025-01-08", 6)
                                   .measured(Laboratory::Lymphocytes, "2025-01-08", 1.5)
                                   .measured(Laboratory::Leukocytes, "2025-01-08", 9)
                                   .measured(Laboratory::Neutrophils, "2025-01-09", 20));
  EXPECT_DOUBLE_EQ(labels.baseline.nlr.value(), 4);
  EXPECT_DOUBLE_EQ(labels.baseline.dNlr.value(), 2);
  EXPECT_EQ(labels.evidence.at("nlr").size(), 2U);
  const auto apart = labelsOf(aPatient()
                                  .measured(Laboratory::Neutrophils, "2025-01-08", 6)
                                  .measured(Laboratory::Lymphocytes, "2025-01-07", 1.5));
  EXPECT_FALSE(apart.baseline.nlr);
}

TEST(Covariates, PreferTheTwoCountsOfOneSample) {
  const auto labels = labelsOf(aPatient()
                                   .measured(Laboratory::Neutrophils, "2025-01-08T07:00", 6)
                                   .measured(Laboratory::Lymphocytes, "2025-01-08T07:00", 2)
                                   .measured(Laboratory::Lymphocytes, "2025-01-08T19:00", 1));
  EXPECT_DOUBLE_EQ(labels.baseline.nlr.value(), 3);
}

TEST(Covariates, RefuseARatioThatCannotBe) {
  const auto labels = labelsOf(aPatient()
                                   .measured(Laboratory::Neutrophils, "2025-01-08", 6)
                                   .measured(Laboratory::Lymphocytes, "2025-01-08", 0)
                                   .measured(Laboratory::Leukocytes, "2025-01-08", 5));
  EXPECT_FALSE(labels.baseline.nlr);
  EXPECT_FALSE(labels.baseline.dNlr);
  EXPECT_EQ(conflictsOf(labels, ConflictKind::Covariate), 2);
}

TEST(Covariates, ReportTwoScoresOfOneDayThatDiffer) {
  const auto labels = labelsOf(aPatient()
                                   .measured(Laboratory::Ecog, "2025-01-08", 1)
                                   .measured(Laboratory::Ecog, "2025-01-08", 2));
  EXPECT_FALSE(labels.baseline.ecog);
  EXPECT_EQ(conflictsOf(labels, ConflictKind::Covariate), 1);
  EXPECT_FALSE(labelsOf(aPatient().measured(Laboratory::Ecog, "2025-01-08", 5)).baseline.ecog)
      << "5 means dead";
}

TEST(Covariates, TakeAbsenceForNoEvidenceUnlessTheSiteStatesOtherwise) {
  EXPECT_FALSE(labelsOf(aPatient()).baseline.steroids);
  EXPECT_FALSE(labelsOf(aPatient()).baseline.liverMetastases);
  auto complete = rules();
  complete.noSteroidRecordMeansNo = complete.noLiverMetastasisRecordMeansNo = true;
  EXPECT_EQ(labelsOf(aPatient(), complete).baseline.steroids, false);
  EXPECT_EQ(labelsOf(aPatient(), complete).baseline.liverMetastases, false);
}

SteroidRecord steroid(const char* from, std::optional<Day> until, std::optional<double> mg,
                      TreatmentSource source = TreatmentSource::Request) {
  SteroidRecord record;
  record.from = day(from);
  record.until = until;
  record.ongoing = !until;
  record.source = source;
  record.prednisoneEquivalentMgPerDay = mg;
  record.evidence = evidence("MedicationRequest/9", from);
  return record;
}

TEST(Covariates, CountSteroidsFromTenMilligramsOfPrednisoneOn) {
  const auto with = [](std::vector<SteroidRecord> records) {
    auto patient = aPatient();
    patient.facts().steroids = std::move(records);
    return labelsOf(patient);
  };
  EXPECT_EQ(with({steroid("2025-01-01", std::nullopt, 10)}).baseline.steroids, true);
  EXPECT_EQ(with({steroid("2025-01-01", std::nullopt, 9)}).baseline.steroids, false);
  EXPECT_FALSE(with({steroid("2025-01-01", day("2025-01-09"), 20)}).baseline.steroids)
      << "over before treatment";
  EXPECT_EQ(with({steroid("2025-01-01", std::nullopt, 5), steroid("2025-01-05", std::nullopt, 6)})
                .baseline.steroids,
            true);
  // The same tablets, ordered and given, are not added up.
  EXPECT_EQ(with({steroid("2025-01-01", std::nullopt, 6),
                  steroid("2025-01-10", day("2025-01-10"), 6, TreatmentSource::Administration)})
                .baseline.steroids,
            false);
  const auto unclear = with({steroid("2025-01-01", std::nullopt, std::nullopt)});
  EXPECT_FALSE(unclear.baseline.steroids);
  EXPECT_EQ(conflictsOf(unclear, ConflictKind::NeedsReview), 1);
}

TEST(Covariates, DoNotBelieveNeverSmokedAfterSmoked) {
  auto patient = aPatient();
  patient.facts().smoking = {{day("2020-01-01"), true, {}}, {day("2024-01-01"), false, {}}};
  EXPECT_FALSE(labelsOf(patient).baseline.smoker);
  EXPECT_EQ(conflictsOf(labelsOf(patient), ConflictKind::Covariate), 1);
  patient.facts().smoking = {{day("2020-01-01"), false, {}}, {day("2024-01-01"), true, {}}};
  EXPECT_EQ(labelsOf(patient).baseline.smoker, true);
  patient.facts().smoking = {{day("2025-02-01"), true, {}}};
  EXPECT_FALSE(labelsOf(patient).baseline.smoker) << "known only after treatment start";
}

TEST(Covariates, CountAgeToTreatmentStart) {
  auto patient = aPatient();
  patient.facts().birthDay = day("1960-01-10");
  EXPECT_NEAR(labelsOf(patient).baseline.ageYears.value(), 65.0, 0.003);
}

// --- baseline PET --------------------------------------------------------------------------------

TEST(BaselinePet, LiesBeforeTreatmentAndWithinTheWindow) {
  const Day start = day("2025-01-10");
  EXPECT_TRUE(whyNoBaselinePet(day("2025-01-11"), start, rules()));
  EXPECT_TRUE(whyNoBaselinePet(day("2025-01-10"), start, rules()))
      << "which came first is not known";
  EXPECT_FALSE(whyNoBaselinePet(day("2025-01-09"), start, rules()));
  EXPECT_FALSE(whyNoBaselinePet(day("2024-11-11"), start, rules()));  // 60 days
  EXPECT_TRUE(whyNoBaselinePet(day("2024-11-10"), start, rules()));   // 61 days
  EXPECT_EQ(chooseBaselinePet(
                {day("2024-11-20"), day("2025-03-01"), day("2025-01-02"), day("2024-12-01")}, start,
                rules()),
            day("2025-01-02"));
  EXPECT_FALSE(chooseBaselinePet({day("2025-03-01")}, start, rules()));
}

TEST(BaselinePet, KeepsAPatientWithALaterPetOut) {
  auto patient = aPatient().read("2025-09-01", R::Stable);
  patient.facts().petDay = day("2025-02-01");
  const auto labels = labelsOf(patient);
  EXPECT_FALSE(labels.excluded.empty());
  EXPECT_EQ(conflictsOf(labels, ConflictKind::BaselinePet), 1);
}

// --- what was not read ---------------------------------------------------------------------------

TEST(Derivation, DerivesNothingFromARecordThatWasReadInPart) {
  auto patient = aPatient().read("2025-09-01", R::Stable);
  patient.facts().unread = {"Observation: the server is too slow"};
  const auto labels = labelsOf(patient);
  EXPECT_FALSE(labels.excluded.empty());
  EXPECT_FALSE(labels.progressionFreeSurvival);
  EXPECT_EQ(conflictsOf(labels, ConflictKind::NotRead), 1);
}

TEST(Derivation, ReportsEveryWrongUnit) {
  auto patient = aPatient();
  for (int i = 0; i < 5; ++i)
    patient.facts().notUnderstood.push_back(
        {NotUnderstood::Why::Unit, "LDH", "no UCUM code",
         evidence("Observation/" + std::to_string(i), "2025-01-01")});
  const auto labels = labelsOf(patient);
  ASSERT_EQ(conflictsOf(labels, ConflictKind::Unit), 1);
  EXPECT_EQ(labels.conflicts[0].evidence.size(), 5U);
}

// --- properties ----------------------------------------------------------------------------------

PatientFacts anyPatient(std::mt19937& random) {
  const auto number = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  const auto anyDay = [&] { return toText(day("2024-11-01") + std::chrono::days{number(0, 700)}); };
  auto patient = aPatient();
  if (number(0, 9) == 0) patient.withoutTreatment();
  for (int i = number(0, 3); i > 0; --i)
    patient.given(anyDay(), static_cast<TreatmentSource>(number(0, 2)));
  for (int i = number(0, 6); i > 0; --i)
    patient.read(anyDay(), static_cast<Response>(number(0, 7)),
                 static_cast<Criterion>(number(0, 2)));
  for (int i = number(0, 8); i > 0; --i)
    patient.measured(static_cast<Laboratory>(number(0, 6)), anyDay(), number(0, 60) / 10.0);
  if (number(0, 2) == 0) patient.died(number(0, 4) == 0 ? "" : anyDay());
  for (int i = number(0, 3); i > 0; --i) patient.seen(anyDay());
  return patient;
}

TEST(Derivation, HoldsItsPromisesForAnyPatient) {
  std::mt19937 random(20261124);
  int withBenefit = 0, withSurvival = 0, conflicts = 0;
  for (int i = 0; i < 20'000; ++i) {
    const PatientFacts facts = anyPatient(random);
    auto chosen = rules();
    if (i % 2 == 1) chosen.criterion = CriterionChoice::Clinical;
    const PatientLabels labels = labelsOf(facts, chosen);
    const auto &pfs = labels.progressionFreeSurvival, &os = labels.overallSurvival;
    // Time-to-event is positive; progression-free survival never outlasts survival.
    if (pfs) {
      ASSERT_GT(pfs->months, 0);
    }
    if (os) {
      ASSERT_GT(os->months, 0);
    }
    if (pfs && os && !(pfs->eventObserved && !os->eventObserved)) {
      ASSERT_LE(pfs->months, os->months + 1e-9);
    }
    if (pfs && os && os->eventObserved) {
      ASSERT_TRUE(pfs->eventObserved);
    }
    // Benefit is what progression-free survival says, and unknown when censored too early.
    if (pfs) {
      ASSERT_EQ(labels.durableClinicalBenefit, eventFreeAt(pfs, chosen.benefitMonths));
    }
    // Every label has its evidence, and none of it is dated after treatment start for covariates.
    if (pfs) {
      ASSERT_FALSE(labels.evidence.at("pfs_months").empty());
    }
    if (os) {
      ASSERT_FALSE(labels.evidence.at("os_months").empty());
    }
    if (labels.durableClinicalBenefit) {
      ASSERT_FALSE(labels.evidence.at("dcb").empty());
    }
    if (labels.objectiveResponse) {
      ASSERT_FALSE(labels.evidence.at("objective_response").empty());
    }
    for (const char* name : {column::kLdh, column::kAlbumin, column::kPdl1, column::kNlr,
                             column::kDNlr, column::kEcog})
      if (const auto found = labels.evidence.find(name); found != labels.evidence.end())
        for (const Evidence& e : found->second) {
          ASSERT_LE(*dayOf(e.date), *labels.treatmentStart);
        }
    // A patient without treatment start has no label and a reason.
    if (!labels.treatmentStart) {
      ASSERT_FALSE(labels.excluded.empty());
      ASSERT_FALSE(pfs || os || labels.durableClinicalBenefit);
    }
    // Nothing depends on the order of the facts.
    PatientFacts shuffled = facts;
    std::reverse(shuffled.readings.begin(), shuffled.readings.end());
    std::reverse(shuffled.contacts.begin(), shuffled.contacts.end());
    std::reverse(shuffled.immunotherapy.begin(), shuffled.immunotherapy.end());
    const PatientLabels again = labelsOf(shuffled, chosen);
    ASSERT_EQ(pfs.has_value(), again.progressionFreeSurvival.has_value());
    if (pfs) {
      ASSERT_EQ(pfs->months, again.progressionFreeSurvival->months);
    }
    ASSERT_EQ(labels.durableClinicalBenefit, again.durableClinicalBenefit);
    ASSERT_EQ(labels.objectiveResponse, again.objectiveResponse);
    // Facts after the data cut-off change nothing.
    PatientFacts later = facts;
    later.readings.push_back(
        {chosen.dataCutOff + std::chrono::days{1}, Criterion::Recist, Response::Progressive, {}});
    if (!facts.deceased) {
      ASSERT_EQ(labelsOf(later, chosen).durableClinicalBenefit, labels.durableClinicalBenefit);
    }
    withBenefit += labels.durableClinicalBenefit.has_value();
    withSurvival += os.has_value();
    conflicts += !labels.conflicts.empty();
  }
  EXPECT_GT(withBenefit, 1000) << "the generator must reach what is tested";
  EXPECT_GT(withSurvival, 1000);
  EXPECT_GT(conflicts, 1000);
}

}  // namespace
}  // namespace fedpet::fhir
