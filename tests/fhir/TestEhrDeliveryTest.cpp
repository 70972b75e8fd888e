// The bundle against a server that validates every write with two validators.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "fhir/EhrClient.h"
#include "fhir/OutboxCourier.h"
#include "fhir/Terminology.h"
#include "fhir/TransactionBundle.h"
#include "net/HttpClient.h"
#include "tests/support/AssessmentBuilder.h"
#include "tests/support/InMemoryOutboxStore.h"
#include "tests/support/ehr/TestEhr.h"

namespace fedpet::fhir {
namespace {

using nlohmann::json;
using fedpet::testing::AssessmentBuilder;
using fedpet::testing::anAssessment;
using fedpet::testing::TestEhr;

constexpr char kSystem[] = "urn:oid:1.2.250.1.999.1";

FhirSite aSite() {
  FhirSite site;
  site.patientIdentifierSystem = kSystem;
  site.organization = "Test hospital, nuclear medicine";
  site.wadoRoot = "https://pacs.example/dicom-web";
  return site;
}

class TestEhrDelivery : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = TestEhr::whyNot(); !why.empty()) GTEST_SKIP() << why;
  }

  static std::string patient(const std::string& id) { return std::string(kSystem) + "|" + id; }

  static DeliveryOutcome deliver(const TestEhr& ehr, const std::string& bundle) {
    EhrOptions options;
    options.baseUrl = ehr.url();
    EhrClient client(std::move(options));
    return client.deliver(bundle, "test-request");
  }

  static void expectDelivered(const DeliveryOutcome& outcome) {
    if (const auto* rejected = std::get_if<Rejected>(&outcome))
      FAIL() << rejected->reason << ": " << rejected->operationOutcome;
    if (const auto* later = std::get_if<RetryLater>(&outcome)) FAIL() << later->reason;
    ASSERT_TRUE(std::holds_alternative<Delivered>(outcome));
  }

  static std::map<std::string, int> typesOf(const TestEhr& ehr) {
    std::map<std::string, int> count;
    for (const auto& resource : json::parse(ehr.accepted()))
      ++count[resource["resourceType"].get<std::string>()];
    return count;
  }
};

TEST_F(TestEhrDelivery, WritesEveryResourceOfACompleteAssessment) {
  TestEhr ehr({"--patient", patient("TEST-0001")});
  FhirSite site = aSite();
  site.lesionGroups = true;
  expectDelivered(deliver(ehr, *transactionBundle(anAssessment().build(), site)));
  const auto types = typesOf(ehr);
  EXPECT_EQ(types.at("Device"), 1);
  EXPECT_EQ(types.at("ImagingStudy"), 1);
  EXPECT_EQ(types.at("DiagnosticReport"), 1);
  EXPECT_EQ(types.at("RiskAssessment"), 1);
  EXPECT_EQ(types.at("Provenance"), 1);
  EXPECT_EQ(types.at("DocumentReference"), 2);  // the SR and the SEG, by their addresses
  // 8 whole-body numbers and their group, 3 predictions, 3 lesions of 5 numbers and a group each.
  EXPECT_EQ(types.at("Observation"), 8 + 1 + 3 + 3 * (5 + 1));
}

TEST_F(TestEhrDelivery, ChangesNothingWhenItIsRepeated) {
  TestEhr ehr({"--patient", patient("TEST-0001")});
  const std::string bundle = *transactionBundle(anAssessment().build(), aSite());
  expectDelivered(deliver(ehr, bundle));
  const auto withoutVersions = [&] {
    json resources = json::parse(ehr.accepted());
    for (auto& resource : resources) {
      resource["meta"].erase("versionId");
      resource["meta"].erase("lastUpdated");
    }
    return resources;
  };
  const json first = withoutVersions();
  for (int repeat = 0; repeat < 2; ++repeat) {
    expectDelivered(deliver(ehr, bundle));
    EXPECT_EQ(withoutVersions(), first) << "repeat " << repeat;
  }
}

TEST_F(TestEhrDelivery, ReplacesTheNumbersOfAnEarlierRun) {
  TestEhr ehr({"--patient", patient("TEST-0001")});
  ResponseAssessment assessment = anAssessment().build();
  expectDelivered(deliver(ehr, *transactionBundle(assessment, aSite())));
  const auto before = typesOf(ehr);
  assessment.wholeBody.front().value = 99.0;
  assessment.assessedAt += std::chrono::hours{1};
  expectDelivered(deliver(ehr, *transactionBundle(assessment, aSite())));
  auto expected = before;
  expected["Provenance"] = 2;  // the second run is a fact of its own
  EXPECT_EQ(typesOf(ehr), expected);
  const json found = json::parse(ehr.get(
      "/fhir/Observation?identifier=urn:dicom:uid%7Curn:oid:" +
      assessment.wholeBody.front().observationUid));
  ASSERT_EQ(found["entry"].size(), 1u);
  EXPECT_EQ(found["entry"][0]["resource"]["valueQuantity"]["value"], 99.0);
}

