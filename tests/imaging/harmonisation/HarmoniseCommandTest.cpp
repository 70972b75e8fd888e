// `fedpet harmonise` as a person calls it: files in, exit code and text out.
#include "models/imaging/harmonisation/Combat.h"
#include "orthanc-plugin/cli/HarmoniseCommand.h"
#include "tests/support/TemporaryDirectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace fedpet::plugin {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int code = 0;
  std::string out, err;
  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

class HarmoniseCommand : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
    return pathOf(name);
  }
  std::string pathOf(const std::string& name) const { return (folder_.path() / name).string(); }
  static Outcome run(std::vector<std::string> arguments) {
    CLI::App app;
    Outcome outcome;
    addHarmoniseCommand(app, outcome.code);
    arguments.insert(arguments.begin(), "harmonise");
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError&) {
      outcome.code = kExitUsage;
    }
    std::fflush(stdout);
    outcome.out = ::testing::internal::GetCapturedStdout();
    outcome.err = ::testing::internal::GetCapturedStderr();
    return outcome;
  }

 private:
  fedpet::testing::TemporaryDirectory folder_;
};

TEST_F(HarmoniseCommand, PrintsTheFilterOfEachScanner) {
  const auto file = write("scanners.json", R"({"scanners": [
      {"name": "sharp", "match": {"station": "A"}, "class": "EARL-2", "psfFwhmMm": 5},
      {"name": "coarse", "match": {"station": "B"}, "psfFwhmMm": 10}]})");
  const auto report = run({"--check", file, "--json"}).json();
  EXPECT_NEAR(report["targetFwhmMm"].get<double>(), 8.4, 0.1);
  const auto& sharp = report["scanners"][0];
  EXPECT_NEAR(std::hypot(sharp["filterFwhmMm"].get<double>(), 5), report["targetFwhmMm"], 0.02);
  EXPECT_EQ(sharp["reachesTarget"], true);
  EXPECT_EQ(sharp["spheres"].size(), 6u);
  EXPECT_TRUE(report["scanners"][1]["filterFwhmMm"].is_null());
  const Outcome text = run({"--check", file});
  EXPECT_EQ(text.code, kExitOk);
  EXPECT_THAT(text.out, HasSubstr("does NOT meet EARL-1"));
}

TEST_F(HarmoniseCommand, RefusesAWrongDescriptionWithItsPlace) {
  const Outcome outcome = run({"--check", write("s.json", R"({"scanners": [{"name": "A"}]})")});
  EXPECT_EQ(outcome.code, kExitRefused);
  EXPECT_EQ(outcome.err, "DescriptionInvalid: s.json: scanners[0].match is missing\n");
}

const char* const kTable =
    "scanner;sex;tmtv;spleen\n"
    "A;M;10;0.80\nA;F;20;0.90\nA;M;40;NA\nA;F;30;0.85\n"
    "B;M;20;1.00\nB;F;40;1.10\nB;M;80;1.20\nB;F;;1.05\n";

TEST_F(HarmoniseCommand, WritesParametersThatAnAssessmentCanUse) {
  const Outcome outcome = run({"--estimate", write("t.csv", kTable), "--inputs", "tmtv,spleen=SLR",
                               "--covariates", "sex", "--out", pathOf("combat.json")});
  ASSERT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("has only 4 patients with TMTV"));
  const imaging::CombatModel model = imaging::readCombat(pathOf("combat.json"));
  ASSERT_EQ(model.inputs.size(), 2u);
  EXPECT_TRUE(model.inputs[0].logarithm);   // TMTV
  EXPECT_FALSE(model.inputs[1].logarithm);  // SLR
  EXPECT_EQ(model.scanners[1].inputs.at("TMTV").patients, 3u);
  ClinicalCovariates woman;
  woman.male = false;
  EXPECT_GT(*imaging::combatAdjusted(model, "A", "TMTV", 20, woman), 20);
  EXPECT_LT(*imaging::combatAdjusted(model, "B", "SLR", 1.1, woman), 1.1);
}

TEST_F(HarmoniseCommand, TakesMeansOfAConsortium) {
  const auto statistics = write("s.json", R"({"format": "fedpet-statistics", "version": 1,
      "combat": {"sites": 8, "columns": [{"name": "spleen", "mean": 1.0, "sd": 0.1}]}})");
  const Outcome outcome = run({"--estimate", write("t.csv", kTable), "--inputs", "spleen=SLR",
                               "--federated", statistics, "--out", pathOf("c.json"), "--json"});
  ASSERT_EQ(outcome.code, kExitOk) << outcome.out << outcome.err;
  const auto parameters = outcome.json()["parameters"];
  EXPECT_EQ(parameters["inputs"][0]["mean"], 1.0);
  // Mean of A is 0.85: 1.5 deviations below that of the consortium.
  EXPECT_NEAR(parameters["scanners"][0]["inputs"]["SLR"]["rawShift"].get<double>(), -1.5, 1e-9);
}

TEST_F(HarmoniseCommand, NamesTheCellAndTheColumnThatCannotBeUsed) {
  const auto table = write("t.csv", "scanner,tmtv\nA,10\nA,a lot\nB,1\nB,2\n");
  const auto refusedWith = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"--estimate", table, "--out", pathOf("c.json")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, kExitRefused);
    return outcome.err;
  };
  EXPECT_THAT(refusedWith({"--inputs", "tmtv"}), HasSubstr("line 3, column \"tmtv\": \"a lot\""));
  EXPECT_THAT(refusedWith({"--inputs", "volume"}), HasSubstr("no whole-body quantity"));
  EXPECT_THAT(refusedWith({"--inputs", "slr"}), HasSubstr("slr"));
  EXPECT_THAT(refusedWith({"--inputs", "tmtv", "--covariates", "shoe"}), HasSubstr("no covariate"));
  EXPECT_EQ(run({"--estimate", table, "--inputs", "tmtv"}).code, kExitUsage);
  EXPECT_EQ(run({}).code, kExitUsage);
}

}  // namespace
}  // namespace fedpet::plugin
