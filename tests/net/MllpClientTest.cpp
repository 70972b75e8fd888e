#include "net/MllpClient.h"
#include "tests/net/MllpLoopback.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>

namespace fedpet::net {
namespace {

using namespace std::chrono_literals;
using fedpet::testing::MllpLoopback;
using Kind = NetError::Kind;

HttpClientOptions impatient() {
  HttpClientOptions options;
  options.ioTimeout = options.connectTimeout = 200ms;
  options.maxBodyBytes = 10'000;
  return options;
}

MllpLoopback answering(std::optional<std::string> bytes) {
  return MllpLoopback([bytes](const std::string&) { return bytes; });
}

Kind failureOf(const MllpLoopback& server) {
  MllpClient client(server.url(), impatient());
  try {
    client.exchange("MSH|");
  } catch (const NetError& e) {
    return e.kind();
  }
  throw std::logic_error("an answer came");
}

TEST(MllpClient, FramesAMessageAndUnframesItsAnswer) {
  MllpLoopback server(
      [](const std::string& message) { return MllpLoopback::framed("answer to " + message); });
  MllpClient client(server.url(), impatient());
  EXPECT_EQ(client.exchange("one"), "answer to one");
  EXPECT_EQ(client.exchange("two"), "answer to two");
  EXPECT_EQ(server.messages(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(server.connections(), 1u) << "the connection is kept";
}

TEST(MllpClient, SendsAReportOfManyMegabytes) {
  MllpLoopback server([](const std::string& message) {
    return MllpLoopback::framed(std::to_string(message.size()));
  });
  MllpClient client(server.url(), impatient());
  EXPECT_EQ(client.exchange(std::string(9'000'001, 'x')), "9000001");
}

TEST(MllpClient, ReconnectsAfterThePeerHasClosed) {
  int asked = 0;
  MllpLoopback server([&](const std::string&) -> std::optional<std::string> {
    return ++asked == 1 ? std::nullopt : std::optional(MllpLoopback::framed("ok"));
  });
  MllpClient client(server.url(), impatient());
  EXPECT_THROW(client.exchange("one"), NetError);
  EXPECT_EQ(client.exchange("one"), "ok");
}

TEST(MllpClient, NamesTheFailure) {
  EXPECT_EQ(failureOf(answering("HTTP/1.1 400 Bad Request\r\n\r\n")), Kind::Protocol);
  EXPECT_EQ(failureOf(answering(MllpLoopback::framed("a") + MllpLoopback::framed("b"))),
            Kind::Protocol);
  EXPECT_EQ(failureOf(answering("\x0b" + std::string(20'000, 'x'))), Kind::TooLarge);
  EXPECT_EQ(failureOf(answering("\x0bMSH| and then nothing")), Kind::Timeout);
  EXPECT_EQ(failureOf(answering(std::nullopt)), Kind::Connect);
  std::string gone;
  {
    const MllpLoopback server = answering("");
    gone = server.url();
  }
  MllpClient client(gone, impatient());
  EXPECT_THROW(client.exchange("MSH|"), NetError);
}

TEST(MllpClient, RefusesToSendAByteThatWouldEndTheFrame) {
  const MllpLoopback server = answering(MllpLoopback::framed("ok"));
  MllpClient client(server.url(), impatient());
  EXPECT_THROW(client.exchange("a\x1c\rb"), std::invalid_argument);
  EXPECT_TRUE(server.messages().empty());
}

TEST(MllpClient, SpeaksTlsOnlyWithACertificateThatItTrusts) {
  const auto certificate = fedpet::testing::makeTestCertificate("IP:127.0.0.1");
  MllpLoopback server([](const std::string&) { return MllpLoopback::framed("ok"); }, certificate);
  HttpClientOptions trusting = impatient();
  trusting.caPem = certificate.certificatePem;
  EXPECT_EQ(MllpClient(server.url(), trusting).exchange("secret"), "ok");
  EXPECT_EQ(failureOf(server), Kind::Tls);
  EXPECT_EQ(server.messages().size(), 1u);
}

TEST(MllpUrl, NeedsSchemeHostAndPort) {
  EXPECT_EQ(parseMllpUrl("mllp://engine.example:2575").port, 2575);
  EXPECT_FALSE(parseMllpUrl("mllp://engine.example:2575/").isTls());
  EXPECT_TRUE(parseMllpUrl("mllps://[::1]:443").isTls());
  for (const char* text : {"engine:2575", "http://engine:2575", "mllp://engine", "mllp://engine:0",
                           "mllp://engine:2575/path", "mllp://user:secret@engine:2575", "mllp:"})
    EXPECT_THROW(parseMllpUrl(text), std::invalid_argument) << text;
}

}  // namespace
}  // namespace fedpet::net
