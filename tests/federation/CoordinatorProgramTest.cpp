// The program itself: real processes, real TLS on 127.0.0.1, killed without warning.
#include "federation/Clock.h"
#include "federation/crypto/Certificate.h"
#include "federation/wire/Messages.h"
#include "federation/wire/RequestSignature.h"
#include "net/HttpClient.h"
#include "tests/support/TemporaryDirectory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fedpet::federation {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kProgram = std::string(FEDPET_BINARY_DIR) + "/bin/fedpet-coordinator";

std::string contentOf(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class CoordinatorProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = (root_ / "consortium").string();
    ASSERT_EQ(run("init --consortium Trial --url https://localhost --dir " + dir_), 0) << output_;
  }
  void TearDown() override {
    if (server_ > 0) stop(SIGKILL);
  }

  int run(const std::string& arguments) {
    const auto out = root_ / "output";
    const int status =
        std::system((kProgram + " " + arguments + " > " + out.string() + " 2>&1").c_str());
    output_ = contentOf(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // Returns when it has printed where it serves.
  void serve() {
    int pipes[2];
    ASSERT_EQ(pipe(pipes), 0);
    server_ = fork();
    ASSERT_GE(server_, 0);
    if (server_ == 0) {
      dup2(pipes[1], STDOUT_FILENO);
      close(pipes[0]);
      close(pipes[1]);
      const int log = creat((root_ / "log").c_str(), 0600);
      dup2(log, STDERR_FILENO);
      execl(kProgram.c_str(), kProgram.c_str(), "serve", "--dir", dir_.c_str(), "--port", "0",
            "--json", static_cast<char*>(nullptr));
      _exit(127);
    }
    close(pipes[1]);
    std::string line;
    for (char c = 0; read(pipes[0], &c, 1) == 1 && c != '\n';) line += c;
    close(pipes[0]);
    const json facts = json::parse(line, nullptr, false);
    ASSERT_TRUE(facts.is_object()) << line << contentOf(root_ / "log");
    url_ = facts.at("url").get<std::string>();
    EXPECT_EQ(facts.at("pid"), server_);
  }
  int stop(int signal) {
    kill(server_, signal);
    int status = 0;
    waitpid(server_, &status, 0);
    server_ = -1;
    return status;
  }

  net::HttpClientOptions tls() const {
    net::HttpClientOptions options;
    options.caFile = dir_ + "/ca.pem";
    return options;
  }
  static net::HttpRequest signedRequest(const std::string& method, const std::string& target,
                                        const std::string& site, const SigningKey& key) {
    return {
        method,
        target,
        {{kSignatureHeader, makeSignatureHeader({method, target, {}}, site, systemSeconds(), key)}},
        ""};
  }
  // The invitation of `invite`, turned into a certificate over the real connection.
  net::HttpClientOptions enrol(const std::string& site, const SigningKey& key) {
    EXPECT_EQ(run("invite " + site + " --dir " + dir_), 0) << output_;
    const Invitation invitation = invitationFromText(output_);
    const Bytes request = encode(EnrolRequest{invitation.token, makeSigningRequest(key, site)});
    net::HttpClient client(url_, tls());
    const auto response = client.post("/v1/enrol", std::string(textOf(request)));
    EXPECT_EQ(response.status, 200) << response.body;
    net::HttpClientOptions options = tls();
    options.clientCertificatePem = decode<EnrolReply>(viewOf(response.body)).certificatePem;
    options.clientKeyPem = std::string(textOf(key.toPem().view()));
    return options;
  }

  const fedpet::testing::TemporaryDirectory temporary_;
  const std::filesystem::path& root_ = temporary_.path();
  std::string dir_, url_, output_;
  pid_t server_ = -1;
};

TEST_F(CoordinatorProgram, EnrolsASiteThatThenSpeaksWithItsCertificate) {
  serve();
  const SigningKey key = SigningKey::generate(), other = SigningKey::generate();
  net::HttpClient member(url_, enrol("lyon", key));
  EXPECT_EQ(member.send(signedRequest("POST", "/v1/poll", "lyon", key)).status, 200);
  // Right signature, but over no certificate or over another member's.
  net::HttpClient stranger(url_, tls());
  const auto refused = stranger.send(signedRequest("POST", "/v1/poll", "lyon", key));
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("CertificateNeeded"));
  net::HttpClient nantes(url_, enrol("nantes", other));
  EXPECT_EQ(nantes.send(signedRequest("POST", "/v1/poll", "lyon", key)).status, 403);
  EXPECT_EQ(run("sites --json --dir " + dir_), 0);
  EXPECT_EQ(json::parse(output_).at(0).at("status"), "member");
  EXPECT_EQ(run("revoke lyon --dir " + dir_), 0) << output_;
  EXPECT_THAT(member.send(signedRequest("POST", "/v1/poll", "lyon", key)).body,
              HasSubstr("Revoked"));
}

