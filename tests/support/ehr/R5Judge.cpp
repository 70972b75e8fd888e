#include "tests/support/ehr/R5Judge.h"

#include "tests/support/TemporaryDirectory.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace fedpet::testing {
namespace {

struct Ran {
  int status;
  std::string output;
};

Ran ran(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot start: " + command);
  std::string output;
  std::array<char, 4096> piece{};
  while (std::fgets(piece.data(), piece.size(), pipe)) output += piece.data();
  return {::pclose(pipe), output};
}

std::string lastLine(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin + 1, end - begin);
}

const Ran& installed() {
  static const Ran install = [] {
    const char* configured = std::getenv("FEDPET_EHR_DIR");
    const std::string directory = configured ? configured : FEDPET_BINARY_DIR "/ehr";
    return ran("'" FEDPET_SOURCE_DIR "/tests/support/ehr/install-r5.sh' '" + directory + "'");
  }();
  return install;
}

}  // namespace

std::string R5Judge::whyNot() {
  return installed().status == 0 ? "" : "node, npm or the R5 definitions (npm pack) are missing";
}

std::string R5Judge::errorsOf(const std::string& bundle) {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "bundle.json";
  std::ofstream(file) << bundle;
  const std::filesystem::path definitions = lastLine(installed().output);
  const auto script = definitions.parent_path().parent_path() / "validate-r5.cjs";
  const Ran verdict = ran("node '" + script.string() + "' '" + definitions.string() + "' < '" +
                          file.string() + "'");
  const std::string summary = lastLine(verdict.output);
  if (summary.find(" resources, ") == std::string::npos)
    throw std::runtime_error("the R5 validator failed: " + verdict.output);
  return verdict.output.substr(0, verdict.output.size() - summary.size() - 1);
}

}  // namespace fedpet::testing
