#include "tests/support/ehr/TestEhr.h"

#include "net/HttpClient.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace fedpet::testing {
namespace {

struct CloseProcess {
  void operator()(FILE* pipe) const { ::pclose(pipe); }
};

// The last line that a command writes to its standard output.
std::string lastLineOf(const std::string& command) {
  std::unique_ptr<FILE, CloseProcess> pipe(::popen(command.c_str(), "r"));
  if (!pipe) throw std::runtime_error("cannot start: " + command);
  std::string line, last;
  for (int c; (c = std::fgetc(pipe.get())) != EOF;) {
    if (c == '\n') {
      last = line;
      line.clear();
    } else {
      line += static_cast<char>(c);
    }
  }
  if (::pclose(pipe.release()) != 0) throw std::runtime_error("failed: " + command);
  return last;
}

std::string installedServer() {
  const char* configured = std::getenv("FEDPET_EHR_DIR");
  const std::string directory = configured ? configured : FEDPET_BINARY_DIR "/ehr";
  return lastLineOf("'" FEDPET_SOURCE_DIR "/tests/support/ehr/install.sh' '" + directory + "'");
}

std::string readLine(int file) {
  std::string line;
  for (char c; ::read(file, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

}  // namespace

std::string TestEhr::whyNot() {
  const bool present = std::system("command -v node >/dev/null && command -v npm >/dev/null") == 0;
  return present ? "" : "node or npm is missing (Debian: nodejs npm)";
}

TestEhr::TestEhr(std::vector<std::string> arguments, const std::string& script) {
  const std::string file =
      std::filesystem::path(installedServer()).replace_filename(script).string();
  arguments.insert(arguments.begin(), {"node", file, "--stop-with-stdin"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  std::array<int, 2> input{}, output{};
  if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("no pipe");
  process_ = ::fork();
  if (process_ == 0) {
    ::dup2(input[0], STDIN_FILENO);
    ::dup2(output[1], STDOUT_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(input[0]);
  ::close(output[1]);
  standardInput_ = input[1];
  const std::string announcement = readLine(output[0]);
  ::close(output[0]);
  constexpr std::string_view kPrefix = "listening on ";
  if (!announcement.starts_with(kPrefix)) {
    ::close(standardInput_);
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    throw std::runtime_error("the test EHR did not start: " + announcement);
  }
  url_ = announcement.substr(kPrefix.size());
}

TestEhr::~TestEhr() {
  ::close(standardInput_);
  ::kill(process_, SIGTERM);
  ::waitpid(process_, nullptr, 0);
}

std::string TestEhr::get(const std::string& pathAndQuery) const {
  net::HttpClient client(url_);
  const auto answer = client.get(pathAndQuery, {{"Accept", "application/fhir+json"}});
  if (answer.status != 200)
    throw std::runtime_error(pathAndQuery + " gave " + std::to_string(answer.status) + ": " +
                             answer.body);
  return answer.body;
}

std::string TestEhr::accepted() const { return get("/accepted"); }

}  // namespace fedpet::testing
