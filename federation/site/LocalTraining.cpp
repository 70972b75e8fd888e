#include "federation/site/LocalTraining.h"

#include "federation/files/DurableFiles.h"
#include "federation/site/ContributionCheck.h"

#include <nlohmann/json.hpp>

#include <cstring>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxMetricsBytes = 16 * 1024;
constexpr std::size_t kMaxResultBytes = std::size_t{2} << 30;

ByteView viewOfNumbers(const std::vector<double>& values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(double)};
}

std::vector<double> numbersOf(ByteView bytes) {
  std::vector<double> values(bytes.size() / sizeof(double));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
  return values;
}

}  // namespace

fs::path LocalTraining::fileOf(const std::string& planHash, int number) const {
  return files_.results() / resultName(planHash, number);
}

bool LocalTraining::hasResult(const std::string& planHash, int number) {
  return store_.result(planHash, number).has_value() && fs::exists(fileOf(planHash, number));
}

std::optional<LocalResult> LocalTraining::result(const std::string& planHash, int number) {
  const auto kept = store_.result(planHash, number);
  if (!kept) return std::nullopt;
  const auto bytes = readOwnerFile(fileOf(planHash, number), kMaxResultBytes);
  if (!bytes || sha256Hex(bytes->view()) != kept->fileSha256) return std::nullopt;
  return LocalResult{numbersOf(bytes->view()), kept->metricsJson};
}

LocalResult LocalTraining::run(const TrainingTask& task, std::stop_token stop) {
  LocalResult result = compute(task, std::move(stop));
  makeOwnerFolder(files_.results());
  const ByteView bytes = viewOfNumbers(result.values);
  writeOwnerFile(fileOf(task.planHash, task.number), bytes);
  store_.keepResult(task.planHash, task.number, sha256Hex(bytes), result.metricsJson);
  return result;
}

LocalResult LocalTraining::compute(const TrainingTask& task, std::stop_token stop) {
  const auto progress = [&](int percent) { observer_.progress(task.roundId, "training", percent); };
  tl::expected<LocalResult, CannotTakePart> outcome = tl::unexpected(CannotTakePart());
  try {
    outcome = trainer_.compute(task.plan, task.number, task.input, task.contributorsAtLeast,
                               progress, stop);
  } catch (const std::exception& e) {
    if (!stop.stop_requested()) throw TrainingFailed{e.what()};
  }
  if (stop.stop_requested()) throw net::NetError(net::NetError::Kind::Cancelled, "stopped");
  if (!outcome)
    throw Withdrawal{"CannotTakePart", "this site's data do not serve the plan", outcome.error()};
  const auto metrics = nlohmann::json::parse(outcome->metricsJson, nullptr, false);
  if (!metrics.is_object() || outcome->metricsJson.size() > kMaxMetricsBytes)
    throw Withdrawal{"TrainerFailed", "this site's training failed",
                     "its metrics are no JSON object, or too long"};
  try {
    if (makeFit(outcome->values, task.plan, task.layout))
      observer_.note("round " + task.roundId +
                     ": the update was scaled down to the plan's norm bound");
  } catch (const UnfitContribution& e) {
    throw Withdrawal{"TrainerFailed", "this site's training failed", e.what()};
  }
  return std::move(*outcome);
}

void LocalTraining::forget(const std::string& planHash, int number) {
  fs::remove(fileOf(planHash, number));
}

void LocalTraining::forgetAllBut(const std::string& planHash, int number) {
  if (!fs::exists(files_.results())) return;
  const std::string present = resultName(planHash, number),
                    prefix = present.substr(0, present.rfind('-') + 1);
  for (const auto& entry : fs::directory_iterator(files_.results())) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && name != present) fs::remove(entry.path());
  }
}

}  // namespace fedpet::federation
