// Labels out of a server that validates what it holds, in its various abilities; and out of small
// servers that answer what no server should.
#include "fhir/auth/BackendServices.h"
#include "fhir/labels/Derivation.h"
#include "fhir/labels/FactsReader.h"
#include "tests/fhir/CohortServer.h"
#include "tests/fhir/SigningKeys.h"
#include "tests/support/LoopbackServer.h"
#include "tests/support/TemporaryDirectory.h"
#include "tests/support/ehr/TestEhr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

namespace fedpet::fhir {
namespace {

using namespace fedpet::testing;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;

struct Silent : ReadingObserver {
  std::size_t last = 0;
  void onPatients(std::size_t done, std::size_t) override { last = done; }
};

FactsOptions optionsFor(const std::string& url) {
  FactsOptions options;
  options.server.baseUrl = url;
  options.server.wait = [](std::chrono::milliseconds, const std::stop_token&) {};
  options.identifierSystem = kSystem;
  options.today = *dayOf("2026-11-01");
  options.patientsPerSearch = 4;
  return options;
}

ReadFacts read(const FactsOptions& options, const std::vector<std::string>& ids) {
  std::vector<ListedPatient> listed;
  for (const std::string& id : ids) listed.push_back({id, "S-" + id, "", std::nullopt});
  Silent observer;
  return readFacts(options, CodeTable{}, listed, observer);
}

PatientLabels derived(const PatientFacts& facts) {
  LabelRules rules;
  rules.dataCutOff = *dayOf("2026-11-01");
  return deriveLabels(facts, rules);
}

// Ten patients: even ones progress after 90 days, odd ones are stable after 200.
HospitalBuilder tenPatients() {
  HospitalBuilder hospital;
  for (int i = 0; i < 10; ++i) {
    hospital.patient("P" + std::to_string(i), i % 2 == 0 ? 90 : 200, i % 2 == 0);
    hospital.ldh("2025-01-05", 300 + i, 250)
        .measured("751-8", "2025-01-05", 6, "10*9/L")
        .measured("731-0", "2025-01-05", 1.5, "10*9/L");
    hospital.measured("1751-7", "2025-01-05", 38, "g/L").encounter("2025-12-01");
  }
  return hospital;
}
const std::vector<std::string> kTen{"P0", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"};

void expectTen(const ReadFacts& result) {
  ASSERT_EQ(result.patients.size(), 10U);
  for (int i = 0; i < 10; ++i) {
    const PatientFacts& facts = result.patients[static_cast<std::size_t>(i)];
    const PatientLabels labels = derived(facts);
    EXPECT_TRUE(labels.excluded.empty())
        << i << (labels.excluded.empty() ? "" : labels.excluded[0]);
    EXPECT_EQ(labels.subjectId, "S-P" + std::to_string(i));
    EXPECT_EQ(labels.durableClinicalBenefit, i % 2 == 1) << i;
    ASSERT_TRUE(labels.progressionFreeSurvival) << i;
    EXPECT_NEAR(labels.progressionFreeSurvival->months, (i % 2 == 0 ? 90 : 200) / 30.4375, 1e-9);
    EXPECT_NEAR(labels.overallSurvival.value().months, 325 / 30.4375, 1e-9) << "2025-12-01";
    EXPECT_NEAR(labels.baseline.ldhPerUln.value_or(0), (300 + i) / 250.0, 1e-12);
    EXPECT_NEAR(labels.baseline.nlr.value_or(0), 4, 1e-12);
    EXPECT_NEAR(labels.baseline.albuminGPerDl.value_or(0), 3.8, 1e-12);
    EXPECT_EQ(facts.readings.size(), 1U) << "nothing is read twice";
  }
}

class TestEhrLabels : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = TestEhr::whyNot(); !why.empty()) GTEST_SKIP() << why;
  }
  std::vector<std::string> holding(const HospitalBuilder& hospital,
                                   std::vector<std::string> more = {}) {
    const auto path = folder_.path() / "hospital.json";
    std::ofstream(path) << hospital.json();
    more.insert(more.begin(), {"--load", path.string()});
    return more;
  }
  TemporaryDirectory folder_;
};

TEST_F(TestEhrLabels, AreReadFromSmallPages) {
  const TestEhr ehr(holding(tenPatients(), {"--page", "3"}));
  expectTen(read(optionsFor(ehr.url()), kTen));
}

TEST_F(TestEhrLabels, AreReadThoughTheServerIsBusyNowAndThen) {
  const TestEhr ehr(holding(tenPatients(), {"--page", "7", "--busy-every", "3"}));
  expectTen(read(optionsFor(ehr.url()), kTen));
}

