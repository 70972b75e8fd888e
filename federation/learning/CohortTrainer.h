// The LocalTrainer of a site that has its patients in a table: sums from the table itself, training
// through a function that is given from outside (federation knows no LibTorch).
#pragma once

#include "federation/crypto/SecretBytes.h"
#include "federation/learning/Table.h"
#include "federation/learning/Task.h"
#include "federation/learning/Training.h"

#include <filesystem>
#include <map>
#include <mutex>

namespace fedpet::federation {

class CohortTrainer : public LocalTrainer {
 public:
  // The table of a plan, read anew for every round. An unexpected text is told to the coordinator.
  using CohortSource = std::function<tl::expected<Cohort, CannotTakePart>(const Plan&)>;
  struct Parts {
    CohortSource cohort;
    TrainFunction train;
    // At least 32 bytes that stay at the site and survive a restart: noise is made of them.
    SecretBytes secret;
    // SCAFFOLD's control variates are kept in here between rounds; empty: in memory only.
    std::filesystem::path folder;
  };
  explicit CohortTrainer(Parts);

  tl::expected<int, CannotTakePart> patients(const Plan&) override;
  tl::expected<LocalResult, CannotTakePart> compute(
      const Plan&, int roundNumber, const RoundInput&, int contributorsAtLeast,
      const std::function<void(int percent)>& progress, std::stop_token) override;

 private:
  tl::expected<LocalResult, CannotTakePart> train(const Plan&, int roundNumber, const RoundInput&,
                                                  const Cohort&, int contributorsAtLeast);
  // Of the last round before `roundNumber` in which this site trained; empty: there was none.
  std::vector<double> variateBefore(const std::string& planKey, int roundNumber);
  void keepVariate(const std::string& planKey, int roundNumber, const std::vector<double>&);

  Parts parts_;
  std::mutex mutex_;  // guards variates_ and the files of the folder
  std::map<std::string, std::map<int, std::vector<double>>> variates_;
};

}  // namespace fedpet::federation
