// Every tier against the test EHR without what the tier above needs. A delivery that breaks off
// anywhere and is repeated must leave what one delivery leaves.
#include "fhir/TransactionBundle.h"
#include "fhir/tiers/TieredSender.h"
#include "net/HttpClient.h"
#include "tests/support/AssessmentBuilder.h"
#include "tests/support/TemporaryDirectory.h"
#include "tests/support/ehr/TestEhr.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace fedpet::fhir {
namespace {

using fedpet::testing::anAssessment;
using fedpet::testing::TestEhr;
using nlohmann::json;

constexpr char kSystem[] = "urn:oid:1.2.250.1.999.1";
using Types = std::map<std::string, int>;

std::string aBundle(bool withPdf = true) {
  FhirSite site;
  site.patientIdentifierSystem = kSystem;
  static const std::string pdf = "%PDF-1.7 a report";
  return transactionBundle(anAssessment().build(), site,
                           withPdf ? std::as_bytes(std::span(pdf)) : std::span<const std::byte>{})
      .value();
}

class TieredDelivery : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = TestEhr::whyNot(); !why.empty()) GTEST_SKIP() << why;
  }

  static TestEhr ehr(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.end(), {"--patient", std::string(kSystem) + "|TEST-0001"});
    return TestEhr(std::move(arguments));
  }

  static TieredOptions optionsFor(const TestEhr& server, std::string tier = "auto") {
    TieredOptions options;
    options.ehr.baseUrl = server.url();
    options.tier = std::move(tier);
    return options;
  }

  static void expectDelivered(const DeliveryOutcome& outcome) {
    if (const auto* rejected = std::get_if<Rejected>(&outcome))
      FAIL() << rejected->reason << ": " << rejected->operationOutcome;
    if (const auto* later = std::get_if<RetryLater>(&outcome)) FAIL() << later->reason;
    ASSERT_TRUE(std::holds_alternative<Delivered>(outcome));
  }

  static Tier tierOf(const TieredSender& sender) { return sender.report().choice.value().tier; }

  static Types typesOf(const TestEhr& server) {
    Types count;
    for (const auto& resource : json::parse(server.accepted()))
      ++count[resource["resourceType"].get<std::string>()];
    count.erase("Patient");
    count.erase("AuditEvent");
    return count;
  }

  static json only(const TestEhr& server, const std::string& type) {
    json found;
    for (const auto& resource : json::parse(server.accepted()))
      if (resource["resourceType"] == type) found = resource;
    return found;
  }

  // Cuts the delivery at its first, second, ... write until it comes through, each time by a new
  // sender: a process that was killed and started again.
  static void expectNoTraceOfBreakingOff(const TestEhr& server, const Types& expected) {
    int cuts = 0;
    for (int write = 1;; ++write, ++cuts) {
      net::HttpClient(server.url()).post("/drop?write=" + std::to_string(write), "");
      const auto outcome = TieredSender(optionsFor(server)).deliver(aBundle(), "cut");
      if (std::holds_alternative<Delivered>(outcome)) break;
      ASSERT_TRUE(std::holds_alternative<RetryLater>(outcome)) << "write " << write;
      ASSERT_LT(write, 100);
    }
    net::HttpClient(server.url()).post("/drop?write=0", "");
    EXPECT_GT(cuts, 5) << "nothing was cut: this test shows nothing";
    expectDelivered(TieredSender(optionsFor(server)).deliver(aBundle(), "again"));
    EXPECT_EQ(typesOf(server), expected);
  }
};

// 8 whole-body numbers, their group, 3 predictions (TestEhrDeliveryTest counts the same).
const Types kWhole{{"Device", 1},         {"ImagingStudy", 1},     {"Observation", 12},
                   {"RiskAssessment", 1}, {"DiagnosticReport", 1}, {"Provenance", 1}};

TEST_F(TieredDelivery, T1SendsTheBundleWholeAndAuditsIt) {
  TestEhr server = ehr();
  TieredSender sender(optionsFor(server));
  expectDelivered(sender.deliver(aBundle(), "request-1"));
  EXPECT_EQ(tierOf(sender), Tier::Transaction);
  EXPECT_EQ(sender.report().server, "Test EHR 1, FHIR 4.0.1");
  EXPECT_EQ(typesOf(server), kWhole);
  const json event = only(server, "AuditEvent");
  ASSERT_FALSE(event.is_null()) << "the server lists AuditEvent and got none";
  EXPECT_EQ(event["entity"][1]["what"]["identifier"]["value"], "request-1");
}