TEST_F(TestEhrLabels, NeedNoMoreThanThreeRequestsAPatient) {
  const TestEhr ehr(holding(tenPatients()));
  auto options = optionsFor(ehr.url());
  options.patientsPerSearch = 20;
  const ReadFacts result = read(options, kTen);
  expectTen(result);
  EXPECT_LE(result.requests, 30U);
  EXPECT_LE(result.requests, 11U)
      << "1 for metadata, 1 for patients, 8 for their records, 1 to spare";
}

TEST_F(TestEhrLabels, AreReadOnePatientAtATimeWhereTheServerWantsThat) {
  const TestEhr ehr(holding(tenPatients(), {"--one-patient"}));
  const ReadFacts result = read(optionsFor(ehr.url()), kTen);
  expectTen(result);
  EXPECT_THAT(result.remarks, Contains(HasSubstr("one patient at a time")));
}

TEST_F(TestEhrLabels, AreReadByChainedSearchWhereTheServerCan) {
  const TestEhr ehr(holding(tenPatients(), {"--chained"}));
  auto options = optionsFor(ehr.url());
  options.chained = true;
  const ReadFacts result = read(options, kTen);
  expectTen(result);
  EXPECT_TRUE(result.remarks.empty()) << result.remarks[0];
}

TEST_F(TestEhrLabels, FallBackToSeparateSearchesWhereChainedOnesAreRefused) {
  const TestEhr ehr(holding(tenPatients()));
  auto options = optionsFor(ehr.url());
  options.chained = true;
  const ReadFacts result = read(options, kTen);
  expectTen(result);
  EXPECT_THAT(result.remarks, Contains(HasSubstr("asked by ids")));
}

TEST_F(TestEhrLabels, AreReadThoughTheTokenExpiresOnTheWay) {
  const SigningKey key = SigningKey::fromPemFile(newEcKey(folder_.path()));
  const auto jwks = folder_.path() / "jwks.json";
  std::ofstream(jwks) << key.jwks();
  const TestEhr ehr(holding(
      tenPatients(), {"--auth", "--jwks", jwks.string(), "--token-life", "1", "--page", "2"}));
  BackendServicesOptions backend;
  backend.fhirBaseUrl = ehr.url();
  backend.clientId = "fedpet-test";
  backend.scopes = {"system/*.rs"};
  // The client's clock stands still: every expiry comes as a 401.
  backend.now = [now = std::chrono::system_clock::now()] { return now; };
  auto options = optionsFor(ehr.url());
  options.server.tokens = std::make_shared<BackendServices>(backend, key);
  options.concurrency = 2;
  options.patientsPerSearch = 1;
  expectTen(read(options, kTen));
}

TEST_F(TestEhrLabels, StopAtAServerThatLetsNobodyIn) {
  const TestEhr ehr(holding(tenPatients(), {"--auth", "--jwks", "/dev/null"}));
  const ReadFacts result = read(optionsFor(ehr.url()), kTen);
  ASSERT_TRUE(result.refused);
  EXPECT_LT(result.requests, 12U) << "no storm of requests";
  for (const auto& facts : result.patients) EXPECT_FALSE(facts.unread.empty());
}

TEST_F(TestEhrLabels, NameThePatientWhoIsNotThereOrTwice) {
  auto hospital = tenPatients();
  hospital.resource({{"resourceType", "Patient"},
                     {"id", "twin"},
                     {"identifier", {{{"system", kSystem}, {"value", "P1"}}}}});
  hospital.resource({{"resourceType", "Patient"},
                     {"id", "other"},
                     {"identifier", {{{"system", "urn:else"}, {"value", "P77"}}}}});
  const TestEhr ehr(holding(hospital));
  const ReadFacts result = read(optionsFor(ehr.url()), {"P0", "P1", "P77"});
  EXPECT_TRUE(result.patients[0].unread.empty());
  EXPECT_THAT(result.patients[1].unread, Contains(HasSubstr("several patients")));
  EXPECT_THAT(result.patients[2].unread, Contains(HasSubstr("no patient")));
}

TEST_F(TestEhrLabels, FollowAMedicationThatIsPointedAt) {
  HospitalBuilder hospital;
  hospital.patient("P0", 90, true);
  hospital.resource({{"resourceType", "Medication"},
                     {"id", "m1"},
                     {"code", HospitalBuilder::code("http://www.whocc.no/atc", "L01FF01")}});
  hospital.resource({{"resourceType", "MedicationAdministration"},
                     {"id", "first"},
                     {"status", "completed"},
                     {"subject", hospital.subject()},
                     {"medicationReference", {{"reference", "Medication/m1"}}},
                     {"effectiveDateTime", "2025-01-02"}});
  const TestEhr ehr(holding(hospital));
  const auto labels = derived(read(optionsFor(ehr.url()), {"P0"}).patients[0]);
  EXPECT_EQ(toText(labels.treatmentStart.value()), "2025-01-02");
  EXPECT_EQ(labels.drug, "nivolumab");
}

