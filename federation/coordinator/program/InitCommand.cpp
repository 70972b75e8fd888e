#include "federation/Clock.h"
#include "federation/files/DurableFiles.h"
#include "federation/coordinator/Keys.h"
#include "federation/coordinator/program/Commands.h"
#include "net/Url.h"
#include "storage/Database.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;

fs::path configFile(const fs::path& folder) { return folder / "coordinator.json"; }

struct Init {
  fs::path folder;
  std::string consortium, url, database;
  bool json = false;

  void run() const {
    std::string base = url;
    while (base.ends_with('/')) base.pop_back();
    net::parseUrl(base);  // throws with a sentence
    // Not what happens to be the present folder when somebody serves it later.
    const bool isFile = !database.empty() && !storage::isPostgreSql(database);
    const FolderConfig config{base, isFile ? fs::absolute(database).string() : database};
    Coordinator::create(consortium, settingsFor(folder, config));
    config.save(folder);
    const KeyFiles files{folder};
    if (json) {
      std::puts(nlohmann::ordered_json{{"folder", folder.string()},
                                       {"consortium", consortium},
                                       {"url", base},
                                       {"ca", files.authority().string()},
                                       {"token", files.token().string()}}
                    .dump()
                    .c_str());
      return;
    }
    std::printf("The consortium \"%s\" is ready in %s.\n", consortium.c_str(), folder.c_str());
    std::printf("Keep a copy of the folder: whoever has ca-key.pem can admit members.\n");
    std::printf("Administrator's token: %s\n", files.token().c_str());
    std::printf("Next: fedpet-coordinator serve --dir %s\n", folder.c_str());
  }
};

}  // namespace

FolderConfig FolderConfig::load(const fs::path& folder) {
  if (!fs::exists(configFile(folder)))
    throw std::runtime_error("there is no coordinator in " + folder.string() +
                             ": make one with `fedpet-coordinator init`");
  const auto object =
      nlohmann::json::parse(textOf(readWholeFile(configFile(folder))), nullptr, false);
  if (!object.is_object() || !object.contains("url") || !object.contains("database"))
    throw std::runtime_error(configFile(folder).string() +
                             " is damaged: it needs url and database");
  return {object.at("url").get<std::string>(), object.at("database").get<std::string>()};
}

void FolderConfig::save(const fs::path& folder) const {
  const std::string text =
      nlohmann::ordered_json{{"url", publicUrl}, {"database", database}}.dump(2) + "\n";
  writeOwnerFile(configFile(folder), viewOf(text));
}

fs::path servedUrlFile(const fs::path& folder) { return folder / "served-url"; }

CoordinatorSettings settingsFor(const fs::path& folder, const FolderConfig& config) {
  CoordinatorSettings settings;
  settings.folder = folder;
  settings.database =
      config.database.empty() ? (folder / "coordinator.db").string() : config.database;
  settings.publicUrl = config.publicUrl;
  settings.now = systemSeconds;
  settings.log = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  return settings;
}

void addInitCommand(CLI::App& app) {
  auto* command = app.add_subcommand("init", "Make a consortium: its authority, keys and database");
  const auto options = std::make_shared<Init>();
  command->add_option("--dir", options->folder, "Folder to make; for its owner alone")->required();
  command->add_option("--consortium", options->consortium, "Its name")->required();
  command->add_option("--url", options->url, "Address at which sites reach it")->required();
  command->add_option("--database", options->database,
                      "A file, or postgresql://... (default: coordinator.db in the folder)");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] { options->run(); });
}

}  // namespace fedpet::federation