TEST_F(TieredDelivery, T1LeavesOutWhatTheServerDoesNotKnow) {
  TestEhr server = ehr({"--without", "RiskAssessment", "--without", "AuditEvent"});
  TieredSender sender(optionsFor(server));
  expectDelivered(sender.deliver(aBundle(), "r"));
  EXPECT_EQ(tierOf(sender), Tier::Transaction);
  Types expected = kWhole;
  expected.erase("RiskAssessment");
  EXPECT_EQ(typesOf(server), expected);
  const json risk = only(server, "DiagnosticReport")["extension"][0]["valueReference"];
  EXPECT_EQ(risk["type"], "RiskAssessment");
  EXPECT_FALSE(risk.contains("reference")) << risk;
  EXPECT_TRUE(risk["identifier"]["value"].get<std::string>().starts_with("urn:oid:"));
}

TEST_F(TieredDelivery, T2WritesOneByOneWithTheReferencesOfTheServer) {
  TestEhr server = ehr({"--no-transaction"});
  TieredSender sender(optionsFor(server));
  expectDelivered(sender.deliver(aBundle(), "r"));
  EXPECT_EQ(tierOf(sender), Tier::SingleWrites);
  EXPECT_EQ(typesOf(server), kWhole);
  EXPECT_EQ(server.accepted().find("urn:uuid:"), std::string::npos);
  const json report = only(server, "DiagnosticReport");
  for (const auto& result : report["result"])
    EXPECT_EQ(json::parse(server.get("/fhir/" + result["reference"].get<std::string>()))["subject"],
              report["subject"]);
  for (const auto& target : only(server, "Provenance")["target"])
    EXPECT_NO_THROW(server.get("/fhir/" + target["reference"].get<std::string>()));
}

TEST_F(TieredDelivery, T2MakesNoDuplicatesWhereverItBreaksOff) {
  TestEhr server = ehr({"--no-transaction"});
  expectNoTraceOfBreakingOff(server, kWhole);
}

TEST_F(TieredDelivery, T2SearchesFirstWhereNothingIsConditional) {
  TestEhr server = ehr({"--no-conditional"});
  expectNoTraceOfBreakingOff(server, kWhole);
  TieredSender sender(optionsFor(server));
  expectDelivered(sender.deliver(aBundle(), "r"));
  EXPECT_EQ(tierOf(sender), Tier::SingleWrites);
}

TEST_F(TieredDelivery, T2FindsWhatAServerWroteWithoutSayingWhere) {
  TestEhr server = ehr({"--no-transaction", "--bare-answers"});
  expectDelivered(TieredSender(optionsFor(server)).deliver(aBundle(), "r"));
  EXPECT_EQ(typesOf(server), kWhole);
}

TEST_F(TieredDelivery, T2WritesNothingForAnUnknownOrDoublePatient) {
  const std::string known = std::string(kSystem) + "|TEST-0001";
  for (const auto& arguments : {std::vector<std::string>{"--no-transaction"},
                                {"--no-transaction", "--patient", known, "--patient", known}}) {
    TestEhr server(arguments);
    const auto outcome = TieredSender(optionsFor(server)).deliver(aBundle(), "r");
    ASSERT_TRUE(std::holds_alternative<Rejected>(outcome));
    EXPECT_NE(std::get<Rejected>(outcome).reason.find("patient"), std::string::npos);
    EXPECT_EQ(typesOf(server), Types{});
  }
}

TEST_F(TieredDelivery, T3SendsMeasurementsAndTheReportAsADocument) {
  TestEhr server = ehr({"--epic"});
  TieredSender sender(optionsFor(server));
  expectDelivered(sender.deliver(aBundle(), "r"));
  EXPECT_EQ(tierOf(sender), Tier::Observations);
  EXPECT_EQ(typesOf(server), (Types{{"Observation", 12}, {"DocumentReference", 1}}));
  const json document = only(server, "DocumentReference");
  EXPECT_EQ(document["docStatus"], "preliminary");
  EXPECT_EQ(document["type"]["coding"][0]["code"], "18748-4");
  const json& attachment = document["content"][0]["attachment"];
  EXPECT_EQ(attachment["contentType"], "application/pdf");
  EXPECT_EQ(attachment["data"], "JVBERi0xLjcgYSByZXBvcnQ=");  // base64 of "%PDF-1.7 a report"
  EXPECT_EQ(document["context"]["related"][0]["type"], "ImagingStudy");
}

TEST_F(TieredDelivery, T3SendsTheConclusionWhereThereIsNoPdf) {
  TestEhr server = ehr({"--epic"});
  expectDelivered(TieredSender(optionsFor(server)).deliver(aBundle(false), "r"));
  EXPECT_EQ(only(server, "DocumentReference")["content"][0]["attachment"]["contentType"],
            "text/plain; charset=utf-8");
}

TEST_F(TieredDelivery, T3MakesNoDuplicatesWhereverItBreaksOff) {
  TestEhr server = ehr({"--epic"});
  expectNoTraceOfBreakingOff(server, {{"Observation", 12}, {"DocumentReference", 1}});
}

