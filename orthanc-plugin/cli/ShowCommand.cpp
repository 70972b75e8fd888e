#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/cli/Terminal.h"
#include "orthanc-plugin/protocol/AssessmentJson.h"

namespace fedpet::plugin {
namespace {

std::string readAll(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void addShowCommand(CLI::App& app, ExitCode& exitCode) {
  auto path = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("show", "Print an assessment (JSON) as a readable table");
  command->add_option("FILE", *path, "assessment.json, or - for standard input")->required();
  command->add_flag("--json", *json, "Check it and print it as indented JSON");
  command->callback([path, json, &exitCode] {
    const AssessedStudy study = assessmentFromJson(readAll(*path));
    fmt::print("{}\n", *json ? assessmentToJson(study, 2) : assessmentTable(study.assessment));
    exitCode = study.assessment.refusals.empty() ? kExitOk : kExitRefused;
  });
}

}  // namespace fedpet::plugin
