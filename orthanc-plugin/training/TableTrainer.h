// A site's own computation over a table: the federation says what is to be summed, LibTorch trains.
#pragma once

#include "federation/learning/CohortTrainer.h"

#include <filesystem>
#include <memory>

namespace fedpet::plugin {

// What federation asks of a trainer, done by models/response/TabularTrainer.h. Throws
// std::invalid_argument for what does not fit, and when a parameter is no finite number any more.
federation::TrainingAnswer trainWithTorch(const federation::TrainingCall&);

// Over one table, with a key for its noise that is made now and kept in memory alone: for a
// consortium that lives no longer than this process.
std::unique_ptr<federation::CohortTrainer> passingTrainer(federation::Cohort);

// A hospital's: the table (CSV) is read anew for every round, by the columns that the plan names.
// `stateFolder` keeps the key for its noise and what SCAFFOLD remembers; it must outlive restarts.
std::unique_ptr<federation::CohortTrainer> lastingTrainer(std::filesystem::path cohortTable,
                                                          const std::filesystem::path& stateFolder);

}  // namespace fedpet::plugin
