// Certificates, with the openssl command line as a judge that shares none of our code.
#include "federation/crypto/Certificate.h"
#include "tests/support/TemporaryDirectory.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace fedpet::federation {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds kBegin = std::chrono::sys_days{2026y / 3 / 1};
constexpr std::chrono::sys_seconds kEnd = std::chrono::sys_days{2036y / 3 / 1};
constexpr std::chrono::sys_seconds kDuring = std::chrono::sys_days{2026y / 7 / 1};

CertificateAuthority anAuthority() {
  return CertificateAuthority::create("Nuclear medicine consortium", kBegin, kEnd);
}
CertificateTerms termsOf(const std::string& name) {
  CertificateTerms terms;
  terms.commonName = name;
  terms.notBefore = kBegin;
  terms.notAfter = kBegin + 24h * 365;
  return terms;
}

struct Judgement {
  int status;
  std::string output;
};

// A folder of its own with files that openssl is asked about.
class Judge : public ::testing::Test {
 protected:
  void write(const std::string& name, std::string_view content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  Judgement openssl(const std::string& arguments) const {
    const std::string command = "cd '" + folder_.string() + "' && openssl " + arguments + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("no openssl command");
    Judgement judgement{};
    char buffer[4096];
    for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
      judgement.output.append(buffer, n);
    const int status = pclose(pipe);
    judgement.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return judgement;
  }
  Judgement verify(const std::string& options) const {
    return openssl("verify -x509_strict -attime " +
                   std::to_string(kDuring.time_since_epoch().count()) + " -CAfile ca.pem " +
                   options + " member.pem");
  }

  const fedpet::testing::TemporaryDirectory temporary_;
  const std::filesystem::path& folder_ = temporary_.path();
};

using Certificates = Judge;

TEST_F(Certificates, OfSitesConvinceOpensslAsClientsOnly) {
  const auto ca = anAuthority();
  const auto site = SigningKey::generate();
  write("ca.pem", ca.certificatePem());
  write("member.pem", ca.issue(site.publicKey(), termsOf("site-3")));
  const auto asClient = verify("-purpose sslclient");
  EXPECT_EQ(asClient.status, 0) << asClient.output;
  EXPECT_NE(verify("-purpose sslserver").status, 0);
  write("ca.pem", anAuthority().certificatePem());
  EXPECT_NE(verify("-purpose sslclient").status, 0);
}

TEST_F(Certificates, OfTheServerConvinceOpensslUnderItsNamesOnly) {
  const auto ca = anAuthority();
  auto terms = termsOf("coordinator");
  terms.dnsNames = {"coordinator.example.org", "localhost"};
  terms.ipAddresses = {"127.0.0.1", "2001:db8::1"};
  terms.forServer = true;
  write("ca.pem", ca.certificatePem());
  write("member.pem", ca.issue(SigningKey::generate().publicKey(), terms));
  for (const auto* name : {"-verify_hostname coordinator.example.org", "-verify_hostname localhost",
                           "-verify_ip 127.0.0.1", "-verify_ip 2001:db8::1"}) {
    const auto judgement = verify(std::string("-purpose sslserver ") + name);
    EXPECT_EQ(judgement.status, 0) << name << ": " << judgement.output;
  }
  EXPECT_NE(verify("-purpose sslserver -verify_hostname other.example.org").status, 0);
  EXPECT_NE(verify("-purpose sslserver -verify_ip 127.0.0.2").status, 0);
  EXPECT_NE(verify("-purpose sslclient").status, 0);
}

TEST_F(Certificates, CarryTheExtensionsOfRfc5280) {
  const auto ca = anAuthority();
  write("ca.pem", ca.certificatePem());
  write("member.pem", ca.issue(SigningKey::generate().publicKey(), termsOf("site-3")));
  const auto caText = openssl("x509 -in ca.pem -noout -text").output;
  for (const auto* expected :
       {"Basic Constraints: critical\n                CA:TRUE, pathlen:0",
        "Key Usage: critical\n                Certificate Sign, CRL Sign", "Subject Key Identifier",
        "Authority Key Identifier", "Signature Algorithm: ED25519", "Version: 3"})
    EXPECT_NE(caText.find(expected), std::string::npos) << expected << " is not in\n" << caText;
  const auto text = openssl("x509 -in member.pem -noout -text").output;
  for (const auto* expected :
       {"Basic Constraints: critical\n                CA:FALSE",
        "Key Usage: critical\n                Digital Signature",
        "Extended Key Usage: \n                TLS Web Client Authentication",
        "Subject Key Identifier", "Authority Key Identifier", "Subject: CN = site-3",
        "Issuer: CN = Nuclear medicine consortium"})
    EXPECT_NE(text.find(expected), std::string::npos) << expected << " is not in\n" << text;
}

TEST_F(Certificates, AreAskedForByRequestsThatOpensslVerifies) {
  const auto key = SigningKey::generate();
  write("request.pem", makeSigningRequest(key, "site-3"));
  const auto judgement = openssl("req -in request.pem -verify -noout -subject");
  EXPECT_EQ(judgement.status, 0);
  EXPECT_NE(judgement.output.find("verify OK"), std::string::npos) << judgement.output;
  EXPECT_NE(judgement.output.find("CN = site-3"), std::string::npos) << judgement.output;
}

TEST_F(Certificates, AndKeysGoBothWaysBetweenUsAndOpenssl) {
  const auto ours = SigningKey::generate();
  const auto pem = ours.toPem();
  write("ours.pem", textOf(pem.view()));
  write("message", "to be signed");
  ASSERT_EQ(openssl("pkey -in ours.pem -pubout -out ours-public.pem").status, 0);
  write("signature", textOf(ours.sign(viewOf("to be signed"))));
  EXPECT_EQ(openssl("pkeyutl -verify -pubin -inkey ours-public.pem -rawin -in message "
                    "-sigfile signature")
                .status,
            0);

  ASSERT_EQ(openssl("genpkey -algorithm ED25519 -out theirs.pem").status, 0);
  ASSERT_EQ(openssl("req -new -key theirs.pem -subj /CN=site-9 -out theirs.csr").status, 0);
  const auto content = [this](const std::string& name) {
    std::ifstream file(folder_ / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const auto theirs = SigningKey::fromPem(viewOf(content("theirs.pem")));
  EXPECT_EQ(keyOfRequest(content("theirs.csr")), theirs.publicKey());

  ASSERT_EQ(openssl("genpkey -algorithm RSA -out rsa.pem").status, 0);
  ASSERT_EQ(openssl("req -new -key rsa.pem -subj /CN=site-9 -out rsa.csr").status, 0);
  EXPECT_THROW(keyOfRequest(content("rsa.csr")), CryptoError);
  EXPECT_THROW(SigningKey::fromPem(viewOf(content("rsa.pem"))), CryptoError);
  ASSERT_EQ(openssl("pkey -in ours.pem -aes256 -passout pass:x -out locked.pem").status, 0);
  EXPECT_THROW(SigningKey::fromPem(viewOf(content("locked.pem"))), CryptoError);
  ASSERT_EQ(openssl("req -x509 -new -key rsa.pem -subj /CN=site-9 -out rsa.crt").status, 0);
  EXPECT_THROW(factsOf(content("rsa.crt")), CryptoError);
}

TEST_F(Certificates, HaveTheFingerprintThatOpensslPrints) {
  const auto ca = anAuthority();
  write("ca.pem", ca.certificatePem());
  std::string printed = openssl("x509 -in ca.pem -noout -fingerprint -sha256").output;
  printed = printed.substr(printed.find('=') + 1);
  std::string hex;
  for (const char c : printed)
    if (std::isxdigit(static_cast<unsigned char>(c))) hex += c;
  EXPECT_EQ(toHex(factsOf(ca.certificatePem()).sha256), toHex(fromHex(hex)));
  std::string serial = openssl("x509 -in ca.pem -noout -serial").output;
  serial = serial.substr(serial.find('=') + 1);
  serial.pop_back();
  EXPECT_EQ(factsOf(ca.certificatePem()).serialHex, toHex(fromHex(serial)));
}

TEST(Certificate, TellsWhatItWasMadeFrom) {
  const auto ca = anAuthority();
  const auto key = SigningKey::generate();
  const auto terms = termsOf("site-3");
  const auto facts = factsOf(ca.issue(key.publicKey(), terms));
  EXPECT_EQ(facts.commonName, "site-3");
  EXPECT_EQ(facts.key, key.publicKey());
  EXPECT_EQ(facts.notBefore, terms.notBefore);
  EXPECT_EQ(facts.notAfter, terms.notAfter);
  EXPECT_NE(facts.serialHex, factsOf(ca.issue(key.publicKey(), terms)).serialHex);
}

TEST(Certificate, KeepsDatesBeyond2049) {  // there ASN.1 changes from two-digit years to four
  const auto ca = CertificateAuthority::create("c", kBegin, std::chrono::sys_days{2061y / 1 / 2});
  EXPECT_EQ(factsOf(ca.certificatePem()).notAfter, std::chrono::sys_days{2061y / 1 / 2});
}

TEST(Certificate, IsSignedByItsAuthorityWithinItsDatesOnly) {
  const auto ca = anAuthority();
  const auto pem = ca.issue(SigningKey::generate().publicKey(), termsOf("site-3"));
  EXPECT_TRUE(isSignedBy(pem, ca.certificatePem(), kDuring));
  EXPECT_TRUE(isSignedBy(pem, ca.certificatePem(), kBegin));
  EXPECT_FALSE(isSignedBy(pem, ca.certificatePem(), kBegin - 1s));
  EXPECT_FALSE(isSignedBy(pem, ca.certificatePem(), kBegin + 24h * 365 + 1s));
  // The same name and another key.
  EXPECT_FALSE(isSignedBy(pem, anAuthority().certificatePem(), kDuring));
}

TEST(Certificate, OfAMemberSignsNoOther) {
  const auto ca = anAuthority();
  const auto member = SigningKey::generate();
  const auto memberPem = ca.issue(member.publicKey(), termsOf("site-3"));
  EXPECT_THROW(CertificateAuthority::load(memberPem, member.toPem().view()), CryptoError);
  // Nor is an authority's certificate a member's.
  EXPECT_FALSE(isSignedBy(ca.certificatePem(), ca.certificatePem(), kDuring));
}

TEST(Certificate, AuthorityIsTheSameAfterLoading) {
  const auto ca = anAuthority();
  const auto loaded = CertificateAuthority::load(ca.certificatePem(), ca.keyPem().view());
  const auto pem = loaded.issue(SigningKey::generate().publicKey(), termsOf("site-3"));
  EXPECT_TRUE(isSignedBy(pem, ca.certificatePem(), kDuring));
  EXPECT_THROW(CertificateAuthority::load(ca.certificatePem(), anAuthority().keyPem().view()),
               CryptoError);
}

TEST(Certificate, RequestIsRefusedOnceAltered) {
  const auto key = SigningKey::generate();
  const auto pem = makeSigningRequest(key, "site-3");
  EXPECT_EQ(keyOfRequest(pem), key.publicKey());
  int refused = 0;
  const auto begin = pem.find('\n') + 1, end = pem.find("\n-----END");
  for (auto at = begin; at < end; at += 5) {
    std::string altered = pem;
    if (altered[at] == '\n') continue;
    altered[at] = altered[at] == 'A' ? 'B' : 'A';
    EXPECT_THROW(keyOfRequest(altered), CryptoError) << at;
    ++refused;
  }
  EXPECT_GT(refused, 30);
}

TEST(Certificate, RefusesNamesAndDatesThatMeanNothing) {
  const auto ca = anAuthority();
  const auto key = SigningKey::generate().publicKey();
  EXPECT_THROW(ca.issue(key, termsOf("")), CryptoError);
  EXPECT_THROW(ca.issue(key, termsOf(std::string(65, 'a'))), CryptoError);
  EXPECT_THROW(ca.issue(key, termsOf(std::string("site\0-3", 7))), CryptoError);
  auto terms = termsOf("coordinator");
  terms.dnsNames = {"a.example.org,DNS:b.example.org"};
  EXPECT_THROW(ca.issue(key, terms), CryptoError);
  terms.dnsNames = {};
  terms.ipAddresses = {"256.0.0.1"};
  EXPECT_THROW(ca.issue(key, terms), CryptoError);
  auto backwards = termsOf("site-3");
  std::swap(backwards.notBefore, backwards.notAfter);
  EXPECT_THROW(ca.issue(key, backwards), CryptoError);
}

TEST(Certificate, RefusesWhatIsNotExactlyOneCertificate) {
  const auto pem = anAuthority().certificatePem();
  EXPECT_THROW(factsOf(""), CryptoError);
  EXPECT_THROW(factsOf("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
               CryptoError);
  EXPECT_THROW(factsOf(pem + pem), CryptoError);
  EXPECT_THROW(factsOf(pem.substr(0, pem.size() / 2)), CryptoError);
  EXPECT_THROW(keyOfRequest(pem), CryptoError);
}

}  // namespace
}  // namespace fedpet::federation
