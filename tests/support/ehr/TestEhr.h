// The test EHR (ehr.cjs) as a child process: started on a free port, ended with this object.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace fedpet::testing {

class TestEhr {
 public:
  // Why it cannot be used here, for GTEST_SKIP: node or npm is missing. Empty: it can.
  static std::string whyNot();

  // Installs the server once into the build directory (npm), then starts it with these arguments:
  // {"--patient", "urn:oid:1.2|P1"}. Throws std::runtime_error when it does not come up.
  // Script "oauth.cjs": a FHIR server's door alone, guarded by a real OAuth 2 library.
  explicit TestEhr(std::vector<std::string> arguments, const std::string& script = "ehr.cjs");
  ~TestEhr();
  TestEhr(const TestEhr&) = delete;
  TestEhr& operator=(const TestEhr&) = delete;

  const std::string& url() const { return url_; }          // "http://127.0.0.1:12345/fhir"
  std::string get(const std::string& pathAndQuery) const;  // body, after asserting status 200
  std::string accepted() const;                            // every resource, as a JSON array

 private:
  pid_t process_ = -1;
  int standardInput_ = -1;  // closed with us: the server ends with it, also after a crash
  std::string url_;
};

}  // namespace fedpet::testing
