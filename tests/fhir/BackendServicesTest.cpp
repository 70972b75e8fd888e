// SMART Backend Services against small servers that are told what to answer, and against the test
// EHR, whose token endpoint verifies signatures with Node's crypto.
#include "fhir/EhrClient.h"
#include "fhir/auth/BackendServices.h"
#include "tests/fhir/SigningKeys.h"
#include "tests/support/LoopbackServer.h"
#include "tests/support/TemporaryDirectory.h"
#include "tests/support/ehr/TestEhr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <fstream>

namespace fedpet::fhir {
namespace {

using fedpet::testing::Answer;
using fedpet::testing::LoopbackServer;
using fedpet::testing::newEcKey;
using fedpet::testing::newRsaKey;
using fedpet::testing::TemporaryDirectory;
using fedpet::testing::TestEhr;
using nlohmann::json;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

AuthError::Kind kindOf(const std::function<void()>& act, std::string* message = nullptr) {
  try {
    act();
  } catch (const AuthError& error) {
    if (message) *message = error.what();
    return error.kind;
  }
  ADD_FAILURE() << "no AuthError";
  return AuthError::Kind::Unreachable;
}

// An authorization server that says what it was asked, on one origin with the FHIR server.
class SmartServer {
 public:
  SmartServer() : server_([this](const net::HttpRequest& request) { return answer(request); }) {}

  json discovery{{"capabilities", {"permission-v2"}}};
  Answer tokenAnswer{.status = 0};  // status 0: a token
  std::atomic<int> lifetime{300}, issued{0};
  std::vector<std::string> refusedScopes;

  std::string url() const { return server_.url("/fhir"); }
  std::vector<std::string> tokenRequests() const {
    std::vector<std::string> bodies;
    for (const auto& request : server_.requests())
      if (request.target == "/token") bodies.push_back(request.body);
    return bodies;
  }

 private:
  Answer answer(const net::HttpRequest& request) {
    if (request.target == "/fhir/.well-known/smart-configuration") {
      json said = discovery;
      if (!said.contains("token_endpoint")) said["token_endpoint"] = server_.url("/token");
      return {.body = said.dump()};
    }
    if (tokenAnswer.status != 0) return tokenAnswer;
    for (const std::string& scope : refusedScopes)
      if (request.body.find(net::percentEncode(scope)) != std::string::npos)
        return {.status = 400, .body = R"({"error":"invalid_scope"})"};
    return {.body = json{{"access_token", "token-" + std::to_string(++issued)},
                         {"token_type", "Bearer"},
                         {"expires_in", lifetime.load()},
                         {"scope", "system/Patient.rs"}}
                        .dump()};
  }

  LoopbackServer server_;
};

class BackendServicesTest : public ::testing::Test {
 protected:
  static BackendServicesOptions optionsFor(const std::string& url) {
    BackendServicesOptions options;
    options.fhirBaseUrl = url;
    options.clientId = "fedpet-test";
    options.scopes = {"system/Patient.rs", "system/Observation.rs"};
    return options;
  }
  SigningKey key() { return SigningKey::fromPemFile(newEcKey(folder_.path())); }

