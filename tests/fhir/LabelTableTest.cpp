// A table of labels that a person made: what holds is kept, what contradicts itself is reported.
#include "fhir/labels/LabelJson.h"
#include "fhir/labels/LabelTable.h"
#include "tests/fhir/FactsBuilder.h"

#include <gtest/gtest.h>

namespace fedpet::fhir {
namespace {

using namespace fedpet::testing;
using Cells = std::map<std::string, std::string>;

PatientLabels imported(Cells cells) {
  cells.emplace("subject_id", "S1");
  return labelsFromCells(cells, "table.csv line 2", rules());
}

TEST(LabelTable, ReadsBackWhatItWrites) {
  const auto labels = labelsOf(aPatient()
                                   .read("2025-03-01", Response::Partial)
                                   .read("2025-09-01", Response::Progressive)
                                   .seen("2026-01-01")
                                   .measured(Laboratory::Ecog, "2025-01-08", 1)
                                   .measured(Laboratory::Ldh, "2025-01-08", 1.25));
  Cells cells = labelCells(labels);
  EXPECT_EQ(cells.size(), labelColumns().size());
  EXPECT_EQ(cells.at("dcb"), "1");
  EXPECT_EQ(cells.at("pfs_months"), "7.687885");  // 234 / 30.4375
  EXPECT_EQ(cells.at("ldh_uln"), "1.25");
  EXPECT_EQ(cells.at("albumin_g_dl"), "");
  const auto again = imported(cells);
  EXPECT_TRUE(again.conflicts.empty());
  EXPECT_EQ(labelCells(again), cells);
}

TEST(LabelTable, CompletesTheBenefitThatSurvivalDecides) {
  EXPECT_EQ(imported({{"pfs_months", "7"}, {"pfs_event", "0"}}).durableClinicalBenefit, true);
  EXPECT_EQ(imported({{"pfs_months", "5"}, {"pfs_event", "1"}}).durableClinicalBenefit, false);
  EXPECT_FALSE(imported({{"pfs_months", "5"}, {"pfs_event", "0"}}).durableClinicalBenefit);
}

TEST(LabelTable, NeverCountsACensoredPatientAsAnEvent) {
  const auto labels = imported({{"dcb", "0"}, {"pfs_months", "4"}, {"pfs_event", "0"}});
  EXPECT_FALSE(labels.durableClinicalBenefit);
  EXPECT_EQ(conflictsOf(labels, ConflictKind::Consistency), 1);
}

TEST(LabelTable, ReportsLabelsThatContradictEachOther) {
  EXPECT_EQ(conflictsOf(imported({{"dcb", "1"}, {"pfs_months", "4"}, {"pfs_event", "1"}}),
                        ConflictKind::Consistency),
            1);
  EXPECT_EQ(
      conflictsOf(
          imported(
              {{"pfs_months", "9"}, {"pfs_event", "1"}, {"os_months", "7"}, {"os_event", "1"}}),
          ConflictKind::Consistency),
      1);
  const auto dead =
      imported({{"pfs_months", "7"}, {"pfs_event", "0"}, {"os_months", "7"}, {"os_event", "1"}});
  EXPECT_FALSE(dead.progressionFreeSurvival) << "death is an event of progression-free survival";
  EXPECT_TRUE(dead.overallSurvival);
  EXPECT_EQ(conflictsOf(imported({{"pfs_months", "7"}}), ConflictKind::Consistency), 1);
  EXPECT_EQ(conflictsOf(imported({{"objective_response", "1"}, {"response_criterion", "clinical"}}),
                        ConflictKind::Consistency),
            1);
}

TEST(LabelTable, ReportsCellsThatAreNoSuchLabel) {
  for (const auto& [name, cell] : Cells{{"dcb", "yes"},
                                        {"pfs_months", "7,5"},
                                        {"albumin_g_dl", "38"},
                                        {"ecog", "5"},
                                        {"pdl1_tps", "140"},
                                        {"age", "sixty"},
                                        {"ldh_uln", "250"},
                                        {"nlr", "inf"},
                                        {"response_criterion", "percist"}}) {
    const auto labels = imported({{name, cell}});
    EXPECT_GE(conflictsOf(labels, ConflictKind::NeedsReview), 1) << name;
    EXPECT_EQ(labelCells(labels).at(name), "") << name;
  }
  EXPECT_FALSE(labelsFromCells({}, "table.csv line 3", rules()).excluded.empty())
      << "without a subject_id";
}

TEST(LabelTable, QuotesWhatACsvReaderWouldSplit) {
  EXPECT_EQ(csvCell("plain"), "plain");
  EXPECT_EQ(csvCell("a,b"), "\"a,b\"");
  EXPECT_EQ(csvCell("say \"no\""), "\"say \"\"no\"\"\"");
}

TEST(LabelJson, ShowsTheEvidenceOfEveryLabelAndBothSidesOfAConflict) {
  const auto labels = labelsOf(aPatient()
                                   .read("2025-03-01", Response::Partial)
                                   .read("2025-03-01", Response::Progressive)
                                   .measured(Laboratory::Ldh, "2025-01-08", 1.25));
  const auto evidence = evidenceJson({labels}, rules());
  const auto& patient = evidence["patients"][0];
  EXPECT_EQ(patient["treatment_start"]["evidence"][0]["resource"], "MedicationAdministration/1");
  EXPECT_EQ(patient["labels"]["ldh_uln"]["value"], "1.25");
  EXPECT_EQ(patient["labels"]["ldh_uln"]["evidence"][0]["version"], "1");
  EXPECT_EQ(evidence["rules"]["benefitMonths"], 6);
  const auto conflicts = conflictsJson({labels});
  ASSERT_EQ(conflicts["conflicts"].size(), 1U);
  EXPECT_EQ(conflicts["conflicts"][0]["kind"], "progression");
  EXPECT_EQ(conflicts["conflicts"][0]["evidence"].size(), 2U);
}

}  // namespace
}  // namespace fedpet::fhir
