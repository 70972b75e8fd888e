#include "fhir/EhrClient.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/LoopbackServer.h"

namespace fedpet::fhir {
namespace {

using namespace std::chrono_literals;
using fedpet::testing::Answer;
using fedpet::testing::LoopbackServer;
using Cause = RetryLater::Cause;

constexpr char kBundle[] = R"({"resourceType":"Bundle","type":"transaction","entry":[{},{}]})";

Answer confirmation(std::string entries) {
  return {.status = 200,
          .headers = {{"Content-Type", "application/fhir+json"}},
          .body = R"({"resourceType":"Bundle","type":"transaction-response","entry":[)" + entries +
                  "]}"};
}

Answer confirmed() {
  return confirmation(R"({"response":{"status":"201 Created","location":"Device/1/_history/1"}},)"
                      R"({"response":{"status":"200","location":"Observation/2/_history/1"}})");
}

EhrOptions impatient(const std::string& url) {
  EhrOptions options;
  options.baseUrl = url;
  options.http.ioTimeout = options.http.connectTimeout = 150ms;
  options.http.maxBodyBytes = 100'000;
  return options;
}

DeliveryOutcome deliverTo(const LoopbackServer& server) {
  EhrClient client(impatient(server.url("/fhir")));
  return client.deliver(kBundle, "request-1");
}

DeliveryOutcome outcomeOf(Answer answer) {
  LoopbackServer server({std::move(answer)});
  return deliverTo(server);
}

TEST(EhrClient, PostsTheBundleToTheBaseUrl) {
  LoopbackServer server({confirmed()});
  const auto outcome = deliverTo(server);
  ASSERT_TRUE(std::holds_alternative<Delivered>(outcome));
  EXPECT_EQ(std::get<Delivered>(outcome).locations,
            (std::vector<std::string>{"Device/1/_history/1", "Observation/2/_history/1"}));
  const auto request = server.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/fhir");
  EXPECT_EQ(request.body, kBundle);
  EXPECT_EQ(net::headerValue(request.headers, "Content-Type"),
            "application/fhir+json; charset=utf-8");
  EXPECT_EQ(net::headerValue(request.headers, "Accept"), "application/fhir+json");
  EXPECT_EQ(net::headerValue(request.headers, "Prefer"), "return=minimal");
  EXPECT_EQ(net::headerValue(request.headers, "X-Request-Id"), "request-1");
  EXPECT_EQ(net::headerValue(request.headers, "Authorization"), std::nullopt);
}

TEST(EhrClient, ShowsItsCredentials) {
  LoopbackServer server({confirmed()});
  EhrOptions token = impatient(server.url("/fhir"));
  token.bearerToken = "abc";
  EhrClient(token).deliver(kBundle, "1");
  EhrOptions basic = impatient(server.url("/fhir"));
  basic.user = "Aladdin";
  basic.password = "open sesame";
  EhrClient(basic).deliver(kBundle, "2");
  EXPECT_EQ(net::headerValue(server.requests().at(0).headers, "Authorization"), "Bearer abc");
  EXPECT_EQ(net::headerValue(server.requests().at(1).headers, "Authorization"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

TEST(EhrClient, RetriesWhatMayPass) {
  for (const int status : {408, 409, 425, 429, 500, 502, 503, 504}) {
    const auto outcome = outcomeOf({.status = status, .headers = {{"Retry-After", "17"}}});
    ASSERT_TRUE(std::holds_alternative<RetryLater>(outcome)) << status;
    EXPECT_EQ(std::get<RetryLater>(outcome).cause, Cause::Unreachable) << status;
    EXPECT_EQ(std::get<RetryLater>(outcome).after, 17s) << status;
  }
  EXPECT_TRUE(std::get<RetryLater>(outcomeOf({.status = 503})).concernsAll);
  EXPECT_FALSE(std::get<RetryLater>(outcomeOf({.status = 500})).concernsAll)
      << "a 500 may lie in this one message, and must not hold up the others";
}

TEST(EhrClient, GivesUpOnWhatNeverWill) {
  const Answer refusal{
      .status = 422,
      .body = R"({"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invariant",)"
              R"("details":{"text":"obs-6"},"diagnostics":"value and reason","expression":["Observation"]},)"
              R"({"severity":"warning","code":"informational"}]})"};
  const auto outcome = outcomeOf(refusal);
  ASSERT_TRUE(std::holds_alternative<Rejected>(outcome));
  EXPECT_EQ(std::get<Rejected>(outcome).reason, "HTTP status 422");
  EXPECT_EQ(std::get<Rejected>(outcome).operationOutcome,
            "error invariant: obs-6: value and reason at Observation; warning informational");
  for (const int status : {400, 403, 404, 405, 410, 412, 413, 415, 422, 501})
    EXPECT_TRUE(std::holds_alternative<Rejected>(outcomeOf({.status = status, .body = "<html>"})))
        << status;
}

TEST(EhrClient, AsksForCredentialsOn401) {
  EXPECT_TRUE(std::holds_alternative<NeedsAuth>(outcomeOf({.status = 401})));
}

TEST(EhrClient, BelievesOnlyAConfirmationOfEveryEntry) {
  const std::string created = R"({"response":{"status":"201"}})";
  const std::vector<Answer> doubtful{
      {.body = "OK"},
      {.body = ""},
      {.body = "<html>maintenance</html>"},
      {.body = "[]"},
      {.body = "{}"},
      {.body = R"({"resourceType":"Bundle","type":"batch-response"})"},
      {.body = R"({"resourceType":"Bundle","type":"transaction-response"})"},
      {.body = R"({"resourceType":"Bundle","type":"transaction-response","entry":{}})"},
      confirmation(created),
      confirmation(created + "," + created + "," + created),
      confirmation(created + R"(,{"response":{"status":"404 Not Found"}})"),
      confirmation(created + R"(,{"response":{"status":201}})"),
      confirmation(created + R"(,{"response":7})"),
      confirmation(created + ",3"),
      {.status = 202, .body = ""},
      {.status = 204},
      {.status = 304},
      {.status = 302, .headers = {{"Location", "http://127.0.0.1:1/login"}}},
      {.body = std::string(100'001, ' ')},
      {.raw = "220 mail.example ESMTP\r\n"},
      {.body = std::string(5000, 'x'), .cutAfterBytes = 3000},
  };
  for (std::size_t i = 0; i < doubtful.size(); ++i) {
    const auto outcome = outcomeOf(doubtful[i]);
    ASSERT_TRUE(std::holds_alternative<RetryLater>(outcome)) << "answer " << i;
    EXPECT_EQ(std::get<RetryLater>(outcome).cause, Cause::Unintelligible) << "answer " << i;
  }
}

TEST(EhrClient, SurvivesAnOperationOutcomeOfOddShape) {
  for (const char* body :
       {R"({"resourceType":"OperationOutcome"})", R"({"resourceType":"OperationOutcome","issue":7})",
        R"({"resourceType":"OperationOutcome","issue":[7,{"details":[]},{"expression":[3]}]})",
        "[[[[", "\"OperationOutcome\""})
    EXPECT_TRUE(std::holds_alternative<Rejected>(outcomeOf({.status = 400, .body = body}))) << body;
}

TEST(EhrClient, RetriesAServerThatIsSilentOrGone) {
  const auto silent = outcomeOf({.delay = 1min});
  ASSERT_TRUE(std::holds_alternative<RetryLater>(silent));
  EXPECT_EQ(std::get<RetryLater>(silent).cause, Cause::Unreachable);
  EXPECT_TRUE(std::get<RetryLater>(silent).concernsAll);
  std::string gone;
  {
    LoopbackServer server({Answer{}});
    gone = server.url("/fhir");
  }
  EhrClient client(impatient(gone));
  const auto refused = client.deliver(kBundle, "1");
  ASSERT_TRUE(std::holds_alternative<RetryLater>(refused));
  EXPECT_EQ(std::get<RetryLater>(refused).cause, Cause::Unreachable);
}

TEST(EhrClient, SendsNothingToAServerWhoseCertificateItDoesNotTrust) {
  LoopbackServer server({confirmed()}, fedpet::testing::makeTestCertificate("IP:127.0.0.1"));
  const auto outcome = deliverTo(server);
  ASSERT_TRUE(std::holds_alternative<RetryLater>(outcome));
  EXPECT_TRUE(server.requests().empty());
}

TEST(EhrClient, RefusesAnUnusableAddressAtOnce) {
  EXPECT_THROW(EhrClient(impatient("ehr.example/fhir")), std::invalid_argument);
  EXPECT_THROW(EhrClient(impatient("https://anna:secret@ehr.example/")), std::invalid_argument);
}

// RFC 9110, 10.2.3 and its example date (5.6.7): Sun, 06 Nov 1994 08:49:37 GMT.
TEST(RetryAfter, IsReadAsSecondsOrAsADate) {
  const auto now = std::chrono::sys_days{std::chrono::November / 6 / 1994} + 8h + 49min;
  EXPECT_EQ(parseRetryAfter("120", now), 120s);
  EXPECT_EQ(parseRetryAfter("Sun, 06 Nov 1994 08:49:37 GMT", now), 37s);
  EXPECT_EQ(parseRetryAfter("Sun, 06 Nov 1994 08:48:37 GMT", now), 0s);
  EXPECT_EQ(parseRetryAfter("999999999", now), 24h);
  EXPECT_EQ(parseRetryAfter("-5", now), 0s);
  EXPECT_EQ(parseRetryAfter("99999999999999999999", now), std::nullopt);
  EXPECT_EQ(parseRetryAfter("soon", now), std::nullopt);
  EXPECT_EQ(parseRetryAfter("", now), std::nullopt);
}

}  // namespace
}  // namespace fedpet::fhir