  TemporaryDirectory folder_;
};

std::string decoded(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0, count = 0;
  for (const char c : text) {
    bits = bits << 6 | static_cast<unsigned>(alphabet.find(c));
    if ((count += 6) >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xff);
  }
  return out;
}

std::string fieldOf(const std::string& form, const std::string& name) {
  const auto start = form.find(name + "=") + name.size() + 1;
  return form.substr(start, form.find('&', start) - start);
}

TEST(Base64Url, EncodesTheVectorsOfRfc4648WithoutPadding) {
  EXPECT_EQ(base64Url(""), "");
  EXPECT_EQ(base64Url("f"), "Zg");
  EXPECT_EQ(base64Url("fo"), "Zm8");
  EXPECT_EQ(base64Url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64Url("\xfb\xff\xfe"), "-__-");  // the two letters that differ from base64
}

TEST(SigningKeyTest, NamesAKeyByItsRfc7638Thumbprint) {
  // RFC 7638, section 3.2: SHA-256 over the required members, sorted, without white space; computed
  // here by the openssl program.
  TemporaryDirectory folder;
  const auto key = SigningKey::fromPemFile(newRsaKey(folder.path()));
  const json jwk = json::parse(key.publicJwk());
  std::ofstream(folder.path() / "members")
      << "{\"e\":\"" << jwk["e"].get<std::string>() << "\",\"kty\":\"RSA\",\"n\":\""
      << jwk["n"].get<std::string>() << "\"}";
  fedpet::testing::shell(
      "cd '" + folder.path().string() +
      "' && openssl dgst -sha256 -binary members | base64 -w0 | tr '+/' '-_' | tr -d '=' > print");
  std::string expected;
  std::ifstream(folder.path() / "print") >> expected;
  EXPECT_EQ(key.keyId(), expected);
  EXPECT_EQ(jwk["kid"], expected);
  EXPECT_EQ(jwk["alg"], "RS384");
  EXPECT_FALSE(jwk.contains("d")) << "the private exponent must not be published";
}

TEST(SigningKeyTest, RefusesAFileThatOthersMayRead) {
  TemporaryDirectory folder;
  const auto path = newEcKey(folder.path());
  std::filesystem::permissions(path, std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  std::string message;
  EXPECT_EQ(kindOf([&] { SigningKey::fromPemFile(path); }, &message),
            AuthError::Kind::Configuration);
  EXPECT_THAT(message, HasSubstr("chmod 600"));
}

TEST(SigningKeyTest, RefusesKeysThatSmartDoesNotKnow) {
  TemporaryDirectory folder;
  for (const auto& path : {newEcKey(folder.path(), "P-256"), newRsaKey(folder.path(), 1024)})
    EXPECT_EQ(kindOf([&] { SigningKey::fromPemFile(path); }), AuthError::Kind::Configuration)
        << path;
}

TEST(SigningKeyTest, RefusesAnEncryptedKeyInsteadOfAskingForAPassword) {
  TemporaryDirectory folder;
  const auto plain = newEcKey(folder.path());
  const auto path = folder.path() / "encrypted.pem";
  fedpet::testing::shell("openssl pkey -in '" + plain.string() +
                         "' -aes256 -passout pass:secret -out '" + path.string() +
                         "' && chmod 600 '" + path.string() + "'");
  EXPECT_EQ(kindOf([&] { SigningKey::fromPemFile(path); }), AuthError::Kind::Configuration);
}

TEST(ScopeInV1, SaysTheSameInTheOlderWords) {
  EXPECT_EQ(scopeInV1("system/Observation.rs"), "system/Observation.read");
  EXPECT_EQ(scopeInV1("system/Observation.cruds"), "system/Observation.*");
  EXPECT_EQ(scopeInV1("system/*.cu"), "system/*.write");
  EXPECT_EQ(scopeInV1("system/Observation.rs?category=laboratory"), "system/Observation.read");
  EXPECT_EQ(scopeInV1("system/Observation.read"), "system/Observation.read");
  EXPECT_EQ(scopeInV1("openid"), "openid");
}

TEST_F(BackendServicesTest, SendsTheAssertionThatSmartDescribes) {
  SmartServer server;
  const SigningKey signing = key();
  auto options = optionsFor(server.url());
  const auto now = std::chrono::system_clock::time_point{seconds{1'790'000'000}};
  options.now = [now] { return now; };
  BackendServices tokens(options, signing);
  EXPECT_EQ(tokens.token(), "token-1");

  const auto requests = server.tokenRequests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(fieldOf(requests[0], "grant_type"), "client_credentials");
  EXPECT_EQ(fieldOf(requests[0], "scope"), "system%2FPatient.rs%20system%2FObservation.rs");
  EXPECT_EQ(fieldOf(requests[0], "client_assertion_type"),
            "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer");
  const std::string jwt = fieldOf(requests[0], "client_assertion");
  const auto dot = jwt.find('.'), second = jwt.rfind('.');
  const json header = json::parse(decoded(jwt.substr(0, dot)));
  const json claims = json::parse(decoded(jwt.substr(dot + 1, second - dot - 1)));
  EXPECT_EQ(header, (json{{"alg", "ES384"}, {"kid", signing.keyId()}, {"typ", "JWT"}}));
  EXPECT_EQ(claims["iss"], "fedpet-test");
  EXPECT_EQ(claims["sub"], "fedpet-test");
  EXPECT_THAT(claims["aud"].get<std::string>(), ::testing::EndsWith("/token"));
  EXPECT_GT(claims["exp"], 1'790'000'000);
  EXPECT_LE(claims["exp"], 1'790'000'000 + 300);
  EXPECT_GE(claims["jti"].get<std::string>().size(), 16U);
  // RFC 7518, section 3.4: r and s of 48 bytes each, not DER.
  EXPECT_EQ(decoded(jwt.substr(second + 1)).size(), 96U);
}

TEST_F(BackendServicesTest, KeepsATokenAndRenewsItBeforeItExpires) {
  SmartServer server;
  auto options = optionsFor(server.url());
  auto now = std::chrono::system_clock::time_point{seconds{1'790'000'000}};
  options.now = [&now] { return now; };
  BackendServices tokens(options, key());
  EXPECT_EQ(tokens.token(), "token-1");
  now += seconds{200};
  EXPECT_EQ(tokens.token(), "token-1");
  now += seconds{50};  // 50 seconds before the end of its 300
  EXPECT_EQ(tokens.token(), "token-2");
  tokens.reject("token-1");  // an old one: the new one stays
  EXPECT_EQ(tokens.token(), "token-2");
  tokens.reject("token-2");
  EXPECT_EQ(tokens.token(), "token-3");
}

TEST_F(BackendServicesTest, NeverUsesAnAssertionTwice) {
  SmartServer server;
  BackendServices tokens(optionsFor(server.url()), key());
  for (int i = 0; i < 3; ++i) tokens.reject(tokens.token());
  std::set<std::string> ids;
  for (const std::string& form : server.tokenRequests()) {
    const std::string jwt = fieldOf(form, "client_assertion");
    const auto dot = jwt.find('.');
    ids.insert(json::parse(decoded(jwt.substr(dot + 1, jwt.rfind('.') - dot - 1)))["jti"]);
  }
  EXPECT_EQ(ids.size(), 3U);
}

TEST_F(BackendServicesTest, SpeaksTheOlderScopesToAServerThatSaysSo) {
  SmartServer server;
  server.discovery["capabilities"] = {"permission-v1"};
  BackendServices tokens(optionsFor(server.url()), key());
  tokens.token();
  EXPECT_EQ(fieldOf(server.tokenRequests()[0], "scope"),
            "system%2FPatient.read%20system%2FObservation.read");
}

TEST_F(BackendServicesTest, FallsBackToTheOlderScopesWhenTheNewOnesAreRefused) {
  SmartServer server;
  server.discovery["capabilities"] = json::array();
  server.refusedScopes = {"system/Patient.rs"};
  BackendServices tokens(optionsFor(server.url()), key());
  EXPECT_EQ(tokens.token(), "token-1");
  tokens.reject("token-1");
  tokens.token();
  EXPECT_EQ(server.tokenRequests().size(), 3U) << "what was learned must be kept";
}

TEST_F(BackendServicesTest, SaysWhichKeyTheServerWouldTake) {
  SmartServer server;
  server.discovery["token_endpoint_auth_signing_alg_values_supported"] = {"RS384"};
  BackendServices tokens(optionsFor(server.url()), key());
  std::string message;
  EXPECT_EQ(kindOf([&] { tokens.token(); }, &message), AuthError::Kind::Configuration);
  EXPECT_THAT(message, HasSubstr("ES384"));
}

TEST_F(BackendServicesTest, SendsNoAssertionInTheClear) {
  SmartServer server;
  server.discovery["token_endpoint"] = "http://auth.example/token";
  BackendServices tokens(optionsFor(server.url()), key());
  std::string message;
  EXPECT_EQ(kindOf([&] { tokens.token(); }, &message), AuthError::Kind::Configuration);
  EXPECT_THAT(message, HasSubstr("https"));
  EXPECT_EQ(kindOf([&] { BackendServices(optionsFor("http://ehr.example/fhir"), key()); }),
            AuthError::Kind::Configuration);
}

TEST_F(BackendServicesTest, KeepsTheAssertionOutOfItsErrorsThoughTheServerEchoesIt) {
  LoopbackServer server([](const net::HttpRequest& request) {
    return Answer{
        .status = 400,
        .body =
            json{{"error", "invalid_client"}, {"error_description", "bad " + request.body}}.dump()};
  });
  auto options = optionsFor(server.url("/fhir"));
  options.tokenUrl = server.url("/token");
  BackendServices tokens(options, key());
  std::string message;
  EXPECT_EQ(kindOf([&] { tokens.token(); }, &message), AuthError::Kind::Refused);
  EXPECT_THAT(message, HasSubstr("invalid_client"));
  EXPECT_THAT(message, Not(HasSubstr("eyJ"))) << message;
}

TEST_F(BackendServicesTest, TakesNothingButABearerToken) {
  for (const char* body : {R"({"access_token":"a b","token_type":"bearer"})",
                           R"({"access_token":"x\r\nEvil: 1","token_type":"bearer"})",
                           R"({"access_token":"x","token_type":"mac"})", R"({"access_token":7})",
                           "[]", "null", "<html>"}) {
    SmartServer server;
    server.tokenAnswer = {.status = 200, .body = body};
    BackendServices tokens(optionsFor(server.url()), key());
    EXPECT_EQ(kindOf([&] { tokens.token(); }), AuthError::Kind::Unreachable) << body;
  }
}

// --- the test EHR as judge -----------------------------------------------------------------------

class BackendServicesAtTheTestEhr : public BackendServicesTest,
                                    public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (const auto why = TestEhr::whyNot(); !why.empty()) GTEST_SKIP() << why;
  }
  SigningKey keyOfKind() {
    const bool ec = std::string(GetParam()) == "ES384";
    return SigningKey::fromPemFile(ec ? newEcKey(folder_.path()) : newRsaKey(folder_.path()));
  }
  std::vector<std::string> registered(const SigningKey& signing,
                                      std::vector<std::string> more = {}) {
    const auto jwks = folder_.path() / "jwks.json";
    std::ofstream(jwks) << signing.jwks();
    std::vector<std::string> arguments{"--auth", "--jwks", jwks.string(), "--patient", "urn:s|P1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_P(BackendServicesAtTheTestEhr, GetsATokenThatOpensTheServer) {
  const SigningKey signing = keyOfKind();
  EXPECT_EQ(signing.algorithm(), GetParam());
  const TestEhr ehr(registered(signing));
  BackendServices tokens(optionsFor(ehr.url()), signing);
  net::HttpClient client(ehr.url());
  EXPECT_EQ(client.get("/fhir/Patient").status, 401);
  EXPECT_EQ(client.get("/fhir/Patient", {{"Authorization", "Bearer " + tokens.token()}}).status,
            200);
}

TEST_P(BackendServicesAtTheTestEhr, IsRefusedWithAKeyThatIsNotRegistered) {
  const TestEhr ehr(registered(keyOfKind()));
  BackendServices tokens(optionsFor(ehr.url()), key());
  EXPECT_EQ(kindOf([&] { tokens.token(); }), AuthError::Kind::Refused);
}

TEST_P(BackendServicesAtTheTestEhr, DeliversWithANewTokenAfterTheOldOneExpired) {
  const SigningKey signing = keyOfKind();
  const TestEhr ehr(registered(signing, {"--token-life", "1"}));
  // The clock of the client stands still: it does not see the token expire.
  auto options = optionsFor(ehr.url());
  options.now = [now = std::chrono::system_clock::now()] { return now; };
  EhrOptions ehrOptions;
  ehrOptions.baseUrl = ehr.url();
  ehrOptions.tokens = std::make_shared<BackendServices>(options, signing);
  EhrClient client(ehrOptions);
  const std::string bundle =
      json{{"resourceType", "Bundle"},
           {"type", "transaction"},
           {"entry",
            {{{"resource", {{"resourceType", "Basic"}, {"code", {{"text", "x"}}}}},
              {"request", {{"method", "POST"}, {"url", "Basic"}}}}}}}
          .dump();
  ASSERT_TRUE(std::holds_alternative<Delivered>(client.deliver(bundle, "1")));
  std::this_thread::sleep_for(std::chrono::milliseconds{1200});
  EXPECT_TRUE(std::holds_alternative<Delivered>(client.deliver(bundle, "2")));
}

// oidc-provider, a certified OpenID Connect and OAuth 2 library, on the other end.
TEST_P(BackendServicesAtTheTestEhr, GetsATokenFromARealAuthorizationServer) {
  const SigningKey signing = keyOfKind();
  const auto jwks = folder_.path() / "jwks.json";
  std::ofstream(jwks) << signing.jwks();
  const TestEhr door({"--jwks", jwks.string()}, "oauth.cjs");
  auto options = optionsFor(door.url());
  options.scopes = {"system/Patient.rs"};
  BackendServices tokens(options, signing);
  net::HttpClient client(door.url());
  const auto statusWith = [&](const std::string& token) {
    return client.get("/fhir/Patient", {{"Authorization", "Bearer " + token}}).status;
  };
  const std::string first = tokens.token();
  EXPECT_EQ(statusWith(first), 200);
  EXPECT_EQ(tokens.grantedScope(), "system/Patient.rs");
  tokens.reject(first);
  EXPECT_EQ(statusWith(tokens.token()), 200) << "a new assertion, a new token";
  EXPECT_EQ(statusWith("invented"), 401);
}

TEST_P(BackendServicesAtTheTestEhr, SpeaksTheOlderScopesToARealAuthorizationServer) {
  const SigningKey signing = keyOfKind();
  const auto jwks = folder_.path() / "jwks.json";
  std::ofstream(jwks) << signing.jwks();
  const TestEhr door({"--jwks", jwks.string(), "--scope", "system/Patient.read"}, "oauth.cjs");
  auto options = optionsFor(door.url());
  options.scopes = {"system/Patient.rs"};
  BackendServices tokens(options, signing);
  tokens.token();
  EXPECT_EQ(tokens.grantedScope(), "system/Patient.read");
}

INSTANTIATE_TEST_SUITE_P(Keys, BackendServicesAtTheTestEhr, ::testing::Values("ES384", "RS384"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace fedpet::fhir
