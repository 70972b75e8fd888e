#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/cli/FederateOptions.h"
#include "orthanc-plugin/cli/FederateReport.h"
#include "orthanc-plugin/cli/Terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>

namespace fedpet::plugin {
namespace {

namespace fs = std::filesystem;

// The person's folder, or one that goes with this object.
class WorkFolder {
 public:
  explicit WorkFolder(const fs::path& keep) : path_(keep), removed_(keep.empty()) {
    if (!removed_) {
      if (fs::exists(path_) && !(fs::is_directory(path_) && fs::is_empty(path_)))
        throw std::runtime_error(
            fmt::format("--keep {}: there is something already; name a new "
                        "or empty folder",
                        path_.string()));
      return;
    }
    std::string name = (fs::temp_directory_path() / "fedpet-federate.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "no temporary folder: " + name);
    path_ = name;
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (removed_) fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  bool removed_;
};

// Ctrl-C ends the sites and removes the folder. A handler and no sigwait: OpenBLAS has started
// threads before main() that would take the signal.
class StopOnSignal {
 public:
  StopOnSignal() {
    signalled = false;
    std::signal(SIGINT, &StopOnSignal::onSignal);
    std::signal(SIGTERM, &StopOnSignal::onSignal);
    thread_ = std::jthread([this](std::stop_token over) {
      while (!over.stop_requested()) {
        if (signalled) source_.request_stop();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
  }
  ~StopOnSignal() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  std::stop_token token() const { return source_.get_token(); }

 private:
  static void onSignal(int) { signalled = true; }
  static std::atomic<bool> signalled;
  static_assert(std::atomic<bool>::is_always_lock_free);
  std::stop_source source_;
  std::jthread thread_;
};
std::atomic<bool> StopOnSignal::signalled{false};

std::string splitText(const FederateOptions& options) {
  if (!options.splitColumn.empty())
    return fmt::format("rows with {} = {} train", options.splitColumn, options.trainValue);
  return fmt::format("a quarter of each site's patients, drawn with seed {}, tests", options.seed);
}

FederateReport federate(const FederateOptions& options) {
  const CsvTable csv = readCsv(options.csv);
  const CohortTable table = readCohort(csv, questionOf(options, csv));
  const federation::Plan plan = fittedPlan(planOf(options, table), table);
  const StopOnSignal stop;
  const WorkFolder folder(options.keep);
  ProgressBar bar(!options.json);
  const ExperimentSettings settings{folder.path(), !options.withoutBaselines, options.bootstrap};
  return {options.csv.filename().string(), splitText(options),
          runExperiment(
              plan, table, settings,
              [&](std::string_view stage, int percent) { bar.show(stage, percent); }, stop.token()),
          table.notes};
}

int refuseWith(const std::vector<std::string>& reasons, bool asJson) {
  if (asJson)
    print({{"status", "refused"}, {"reasons", reasons}});
  else
    for (const std::string& reason : reasons) fmt::print(stderr, "Refused. {}\n", reason);
  return kExitRefused;
}

int run(const FederateOptions& options) try {
  const FederateReport report = federate(options);
  if (options.json)
    print(toJson(report));
  else
    fmt::print("{}", readable(report));
  return kExitOk;
} catch (const TableError& error) {
  return refuseWith(error.problems, options.json);
} catch (const std::invalid_argument& error) {  // the options ask for what cannot be
  return refuseWith({error.what()}, options.json);
} catch (const std::domain_error& error) {  // the numbers allow no model
  return refuseWith({error.what()}, options.json);
}

}  // namespace

void addFederateCommand(CLI::App& app, ExitCode& exitCode) {
  auto options = std::make_shared<FederateOptions>();
  CLI::App* command = app.add_subcommand(
      "federate", "Run a whole consortium on this machine over a table: coordinator, sites, TLS");
  addOptions(*command, *options);
  command->callback([options, &exitCode] { exitCode = run(*options); });
}

}  // namespace fedpet::plugin
