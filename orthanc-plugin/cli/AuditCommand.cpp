#include "orthanc-plugin/cli/AuditCommand.h"

#include "federation/audit/AuditLog.h"
#include "orthanc-plugin/cli/CommandJson.h"

#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <stdexcept>

namespace fedpet::plugin {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCoordinator = "coordinator";

struct Question {
  std::string file, against, site;
  bool json = false;
};

std::ifstream opened(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return file;
}

// Who wrote it, from the first line; empty when that cannot be read.
std::string ownerOf(const std::string& path) {
  std::ifstream file = opened(path);
  std::string line;
  std::getline(file, line);
  const auto header = nlohmann::json::parse(line, nullptr, false);
  return header.is_object() && header.contains("owner") && header["owner"].is_string()
             ? header["owner"].get<std::string>()
             : std::string();
}

// The site's log is compared with the coordinator's, in whichever order they were named.
std::vector<std::string> differences(const Question& asked) {
  const std::string first = ownerOf(asked.file), second = ownerOf(asked.against);
  const bool firstIsCoordinator = first == kCoordinator;
  if (firstIsCoordinator == (second == kCoordinator))
    return {"one log must be the coordinator's and the other a site's; these are of \"" + first +
            "\" and \"" + second + "\""};
  const std::string& site = firstIsCoordinator ? second : first;
  if (!asked.site.empty() && asked.site != site)
    return {"the site's log is of \"" + site + "\", not of \"" + asked.site + "\""};
  std::ifstream coordinators = opened(firstIsCoordinator ? asked.file : asked.against),
                sites = opened(firstIsCoordinator ? asked.against : asked.file);
  return federation::compareAudits(coordinators, sites);
}

struct Finding {
  std::string file, owner;
  federation::AuditVerdict verdict;
};

Finding examine(const std::string& path) {
  std::ifstream file = opened(path);
  return {path, ownerOf(path), federation::verifyAudit(file)};
}

Json toJson(const Finding& finding) {
  const auto& v = finding.verdict;
  Json json{{"file", finding.file}, {"owner", finding.owner}, {"intact", v.intact},
            {"entries", v.entries}, {"head", v.head},         {"firstBroken", nullptr},
            {"problem", v.problem}};
  if (v.firstBroken) json["firstBroken"] = *v.firstBroken;
  return json;
}

void tell(const Finding& finding) {
  const auto& v = finding.verdict;
  if (v.intact)
    fmt::print("{}: intact, {} entries of {}, head {}\n", finding.file, v.entries, finding.owner,
               v.head.empty() ? "none" : v.head);
  else
    fmt::print("{}: BROKEN, {}\n", finding.file, v.problem);
}

int verify(const Question& asked) {
  std::vector<Finding> findings{examine(asked.file)};
  if (!asked.against.empty()) findings.push_back(examine(asked.against));
  bool isGood = true;
  for (const Finding& finding : findings) isGood = isGood && finding.verdict.intact;
  std::vector<std::string> contradictions;
  if (isGood && !asked.against.empty()) contradictions = differences(asked);
  isGood = isGood && contradictions.empty();
  if (asked.json) {
    Json logs = Json::array();
    for (const Finding& finding : findings) logs.push_back(toJson(finding));
    print({{"intact", isGood}, {"logs", logs}, {"differences", contradictions}});
  } else {
    for (const Finding& finding : findings) tell(finding);
    for (const std::string& sentence : contradictions) fmt::print("{}\n", sentence);
    if (isGood && !asked.against.empty()) fmt::print("both tell the same\n");
  }
  return isGood ? kExitOk : kExitBroken;
}

}  // namespace

void addAuditCommand(CLI::App& app, ExitCode& exitCode) {
  CLI::App* audit = app.add_subcommand("audit", "Logs of a federation");
  audit->require_subcommand(1);
  auto asked = std::make_shared<Question>();
  CLI::App* command = audit->add_subcommand(
      "verify", "Check that nothing in a log was changed, left out or put in between");
  command->add_option("FILE", asked->file, "Log, from `fedpet site audit` or the coordinator")
      ->required();
  CLI::Option* against =
      command->add_option("--against", asked->against,
                          "Log of the other end: decisions and contributions must be told by both");
  command->add_option("--site", asked->site, "The site whose log it must be")->needs(against);
  command->add_flag("--json", asked->json, "Print JSON");
  command->footer("Exit codes: 0 intact (and both tell the same), 4 broken or contradicting.");
  command->callback([asked, &exitCode] { exitCode = verify(*asked); });
}

}  // namespace fedpet::plugin
