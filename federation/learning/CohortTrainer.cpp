#include "federation/learning/CohortTrainer.h"

#include "federation/learning/Layout.h"
#include "federation/learning/LocalSums.h"
#include "federation/learning/Phases.h"
#include "federation/learning/SecretRandom.h"

#include <cstring>
#include <fstream>
#include <optional>
#include <stdexcept>

namespace fedpet::federation {
namespace {

ByteView viewOfNumbers(const std::vector<double>& v) {
  return {reinterpret_cast<const std::uint8_t*>(v.data()), v.size() * sizeof(double)};
}

std::string planKeyOf(const Plan& plan) { return sha256Hex(encode(plan)).substr(0, 32); }

Hash256 hashOf(const Cohort& cohort) {
  std::vector<double> flags(cohort.label.begin(), cohort.label.end());
  flags.insert(flags.end(), cohort.event.begin(), cohort.event.end());
  Sha256Stream stream;
  stream.add(viewOfNumbers(cohort.features));
  stream.add(viewOfNumbers(flags));
  stream.add(viewOfNumbers(cohort.time));
  return stream.finish();
}

// Noise may be used twice for the very same numbers only: the difference of two messages with the
// same noise and other numbers would be free of it.
Bytes purposeOf(const Plan& plan, int roundNumber, const RoundInput& input, const Cohort& cohort,
                int contributorsAtLeast) {
  // Only a shared noise depends on how many share it. A site's own is the same in every attempt of
  // a round: two noises on one update would average out, and be charged once.
  const int sharers = plan.privacy.noise == NoiseKind::Distributed ? contributorsAtLeast : 0;
  const std::string facts = planKeyOf(plan) + " " + std::to_string(roundNumber) + " " +
                            std::to_string(sharers) + " " + input.phase + " " + input.settingsJson;
  Sha256Stream stream;
  stream.add(viewOf(facts));
  stream.add(viewOfNumbers(input.values));
  stream.add(hashOf(cohort));
  const Hash256 hash = stream.finish();
  return {hash.begin(), hash.end()};
}

std::filesystem::path fileOf(const std::filesystem::path& folder, const std::string& planKey,
                             int round) {
  return folder / ("variate-" + planKey + "-" + std::to_string(round));
}

void writeWhole(const std::filesystem::path& path, ByteView bytes) {
  std::filesystem::path fresh = path;
  fresh += ".new";
  {
    std::ofstream file(fresh, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) throw std::runtime_error("cannot write " + fresh.string());
  }
  std::filesystem::rename(fresh, path);
}

std::vector<double> readNumbers(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<double> numbers(text.size() / sizeof(double));
  if (!numbers.empty()) std::memcpy(numbers.data(), text.data(), numbers.size() * sizeof(double));
  return numbers;
}

}  // namespace

CohortTrainer::CohortTrainer(Parts parts) : parts_(std::move(parts)) {
  if (parts_.secret.size() < 32)
    throw std::invalid_argument("the site's secret must have at least 32 bytes");
}

tl::expected<int, CannotTakePart> CohortTrainer::patients(const Plan& plan) {
  const auto cohort = parts_.cohort(plan);
  if (!cohort) return tl::unexpected(cohort.error());
  return static_cast<int>(cohort->rows);
}

tl::expected<LocalResult, CannotTakePart> CohortTrainer::compute(
    const Plan& plan, int roundNumber, const RoundInput& input, int contributorsAtLeast,
    const std::function<void(int percent)>& progress, std::stop_token stop) {
  const auto cohort = parts_.cohort(plan);
  if (!cohort) return tl::unexpected(cohort.error());
  if (stop.stop_requested()) return tl::unexpected(std::string("stopped"));
  if (input.phase == phase::kTrain) {
    auto result = train(plan, roundNumber, input, *cohort, contributorsAtLeast);
    progress(100);
    return result;
  }
  auto result = localSums(plan, input, *cohort);
  if (result && plan.privacy.noise != NoiseKind::None) {
    SecretRandom random(parts_.secret,
                        purposeOf(plan, roundNumber, input, *cohort, contributorsAtLeast));
    addNoise(
        plan, input, contributorsAtLeast, [&] { return random.standardNormal(); }, result->values);
  }
  progress(100);
  return result;
}

tl::expected<LocalResult, CannotTakePart> CohortTrainer::train(const Plan& plan, int roundNumber,
                                                               const RoundInput& input,
                                                               const Cohort& cohort,
                                                               int contributorsAtLeast) try {
  requirePatients(plan, cohort);
  const bool scaffold = plan.training.strategy == Strategy::Scaffold;
  const std::string key = planKeyOf(plan);
  TrainingCall call = trainingCallOf(
      plan, input, roundNumber, cohort,
      scaffold ? variateBefore(key, roundNumber) : std::vector<double>{}, contributorsAtLeast);
  std::optional<SecretRandom> random;
  if (call.clipped) {
    random.emplace(parts_.secret, purposeOf(plan, roundNumber, input, cohort, contributorsAtLeast));
    call.uniform = [&] { return random->uniform(); };
    call.standardNormal = [&] { return random->standardNormal(); };
  }
  const TrainingAnswer answer = parts_.train(call);
  LocalResult result;
  result.values = trainVectorOf(plan, input, call, answer);
  if (scaffold) keepVariate(key, roundNumber, newVariateOf(plan, call, answer));
  return result;
} catch (const std::invalid_argument& error) {
  return tl::unexpected(std::string(error.what()));
} catch (const nlohmann::json::exception& error) {
  return tl::unexpected("the round's settings are broken: " + std::string(error.what()));
}

std::vector<double> CohortTrainer::variateBefore(const std::string& planKey, int roundNumber) {
  const std::lock_guard lock(mutex_);
  if (parts_.folder.empty()) {
    const auto& rounds = variates_[planKey];
    const auto next = rounds.lower_bound(roundNumber);
    return next == rounds.begin() ? std::vector<double>{} : std::prev(next)->second;
  }
  for (int round = roundNumber - 1; round > 0; --round)
    if (const auto path = fileOf(parts_.folder, planKey, round); std::filesystem::exists(path))
      return readNumbers(path);
  return {};
}

void CohortTrainer::keepVariate(const std::string& planKey, int roundNumber,
                                const std::vector<double>& variate) {
  const std::lock_guard lock(mutex_);
  // Two rounds are enough: the last one may be repeated after a crash, and starts from the one
  // before.
  if (parts_.folder.empty()) {
    auto& rounds = variates_[planKey];
    rounds[roundNumber] = variate;
    while (rounds.size() > 2) rounds.erase(rounds.begin());
    return;
  }
  writeWhole(fileOf(parts_.folder, planKey, roundNumber), viewOfNumbers(variate));
  bool keptOne = false;
  for (int round = roundNumber - 1; round > 0; --round) {
    const auto path = fileOf(parts_.folder, planKey, round);
    if (keptOne && std::filesystem::exists(path)) std::filesystem::remove(path);
    keptOne = keptOne || std::filesystem::exists(path);
  }
}

}  // namespace fedpet::federation
