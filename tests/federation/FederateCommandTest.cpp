// The command as a person calls it: exit codes, JSON, and what is left behind.
#include "tests/support/TemporaryDirectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Answer {
  int exitCode = -1;
  std::string output;
};

class FederateCommand : public ::testing::Test {
 protected:
  FederateCommand() { fs::create_directories(folder_ / "tmp"); }

  fs::path table(const std::string& text) const {
    std::ofstream(folder_ / "table.csv") << text;
    return folder_ / "table.csv";
  }
  // Three sites, x tells the outcome.
  static std::string goodTable() {
    std::string csv = "site;x;colour;y\n";
    for (int i = 0; i < 90; ++i)
      csv += std::string(1, static_cast<char>('A' + i % 3)) + ';' + std::to_string(i % 7) + ",5;" +
             (i % 2 == 0 ? "red" : "blue") + ';' + (i % 7 + i % 2 > 3 ? "1" : "0") + '\n';
    return csv;
  }
  Answer run(const std::string& arguments, const std::string& wrapper = "") const {
    const std::string command = "TMPDIR='" + (folder_ / "tmp").string() + "' " + wrapper +
                                "'" FEDPET_BINARY_DIR "/bin/fedpet' federate --csv '" +
                                (folder_ / "table.csv").string() + "' " + arguments + " 2>&1";
    Answer answer;
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return answer;
    char buffer[4096];
    for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
      answer.output.append(buffer, n);
    answer.exitCode = WEXITSTATUS(pclose(pipe));
    EXPECT_TRUE(fs::is_empty(folder_ / "tmp")) << "something was left behind";
    return answer;
  }

  const fedpet::testing::TemporaryDirectory temporary_;
  const fs::path& folder_ = temporary_.path();
};

constexpr const char* kUsual =
    "--site-column site --endpoint binary:y --features '*' --bootstrap 20 ";

TEST_F(FederateCommand, PrintsJsonAsDocumented) {
  table(goodTable());
  const Answer answer = run(std::string(kUsual) + "--rounds 3 --secure --json --keep '" +
                            (folder_ / "kept").string() + "'");
  ASSERT_EQ(answer.exitCode, 0) << answer.output;
  const auto json = nlohmann::json::parse(answer.output);
  EXPECT_EQ(json["metric"], "auc");
  EXPECT_EQ(json["sites"].size(), 3U);
  EXPECT_GT(json["all"]["federated"]["value"].get<double>(), 0.8);
  EXPECT_TRUE(json["all"]["pooled"]["value"].is_number());
  EXPECT_EQ(json["rounds"].size(), 5U) << "two to standardise, three to train";
  EXPECT_GT(json["sentBytesPerSiteAndRound"], 0);
  EXPECT_EQ(json["plan"]["masking"], "ring64");
  EXPECT_EQ(json["plan"]["features"][1]["categories"], nlohmann::json({"blue", "red"}));
  EXPECT_TRUE(json["privacy"].is_null());
  // x, colour=blue, colour=red and the bias
  EXPECT_EQ(json["model"]["parameters"].size(), 4U);
  EXPECT_TRUE(fs::exists(folder_ / "kept" / "coordinator" / "ca.pem"));
}

TEST_F(FederateCommand, PrintsATableForPeople) {
  table(goodTable());
  const Answer answer = run(std::string(kUsual) + "--rounds 3 --no-baselines");
  ASSERT_EQ(answer.exitCode, 0) << answer.output;
  EXPECT_THAT(answer.output, HasSubstr("AUC on the test rows"));
  EXPECT_THAT(answer.output, HasSubstr("all sites"));
  EXPECT_THAT(answer.output, HasSubstr("drawn with seed 1"));
}

TEST_F(FederateCommand, RefusesABadTableWithTheReason) {
  table("site,x,y\nA,1,2\n");
  const Answer answer = run(kUsual);
  EXPECT_EQ(answer.exitCode, 3);
  EXPECT_THAT(answer.output, HasSubstr("column \"y\", line 2: \"2\" is neither 0 nor 1"));

  table("site,x,y\nA,1,1\n");
  const Answer json = run("--site-column hospital --endpoint binary:y --features x --json");
  EXPECT_EQ(json.exitCode, 3);
  EXPECT_THAT(nlohmann::json::parse(json.output)["reasons"][0].get<std::string>(),
              HasSubstr("no column \"hospital\""));
}

TEST_F(FederateCommand, LeavesNothingBehindWhenItIsInterrupted) {
  table(goodTable());
  // What comes last wins; `timeout` sends the signal and ends with the command's own exit code.
  const Answer answer =
      run(std::string(kUsual) + "--rounds 100000", "timeout --preserve-status -s INT 4 ");
  EXPECT_EQ(answer.exitCode, 1) << answer.output;
  EXPECT_THAT(answer.output, HasSubstr("Stopped."));
}

TEST_F(FederateCommand, RefusesWhatContradictsItself) {
  table(goodTable());
  const Answer answer = run(std::string(kUsual) + "--dp epsilon=1,delta=1e-3,distributed");
  EXPECT_EQ(answer.exitCode, 3);
  EXPECT_THAT(answer.output, HasSubstr("needs --secure"));
}

TEST_F(FederateCommand, TellsWrongUsageFromABadTable) {
  table(goodTable());
  EXPECT_EQ(run("--site-column site --endpoint binary --features x").exitCode, 2);
  EXPECT_EQ(run(std::string(kUsual) + "--dp epsilon=0,delta=1").exitCode, 2);
  EXPECT_EQ(run(std::string(kUsual) + "--architecture mlp:").exitCode, 2);
  EXPECT_EQ(run(std::string(kUsual) + "--strategy fedsomething").exitCode, 2);
}

}  // namespace
