// A real Orthanc with our plugin and DICOMweb, in a folder of its own, on free ports of the
// loopback interface. Its log is in folder()/log; a failing test prints its end.
//
// Orthanc 1.10.1 listens on every interface whatever its options say; RemoteAccessAllowed = false
// makes it answer this machine only.
#pragma once

#include "net/HttpClient.h"

#include <nlohmann/json.hpp>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fedpet::testing {

class OrthancFixture {
 public:
  // Why it cannot be used here, for GTEST_SKIP; empty: it can.
  static std::string whyNot();

  // `fedpet` is the section FedPet of the configuration, `orthanc` is merged over the rest.
  explicit OrthancFixture(nlohmann::json fedpet = nlohmann::json::object(),
                          nlohmann::json orthanc = nlohmann::json::object());
  ~OrthancFixture();  // stops Orthanc, prints its log when the test has failed, removes the folder
  OrthancFixture(const OrthancFixture&) = delete;
  OrthancFixture& operator=(const OrthancFixture&) = delete;

  std::map<std::string, std::string> environment;  // added at the next start()

  void start();  // returns when the REST API answers
  void stop();   // as a service manager does it
  void kill();   // SIGKILL, to the Orthanc process alone
  bool isRunning();

  // Sends files by C-STORE in one association (DCMTK's storescu).
  void send(const std::vector<std::filesystem::path>& files) const;

  net::HttpResponse request(const std::string& method, const std::string& target,
                            const std::string& body = {}, net::Headers headers = {}) const;
  nlohmann::json get(const std::string& target) const;  // throws std::runtime_error if not 200
  nlohmann::json jobs() const { return get("/fedpet/jobs").at("jobs"); }  // newest first
  // The newest job, once `accept` holds for it. Throws after `patience`, with the job as it was.
  nlohmann::json waitForJob(const std::function<bool(const nlohmann::json&)>& accept,
                            std::chrono::seconds patience = std::chrono::seconds(120)) const;
  nlohmann::json waitForState(const std::string& state) const;
  // Identifiers of the series of this modality that Orthanc holds.
  std::vector<std::string> seriesOf(const std::string& modality) const;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path log() const { return folder_ / "log"; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(httpPort_); }
  int dicomPort() const { return dicomPort_; }
  pid_t processId() const { return process_; }

  static constexpr const char* kUser = "test";
  static constexpr const char* kPassword = "test password";

 private:
  void writeConfiguration(const nlohmann::json& fedpet, const nlohmann::json& orthanc);

  std::filesystem::path folder_;
  int httpPort_ = 0, dicomPort_ = 0;
  pid_t process_ = -1;
};

// Until `holds`, asked ten times a second; false when `patience` is over.
bool eventually(const std::function<bool()>& holds,
                std::chrono::seconds patience = std::chrono::seconds(60));

// Exit code and output (both streams) of a program.
struct ProgramResult {
  int exitCode = -1;
  std::string output;
};
ProgramResult runProgram(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment = {});

// The processes whose parent this is.
std::vector<pid_t> childrenOf(pid_t parent);

// The files of a small synthetic whole-body FDG study (8 mm voxels), made once per build.
std::vector<std::filesystem::path> phantomFiles();
// Those of the same patient eight weeks later: every lesion has become smaller and colder.
std::vector<std::filesystem::path> followUpFiles();
// A copy of files in `folder`, changed by DCMTK's dcmodify: {"-m", "(0010,1030)=0"}.
std::vector<std::filesystem::path> modifiedCopy(const std::vector<std::filesystem::path>& files,
                                                const std::filesystem::path& folder,
                                                const std::vector<std::string>& changes);

}  // namespace fedpet::testing
