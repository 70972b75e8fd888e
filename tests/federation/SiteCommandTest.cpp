// `fedpet site` and `fedpet audit` as a person calls them.
#include "tests/federation/SiteConsortium.h"
#include "tests/support/TemporaryDirectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace fedpet::federation::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kProgram = FEDPET_BINARY_DIR "/bin/fedpet";

struct Outcome {
  int exitCode = -1;
  std::string output;
  json parsed() const { return json::parse(output, nullptr, false); }
};

Outcome call(const std::string& arguments) {
  Outcome answer;
  FILE* pipe = popen((std::string("'") + kProgram + "' " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return answer;
  char buffer[4096];
  for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    answer.output.append(buffer, n);
  answer.exitCode = WEXITSTATUS(pclose(pipe));
  return answer;
}

class SiteCommand : public ::testing::Test {
 protected:
  SiteConsortium world;
  SiteCommand() {
    world.settings.pollInterval = 0s;
    world.beginAgainNow();
  }
  fs::path dir(int number) const { return world.root / ("site-" + std::to_string(number)); }
  std::string at(int number) const { return " --dir '" + dir(number).string() + "' "; }
  Outcome enrol(int number) {
    const auto file = world.root / "invitation";
    std::ofstream(file) << world
                               .adminJson("POST", "sites",
                                          json{{"id", "h" + std::to_string(number)}}.dump())
                               .at("invitation")
                               .get<std::string>()
                        << "\n";
    return call("site enrol" + at(number) + "--invitation '" + file.string() + "'");
  }
  fs::path table(int number) {
    const auto file = world.root / ("table-" + std::to_string(number) + ".csv");
    const Cohort cohort = someCohort(smallPlan(Masking::Ring64, 3), static_cast<unsigned>(number));
    std::ofstream csv(file);
    csv << "age,response\n";
    for (std::size_t row = 0; row < cohort.rows; ++row)
      csv << cohort.at(row, 0) << "," << cohort.label[row] << "\n";
    return file;
  }
  void allow(int number, const std::string& policy) {
    std::ofstream(dir(number) / "policy.json") << policy;
  }
  pid_t runInBackground(int number) {
    const std::string folder = dir(number).string(), csv = table(number).string();
    const pid_t child = fork();
    if (child == 0) {
      (void)freopen("/dev/null", "w", stderr);
      execl(kProgram, kProgram, "site", "run", "--dir", folder.c_str(), "--csv", csv.c_str(),
            nullptr);
      _exit(127);
    }
    return child;
  }
};

TEST_F(SiteCommand, TakesAHospitalThroughAWholePlan) {
  for (int n = 1; n <= 3; ++n) {
    const Outcome answer = enrol(n);
    ASSERT_EQ(answer.exitCode, 0) << answer.output;
    EXPECT_THAT(answer.output, HasSubstr("policy.json"));
    allow(n, R"({"minimumPatients": 1})");
  }
  Plan plan = smallPlan(Masking::Ring64, 3);
  plan.task = TaskKind::Train;
  plan.training.rounds = 1;
  const std::string hash = world.propose(plan);
  for (int n = 1; n <= 3; ++n) {
    EXPECT_EQ(call("site run --once" + at(n) + "--csv '" + table(n).string() + "'").exitCode, 0);
    const Outcome plans = call("site plans" + at(n));
    EXPECT_THAT(plans.output, HasSubstr(hash));
    EXPECT_THAT(plans.output, HasSubstr("waits for a decision"));
    const Outcome approved =
        call("site approve" + at(n) + hash + " --by 'Dr A' --reason 'vote 12'");
    EXPECT_EQ(approved.exitCode, 0) << approved.output;
  }
  const Outcome again = call("site reject" + at(1) + hash + " --by 'Dr B'");
  EXPECT_EQ(again.exitCode, 3);
  EXPECT_THAT(again.output, HasSubstr("decided already"));

  std::vector<pid_t> programs;
  for (int n = 1; n <= 3; ++n) programs.push_back(runInBackground(n));
  bool started = false;
  for (int i = 0; i < 6000 && world.status(hash) != "finished"; ++i) {
    if (!started && world.planFacts(hash).at("decisions").size() == 3) {
      world.start(hash);
      started = true;
    }
    world.coordinator->tick();
    usleep(50'000);
  }
  EXPECT_EQ(world.status(hash), "finished") << world.planFacts(hash).at("reason") << world.log;
  for (const pid_t program : programs) {
    kill(program, SIGTERM);
    int status = -1;
    EXPECT_EQ(waitpid(program, &status, 0), program);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }

  const json status = call("site status --json" + at(1)).parsed();
  EXPECT_EQ(status.at("site"), "h1");
  EXPECT_EQ(status.at("lastProblem"), "");
  EXPECT_EQ(status.at("plans").at(0).at("decision").at("by"), "Dr A");
  EXPECT_THAT(status.at("rounds").back().get<std::string>(), HasSubstr("done"));

  // The two logs agree; and no longer when one of them is altered.
  const auto ours = world.root / "site.log", theirs = world.root / "coordinator.log";
  EXPECT_EQ(call("site audit" + at(1) + "--out '" + ours.string() + "'").exitCode, 0);
  std::ofstream(theirs) << world.auditText();
  const std::string both =
      "audit verify '" + theirs.string() + "' --against '" + ours.string() + "' --site h1";
  const Outcome agreed = call(both);
  EXPECT_EQ(agreed.exitCode, 0) << agreed.output;
  EXPECT_THAT(agreed.output, HasSubstr("tell the same"));
  EXPECT_EQ(
      call("audit verify '" + ours.string() + "' --against '" + theirs.string() + "'").exitCode, 0);
  EXPECT_EQ(
      call("audit verify '" + ours.string() + "' --against '" + theirs.string() + "' --site h2")
          .exitCode,
      4);
  std::ifstream file(ours);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  text.replace(text.find("Dr A"), 4, "Dr X");
  std::ofstream(ours) << text;
  const Outcome broken = call(both + " --json");
  EXPECT_EQ(broken.exitCode, 4);
  EXPECT_EQ(broken.parsed().at("intact"), false);
  EXPECT_EQ(broken.parsed().at("logs").at(0).at("intact"), true);
  EXPECT_THAT(broken.parsed().at("logs").at(1).at("problem").get<std::string>(),
              HasSubstr("altered"));
}

TEST_F(SiteCommand, SaysWhatThePolicyForbidsAndDoesNotApproveIt) {
  ASSERT_EQ(enrol(1).exitCode, 0);
  allow(1, R"({"allowedPurposes": ["quality"]})");
  const std::string hash = world.propose(smallPlan(Masking::Ring64, 3));
  EXPECT_EQ(call("site run --once" + at(1) + "--csv '" + table(1).string() + "'").exitCode, 0);
  const Outcome refused = call("site approve" + at(1) + hash + " --by 'Dr A' --json");
  EXPECT_EQ(refused.exitCode, 3);
  EXPECT_THAT(refused.parsed().at("reason").get<std::string>(), HasSubstr("research"));
  EXPECT_EQ(call("site plans --json" + at(1) + hash).parsed().at("plan").at("title"),
            "Does age matter?");
}

TEST_F(SiteCommand, FailsWithASentenceForAnotherFolderPolicyOrInvitation) {
  const Outcome nowhere = call("site status --dir '" + (world.root / "nowhere").string() + "'");
  EXPECT_EQ(nowhere.exitCode, 1);
  EXPECT_THAT(nowhere.output, HasSubstr("fedpet site enrol"));
  EXPECT_FALSE(fs::exists(world.root / "nowhere"));
  const Outcome text = call("site enrol" + at(1) + "--invitation fedpet-invitation:AAAA");
  EXPECT_EQ(text.exitCode, 1);
  EXPECT_THAT(text.output, Not(HasSubstr("terminate")));
  ASSERT_EQ(enrol(1).exitCode, 0);
  allow(1, R"({"maximumEpsilom": 3})");
  const Outcome policy = call("site status" + at(1));
  EXPECT_EQ(policy.exitCode, 1);
  EXPECT_THAT(policy.output, HasSubstr("maximumEpsilom"));
  EXPECT_EQ(call("audit verify '" + (world.root / "absent").string() + "'").exitCode, 1);
  EXPECT_EQ(call("site approve").exitCode, 2);
}

TEST_F(SiteCommand, TellsAnotherProgramWhatWentWrongInTheRunningOne) {
  ASSERT_EQ(enrol(1).exitCode, 0);
  world.adminJson("POST", "sites/h1/revocation", "{}");
  const Outcome once = call("site run --once" + at(1) + "--csv '" + table(1).string() + "'");
  EXPECT_EQ(once.exitCode, 1);
  EXPECT_THAT(once.output, HasSubstr("new invitation"));
  EXPECT_THAT(call("site status" + at(1)).output, HasSubstr("new invitation"));
}

}  // namespace
}  // namespace fedpet::federation::testing