TEST_F(TestEhrDelivery, AcceptsEveryWayOfRefusal) {
  TestEhr ehr({"--patient", patient("TEST-0001")});
  const auto refusedStudy =
      anAssessment().refused(RefusalCode::WeightMissing, "PatientWeight (0010,1030) is 0").build();
  expectDelivered(deliver(ehr, *transactionBundle(refusedStudy, aSite())));
  expectDelivered(deliver(ehr, *transactionBundle(anAssessment()
                                                      .withLesions(0)
                                                      .withoutOrgan(Organ::Liver)
                                                      .withRefusedPredictions(
                                                          RefusalCode::OutOfDistribution, "TMTV")
                                                      .build(),
                                                  aSite())));
  expectDelivered(deliver(ehr, *transactionBundle(anAssessment().withoutPredictions().build(),
                                                  aSite())));
}

TEST_F(TestEhrDelivery, FindsAPatientWhoseNumberNeedsEncoding) {
  const std::string number = "P 1&x=/?#%+\xc3\xa9";
  TestEhr ehr({"--patient", patient(number)});
  ResponseAssessment assessment = anAssessment().build();
  assessment.series.patient.patientId = number;
  expectDelivered(deliver(ehr, *transactionBundle(assessment, aSite())));
}

TEST_F(TestEhrDelivery, IsRejectedAndLeavesNothingForAnUnknownOrDoublePatient) {
  const std::string bundle = *transactionBundle(anAssessment().build(), aSite());
  for (const auto& arguments :
       {std::vector<std::string>{},
        std::vector<std::string>{"--patient", patient("TEST-0001"), "--patient",
                                 patient("TEST-0001")}}) {
    TestEhr ehr(arguments);
    const auto outcome = deliver(ehr, bundle);
    ASSERT_TRUE(std::holds_alternative<Rejected>(outcome));
    EXPECT_NE(std::get<Rejected>(outcome).operationOutcome.find("matched"), std::string::npos);
    EXPECT_EQ(typesOf(ehr).count("Observation"), 0u);
    EXPECT_EQ(typesOf(ehr).count("Device"), 0u);
  }
}

TEST_F(TestEhrDelivery, RefersToThePatientThatTheEhrKnows) {
  TestEhr ehr({"--patient", patient("TEST-0001")});
  expectDelivered(deliver(ehr, *transactionBundle(anAssessment().build(), aSite())));
  const json patients = json::parse(ehr.get("/fhir/Patient"));
  const std::string id = patients["entry"][0]["resource"]["id"];
  const json reports = json::parse(ehr.get("/fhir/DiagnosticReport?patient=" + id));
  ASSERT_EQ(reports["entry"].size(), 1u);
  const json report = reports["entry"][0]["resource"];
  for (const auto& result : report["result"]) {
    const json observation = json::parse(ehr.get("/fhir/" + result["reference"].get<std::string>()));
    EXPECT_EQ(observation["subject"]["reference"], "Patient/" + id);
  }
  const json risk = json::parse(
      ehr.get("/fhir/" + report["extension"][0]["valueReference"]["reference"].get<std::string>()));
  EXPECT_EQ(risk["resourceType"], "RiskAssessment");
}

struct SilentObserver : CourierObserver {
  void delivered(const OutboxEntry&) override {}
  void postponed(const OutboxEntry&, OutboxTime, const std::string&) override {}
  void deadLettered(const OutboxEntry&, const std::string&) override {}
  void storeFailed(const std::string&) override {}
};

TEST_F(TestEhrDelivery, ArrivesOnceThroughAServerThatIsOftenBusy) {
  TestEhr ehr({"--patient", patient("TEST-0001"), "--fail-first", "4"});
  fedpet::testing::InMemoryOutboxStore store;
  OutboxTime now{std::chrono::sys_days{std::chrono::November / 24 / 2026}};
  EhrOptions options;
  options.baseUrl = ehr.url();
  SilentObserver observer;
  OutboxCourier courier(store, {{"ehr", std::make_shared<EhrClient>(options)}}, observer, {},
                        {[&] { return now; }, [] { return 0.5; }});
  const auto id = store.enqueue(
      {"sr", "ehr", "study", *transactionBundle(anAssessment().build(), aSite())}, now);
  for (int attempt = 0; attempt < 10 && store.nextDue(); ++attempt, now += std::chrono::hours{1})
    courier.deliverDue();
  const auto entry = *store.find(id);
  EXPECT_EQ(entry.state, OutboxState::Delivered) << entry.reason;
  EXPECT_EQ(entry.attempts, 5);
  EXPECT_EQ(entry.locations.size(), json::parse(entry.message.body)["entry"].size());
  EXPECT_EQ(typesOf(ehr).at("DiagnosticReport"), 1);
}

TEST_F(TestEhrDelivery, AcceptsOurCodeSystems) {
  TestEhr ehr({});
  net::HttpClient client(ehr.url());
  const json systems = json::parse(codeSystems());
  ASSERT_EQ(systems["entry"].size(), 2u);
  for (const auto& entry : systems["entry"]) {
    const auto answer = client.post("/fhir/CodeSystem", entry["resource"].dump(),
                                    {{"Content-Type", "application/fhir+json"}});
    EXPECT_EQ(answer.status, 201) << answer.body;
  }
}

}  // namespace
}  // namespace fedpet::fhir
