#include "tests/system/OrthancFixture.h"

#include "net/NetError.h"
#include "sample-data/PhantomFiles.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace fedpet::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;

// Free now; another process could take it before Orthanc does, which start() would notice.
int freePort() {
  const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (s < 0 || bind(s, generic, size) != 0 || getsockname(s, generic, &size) != 0)
    throw std::runtime_error("no free port");
  close(s);
  return ntohs(address.sin_port);
}

fs::path temporaryFolder(const char* pattern) {
  std::string name = (fs::temp_directory_path() / pattern).string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

std::string contentOf(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

// The path of a plugin of Debian's package.
std::string packagedPlugin(const std::string& package, const std::string& name) {
  std::istringstream files(runProgram({"dpkg", "-L", package}).output);
  for (std::string line; std::getline(files, line);)
    if (line.ends_with("/" + name) && fs::exists(line)) return fs::canonical(line).string();
  return {};
}

std::string orthancProgram() {
  for (const char* path : {"/usr/sbin/Orthanc", "/usr/bin/Orthanc", "/usr/local/sbin/Orthanc"})
    if (access(path, X_OK) == 0) return path;
  return {};
}

// In the child between fork and exec: only what is allowed there.
[[noreturn]] void become(std::vector<char*> argv, int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // no Orthanc outlives a test that crashed
  if (output >= 0) {
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
  }
  execvp(argv[0], argv.data());
  _exit(127);
}

pid_t startProgram(std::vector<std::string> arguments,
                   const std::map<std::string, std::string>& environment, int output) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) {
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    become(argv, output);
  }
  return child;
}

void copyEach(const std::vector<fs::path>& files, const fs::path& folder) {
  fs::create_directories(folder);
  for (const fs::path& file : files)
    fs::copy_file(file, folder / file.filename(), fs::copy_options::overwrite_existing);
}

}  // namespace

bool eventually(const std::function<bool()>& holds, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (holds()) return true;
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(100ms);
  }
}

ProgramResult runProgram(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const pid_t child = startProgram(arguments, environment, ends[1]);
  close(ends[1]);
  ProgramResult result;
  std::array<char, 4096> buffer{};
  for (ssize_t n; (n = read(ends[0], buffer.data(), buffer.size())) > 0;)
    result.output.append(buffer.data(), static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  result.exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::vector<pid_t> childrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(parent) + "/task")) {
    std::istringstream ids(contentOf(task.path() / "children"));
    for (pid_t id; ids >> id;) children.push_back(id);
  }
  return children;
}

std::string OrthancFixture::whyNot() {
  if (orthancProgram().empty()) return "Orthanc is missing (Debian: orthanc)";
  if (packagedPlugin("orthanc-dicomweb", "libOrthancDicomWeb.so").empty())
    return "the DICOMweb plugin is missing (Debian: orthanc-dicomweb)";
  if (runProgram({"storescu", "--version"}).exitCode != 0)
    return "storescu is missing (Debian: dcmtk)";
  return {};
}

OrthancFixture::OrthancFixture(json fedpet, json orthanc)
    : environment{{"TCP_NODELAY", "1"}},
      folder_(temporaryFolder("fedpet-orthanc-XXXXXX")),
      httpPort_(freePort()),
      dicomPort_(freePort()) {
  writeConfiguration(fedpet, orthanc);
}

void OrthancFixture::writeConfiguration(const json& fedpet, const json& orthanc) {
  json configuration = {{"Name", "fedpet test"},
                        {"StorageDirectory", (folder_ / "storage").string()},
                        {"IndexDirectory", (folder_ / "storage").string()},
                        {"HttpPort", httpPort_},
                        {"DicomPort", dicomPort_},
                        {"DicomAet", "ORTHANC"},
                        {"RemoteAccessAllowed", false},
                        {"AuthenticationEnabled", true},
                        {"RegisteredUsers", {{kUser, kPassword}}},
                        {"StableAge", 1},
                        {"DicomWeb", {{"Root", "/dicom-web/"}}},
                        {"Plugins",
                         {std::string(FEDPET_BINARY_DIR) + "/bin/libOrthancFedPet.so",
                          packagedPlugin("orthanc-dicomweb", "libOrthancDicomWeb.so")}},
                        {"FedPet", fedpet}};
  configuration.merge_patch(orthanc);
  std::ofstream(folder_ / "orthanc.json") << configuration.dump(2);
}

OrthancFixture::~OrthancFixture() {
  try {
    stop();
    if (::testing::Test::HasFailure()) {
      const std::string text = contentOf(log());
      std::cerr << "---- end of Orthanc's log ----\n"
                << text.substr(text.size() - std::min<std::size_t>(text.size(), 6000)) << "----\n";
    }
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  } catch (const std::exception& e) {
    std::cerr << "while stopping Orthanc: " << e.what() << "\n";
  }
}

