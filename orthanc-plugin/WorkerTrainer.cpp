#include "orthanc-plugin/WorkerTrainer.h"

#include "orthanc-plugin/protocol/ContributionFolder.h"

#include <stdlib.h>

#include <stdexcept>
#include <thread>

namespace fedpet::plugin {
namespace {

namespace fs = std::filesystem;
using federation::CannotTakePart;
using namespace std::chrono_literals;

constexpr auto kLookEvery = 50ms;

// A folder of its own for every question, gone with it: it holds numbers of patients.
class ExchangeFolder {
 public:
  explicit ExchangeFolder(const fs::path& parent) {
    fs::create_directories(parent);
    fs::permissions(parent, fs::perms::owner_all);
    std::string name = (parent / "exchange-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the exchange");
    path_ = name;
  }
  ~ExchangeFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ExchangeFolder(const ExchangeFolder&) = delete;
  ExchangeFolder& operator=(const ExchangeFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

ContributionAnswer ask(const WorkerTrainerSettings& settings, const ContributionRequest& request,
                       const std::function<void(int)>& progress, const std::stop_token& stop) {
  const ExchangeFolder exchange(settings.folder);
  writeContributionRequest(exchange.path(), request);
  const auto child = settings.launch(exchange.path().string());
  const auto end = std::chrono::steady_clock::now() + settings.deadline;
  std::optional<ProcessEnd> ended;
  while (!(ended = child->poll())) {
    if (stop.stop_requested()) throw std::runtime_error("stopped while the worker was computing");
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error("the worker did not finish within Federation.TrainingDeadline");
    progress(readContributionProgress(exchange.path()));
    std::this_thread::sleep_for(kLookEvery);
  }
  if (const auto answer = readContributionAnswer(exchange.path())) return *answer;
  throw std::runtime_error("the worker ended without an answer: " + reasonOf(*ended).text);
}

}  // namespace

WorkerTrainer::WorkerTrainer(WorkerTrainerSettings settings) : settings_(std::move(settings)) {}

tl::expected<int, CannotTakePart> WorkerTrainer::patients(const federation::Plan& plan) {
  if (settings_.cohortTable.empty())
    return tl::unexpected<CannotTakePart>(
        "this site has no cohort: Federation.CohortTable is empty");
  const auto answer =
      ask(settings_, {plan, std::nullopt, 0, 0, settings_.cohortTable, settings_.folder / "state"},
          [](int) {}, {});
  if (const auto* count = std::get_if<PatientCount>(&answer)) return count->patients;
  if (const auto* refusal = std::get_if<CannotTakePart>(&answer)) return tl::unexpected(*refusal);
  throw std::runtime_error("the worker answered another question");
}

tl::expected<federation::LocalResult, CannotTakePart> WorkerTrainer::compute(
    const federation::Plan& plan, int roundNumber, const federation::RoundInput& input,
    int contributorsAtLeast, const std::function<void(int)>& progress, std::stop_token stop) {
  if (settings_.cohortTable.empty())
    return tl::unexpected<CannotTakePart>(
        "this site has no cohort: Federation.CohortTable is empty");
  auto answer = ask(settings_,
                    {plan, input, roundNumber, contributorsAtLeast, settings_.cohortTable,
                     settings_.folder / "state"},
                    progress, stop);
  if (auto* result = std::get_if<federation::LocalResult>(&answer)) return std::move(*result);
  if (const auto* refusal = std::get_if<CannotTakePart>(&answer)) return tl::unexpected(*refusal);
  throw std::runtime_error("the worker answered another question");
}

}  // namespace fedpet::plugin
