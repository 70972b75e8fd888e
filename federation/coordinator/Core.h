// All parts of a running coordinator, for those who answer requests.
#pragma once

#include "federation/coordinator/Keys.h"
#include "federation/coordinator/PlanDesk.h"
#include "federation/coordinator/RoundEngine.h"
#include "federation/files/DurableFiles.h"

#include <mutex>

namespace fedpet::federation {

struct Core {
  explicit Core(CoordinatorSettings);

  Seconds now() const { return settings.now(); }
  void pruneIfDue();  // once an hour; never while `mutex` is held
  // Sums that are due and not larger than so many bytes. Never while `mutex` is held.
  void makeSums(std::uint64_t mostBytes);

  CoordinatorSettings settings;
  FileLock lock;
  Keys keys;
  storage::Database database;
  std::string consortium;
  BlobStore blobs;
  ContributionStore contributions;
  Members members;
  PlanDesk plans;
  std::mutex sumMutex;  // one sum at a time
  std::mutex mutex;     // guards `engine` and `pruned`
  Seconds pruned{};
  RoundEngine engine;
};

void addSiteRoutes(Router&, Core&);
void addAdminRoutes(Router&, Core&);

}  // namespace fedpet::federation