TEST_F(TieredDelivery, ForcedTiersAreKept) {
  TestEhr server = ehr();
  for (const char* tier : {"T1", "T2", "T3"}) {
    TieredSender sender(optionsFor(server, tier));
    expectDelivered(sender.deliver(aBundle(), "r"));
    EXPECT_EQ(toString(tierOf(sender)), tier);
  }
  Types expected = kWhole;
  expected["DocumentReference"] = 1;
  EXPECT_EQ(typesOf(server), expected) << "the tiers know each other's resources";
}

TEST_F(TieredDelivery, T5SendsNothingAndSaysSo) {
  TestEhr server = ehr();
  const auto outcome = TieredSender(optionsFor(server, "T5")).deliver(aBundle(), "r");
  ASSERT_TRUE(std::holds_alternative<Rejected>(outcome));
  EXPECT_NE(std::get<Rejected>(outcome).reason.find("nothing was sent"), std::string::npos);
  EXPECT_EQ(typesOf(server), Types{});
}

TEST_F(TieredDelivery, LooksAgainWhenTheServerContradictsItself) {
  TestEhr server = ehr({"--no-transaction", "--claim-transaction"});
  TieredSender sender(optionsFor(server));
  expectDelivered(sender.deliver(aBundle(), "r"));
  EXPECT_EQ(tierOf(sender), Tier::SingleWrites);
  EXPECT_EQ(typesOf(server), kWhole);
}

TEST_F(TieredDelivery, TriesTheTransactionOfAServerWithoutAStatement) {
  TestEhr server = ehr({"--no-metadata"});
  TieredSender sender(optionsFor(server));
  expectDelivered(sender.deliver(aBundle(), "r"));
  EXPECT_EQ(tierOf(sender), Tier::Transaction);
  EXPECT_NE(sender.report().trouble, "");
}

TEST_F(TieredDelivery, WaitsForAServerThatWasNeverReached) {
  std::string gone;
  {
    TestEhr server = ehr();
    gone = server.url();
  }
  TieredOptions options;
  options.ehr.baseUrl = gone;
  TieredSender sender(options);
  const auto outcome = sender.deliver(aBundle(), "r");
  ASSERT_TRUE(std::holds_alternative<RetryLater>(outcome));
  EXPECT_TRUE(std::get<RetryLater>(outcome).concernsAll);
  EXPECT_FALSE(sender.report().choice) << "no tier is guessed";
}

TEST_F(TieredDelivery, ReadsTheStatementOnceADay) {
  TestEhr server = ehr();
  auto now = std::chrono::system_clock::time_point{
      std::chrono::sys_days{std::chrono::November / 24 / 2026}};
  TieredOptions options = optionsFor(server);
  options.ehr.now = [&] { return now; };
  TieredSender sender(options);
  expectDelivered(sender.deliver(aBundle(), "r"));
  const auto first = sender.report().readAt;
  now += std::chrono::hours{23};
  expectDelivered(sender.deliver(aBundle(), "r"));
  EXPECT_EQ(sender.report().readAt, first);
  now += std::chrono::hours{1};
  expectDelivered(sender.deliver(aBundle(), "r"));
  EXPECT_EQ(sender.report().readAt, now);
}

TEST_F(TieredDelivery, KeepsALocalAuditWithoutAnyValue) {
  TestEhr server = ehr({"--epic"});
  const fedpet::testing::TemporaryDirectory folder;
  auto now = std::chrono::system_clock::time_point{
      std::chrono::sys_days{std::chrono::November / 24 / 2026}};
  TieredOptions options = optionsFor(server);
  options.ehr.now = [&] { return now; };
  options.auditFile = (folder.path() / "audit" / "audit.jsonl").string();
  TieredSender sender(options);
  expectDelivered(sender.deliver(aBundle(), "request-7"));
  expectDelivered(sender.deliver(aBundle(), "request-8"));
  now += std::chrono::days{1};
  expectDelivered(sender.deliver(aBundle(), "request-9"));
  const auto file = folder.path() / "audit" / "audit-2026-11-24.jsonl";
  std::ifstream in(file);
  std::vector<json> events;
  for (std::string line; std::getline(in, line);) events.push_back(json::parse(line));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1]["entity"][1]["what"]["identifier"]["value"], "request-8");
  EXPECT_EQ(events[0]["entity"][0]["what"]["identifier"]["value"], "TEST-0001");
  EXPECT_EQ(events[0].dump().find("valueQuantity"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "audit" / "audit-2026-11-25.jsonl"));
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(file).permissions(), perms::owner_read | perms::owner_write);
  EXPECT_EQ(sender.report().auditTrouble, "");
}

}  // namespace
}  // namespace fedpet::fhir
