// The site's LocalTrainer inside Orthanc: it has fedpet-worker compute, one process per question.
// A crash, a hang or the end of its memory costs one attempt, never the PACS.
#pragma once

#include "federation/learning/Task.h"
#include "orthanc-plugin/Supervisor.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace fedpet::plugin {

struct WorkerTrainerSettings {
  std::filesystem::path folder;       // for the exchange; owner only
  std::filesystem::path cohortTable;  // CSV; empty: this site has no patients to train on
  std::chrono::seconds deadline{3600};
  // Starts fedpet-worker on an exchange folder. Throws std::runtime_error.
  std::function<std::unique_ptr<ChildProcess>(const std::string& exchangeFolder)> launch;
};

class WorkerTrainer final : public federation::LocalTrainer {
 public:
  explicit WorkerTrainer(WorkerTrainerSettings);

  tl::expected<int, federation::CannotTakePart> patients(const federation::Plan&) override;
  // Throws std::runtime_error when the process failed: the site asks again later.
  tl::expected<federation::LocalResult, federation::CannotTakePart> compute(
      const federation::Plan&, int roundNumber, const federation::RoundInput&,
      int contributorsAtLeast, const std::function<void(int)>& progress, std::stop_token) override;

 private:
  const WorkerTrainerSettings settings_;
};

}  // namespace fedpet::plugin
