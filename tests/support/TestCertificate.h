// A self-signed certificate made on the spot, for servers on the loopback interface in tests.
#pragma once

#include <string>

namespace fedpet::testing {

struct TestCertificate {
  std::string certificatePem, keyPem;
};

// `subjectAltName` as OpenSSL writes it: "DNS:localhost,IP:127.0.0.1". Valid from one hour ago
// for `validHours`; 0 gives one that has expired.
TestCertificate makeTestCertificate(const std::string& subjectAltName, int validHours = 24);

}  // namespace fedpet::testing