// --- small servers -------------------------------------------------------------------------------

json bundleOf(const std::vector<json>& resources) {
  json bundle{{"resourceType", "Bundle"}, {"type", "searchset"}, {"entry", json::array()}};
  for (const json& resource : resources) bundle["entry"].push_back({{"resource", resource}});
  return bundle;
}
json patientP(const std::string& id) {
  return {{"resourceType", "Patient"},
          {"id", id},
          {"identifier", {{{"system", kSystem}, {"value", id}}}}};
}
json treatmentOf(const std::string& id) {
  return {
      {"resourceType", "MedicationAdministration"},
      {"id", "m-" + id},
      {"status", "completed"},
      {"medicationCodeableConcept", HospitalBuilder::code("http://www.whocc.no/atc", "L01FF02")},
      {"subject", {{"reference", "Patient/" + id}}},
      {"effectiveDateTime", "2025-01-10"}};
}

TEST(LabelsFromAStrangeServer, DropRecordsOfPatientsWhoWereNotAskedFor) {
  LoopbackServer server([](const net::HttpRequest& request) {
    if (request.target.find("/Patient?") != std::string::npos)
      return Answer{.body = bundleOf({patientP("P0")}).dump()};
    if (request.target.find("/MedicationAdministration?") != std::string::npos)
      return Answer{.body = bundleOf({treatmentOf("P9"), treatmentOf("P0")}).dump()};
    return Answer{.body = bundleOf({}).dump()};
  });
  const ReadFacts result = read(optionsFor(server.url("/fhir")), {"P0"});
  EXPECT_EQ(result.patients[0].immunotherapy.size(), 1U);
  EXPECT_THAT(result.remarks, Contains(HasSubstr("not asked for")));
}

TEST(LabelsFromAStrangeServer, DeriveNothingWhenASearchDoesNotEnd) {
  LoopbackServer server([](const net::HttpRequest& request) {
    if (request.target.find("/Patient?") != std::string::npos)
      return Answer{.body = bundleOf({patientP("P0"), patientP("P1")}).dump()};
    // The records of P1 never end; those of P0 do.
    if (request.target.find("/Observation?") != std::string::npos &&
        request.target.find("P1") != std::string::npos) {
      json endless = bundleOf({});
      endless["link"] = {{{"relation", "next"}, {"url", request.target + "x"}}};
      return Answer{.body = endless.dump()};
    }
    if (request.target.find("/MedicationAdministration?") != std::string::npos)
      return Answer{.body = bundleOf({treatmentOf("P0"), treatmentOf("P1")}).dump()};
    return Answer{.body = bundleOf({}).dump()};
  });
  auto options = optionsFor(server.url("/fhir"));
  options.server.limits.pages = 5;
  const ReadFacts result = read(options, {"P0", "P1"});
  EXPECT_TRUE(result.patients[0].unread.empty()) << "one patient must not spoil the other";
  EXPECT_THAT(result.patients[1].unread, Contains(HasSubstr("pages")));
  EXPECT_TRUE(derived(result.patients[0]).treatmentStart);
  EXPECT_FALSE(derived(result.patients[1]).treatmentStart);
}

TEST(LabelsFromAStrangeServer, NoticeThatTheServerIgnoredThePatient) {
  LoopbackServer server([](const net::HttpRequest& request) {
    if (request.target.find("/Patient?") != std::string::npos)
      return Answer{.body = bundleOf({patientP("P0")}).dump()};
    json all = bundleOf({treatmentOf("P0")});
    all["link"] = {{{"relation", "self"}, {"url", "http://x/fhir/Observation?_count=200"}}};
    return Answer{.body = all.dump()};
  });
  const ReadFacts result = read(optionsFor(server.url("/fhir")), {"P0"});
  EXPECT_THAT(result.patients[0].unread, Contains(HasSubstr("ignored \"patient\"")));
}

TEST(LabelsFromAStrangeServer, AskOnlyForWhatTheServerSaysItHas) {
  LoopbackServer server([](const net::HttpRequest& request) {
    if (request.target == "/fhir/metadata") {
      json statement{{"resourceType", "CapabilityStatement"},
                     {"rest", {{{"resource", json::array()}}}}};
      for (const char* type : {"Patient", "Observation", "MedicationRequest", "Encounter"})
        statement["rest"][0]["resource"].push_back(
            {{"type", type},
             {"searchParam",
              {{{"name", type == std::string("Encounter") ? "subject" : "patient"}}}}});
      return Answer{.body = statement.dump()};
    }
    if (request.target.find("/Patient?") != std::string::npos)
      return Answer{.body = bundleOf({patientP("P0")}).dump()};
    return Answer{.body = bundleOf({}).dump()};
  });
  const ReadFacts result = read(optionsFor(server.url("/fhir")), {"P0"});
  EXPECT_TRUE(result.patients[0].unread.empty());
  EXPECT_EQ(result.requests, 5U);
  EXPECT_THAT(result.remarks, Contains(HasSubstr("MedicationAdministration: the server has none")));
  bool bySubject = false;
  for (const auto& request : server.requests())
    bySubject = bySubject || request.target.starts_with("/fhir/Encounter?subject=");
  EXPECT_TRUE(bySubject);
}

