#include "models/imaging/harmonisation/Combat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace fedpet::imaging {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const ClinicalCovariates kNothingKnown;

CombatTable oneInput(std::vector<double> a, std::vector<double> b) {
  CombatTable table{{"SLR"}, {}, {false}, {}};
  for (const double v : a) table.rows.push_back({"A", {v}, {}});
  for (const double v : b) table.rows.push_back({"B", {v}, {}});
  return table;
}

// By hand. Means 2 and 7, grand mean 4.5; residuals -1, 0, 1 and -2, 0, 2, so sd^2 = 10 / 6; the
// scales are 1 / sd^2 = 0.6 and 4 / sd^2 = 2.4. One input: nothing to shrink towards.
TEST(Combat, IsThatCalculatedByHandForTwoScannersAndOneInput) {
  const CombatEstimate estimate = estimateCombat(oneInput({1, 2, 3}, {5, 7, 9}));
  const CombatInput& input = estimate.model.inputs.front();
  EXPECT_NEAR(input.mean, 4.5, 1e-12);
  EXPECT_NEAR(input.sd, std::sqrt(10.0 / 6), 1e-12);
  const CombatShift& a = estimate.model.scanners.at(0).inputs.at("SLR");
  EXPECT_NEAR(a.shift, -2.5 / input.sd, 1e-12);
  EXPECT_NEAR(a.scale, 0.6, 1e-12);
  EXPECT_NEAR(estimate.model.scanners.at(1).inputs.at("SLR").scale, 2.4, 1e-12);
  EXPECT_EQ(a.patients, 3u);
  // The largest of each scanner lie one of their own deviations above the grand mean.
  EXPECT_NEAR(*combatAdjusted(estimate.model, "A", "SLR", 3, kNothingKnown),
              4.5 + 1 / std::sqrt(0.6), 1e-9);
  EXPECT_NEAR(*combatAdjusted(estimate.model, "B", "SLR", 9, kNothingKnown),
              4.5 + 2 / std::sqrt(2.4), 1e-9);
}

// By hand. Mean 7 and sd^2 = 8 / 3 of B alone; A: scale 1 / sd^2.
TEST(Combat, BringsTheOthersToAReferenceAndLeavesItAlone) {
  const CombatEstimate estimate =
      estimateCombat(oneInput({1, 2, 3}, {5, 7, 9}), {.reference = "B"});
  EXPECT_NEAR(*combatAdjusted(estimate.model, "B", "SLR", 9, kNothingKnown), 9, 1e-12);
  EXPECT_NEAR(*combatAdjusted(estimate.model, "A", "SLR", 3, kNothingKnown),
              7 + 1 / std::sqrt(0.375), 1e-9);
}

// By hand. On each scanner men lie 4 above women, residuals +-1: sd 1; intercepts 2 and 12, mean 7.
TEST(Combat, KeepsWhatACovariateExplains) {
  CombatTable table{{"SLR"}, {"male"}, {false}, {}};
  for (const double v : {1.0, 3.0}) table.rows.push_back({"A", {v}, {0}});
  for (const double v : {5.0, 7.0}) table.rows.push_back({"A", {v}, {1}});
  for (const double v : {11.0, 13.0}) table.rows.push_back({"B", {v}, {0}});
  for (const double v : {15.0, 17.0}) table.rows.push_back({"B", {v}, {1}});
  const CombatModel model = estimateCombat(table).model;
  EXPECT_NEAR(model.inputs.front().covariates.at("male"), 4, 1e-9);
  EXPECT_NEAR(model.inputs.front().mean, 7, 1e-9);
  ClinicalCovariates man;
  man.male = true;
  EXPECT_NEAR(*combatAdjusted(model, "A", "SLR", 7, man), 11 + 1 / std::sqrt(4.0 / 3), 1e-9);
  EXPECT_EQ(combatAdjusted(model, "A", "SLR", 7, kNothingKnown).error(),
            R"(the patient's "male" is not known)");
}

