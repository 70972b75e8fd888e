#include "federation/site/Attic.h"

#include <functional>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;

// Files that were not written to for so long and are not in use. A file's time is the disk's own,
// whatever clock the site goes by.
int removeOld(const fs::path& folder, std::chrono::seconds retention,
              const std::function<bool(const std::string& name)>& isInUse) {
  if (!fs::exists(folder)) return 0;
  int removed = 0;
  const auto before = fs::file_time_type::clock::now() - retention;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.last_write_time() >= before ||
        isInUse(entry.path().filename().string()))
      continue;
    fs::remove(entry.path());
    ++removed;
  }
  return removed;
}

}  // namespace

std::string clearAttic(SiteStore& store, const SiteFiles& files, std::chrono::sys_seconds now,
                       std::chrono::seconds retention) {
  const auto pruned = store.prune(now - retention);
  const auto inputs = store.inputsInUse();
  std::set<std::string> results;
  for (const auto& [plan, number] : store.resultsInUse()) results.insert(resultName(plan, number));
  int removed = removeOld(files.blobs(), retention, [&](const std::string& name) {
    return inputs.contains(name.substr(0, name.find('.')));  // or a part of it
  });
  removed += removeOld(files.results(), retention,
                       [&](const std::string& name) { return results.contains(name); });
  // Of versions that wrote down what can be made again.
  fs::remove_all(files.folder / "uploads");
  if (pruned.rounds + pruned.rosters + removed == 0) return {};
  return "cleared away: " + std::to_string(pruned.rounds) + " rounds, " +
         std::to_string(pruned.rosters) + " rosters, " + std::to_string(removed) + " files";
}

}  // namespace fedpet::federation