TEST(LabelsFromAStrangeServer, EscapeAnIdentifierThatLooksLikeSyntax) {
  LoopbackServer server({Answer{.body = bundleOf({}).dump()}});
  read(optionsFor(server.url("/fhir")), {"A,B|C$"});
  bool seen = false;
  for (const auto& request : server.requests())
    seen = seen || request.target.find(net::percentEncode("A\\,B\\|C\\$")) != std::string::npos;
  EXPECT_TRUE(seen);
}

// A server that answers at once what its index says, so that the reader is what is measured.
class IndexedServer {
 public:
  explicit IndexedServer(const HospitalBuilder& hospital)
      : server_([this](const net::HttpRequest& request) { return answer(request.target); }) {
    for (const json& resource : json::parse(hospital.json())) {
      const bool isPatient = resource["resourceType"] == "Patient";
      const std::string owner = isPatient
                                    ? resource["id"].get<std::string>()
                                    : resource["subject"]["reference"].get<std::string>().substr(8);
      index_[{resource["resourceType"], owner}].push_back(resource.dump());
    }
  }
  std::string url() const { return server_.url("/fhir"); }
  int mostAtOnce() const { return mostAtOnce_; }

 private:
  static std::string decoded(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        out += text[i];
        continue;
      }
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
    return out;
  }

  Answer answer(const std::string& target) {
    const int now = ++atOnce_;
    int most = mostAtOnce_;
    while (now > most && !mostAtOnce_.compare_exchange_weak(most, now)) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{5});  // a network between us
    const std::string type = target.substr(6, target.find('?') - 6);
    std::istringstream values(
        decoded(target.substr(target.find('=') + 1, target.find('&') - target.find('=') - 1)));
    std::string entries;
    for (std::string value; std::getline(values, value, ',');) {
      const std::string owner = value.substr(value.find_last_of("|/") + 1);
      const auto found = index_.find({type, owner});
      if (found == index_.end()) continue;
      for (const std::string& resource : found->second)
        entries += (entries.empty() ? "" : ",") + ("{\"resource\":" + resource + "}");
    }
    --atOnce_;
    return {.body =
                "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"entry\":[" + entries + "]}"};
  }

  std::map<std::pair<std::string, std::string>, std::vector<std::string>> index_;
  std::atomic<int> atOnce_{0}, mostAtOnce_{0};
  LoopbackServer server_;
};

TEST(LabelsOfAThousandPatients, ComeInFewRequestsSeveralAtATime) {
  HospitalBuilder hospital;
  std::vector<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    ids.push_back("P" + std::to_string(i));
    hospital.patient(ids.back(), 90 + i % 200, i % 3 == 0);
    hospital.ldh("2025-01-05", 300, 250).measured("751-8", "2025-01-05", 6, "10*9/L");
    hospital.measured("731-0", "2025-01-05", 1.5, "10*9/L")
        .measured("6690-2", "2025-01-05", 9, "10*9/L");
    hospital.measured("1751-7", "2025-01-05", 38, "g/L").measured("83053-9", "2025-01-05", 60, "%");
    hospital.encounter("2025-12-01");
  }
  ASSERT_EQ(hospital.size(), 10'000U);
  const IndexedServer server(hospital);
  auto options = optionsFor(server.url());
  options.patientsPerSearch = 20;
  options.concurrency = 4;
  const auto start = std::chrono::steady_clock::now();
  const ReadFacts result = read(options, ids);
  const auto read = std::chrono::steady_clock::now();
  std::size_t complete = 0;
  for (const auto& facts : result.patients)
    complete += derived(facts).progressionFreeSurvival.has_value();
  const auto end = std::chrono::steady_clock::now();
  EXPECT_EQ(complete, 1000U);
  EXPECT_LE(result.requests, 3000U);
  EXPECT_EQ(result.requests, 1 + 50 * 9U) << "metadata, and nine searches for each of fifty groups";
  EXPECT_GT(server.mostAtOnce(), 1);
  EXPECT_LE(server.mostAtOnce(), 4);
  const auto seconds = [](auto duration) {
    return std::chrono::duration<double>(duration).count();
  };
  std::printf(
      "1000 patients, 10000 resources, 5 ms a request: read in %.2f s (%zu requests), derived in "
      "%.3f s\n",
      seconds(read - start), result.requests, seconds(end - read));
}

}  // namespace
}  // namespace fedpet::fhir
