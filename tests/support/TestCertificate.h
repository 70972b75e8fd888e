// Certificates made on the spot, for servers on the loopback interface in tests.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace fedpet::testing {

struct TestCertificate {
  std::string certificatePem, keyPem;
};

// Self-signed. `subjectAltName` as OpenSSL writes it: "DNS:localhost,IP:127.0.0.1". Valid from one
// hour ago for `validHours`; 0 gives one that has expired.
TestCertificate makeTestCertificate(const std::string& subjectAltName, int validHours = 24);

// SHA-256 of the public half (SubjectPublicKeyInfo, DER) of a private key in PEM, lower case.
std::string publicKeySha256Hex(const std::string& keyPem);

// An authority with an Ed25519 key that signs certificates with Ed25519 keys, as a consortium's.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  const std::string& certificatePem() const;
  struct Wish {
    std::string commonName = "site-1";
    std::string subjectAltName{};    // of a server
    std::string extendedKeyUsage{};  // "clientAuth"
    std::string secondCommonName{};
    long serial = 2;
    int validHours = 24;  // as above
  };
  TestCertificate issue(const Wish&) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Text in a file of the temporary folder, removed with this object.
class PemFile {
 public:
  explicit PemFile(const std::string& text);
  ~PemFile();
  PemFile(const PemFile&) = delete;
  PemFile& operator=(const PemFile&) = delete;
  void replace(const std::string& text) const;
  std::filesystem::path path;
};

}  // namespace fedpet::testing
