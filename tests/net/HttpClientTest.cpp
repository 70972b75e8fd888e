#include "net/HttpClient.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "tests/support/LoopbackServer.h"

namespace fedpet::net {
namespace {

using namespace std::chrono_literals;
using fedpet::testing::Answer;
using fedpet::testing::LoopbackServer;
using fedpet::testing::makeTestCertificate;
using fedpet::testing::PemFile;
using fedpet::testing::TestCertificate;
using Kind = NetError::Kind;

template <typename Call>
Kind failureOf(Call call) {
  try {
    call();
  } catch (const NetError& e) {
    return e.kind();
  }
  throw std::runtime_error("no NetError was thrown");
}

HttpClientOptions impatient() {
  HttpClientOptions options;
  options.ioTimeout = options.tlsTimeout = options.connectTimeout = 150ms;
  return options;
}

TEST(HttpClient, SendsTheRequestAsItIs) {
  LoopbackServer server({Answer{.status = 201, .headers = {{"ETag", "W/\"1\""}}, .body = "ok"}});
  HttpClient client(server.url());
  std::string binary("\x00\xff\r\n\r\n", 6);
  const auto response = client.send({"PUT", "/a/b?x=%7C", {{"X-Request-Id", "42"}}, binary});
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "ok");
  EXPECT_EQ(headerValue(response.headers, "etag"), "W/\"1\"");
  EXPECT_EQ(headerValue(response.headers, "absent"), std::nullopt);
  ASSERT_EQ(server.requests().size(), 1u);
  const auto request = server.requests().front();
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.target, "/a/b?x=%7C");
  EXPECT_EQ(request.body, binary);
  EXPECT_EQ(headerValue(request.headers, "x-request-id"), "42");
  EXPECT_EQ(headerValue(request.headers, "host"), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(headerValue(request.headers, "content-length"), "6");
}

TEST(HttpClient, ReturnsErrorStatusesAsAnswers) {
  LoopbackServer server({Answer{.status = 404, .body = "gone"}, Answer{.status = 500}});
  HttpClient client(server.url());
  EXPECT_EQ(client.get("/").status, 404);
  EXPECT_EQ(client.get("/").status, 500);
}

TEST(HttpClient, KeepsItsConnection) {
  LoopbackServer server({Answer{.body = std::string(200'000, 'x')}});
  HttpClient client(server.url());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.get("/").body.size(), 200'000u);
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(client.connectionsOpened(), 1u);
}

TEST(HttpClient, ReconnectsWhenThePeerClosedMeanwhile) {
  LoopbackServer server({Answer{.body = "1", .closeSilently = true},
                         Answer{.body = "2", .closeAfterwards = true}, Answer{.body = "3"}});
  HttpClient client(server.url());
  EXPECT_EQ(client.get("/").body, "1");
  std::this_thread::sleep_for(30ms);  // let the close arrive; without it GET would be repeated
  EXPECT_EQ(client.post("/", "x").body, "2");
  EXPECT_EQ(client.get("/").body, "3");
  EXPECT_EQ(client.connectionsOpened(), 3u);
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(HttpClient, RepeatsOnlyAnIdempotentRequestOnABrokenKeptConnection) {
  const Answer vanish{.cutAfterBytes = 0};
  LoopbackServer server({Answer{.body = "1"}, vanish, Answer{.body = "2"}, vanish});
  HttpClient client(server.url());
  EXPECT_EQ(client.get("/").body, "1");
  EXPECT_EQ(client.get("/").body, "2");
  EXPECT_EQ(failureOf([&] { client.post("/", "x"); }), Kind::Connect);
  EXPECT_EQ(server.requests().size(), 4u) << "the POST must not be sent twice";
}

TEST(HttpClient, DoesNotRepeatOnAFreshConnection) {
  LoopbackServer server({Answer{.cutAfterBytes = 0}});
  HttpClient client(server.url());
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::Connect);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, UnderstandsChunkedAndUnboundedBodies) {
  LoopbackServer server(
      {Answer{.raw = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"},
       Answer{.raw = "HTTP/1.0 200 OK\r\n\r\nto the end"}});
  HttpClient client(server.url());
  EXPECT_EQ(client.get("/").body, "abcde");
  EXPECT_EQ(client.get("/").body, "to the end");
}

TEST(HttpClient, AnswersHeadWithoutABody) {
  LoopbackServer server({Answer{.body = "four"}});
  HttpClient client(server.url());
  EXPECT_EQ(client.send({"HEAD", "/", {}, {}}).body, "");
  EXPECT_EQ(client.get("/").body, "four");
  EXPECT_EQ(client.connectionsOpened(), 1u);
}

TEST(HttpClient, RefusesToFollowARedirect) {
  LoopbackServer other({Answer{.body = "taken"}});
  for (const int status : {301, 302, 303, 307, 308}) {
    LoopbackServer server({Answer{.status = status, .headers = {{"Location", other.url("/")}}}});
    HttpClient client(server.url());
    EXPECT_EQ(failureOf([&] { client.post("/", "patient"); }), Kind::Protocol) << status;
  }
  EXPECT_TRUE(other.requests().empty());
}

TEST(HttpClient, ReportsGarbageAndCutAnswers) {
  const std::string body(1000, 'x');
  LoopbackServer server({Answer{.raw = "SSH-2.0-OpenSSH_9.2\r\n"},
                         Answer{.raw = std::string(300, '\0')},
                         Answer{.body = body, .cutAfterBytes = 500},
                         Answer{.body = body, .cutAfterBytes = 10},
                         Answer{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
                         Answer{.raw = "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"}});
  HttpClient client(server.url());
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::Protocol) << "answer " << i;
}

TEST(HttpClient, StopsReadingBeyondItsLimits) {
  HttpClientOptions options;
  options.maxBodyBytes = 1000;
  options.maxHeaderBytes = 500;
  LoopbackServer server(
      {Answer{.body = std::string(1001, 'x')},
       Answer{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                     std::string(1001, 'x') + "\r\n0\r\n\r\n"},
       Answer{.headers = {{"X-Long", std::string(600, 'x')}}},
       Answer{.body = std::string(1000, 'x')}});
  HttpClient client(server.url(), options);
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::TooLarge);
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::TooLarge);
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::TooLarge);
  EXPECT_EQ(client.get("/").body.size(), 1000u);
}

TEST(HttpClient, ReadsTheRefusalOfABodyThatThePeerDidNotWantToRead) {
  LoopbackServer server({Answer{.status = 413, .body = "too much", .closeAfterwards = true}});
  HttpClient client(server.url());
  const auto answer = client.post("/", std::string(20'000'000, 'x'),
                                  {{LoopbackServer::kAnswerEarly, "1"}});
  EXPECT_EQ(answer.status, 413);
}

TEST(HttpClient, GivesUpOnASilentPeer) {
  LoopbackServer server({Answer{.delay = 1min}});
  HttpClient client(server.url(), impatient());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::Timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST(HttpClient, WaitsForASlowPeerThatGoesOnSending) {
  LoopbackServer server({Answer{.body = std::string(160, 'x'), .delayBetweenPieces = 20ms}});
  HttpClient client(server.url(), impatient());
  EXPECT_EQ(client.get("/").body.size(), 160u);
}

TEST(HttpClient, HasAnOverallDeadlineForADrippingPeer) {
  LoopbackServer server({Answer{.body = std::string(100'000, 'x'), .delayBetweenPieces = 20ms}});
  HttpClientOptions options;
  options.overallTimeout = 300ms;
  HttpClient client(server.url(), options);
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::Timeout);
}

TEST(HttpClient, IsUsableAgainAfterATimeout) {
  LoopbackServer server({Answer{.body = "late", .delay = 1min}, Answer{.body = "fine"}});
  HttpClient client(server.url(), impatient());
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::Timeout);
  EXPECT_EQ(client.get("/").body, "fine");
}

TEST(HttpClient, CanBeCancelledFromAnotherThread) {
  LoopbackServer server({Answer{.delay = 1min}, Answer{.body = "fine"}});
  HttpClient client(server.url());
  std::stop_source stop;
  std::jthread canceller([&] {
    while (server.requests().empty()) std::this_thread::sleep_for(5ms);
    stop.request_stop();
  });
  EXPECT_EQ(failureOf([&] { client.get("/", {}, stop.get_token()); }), Kind::Cancelled);
  EXPECT_EQ(failureOf([&] { client.get("/", {}, stop.get_token()); }), Kind::Cancelled);
  EXPECT_EQ(client.get("/").body, "fine");
}

TEST(HttpClient, NamesTheReasonWhenNobodyListens) {
  std::uint16_t port;
  {
    LoopbackServer gone({Answer{}});
    port = gone.port();
  }
  HttpClient client("http://127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::Connect);
}

TEST(HttpClient, NamesTheReasonWhenAHostHasNoAddress) {
  HttpClient client("http://host.invalid");  // RFC 6761: .invalid never resolves
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::Resolve);
}

TEST(HttpClient, NeverSendsALineBreakInsideAHeader) {
  LoopbackServer server({Answer{}});
  HttpClient client(server.url());
  EXPECT_THROW(client.get("/", {{"X", "1\r\nY: 2"}}), std::invalid_argument);
  EXPECT_THROW(client.get("/ HTTP/1.1\r\nX: 1"), std::invalid_argument);
  EXPECT_THROW(client.get("no-slash"), std::invalid_argument);
  EXPECT_TRUE(server.requests().empty());
}

// RFC 7617, section 2
TEST(BasicCredentials, EncodesTheExampleOfTheStandard) {
  EXPECT_EQ(basicCredentials("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

class HttpClientTls : public ::testing::Test {
 protected:
  HttpClientOptions trusting(const TestCertificate& certificate) {
    file_.emplace(certificate.certificatePem);
    HttpClientOptions options = impatient();
    options.tlsTimeout = 5s;
    options.caFile = file_->path;
    return options;
  }

 private:
  std::optional<PemFile> file_;
};

TEST_F(HttpClientTls, SpeaksToAPeerWhoseAuthorityIsTrusted) {
  const auto certificate = makeTestCertificate("DNS:localhost,IP:127.0.0.1");
  LoopbackServer server({Answer{.body = std::string(300'000, 's')}}, certificate);
  HttpClient byAddress(server.url(), trusting(certificate));
  EXPECT_EQ(byAddress.get("/").body.size(), 300'000u);
  EXPECT_EQ(byAddress.get("/").body.size(), 300'000u);
  EXPECT_EQ(byAddress.connectionsOpened(), 1u);
  HttpClient byName(server.url("", "localhost"), trusting(certificate));
  EXPECT_EQ(byName.post("/", "x").status, 200);
}

TEST_F(HttpClientTls, RefusesAnUnknownAuthority) {
  LoopbackServer server({Answer{}}, makeTestCertificate("IP:127.0.0.1"));
  HttpClient client(server.url());
  EXPECT_EQ(failureOf([&] { client.post("/", "patient"); }), Kind::Tls);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientTls, RefusesACertificateForAnotherHost) {
  const auto certificate = makeTestCertificate("DNS:other.example,IP:127.0.0.2");
  LoopbackServer server({Answer{}}, certificate);
  HttpClient client(server.url(), trusting(certificate));
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::Tls);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientTls, RefusesAnExpiredCertificate) {
  const auto certificate = makeTestCertificate("IP:127.0.0.1", 0);
  LoopbackServer server({Answer{}}, certificate);
  HttpClient client(server.url(), trusting(certificate));
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::Tls);
}

TEST_F(HttpClientTls, AcceptsAnythingOnlyWhenToldSo) {
  LoopbackServer server({Answer{.body = "x"}}, makeTestCertificate("IP:127.0.0.2", 0));
  HttpClientOptions options;
  options.verifyPeer = false;
  HttpClient client(server.url(), options);
  EXPECT_EQ(client.get("/").body, "x");
}

TEST_F(HttpClientTls, DoesNotTakeACutForTheEndOfTheBody) {
  const auto certificate = makeTestCertificate("IP:127.0.0.1");
  LoopbackServer server({Answer{.raw = "HTTP/1.1 200 OK\r\n\r\nhalf of the answ"}}, certificate);
  HttpClient client(server.url(), trusting(certificate));
  EXPECT_EQ(failureOf([&] { client.get("/"); }), Kind::Protocol);
}

TEST_F(HttpClientTls, ReportsAPeerThatDoesNotSpeakTls) {
  LoopbackServer server({Answer{}});
  HttpClient client("https://127.0.0.1:" + std::to_string(server.port()), impatient());
  const Kind kind = failureOf([&] { client.get("/"); });
  EXPECT_TRUE(kind == Kind::Tls || kind == Kind::Timeout) << toString(kind);
}

TEST_F(HttpClientTls, ReportsAMissingAuthorityFileAtOnce) {
  HttpClientOptions options;
  options.caFile = "/nowhere/ca.pem";
  EXPECT_EQ(failureOf([&] { HttpClient("https://127.0.0.1", options); }), Kind::Tls);
}

}  // namespace
}  // namespace fedpet::net
