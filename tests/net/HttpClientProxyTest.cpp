// The client's ways through a hospital: its proxy, and the key that it expects at the other end.
#include "net/HttpClient.h"
#include "tests/support/LoopbackProxy.h"
#include "tests/support/LoopbackServer.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace fedpet::net {
namespace {

using namespace std::chrono_literals;
using fedpet::testing::Answer;
using fedpet::testing::LoopbackProxy;
using fedpet::testing::LoopbackServer;
using fedpet::testing::publicKeySha256Hex;
using fedpet::testing::TestAuthority;
using Kind = NetError::Kind;

NetError errorOf(HttpClient& client) {
  try {
    client.post("/", "patient");
  } catch (const NetError& e) {
    return e;
  }
  throw std::runtime_error("no NetError was thrown");
}

class HttpClientProxy : public ::testing::Test {
 protected:
  HttpClientOptions through(const LoopbackProxy& proxy) const {
    HttpClientOptions options;
    options.caPem = authority.certificatePem();
    options.proxyUrl = proxy.url();
    return options;
  }

  TestAuthority authority;
  // Only the proxy knows the name (RFC 6761: .invalid never resolves).
  testing::TestCertificate certificate =
      authority.issue({.commonName = "c", .subjectAltName = "DNS:coordinator.invalid"});
  LoopbackServer server{{Answer{.body = "reached"}}, certificate};
  const std::string url = "https://coordinator.invalid:8443";
};

TEST_F(HttpClientProxy, TunnelsTlsAndKeepsTheTunnel) {
  LoopbackProxy proxy(server.port());
  HttpClientOptions options = through(proxy);
  options.proxyAuthorization = basicCredentials("pet", "secret");
  HttpClient client(url, options);
  EXPECT_EQ(client.get("/").body, "reached");
  EXPECT_EQ(client.post("/", "x").body, "reached");
  ASSERT_EQ(proxy.headers().size(), 1U);
  const std::string header = proxy.headers().front();
  EXPECT_TRUE(header.starts_with("CONNECT coordinator.invalid:8443 HTTP/1.1\r\n")) << header;
  EXPECT_NE(header.find("Host: coordinator.invalid:8443\r\n"), std::string::npos);
  EXPECT_NE(header.find("Proxy-Authorization: " + options.proxyAuthorization), std::string::npos);
  for (const auto& request : server.requests())
    EXPECT_EQ(headerValue(request.headers, "Proxy-Authorization"), std::nullopt)
        << "the origin must not see the proxy's credentials";
}

TEST_F(HttpClientProxy, VerifiesTheOriginAndNotTheProxy) {
  LoopbackProxy proxy(server.port());
  HttpClient client("https://other.invalid", through(proxy));
  EXPECT_EQ(errorOf(client).kind(), Kind::Tls);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientProxy, ReportsEachWayInWhichAProxyFails) {
  const std::pair<const char*, const char*> cases[] = {
      {"HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
       "407"},
      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!", "403"},
      {"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n", "302"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP"},
      {"HTTP/1.1 200 OK\r\n", "HTTP"},
      {"HTTP/1.1 200 OK\r\n\r\nhello", "of its own"},
  };
  for (const auto& [answer, hint] : cases) {
    LoopbackProxy proxy(server.port(), answer);
    HttpClientOptions options = through(proxy);
    options.proxyAuthorization = "Basic c2VjcmV0";
    HttpClient client(url, options);
    const NetError error = errorOf(client);
    EXPECT_EQ(error.kind(), Kind::Proxy) << answer;
    EXPECT_NE(std::string(error.what()).find(hint), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find("c2VjcmV0"), std::string::npos) << error.what();
  }
}

TEST_F(HttpClientProxy, GivesUpOnASilentProxy) {
  LoopbackProxy proxy(server.port(), "");
  HttpClientOptions options = through(proxy);
  options.connectTimeout = 100ms;
  HttpClient client(url, options);
  EXPECT_EQ(errorOf(client).kind(), Kind::Timeout);
}

TEST_F(HttpClientProxy, SaysThatItIsTheProxyWhereNobodyListens) {
  HttpClientOptions options;
  {
    LoopbackProxy gone(server.port());
    options.proxyUrl = gone.url();
  }
  HttpClient client(url, options);
  const NetError error = errorOf(client);
  EXPECT_EQ(error.kind(), Kind::Connect);
  EXPECT_NE(std::string(error.what()).find("proxy"), std::string::npos);
}

TEST_F(HttpClientProxy, AsksForPlainHttpInAbsoluteForm) {
  LoopbackServer asProxy({Answer{.body = "ok"}, Answer{.status = 407}});
  HttpClientOptions options;
  options.proxyUrl = asProxy.url();
  options.proxyAuthorization = "Basic x";
  HttpClient client("http://orthanc.invalid:8042", options);
  EXPECT_EQ(client.get("/studies?x=1").body, "ok");
  const auto request = asProxy.requests().front();
  EXPECT_EQ(request.target, "http://orthanc.invalid:8042/studies?x=1");
  EXPECT_EQ(headerValue(request.headers, "Host"), "orthanc.invalid:8042");
  EXPECT_EQ(headerValue(request.headers, "Proxy-Authorization"), "Basic x");
  EXPECT_EQ(errorOf(client).kind(), Kind::Proxy);
}

TEST_F(HttpClientProxy, IsLeftOutForTheListedHosts) {
  LoopbackServer near({Answer{.body = "near"}});
  LoopbackServer asProxy({Answer{.body = "far"}});
  const auto bodyWith = [&](std::vector<std::string> noProxy, const std::string& host) {
    HttpClientOptions options;
    options.proxyUrl = asProxy.url();
    options.noProxy = std::move(noProxy);
    return HttpClient(near.url("", host), options).get("/").body;
  };
  EXPECT_EQ(bodyWith({}, "127.0.0.1"), "far");
  EXPECT_EQ(bodyWith({"10.0.0.1", "127.0.0.1"}, "127.0.0.1"), "near");
  EXPECT_EQ(bodyWith({"LOCALHOST"}, "localhost"), "near");
  EXPECT_EQ(bodyWith({"*"}, "127.0.0.1"), "near");
  EXPECT_EQ(bodyWith({".0.0.1"}, "127.0.0.1"), "near");
  EXPECT_EQ(bodyWith({".127.0.0.1", "0.0.1"}, "127.0.0.1"), "far");
}

TEST_F(HttpClientProxy, MustBeGivenAsAPlainAddress) {
  for (const char* bad :
       {"https://proxy:3128", "proxy:3128", "http://u:p@proxy:3128", "http://proxy:3128/path"}) {
    HttpClientOptions options;
    options.proxyUrl = bad;
    EXPECT_THROW(HttpClient(url, options), std::invalid_argument) << bad;
  }
}

class HttpClientPin : public HttpClientProxy {
 protected:
  HttpClientOptions pinned(const std::string& pin) const {
    HttpClientOptions options;
    options.caPem = authority.certificatePem();
    options.tlsPinSha256 = pin;
    return options;
  }
  testing::TestCertificate local = authority.issue({.subjectAltName = "IP:127.0.0.1"});
  LoopbackServer here{{Answer{.body = "reached"}}, local};
};

TEST_F(HttpClientPin, LetsOnlyThePinnedKeyAnswer) {
  std::string pin = publicKeySha256Hex(local.keyPem);
  EXPECT_EQ(HttpClient(here.url(), pinned(pin)).get("/").body, "reached");
  for (char& c : pin) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(HttpClient(here.url(), pinned(pin)).get("/").body, "reached");
  HttpClient other(here.url(), pinned(publicKeySha256Hex(certificate.keyPem)));
  EXPECT_EQ(errorOf(other).kind(), Kind::Tls) << "the same authority signed another key";
  EXPECT_EQ(here.requests().size(), 2U) << "nothing may be sent to the wrong key";
}

TEST_F(HttpClientPin, DoesNotReplaceTheAuthority) {
  HttpClientOptions options = pinned(publicKeySha256Hex(local.keyPem));
  options.caPem = TestAuthority().certificatePem();
  HttpClient client(here.url(), options);
  EXPECT_EQ(errorOf(client).kind(), Kind::Tls);
}

TEST_F(HttpClientPin, IsRefusedWhereItWouldGuardNothing) {
  EXPECT_THROW(HttpClient(here.url(), pinned("abc")), NetError);
  EXPECT_THROW(HttpClient("http://127.0.0.1", pinned(std::string(64, 'a'))), NetError);
}

TEST_F(HttpClientPin, NeedsAKeyWithEachClientCertificate) {
  HttpClientOptions options = pinned("");
  options.clientCertificatePem = local.certificatePem;
  EXPECT_THROW(HttpClient(here.url(), options), NetError);
  options.clientKeyPem = certificate.keyPem;
  EXPECT_THROW(HttpClient(here.url(), options), NetError) << "the key of another certificate";
  options.clientKeyPem = local.keyPem;
  EXPECT_EQ(HttpClient(here.url(), options).get("/").body, "reached");
}

}  // namespace
}  // namespace fedpet::net
