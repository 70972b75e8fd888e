// How the plugin has a contribution to a round computed in a process of its own: a folder with the
// request goes in, the answer comes out. docs/worker-protocol.md.
//
//   plan.cbor, input.cbor, request.json  ->  answer.cbor (the vector and its metrics), or
//                                            refusal.txt (why this site cannot take part)
//   progress.txt                             percent, rewritten as it grows
#pragma once

#include "federation/learning/Task.h"

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

namespace fedpet::plugin {

struct ContributionRequest {
  federation::Plan plan;
  // What is asked: nullopt, how many patients would train; else the contribution to this round.
  std::optional<federation::RoundInput> input;
  int roundNumber = 0, contributorsAtLeast = 0;
  std::filesystem::path cohortTable;  // CSV
  std::filesystem::path stateFolder;  // the trainer's own memory between rounds
};

// Throws std::runtime_error with the file's name when it cannot be written or read, and WireError
// for a content that is not ours.
void writeContributionRequest(const std::filesystem::path& folder, const ContributionRequest&);
ContributionRequest readContributionRequest(const std::filesystem::path& folder);

struct PatientCount {
  int patients = 0;
};
using ContributionAnswer =
    std::variant<federation::LocalResult, PatientCount, federation::CannotTakePart>;
void writeContributionAnswer(const std::filesystem::path& folder, const ContributionAnswer&);
// nullopt: there is none yet.
std::optional<ContributionAnswer> readContributionAnswer(const std::filesystem::path& folder);

void writeContributionProgress(const std::filesystem::path& folder, int percent);
int readContributionProgress(const std::filesystem::path& folder);  // 0 when there is none

}  // namespace fedpet::plugin
