// The consortium's X.509: a CA that signs one certificate per member (Ed25519 keys, RFC 8410).
// Subject common name = the member's id ("site-3", "coordinator").
#pragma once

#include "federation/crypto/SigningKey.h"

#include <chrono>
#include <string>
#include <vector>

namespace fedpet::federation {

struct CertificateFacts {
  std::string commonName;
  std::string serialHex;
  PublicKey key{};
  std::chrono::sys_seconds notBefore{}, notAfter{};
  Hash256 sha256{};  // of the DER form
};

// Throws CryptoError for what is not one PEM certificate with an Ed25519 key.
CertificateFacts factsOf(const std::string& certificatePem);
// Chain and dates; `at` instead of the system's clock.
bool isSignedBy(const std::string& certificatePem, const std::string& caPem,
                std::chrono::sys_seconds at);

// A PKCS#10 request with proof of possession.
std::string makeSigningRequest(const SigningKey&, const std::string& commonName);
// The key that a request asks a certificate for; throws CryptoError when its signature is wrong.
PublicKey keyOfRequest(const std::string& requestPem);

// What is issued begins so long before it is made: a member's clock may be slow.
inline constexpr std::chrono::hours kSlowestClock{48};

struct CertificateTerms {
  std::string commonName;
  std::chrono::sys_seconds notBefore{}, notAfter{};
  std::vector<std::string> dnsNames, ipAddresses;  // subjectAltName: for the coordinator's server
  bool forServer = false;                          // extended key usage serverAuth, else clientAuth
};

class CertificateAuthority {
 public:
  static CertificateAuthority create(const std::string& consortium,
                                     std::chrono::sys_seconds notBefore,
                                     std::chrono::sys_seconds notAfter);
  static CertificateAuthority load(std::string certificatePem, ByteView keyPem);
  const std::string& certificatePem() const { return certificatePem_; }
  SecretBytes keyPem() const { return key_.toPem(); }
  // A random 128-bit serial number. The request's own subject and extensions are ignored.
  std::string issue(const PublicKey&, const CertificateTerms&) const;

 private:
  CertificateAuthority(SigningKey key, std::string pem)
      : key_(std::move(key)), certificatePem_(std::move(pem)) {}
  SigningKey key_;
  std::string certificatePem_;
};

}  // namespace fedpet::federation