TEST_F(CoordinatorProgram, RefusesACertificateOfAnotherAuthority) {
  serve();
  const SigningKey key = SigningKey::generate();
  const auto wrong = CertificateAuthority::create("other", systemSeconds() - std::chrono::hours(1),
                                                  systemSeconds() + std::chrono::hours(24));
  CertificateTerms terms;
  terms.commonName = "lyon";
  terms.notBefore = systemSeconds() - std::chrono::hours(1);
  terms.notAfter = systemSeconds() + std::chrono::hours(1);
  net::HttpClientOptions options = tls();
  options.clientCertificatePem = wrong.issue(key.publicKey(), terms);
  options.clientKeyPem = std::string(textOf(key.toPem().view()));
  net::HttpClient client(url_, options);
  EXPECT_THROW(client.send(signedRequest("POST", "/v1/poll", "lyon", key)), net::NetError);
}

TEST_F(CoordinatorProgram, KeepsWhatItAnsweredWhenItIsKilled) {
  serve();
  const SigningKey key = SigningKey::generate();
  const auto certificate = enrol("lyon", key);
  stop(SIGKILL);
  serve();
  net::HttpClient member(url_, certificate);
  EXPECT_EQ(member.send(signedRequest("POST", "/v1/poll", "lyon", key)).status, 200);
  EXPECT_EQ(run("audit export --dir " + dir_), 0);
  EXPECT_THAT(output_, HasSubstr("enrolment"));
}

TEST_F(CoordinatorProgram, StopsCleanlyAndLogsNoSecret) {
  serve();
  EXPECT_EQ(run("invite lyon --dir " + dir_), 0);
  const std::string token = invitationFromText(output_).token;
  EXPECT_NE(run("serve --port 0 --dir " + dir_), 0);
  EXPECT_THAT(output_, HasSubstr("another coordinator is running"));
  const int status = stop(SIGTERM);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/served-url"));
  const std::string log = contentOf(root_ / "log");
  std::string adminToken = contentOf(dir_ + "/admin-token");
  adminToken.pop_back();
  EXPECT_THAT(log, Not(HasSubstr(token)));
  EXPECT_THAT(log, Not(HasSubstr(adminToken)));
}

TEST_F(CoordinatorProgram, RunsThePlanCommands) {
  serve();
  const auto file = root_ / "plan.json";
  std::ofstream(file) << "{}";
  EXPECT_EQ(run("plan propose " + file.string() + " --dir " + dir_), 1);
  EXPECT_THAT(output_, HasSubstr("fedpet-coordinator: "));
  Plan plan;
  plan.title = "Trial plan";
  plan.purpose = "research";
  plan.task = TaskKind::Newton;
  plan.features = {{"age", "a", {}}};
  plan.endpoint.column = "response";
  std::ofstream(file) << toReadableJson(plan);
  ASSERT_EQ(run("plan propose " + file.string() + " --json --dir " + dir_), 0) << output_;
  const std::string hash = json::parse(output_).at("hash").get<std::string>();
  EXPECT_EQ(run("plan list --dir " + dir_), 0);
  EXPECT_THAT(output_, HasSubstr("proposed"));
  EXPECT_EQ(run("plan start " + hash.substr(0, 8) + " --dir " + dir_), 1);
  EXPECT_THAT(output_, HasSubstr("have approved it"));
  EXPECT_EQ(run("plan cancel " + hash + " --reason trial --dir " + dir_), 0) << output_;
  EXPECT_EQ(run("plan show " + hash + " --json --dir " + dir_), 0);
  EXPECT_EQ(json::parse(output_).at("status"), "cancelled");
  EXPECT_EQ(run("release " + hash + " --dir " + dir_), 1);
  EXPECT_EQ(run("rounds --json --dir " + dir_), 0);
  EXPECT_EQ(run("plan --help"), 0);
  EXPECT_EQ(run("nonsense"), 2);
}

}  // namespace
}  // namespace fedpet::federation