// Ten patients, two scanners, three inputs: neuroCombat 0.2.12 (PyPI) on the same numbers, as in
// tests/federation/StatisticsTest.cpp: the two estimators mean the same.
TEST(Combat, ShrinksByEmpiricalBayesAsNeuroCombatDoes) {
  CombatTable table{{"TMTV", "SUVmax", "SLR"}, {}, {false, false, false}, {}};
  const double a[][3] = {{61, 4.1, 0.21}, {70, 5.2, 0.35}, {55, 3.9, 0.28}, {66, 4.8, 0.19}};
  const double b[][3] = {{72, 6.0, 0.41}, {59, 5.1, 0.52}, {77, 6.9, 0.38},
                         {68, 5.5, 0.61}, {64, 6.2, 0.45}, {81, 7.4, 0.57}};
  for (const auto& r : a) table.rows.push_back({"A", {r[0], r[1], r[2]}, {}});
  for (const auto& r : b) table.rows.push_back({"B", {r[0], r[1], r[2]}, {}});
  const CombatModel model = estimateCombat(table).model;
  const auto& ofA = model.scanners.at(0).inputs;
  const auto& ofB = model.scanners.at(1).inputs;
  EXPECT_NEAR(model.inputs[1].mean, 5.51, 1e-9);
  EXPECT_NEAR(model.inputs[1].sd, std::sqrt(0.47683333), 1e-7);
  EXPECT_NEAR(ofA.at("SUVmax").rawShift, -1.4626421, 1e-7);
  EXPECT_NEAR(ofB.at("SUVmax").rawScale, 1.53862286, 1e-7);
  EXPECT_NEAR(ofA.at("SUVmax").shift, -1.40774999, 2e-4);
  EXPECT_NEAR(ofA.at("SLR").scale, 0.86335867, 2e-4);
  EXPECT_NEAR(ofB.at("TMTV").shift, 0.69058335, 2e-4);
  EXPECT_NEAR(*combatAdjusted(model, "A", "TMTV", 61, kNothingKnown), 66.94340479, 2e-3);
  // A site that knows mean and sd from a consortium finds its own shift alone.
  table.rows.erase(table.rows.begin() + 4, table.rows.end());
  CombatSettings federated;
  for (const CombatInput& input : model.inputs)
    federated.federated[input.input] = {input.mean, input.sd};
  EXPECT_NEAR(estimateCombat(table, federated).model.scanners.at(0).inputs.at("SLR").shift,
              ofA.at("SLR").shift, 1e-9);
}

TEST(Combat, AdjustsALogarithmByAFactor) {
  CombatTable table{{"TMTV"}, {}, {true}, {}};
  for (const double v : {10.0, 20.0, 40.0}) {
    table.rows.push_back({"A", {v}, {}});
    table.rows.push_back({"B", {2 * v}, {}});
  }
  const CombatModel model = estimateCombat(table).model;
  for (const double v : {5.0, 20.0, 300.0}) {
    const double a = *combatAdjusted(model, "A", "TMTV", v, kNothingKnown);
    EXPECT_NEAR(*combatAdjusted(model, "B", "TMTV", 2 * v, kNothingKnown), a, 1e-9 * a);
  }
  EXPECT_EQ(combatAdjusted(model, "A", "TMTV", 0, kNothingKnown).error(),
            "it is 0 and has no logarithm");
}

TEST(Combat, AdjustsNothingThatItHasNoParametersFor) {
  const CombatModel model = estimateCombat(oneInput({1, 2, 3}, {5, 7, 9})).model;
  EXPECT_THAT(combatAdjusted(model, "C", "SLR", 1, kNothingKnown).error(),
              HasSubstr("scanner \"C\""));
  EXPECT_FALSE(combatAdjusted(model, "A", "BLR", 1, kNothingKnown));
  // 7 below B's mean is 7 / sqrt(2.4) = 4.52 below the grand mean of 4.5: no ratio is negative.
  const auto impossible = combatAdjusted(model, "B", "SLR", 0, kNothingKnown);
  ASSERT_FALSE(impossible);
  EXPECT_THAT(impossible.error(), HasSubstr("impossible"));
}

