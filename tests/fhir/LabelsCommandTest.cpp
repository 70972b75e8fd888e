// `fedpet labels` from end to end: the test EHR on one side, the cohort table that the trainer
// reads on the other.
#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/training/CsvTable.h"
#include "tests/fhir/CohortServer.h"
#include "tests/fhir/SigningKeys.h"
#include "tests/support/TemporaryDirectory.h"
#include "tests/support/ehr/TestEhr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

namespace fedpet::plugin {
namespace {

using namespace fedpet::testing;
using ::testing::HasSubstr;
using ::testing::Not;

class LabelsCommand : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Exit code; the output is kept in `output_`.
  int run(std::vector<std::string> arguments) {
    CLI::App app{"fedpet"};
    ExitCode exitCode = kExitOk;
    addLabelsCommand(app, exitCode);
    arguments.insert(arguments.begin(), "labels");
    std::reverse(arguments.begin(), arguments.end());
    ::testing::internal::CaptureStdout();
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError&) {
      exitCode = kExitUsage;
    } catch (...) {
      ::testing::internal::GetCapturedStdout();
      throw;
    }
    output_ = ::testing::internal::GetCapturedStdout();
    return exitCode;
  }

  TemporaryDirectory folder_;
  std::string output_;
};

HospitalBuilder twoPatients() {
  HospitalBuilder hospital;
  hospital.patient("HOSPITAL-1", 90, true).ldh("2025-01-05", 500, 250);
  hospital.patient("HOSPITAL-2", 200, false).measured("1751-7", "2025-01-05", 38, "umol/L");
  return hospital;
}

