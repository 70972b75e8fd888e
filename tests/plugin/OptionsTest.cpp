#include "orthanc-plugin/Options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace fedpet::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Options, AreTheDefaultsWithoutASection) {
  const auto parsed = parseOptions(R"({"Name": "PACS", "HttpPort": 8099})");
  EXPECT_THAT(parsed.errors, IsEmpty());
  EXPECT_THAT(parsed.unknownKeys, IsEmpty());
  EXPECT_TRUE(parsed.options.enable);
  EXPECT_EQ(parsed.options.worker.count, 1);
  EXPECT_EQ(parsed.orthanc.httpPort, 8099);
  EXPECT_EQ(parsed.orthanc.stableAge, Seconds(60));
}

TEST(Options, NameAnUnknownKeyByItsWholePath) {
  const auto parsed = parseOptions(
      R"({"FedPet": {"Worker": {"Cuont": 2}, "Enabel": true, "Fhir": {"IssuerSystems": {"A": "urn:a"}}}})");
  EXPECT_THAT(parsed.unknownKeys, ElementsAre("FedPet.Enabel", "FedPet.Worker.Cuont"));
  EXPECT_EQ(parsed.options.fhir.issuerSystems.at("A"), "urn:a") << "a map's keys are the site's";
}

struct WrongValue {
  const char* section;
  const char* complaint;
};

class WrongOptions : public ::testing::TestWithParam<WrongValue> {};

TEST_P(WrongOptions, AreNamedWithWhatWasExpected) {
  const auto parsed = parseOptions(std::string(R"({"FedPet": )") + GetParam().section + "}");
  ASSERT_EQ(parsed.errors.size(), 1u);
  EXPECT_THAT(parsed.errors.front(), HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    EachKind, WrongOptions,
    ::testing::Values(
        WrongValue{R"({"Worker": {"Count": "two"}})", "FedPet.Worker.Count: expected an integer"},
        WrongValue{R"({"Worker": {"Count": 1.5}})", "FedPet.Worker.Count"},
        WrongValue{R"({"Worker": {"Count": -1}})", "0 to 64"},
        WrongValue{R"({"Worker": {"MemoryLimit": 99999999999}})", "FedPet.Worker.MemoryLimit"},
        WrongValue{R"({"Worker": 7})", "FedPet.Worker: expected an object"},
        WrongValue{R"({"Enable": "true"})", "FedPet.Enable: expected true or false"},
        WrongValue{R"({"LesionRule": "SUV5"})", "\"41%SUVmax\""},
        WrongValue{R"({"Eligibility": {"SeriesDescriptionExclude": ["NAC("]}})",
                   "not a regular expression"},
        WrongValue{R"({"Eligibility": {"MinimumBodyCoverage": -3}})", "MinimumBodyCoverage"},
        WrongValue{R"({"Worker": {"StageDeadlines": {"fetch": 0}}})", "StageDeadlines"},
        WrongValue{R"({"Harmonisation": {"Scanners": "s.json", "Target": "EARL-2"}})",
                   "FedPet.Harmonisation.Target: expected one of \"\", \"EARL-1\""},
        WrongValue{R"({"Harmonisation": {"Target": "EARL-1"}})", "need a description of the scanners"},
        WrongValue{R"({"Harmonisation": {"ComBat": "combat.json"}})",
                   "need a description of the scanners"},
        WrongValue{R"([])", "FedPet: expected an object"}));

TEST(Options, NameTheFilesOfHarmonisation) {
  const auto parsed = parseOptions(
      R"({"FedPet": {"Harmonisation": {"Scanners": "s.json", "Target": "EARL-1", "ComBat": "c.json"}}})");
  EXPECT_THAT(parsed.errors, IsEmpty());
  EXPECT_EQ(parsed.options.harmonisation.scanners, "s.json");
  EXPECT_EQ(parsed.options.harmonisation.target, "EARL-1");
  EXPECT_EQ(parsed.options.harmonisation.combat, "c.json");
}

TEST(Options, SurviveAConfigurationThatIsNoObject) {
  EXPECT_EQ(parseOptions("[1, 2").errors.size(), 1u);
}

TEST(Options, RefuseAnOrthancThatWorkersCannotReach) {
  EXPECT_EQ(parseOptions(R"({"HttpServerEnabled": false})").errors.size(), 1u);
  EXPECT_THAT(
      parseOptions(R"({"HttpServerEnabled": false, "FedPet": {"Worker": {"Count": 0}}})").errors,
      IsEmpty());
}

TEST(Options, PutAStagesOwnDeadlineOverTheGeneralOne) {
  const auto parsed = parseOptions(
      R"({"FedPet": {"Worker": {"StageDeadline": 100, "StageDeadlines": {"fetch": 7}}}})");
  EXPECT_EQ(stageDeadline(parsed.options.worker, "fetch"), Seconds(7));
  EXPECT_EQ(stageDeadline(parsed.options.worker, "organs"), Seconds(100));
}

TEST(Options, PutTheDatabaseBesideOrthancsFiles) {
  EXPECT_EQ(databasePath(parseOptions(R"({"StorageDirectory": "/var/pacs"})")),
            "/var/pacs/fedpet.db");
  EXPECT_EQ(databasePath(parseOptions(R"({"FedPet": {"Database": "/data/f.db"}})")), "/data/f.db");
}

TEST(Options, AreWhatTheConfigurationPageSays) {
  const std::string path = std::string(FEDPET_SOURCE_DIR) + "/docs/configuration.md";
  const std::string page = renderConfigurationPage();
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << page;
  std::ostringstream stored;
  stored << std::ifstream(path).rdbuf();
  EXPECT_EQ(stored.str(), page) << "UPDATE_GOLDEN=1 rewrites docs/configuration.md";
}

}  // namespace
}  // namespace fedpet::plugin
