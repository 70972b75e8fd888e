// The commands of fedpet-coordinator.
#pragma once

#include "federation/coordinator/Coordinator.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>

namespace fedpet::federation {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

void addInitCommand(CLI::App&);
void addServeCommand(CLI::App&);
void addAdminCommands(CLI::App&);

// What `init` was told, in coordinator.json of the folder.
struct FolderConfig {
  std::string publicUrl;
  std::string database;  // empty: a file in the folder, wherever that is moved to
  static FolderConfig load(const std::filesystem::path& folder);  // throws with a sentence
  void save(const std::filesystem::path& folder) const;
};
std::filesystem::path servedUrlFile(const std::filesystem::path& folder);  // while it serves
CoordinatorSettings settingsFor(const std::filesystem::path& folder, const FolderConfig&);

}  // namespace fedpet::federation