class LabelsCommandAtTheEhr : public LabelsCommand {
 protected:
  void SetUp() override {
    if (const auto why = TestEhr::whyNot(); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_F(LabelsCommandAtTheEhr, WritesTheTableThatTheTrainerReadsWithoutHospitalNumbers) {
  const TestEhr ehr({"--load", file("hospital.json", twoPatients().json())});
  const int exitCode =
      run({"--fhir", ehr.url(), "--cohort",
           file("cohort.csv",
                "patient_id,subject_id,centre,pet_date,tmtv\n"
                "HOSPITAL-1,A1,lyon,2024-12-20,81.5\nHOSPITAL-1,A1,lyon,2025-03-01,12\n"
                "HOSPITAL-2,A2,lyon,2025-01-02,7\n"),
           "--system", kSystem, "--out", path("labels.csv"), "--evidence", path("evidence.json"),
           "--conflicts", path("conflicts.json"), "--data-cutoff", "2026-06-30", "--json"});
  ASSERT_EQ(exitCode, kExitOk) << output_;
  const CsvTable table = readCsv(path("labels.csv"));
  ASSERT_EQ(table.rows.size(), 2U);
  const auto cell = [&](std::size_t row, const char* name) {
    return table.rows[row].cells[table.indexOf(name)];
  };
  EXPECT_EQ(cell(0, "subject_id"), "A1");
  EXPECT_EQ(cell(0, "centre"), "lyon");
  EXPECT_EQ(cell(0, "tmtv"), "81.5") << "the PET before treatment, not the later one";
  EXPECT_EQ(cell(0, "dcb"), "0");
  EXPECT_EQ(cell(0, "pfs_event"), "1");
  EXPECT_EQ(cell(0, "ldh_uln"), "2");
  EXPECT_EQ(cell(1, "dcb"), "1");
  EXPECT_EQ(cell(1, "albumin_g_dl"), "");
  EXPECT_EQ(cell(1, "response_criterion"), "recist");
  EXPECT_THAT(read("labels.csv"), Not(HasSubstr("HOSPITAL")));
  EXPECT_THAT(read("evidence.json"), HasSubstr("\"resource\": \"Observation/HOSPITAL-1-reading\""));
  EXPECT_THAT(read("conflicts.json"), HasSubstr("\"kind\": \"unit\""));
  struct stat status {};
  ASSERT_EQ(::stat(path("evidence.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600) << "it names patients";
  const auto summary = nlohmann::json::parse(output_);
  EXPECT_EQ(summary["rows"], 2);
  EXPECT_EQ(summary["conflicts"]["unit"], 1);
}

TEST_F(LabelsCommandAtTheEhr, GetsInWithAKeyAndIsRefusedWithout) {
  const auto key = newEcKey(folder_.path());
  ASSERT_EQ(run({"--print-jwks", "--key", key.string()}), kExitOk);
  const auto jwks = file("jwks.json", output_);
  const TestEhr ehr(
      {"--load", file("hospital.json", twoPatients().json()), "--auth", "--jwks", jwks});
  const std::vector<std::string> arguments{
      "--fhir",   ehr.url(), "--patients", file("list.txt", "HOSPITAL-1\nHOSPITAL-2,B\n"),
      "--system", kSystem,   "--out",      path("labels.csv"),
      "--json"};
  EXPECT_EQ(run(arguments), kExitRefused);
  EXPECT_FALSE(std::filesystem::exists(path("labels.csv")));
  auto withKey = arguments;
  withKey.insert(withKey.end(), {"--client-id", "fedpet", "--key", key.string()});
  EXPECT_EQ(run(withKey), kExitOk) << output_;
  EXPECT_THAT(read("labels.csv"), HasSubstr("S0001"));
}

TEST_F(LabelsCommandAtTheEhr, RefusesWhenNobodyHasALabel) {
  const TestEhr ehr({"--load", file("hospital.json", twoPatients().json())});
  EXPECT_EQ(run({"--fhir", ehr.url(), "--patients", file("list.txt", "NOBODY\n"), "--system",
                 kSystem, "--out", path("labels.csv")}),
            kExitRefused);
  EXPECT_THAT(output_, HasSubstr("no patient on the server"));
}

TEST_F(LabelsCommand, ChecksATableAndKeepsItsOtherColumns) {
  const auto table = file("own.csv",
                          "subject_id,tmtv,pfs_months,pfs_event,age,dcb\n"
                          "A,10,7.5,0,63,\nB,11,4,0,70,0\nC,12,3,1,640,0\nD,13,,,,1\nD,14,,,,1\n");
  ASSERT_EQ(run({"--csv", table, "--out", path("labels.csv"), "--conflicts", path("conflicts.json"),
                 "--json"}),
            kExitOk);
  const CsvTable out = readCsv(path("labels.csv"));
  ASSERT_EQ(out.rows.size(), 3U) << "D stands twice and enters not at all";
  const auto cell = [&](std::size_t row, const char* name) {
    return out.rows[row].cells[out.indexOf(name)];
  };
  EXPECT_EQ(cell(0, "dcb"), "1");
  EXPECT_EQ(cell(0, "tmtv"), "10");
  EXPECT_EQ(cell(1, "dcb"), "") << "censored at 4 months is no event";
  EXPECT_EQ(cell(2, "age"), "");
  EXPECT_THAT(read("conflicts.json"), HasSubstr("own.csv line 3"));
}

TEST_F(LabelsCommand, RefusesListsThatCannotBeMeant) {
  const auto refused = [&](const std::string& name, const std::string& text, const char* how) {
    return run({"--fhir", "http://127.0.0.1:1/fhir", how, file(name, text), "--system", "urn:s",
                "--out", path("labels.csv")});
  };
  EXPECT_EQ(refused("a.txt", "P1\nP1\n", "--patients"), kExitRefused);
  EXPECT_EQ(refused("b.txt", "", "--patients"), kExitRefused);
  EXPECT_EQ(refused("c.txt", "P1,X\nP2,X\n", "--patients"), kExitRefused);
  EXPECT_EQ(refused("d.csv", "patient_id,dcb\nP1,1\n", "--cohort"), kExitRefused);
  EXPECT_EQ(refused("e.csv", "patient_id,pet_date\nP1,3.2.2025\n", "--cohort"), kExitRefused);
  EXPECT_EQ(run({"--out", path("labels.csv")}), kExitUsage);
  EXPECT_EQ(run({"--csv", file("x.csv", "subject_id\nA\n")}), kExitUsage);
}

TEST_F(LabelsCommand, SendsNoSecretInTheClear) {
  EXPECT_THROW(
      run({"--fhir", "http://ehr.example/fhir", "--patients", file("l.txt", "P1\n"), "--system",
           "urn:s", "--out", path("labels.csv"), "--token-file", file("token", "abc\n")}),
      std::invalid_argument);
}

}  // namespace
}  // namespace fedpet::plugin