void OrthancFixture::start() {
  const int output = open(log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  process_ = startProgram({orthancProgram(), "--verbose", (folder_ / "orthanc.json").string()},
                          environment, output);
  close(output);
  const bool up = eventually([this] {
    try {
      return !isRunning() || request("GET", "/system").status == 200;
    } catch (const net::NetError&) {
      return false;
    }
  });
  if (!up || !isRunning()) throw std::runtime_error("Orthanc did not start");
}

bool OrthancFixture::isRunning() {
  if (process_ < 0) return false;
  if (waitpid(process_, nullptr, WNOHANG) == process_) process_ = -1;
  return process_ > 0;
}

void OrthancFixture::stop() {
  if (!isRunning()) return;
  ::kill(process_, SIGTERM);
  if (!eventually([this] { return !isRunning(); }, 30s)) {
    ADD_FAILURE() << "Orthanc did not stop within 30 s of SIGTERM";
    kill();
  }
}

void OrthancFixture::kill() {
  if (!isRunning()) return;
  ::kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  process_ = -1;
}

void OrthancFixture::send(const std::vector<fs::path>& files) const {
  std::vector<std::string> arguments{"storescu", "-aec", "ORTHANC", "127.0.0.1",
                                     std::to_string(dicomPort_)};
  for (const fs::path& file : files) arguments.push_back(file.string());
  const auto result = runProgram(arguments, {{"TCP_NODELAY", "1"}});
  if (result.exitCode != 0) throw std::runtime_error("storescu: " + result.output);
}

net::HttpResponse OrthancFixture::request(const std::string& method, const std::string& target,
                                          const std::string& body, net::Headers headers) const {
  net::HttpClient client(url());
  headers.push_back({"Authorization", net::basicCredentials(kUser, kPassword)});
  return client.send({method, target, std::move(headers), body});
}

json OrthancFixture::get(const std::string& target) const {
  const auto response = request("GET", target);
  if (response.status != 200)
    throw std::runtime_error("GET " + target + ": " + std::to_string(response.status) + " " +
                             response.body);
  return json::parse(response.body);
}

json OrthancFixture::waitForJob(const std::function<bool(const json&)>& accept,
                                std::chrono::seconds patience) const {
  json newest;
  const bool came = eventually(
      [&] {
        const json all = jobs();
        newest = all.empty() ? json() : all.front();
        return !newest.is_null() && accept(newest);
      },
      patience);
  if (!came) throw std::runtime_error("the job did not come so far: " + newest.dump(2));
  return newest;
}

json OrthancFixture::waitForState(const std::string& state) const {
  return waitForJob([&](const json& job) { return job.at("state") == state; });
}

std::vector<std::string> OrthancFixture::seriesOf(const std::string& modality) const {
  std::vector<std::string> found;
  for (const json& series : get("/series?expand"))
    if (series.at("MainDicomTags").value("Modality", "") == modality)
      found.push_back(series.at("ID"));
  return found;
}

namespace {

// The synthetic patient of all system tests: PT and follow-up/PT.
fs::path phantomFolder() {
  const fs::path folder = fs::path(FEDPET_BINARY_DIR) / "system-test-patient";
  if (!fs::exists(folder)) {
    // Beside, then renamed: tests may run at the same time.
    const fs::path work = folder.string() + "." + std::to_string(getpid());
    sample::PhantomSpec spec = sample::fromSeed(1);
    spec.scanner.matrix = 84;
    spec.scanner.voxelMm = {8, 8, 8};
    // Without normal uptake that comes and goes above the lesion rule from one scan to the next.
    spec.uptake.bowel = 1.2;
    spec.uptake.bowelFocus = spec.uptake.tonsil = spec.uptake.brownFat = 2;
    sample::writePhantomPatient(spec, 1, work);
    sample::writeFollowUp(spec, 1, sample::Course::Response, work);
    std::error_code taken;
    fs::rename(work, folder, taken);
    if (taken) fs::remove_all(work);
  }
  return folder;
}

std::vector<fs::path> sortedFilesIn(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<fs::path> phantomFiles() { return sortedFilesIn(phantomFolder() / "PT"); }

std::vector<fs::path> followUpFiles() {
  return sortedFilesIn(phantomFolder() / "follow-up" / "PT");
}

std::vector<fs::path> modifiedCopy(const std::vector<fs::path>& files, const fs::path& folder,
                                   const std::vector<std::string>& changes) {
  copyEach(files, folder);
  std::vector<std::string> arguments{"dcmodify", "-nb", "-imt"};
  arguments.insert(arguments.end(), changes.begin(), changes.end());
  std::vector<fs::path> copies;
  for (const fs::path& file : files) {
    copies.push_back(folder / file.filename());
    arguments.push_back(copies.back().string());
  }
  const auto result = runProgram(arguments);
  if (result.exitCode != 0) throw std::runtime_error("dcmodify: " + result.output);
  return copies;
}

}  // namespace fedpet::testing
