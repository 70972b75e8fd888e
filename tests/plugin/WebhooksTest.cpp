#include "orthanc-plugin/SociOutbox.h"
#include "orthanc-plugin/Webhooks.h"
#include "tests/plugin/StoredResults.h"
#include "tests/support/LoopbackServer.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace fedpet::plugin {
namespace {

using fedpet::testing::anAssessment;
using fedpet::testing::Answer;
using fedpet::testing::LoopbackServer;
using nlohmann::json;
using namespace std::chrono_literals;

class WebhooksTest : public ::testing::Test {
 protected:
  WebhooksTest() {
    std::ofstream(secretFile_) << "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
    options_.secretFile = secretFile_;
    options_.backOff = 1s;
  }
  ~WebhooksTest() override { std::filesystem::remove(secretFile_); }

  std::unique_ptr<Webhooks> webhooks() {
    return std::make_unique<Webhooks>(options_, "https://pacs.example.org", lane_,
                                      [](LogLevel, const std::string&) {});
  }
  void enqueue(const Webhooks& hooks, const ResponseAssessment& assessment) {
    for (const fhir::OutboxMessage& message : hooks.messagesAbout(assessment))
      outbox_.enqueue(message, systemNow());
  }
  // Within the time of the test's own limit.
  template <typename Done>
  static void waitFor(Done done) {
    for (int i = 0; i < 3000 && !done(); ++i) std::this_thread::sleep_for(10ms);
    ASSERT_TRUE(done());
  }

  StoredResults results_;
  SociOutbox outbox_{*results_.database};
  SociOutbox lane_{*results_.database, OutboxLane::Webhooks};
  const std::string secretFile_ =
      (std::filesystem::temp_directory_path() / ("fedpet-webhook-" + std::to_string(::getpid())))
          .string();
  WebhookOptions options_;
};

std::string header(const net::HttpRequest& request, const char* name) {
  return net::headerValue(request.headers, name).value_or("");
}

// The example of the specification, standardwebhooks.com ("Verifying webhook authenticity", as in
// its reference libraries' tests).
TEST(WebhookSignature, IsThatOfStandardWebhooks) {
  const std::string secret =
      "\x31\xf2\x90\xf6\xbf\x06\x29\x8a\xab\x4f\x08\xd4\x3c\x3f\x08\x2c\xf6\x48\xa3\x62\xda\x2d\xa4"
      "\xb0";
  EXPECT_EQ(webhookSignature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
                             "{\"test\": 2432232314}"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST_F(WebhooksTest, TellsOfAResultWithASignatureAndWithoutThePatient) {
  LoopbackServer receiver({Answer{204}});
  options_.urls = {receiver.url("/hook?tenant=7")};
  const auto hooks = webhooks();
  const ResponseAssessment assessment = numbered(anAssessment().build(), 1, "P-SECRET");
  enqueue(*hooks, assessment);
  hooks->start();
  waitFor([&] { return outbox_.counts().delivered == 1; });
  const net::HttpRequest request = receiver.requests().at(0);
  EXPECT_EQ(request.target, "/hook?tenant=7");
  EXPECT_EQ(header(request, "webhook-signature"),
            webhookSignature("\x31\xf2\x90\xf6\xbf\x06\x29\x8a\xab\x4f\x08\xd4\x3c\x3f\x08\x2c\xf6"
                             "\x48\xa3\x62\xda\x2d\xa4\xb0",
                             header(request, "webhook-id"), header(request, "webhook-timestamp"),
                             request.body));
  EXPECT_EQ(request.body.find("P-SECRET"), std::string::npos);
  EXPECT_EQ(request.body.find(assessment.series.patient.patientName), std::string::npos);
  const json bundle = json::parse(request.body);
  EXPECT_EQ(bundle["type"], "history");
  EXPECT_EQ(bundle["entry"][0]["resource"]["resourceType"], "Parameters");
  EXPECT_FALSE(bundle["entry"][1].contains("resource")) << "id-only";
  EXPECT_THAT(bundle["entry"][1]["fullUrl"].get<std::string>(),
              ::testing::StartsWith("https://pacs.example.org/fedpet/fhir/DiagnosticReport/"));
  // The list shows where it goes, not the tenant.
  EXPECT_EQ(outbox_.list(std::nullopt, 1)[0].message.destination,
            "webhook:" + receiver.url("/hook"));
}

TEST_F(WebhooksTest, TriesAgainUnderTheSameIdAfterABusyReceiverAndARestart) {
  LoopbackServer receiver({Answer{503}, Answer{200}});
  options_.urls = {receiver.url("/hook")};
  {
    const auto hooks = webhooks();
    enqueue(*hooks, numbered(anAssessment().build(), 1, "P1"));
    hooks->start();
    waitFor([&] {
      return outbox_.list(fhir::OutboxState::Pending, 1).size() == 1 &&
             !outbox_.list(fhir::OutboxState::Pending, 1)[0].reason.empty();
    });
  }
  const auto again = webhooks();  // another life of the plugin, on the same database
  again->start();
  waitFor([&] { return outbox_.counts().delivered == 1; });
  const auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(header(requests[0], "webhook-id"), header(requests[1], "webhook-id"));
}

TEST_F(WebhooksTest, SetsAsideWhatAReceiverRefuses) {
  LoopbackServer receiver({Answer{410}});
  options_.urls = {receiver.url("/hook")};
  const auto hooks = webhooks();
  enqueue(*hooks, numbered(anAssessment().build(), 1, "P1"));
  hooks->start();
  waitFor([&] { return outbox_.counts().deadLetter == 1; });
  EXPECT_THAT(outbox_.list(fhir::OutboxState::DeadLetter, 1)[0].reason,
              ::testing::HasSubstr("410"));
}

TEST_F(WebhooksTest, LeavesTheMessagesOfTheEhrToTheirOwnCourier) {
  outbox_.enqueue({"2.25.1", "ehr", "1.2", "{}"}, fhir::OutboxTime{});
  EXPECT_FALSE(lane_.claimDue(systemNow(), 1min));
  EXPECT_FALSE(lane_.nextDue());
  SociOutbox ehr(*results_.database, OutboxLane::Ehr);
  outbox_.enqueue({"2.25.1", "webhook:http://127.0.0.1/", "1.2", "{}"}, fhir::OutboxTime{});
  EXPECT_EQ(ehr.claimDue(systemNow(), 1min).value().message.destination, "ehr");
  EXPECT_FALSE(ehr.claimDue(systemNow(), 1min));
  EXPECT_EQ(lane_.claimDue(systemNow(), 1min).value().message.destination,
            "webhook:http://127.0.0.1/");
}

TEST_F(WebhooksTest, DoesNotStartWithoutASecretWorthTheName) {
  options_.urls = {"http://127.0.0.1:1/hook"};
  std::ofstream(secretFile_) << "short";
  EXPECT_THROW(webhooks(), std::invalid_argument);
  options_.secretFile.clear();
  EXPECT_THROW(webhooks(), std::invalid_argument);
}

}  // namespace
}  // namespace fedpet::plugin
