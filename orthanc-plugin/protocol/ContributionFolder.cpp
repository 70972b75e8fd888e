#include "orthanc-plugin/protocol/ContributionFolder.h"

#include "federation/wire/Messages.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace fedpet::plugin {
namespace {

namespace fs = std::filesystem;
namespace fed = federation;
using nlohmann::json;

constexpr const char* kPlan = "plan.cbor";
constexpr const char* kInput = "input.cbor";
constexpr const char* kRequest = "request.json";
constexpr const char* kAnswer = "answer.cbor";
constexpr const char* kPatients = "patients.txt";
constexpr const char* kRefusal = "refusal.txt";
constexpr const char* kProgress = "progress.txt";
constexpr std::size_t kLongestRefusal = 1000;

// By another name first, so that the reader sees all of it or nothing.
void writeWhole(const fs::path& file, fed::ByteView bytes) {
  const fs::path partial = file.string() + ".part";
  {
    std::ofstream out(partial, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + file.filename().string());
  }
  fs::permissions(partial, fs::perms::owner_read | fs::perms::owner_write);
  fs::rename(partial, file);
}

fed::Bytes readWhole(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.filename().string());
  return fed::Bytes(std::istreambuf_iterator<char>(in), {});
}

std::string textIn(const fs::path& file) { return std::string(fed::textOf(readWhole(file))); }

}  // namespace

void writeContributionRequest(const fs::path& folder, const ContributionRequest& request) {
  writeWhole(folder / kPlan, fed::encode(request.plan));
  if (request.input) writeWhole(folder / kInput, fed::encode(*request.input));
  const std::string facts = json{{"round", request.roundNumber},
                                 {"contributorsAtLeast", request.contributorsAtLeast},
                                 {"cohortTable", request.cohortTable.string()},
                                 {"stateFolder", request.stateFolder.string()}}
                                .dump();
  writeWhole(folder / kRequest, fed::viewOf(facts));
}

ContributionRequest readContributionRequest(const fs::path& folder) {
  ContributionRequest request;
  request.plan = fed::decodePlan(readWhole(folder / kPlan));
  if (fs::exists(folder / kInput))
    request.input = fed::decodeRoundInput(readWhole(folder / kInput));
  const json facts = json::parse(textIn(folder / kRequest));
  request.roundNumber = facts.at("round").get<int>();
  request.contributorsAtLeast = facts.at("contributorsAtLeast").get<int>();
  request.cohortTable = facts.at("cohortTable").get<std::string>();
  request.stateFolder = facts.at("stateFolder").get<std::string>();
  return request;
}

void writeContributionAnswer(const fs::path& folder, const ContributionAnswer& answer) {
  if (const auto* result = std::get_if<fed::LocalResult>(&answer)) {
    fed::RoundInput carrier;
    carrier.values = result->values;
    carrier.phase = "answer";
    carrier.settingsJson = result->metricsJson;
    writeWhole(folder / kAnswer, fed::encode(carrier));
  } else if (const auto* count = std::get_if<PatientCount>(&answer)) {
    writeWhole(folder / kPatients, fed::viewOf(std::to_string(count->patients)));
  } else {
    writeWhole(folder / kRefusal, fed::viewOf(std::get<fed::CannotTakePart>(answer)));
  }
}

std::optional<ContributionAnswer> readContributionAnswer(const fs::path& folder) {
  if (fs::exists(folder / kAnswer)) {
    fed::RoundInput carrier = fed::decodeRoundInput(readWhole(folder / kAnswer));
    return fed::LocalResult{std::move(carrier.values), std::move(carrier.settingsJson)};
  }
  if (fs::exists(folder / kPatients)) return PatientCount{std::stoi(textIn(folder / kPatients))};
  if (fs::exists(folder / kRefusal))
    return fed::CannotTakePart(textIn(folder / kRefusal).substr(0, kLongestRefusal));
  return std::nullopt;
}

void writeContributionProgress(const fs::path& folder, int percent) {
  writeWhole(folder / kProgress, fed::viewOf(std::to_string(percent)));
}

int readContributionProgress(const fs::path& folder) {
  std::ifstream in(folder / kProgress);
  int percent = 0;
  return in >> percent ? std::clamp(percent, 0, 100) : 0;
}

}  // namespace fedpet::plugin