TEST(Combat, LeavesOutAMissingValueAndWarnsOfFewPatients) {
  CombatTable table = oneInput({1, 2, 3}, {5, 7, 9});
  table.rows.push_back({"A", {std::nullopt}, {}});
  const CombatEstimate estimate = estimateCombat(table);
  EXPECT_EQ(estimate.model.scanners.at(0).inputs.at("SLR").patients, 3u);
  EXPECT_THAT(estimate.warnings, SizeIs(4));  // few patients twice, no shrinkage twice
}

void expectRefused(const std::function<void()>& work, const std::string& why) {
  try {
    work();
    FAIL() << "accepted, expected: " << why;
  } catch (const HarmonisationError& error) {
    EXPECT_THAT(error.what(), HasSubstr(why));
  }
}

TEST(Combat, RefusesATableThatAllowsNoEstimate) {
  expectRefused([] { estimateCombat(oneInput({1, 2, 3}, {})); }, "at least two scanners");
  expectRefused([] { estimateCombat(oneInput({1, 2, 3}, {4})); }, "fewer than two patients");
  expectRefused([] { estimateCombat(oneInput({2, 2, 2}, {5, 5})); }, "does not vary");
  expectRefused(
      [] {
        estimateCombat(oneInput({1, 2}, {5, 6}), {.reference = "C"});
      },
      "is no scanner of the table");
  CombatTable zero = oneInput({0, 1}, {2, 3});
  zero.logarithm = {true};
  expectRefused([&] { estimateCombat(zero); }, "not above 0");
  CombatTable confounded{{"SLR"}, {"male"}, {false}, {}};
  for (const double v : {1.0, 2.0}) {
    confounded.rows.push_back({"A", {v}, {0}});
    confounded.rows.push_back({"B", {v}, {1}});
  }
  expectRefused([&] { estimateCombat(confounded); }, "cannot be told from that of the covariates");
}

TEST(Combat, IsTheSameAfterAWayThroughItsFile) {
  CombatTable table{{"TMTV", "SLR"}, {"age"}, {true, false}, {}};
  for (int n = 0; n < 12; ++n)
    table.rows.push_back(
        {n % 2 ? "A" : "B", {20.0 + n * n, 0.8 + 0.01 * (n * 7 % 5)}, {60.0 + (n * 5) % 7}});
  const CombatModel model = estimateCombat(table, {.imagesFilteredTo = "EARL-1"}).model;
  const std::string text = combatToJson(model);
  EXPECT_EQ(combatToJson(combatFromJson(text)), text);
  ClinicalCovariates old;
  old.ageYears = 71;
  EXPECT_EQ(*combatAdjusted(combatFromJson(text), "A", "TMTV", 55, old),
            *combatAdjusted(model, "A", "TMTV", 55, old));
}

TEST(Combat, RefusesAFileWithItsPlaceAndReason) {
  const std::string head = R"({"format": "fedpet-combat", "version": 1, "empiricalBayes": true, )";
  const std::string input = R"("inputs": [{"input": "SLR", "log": false, "mean": 1, "sd": 0.1}], )";
  const auto refused = [](const std::string& text, const std::string& why) {
    expectRefused([&] { combatFromJson(text); }, why);
  };
  refused("{}", "format is missing");
  refused(head + R"("inputs": [{"input": "SLRR", "log": false, "mean": 1, "sd": 0.1}]})",
          "inputs[0].input");
  refused(head + R"("inputs": [{"input": "SLR", "log": false, "mean": 1, "sd": 0}]})",
          "inputs[0].sd");
  refused(
      head +
          R"("inputs": [{"input": "SLR", "log": false, "mean": 1, "sd": 1, "covariates": {"sex": 1}}]})",
      "inputs[0].covariates.sex");
  refused(head + input + R"("scanners": [{"scanner": "A", "inputs": {"BLR": {}}}]})",
          "scanners[0].inputs.BLR is none");
  refused(head + input +
              R"("scanners": [{"scanner": "A", "inputs": {"SLR": {"patients": 5, "rawShift": 0,
          "rawScale": 1, "shift": 0, "scale": 0}}}]})",
          "scanners[0].inputs.SLR.scale");
}

}  // namespace
}  // namespace fedpet::imaging
