// All parts of a running coordinator, for those who answer requests.
#pragma once

#include "federation/coordinator/Files.h"
#include "federation/coordinator/Keys.h"
#include "federation/coordinator/PlanDesk.h"
#include "federation/coordinator/RoundEngine.h"

#include <mutex>

namespace fedpet::federation {

struct Core {
  explicit Core(CoordinatorSettings);

  Seconds now() const { return settings.now(); }
  // Sums that are due and not larger than so many bytes. Never while `mutex` is held.
  void makeSums(std::uint64_t mostBytes);

  CoordinatorSettings settings;
  FolderLock lock;
  Keys keys;
  storage::Database database;
  std::string consortium;
  BlobStore blobs;
  ContributionStore contributions;
  Members members;
  PlanDesk plans;
  std::mutex sumMutex;  // one sum at a time
  std::mutex mutex;     // guards `engine`
  RoundEngine engine;
};

void addSiteRoutes(Router&, Core&);
void addAdminRoutes(Router&, Core&);

}  // namespace fedpet::federation
