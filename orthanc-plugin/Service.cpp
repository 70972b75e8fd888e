#include "orthanc-plugin/Service.h"

#include "federation/Clock.h"
#include "federation/crypto/Bytes.h"
#include "orthanc-plugin/CdsHooksApi.h"
#include "orthanc-plugin/FhirFacadeApi.h"
#include "orthanc-plugin/PosixProcess.h"
#include "orthanc-plugin/SmartLaunch.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>

namespace fedpet::plugin {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostDeleted = 100'000;
constexpr auto kSupervisorTick = 250ms;
constexpr auto kSweepEvery = 1s;
constexpr std::size_t kIndexedAtOnce = 10;
constexpr auto kCoordinatorTick = 1s;
// After an archive that could not answer: soon again, but not in a loop.
constexpr auto kPauseAfterError = 2s;

std::string jobOptions(const Options& options) {
  return nlohmann::json{{"lesionRule", options.lesionRule},
                        {"minimumBodyCoverageMm", options.eligibility.minimumBodyCoverageMm},
                        {"model", options.modelPath},
                        {"storeResults", options.storeResults},
                        {"storePdf", options.storePdf},
                        {"storeMip", options.storeMip},
                        {"followUp", options.followUp},
                        {"harmonisation",
                         {{"scanners", options.harmonisation.scanners},
                          {"target", options.harmonisation.target},
                          {"combat", options.harmonisation.combat}}}}
      .dump();
}

int threadsPerWorker(const WorkerOptions& options) {
  if (options.threads > 0) return options.threads;
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return std::max(1, cores / std::max(1, options.count));
}

}  // namespace

std::string randomSecret() { return federation::toHex(federation::randomBytes(32)); }

Service::Service(ServiceSettings settings, OrthancCore core, Log log)
    : settings_(std::move(settings)),
      log_(std::move(log)),
      workerSecret_(randomSecret()),
      archive_(std::move(core)),
      database_(databasePath(settings_.parsed), schema()),
      ledger_(database_),
      outbox_(database_),
      queue_(ledger_, settings_.parsed.options.worker, settings_.parsed.options.retry, systemNow),
      supervisor_(
          queue_, [this](const std::string& name) { return launchWorker(name); },
          randomSecret().substr(0, 8), systemNow, log_) {
  const Options& options = settings_.parsed.options;
  if (!options.fhir.baseUrl.empty() || !options.fhir.mllpUrl.empty())
    fhir_ = std::make_unique<FhirLink>(options.fhir, ehrOutbox_, log_);
  if (!options.webhooks.urls.empty())
    webhooks_ =
        std::make_unique<Webhooks>(options.webhooks, options.publicUrl, webhookOutbox_, log_);
  addPublicRoutes(router_, {settings_.parsed, queue_, outbox_,
                            [this](const std::string& id) { return judge(id); },
                            [this] { return supervisor_.snapshot(); },
                            [this] { wakeCouriers(); },
                            systemNow,
                            [this] { return fhir_ ? fhir_->tier() : fhir::TierReport{}; }});
  ResultPublisher publish = [this](const AssessedStudy& study, std::span<const std::byte> pdf) {
    return messagesAbout(study, pdf);
  };
  addWorkerRoutes(router_, queue_,
                  {workerSecret_, options.worker.allowRemote, jobOptions(options),
                   [this] { wakeCouriers(); }},
                  std::move(publish), log_);
  openConsortium();
  addFederationRoutes(router_, federation_.get());
  addIntegratorRoutes();
  addPageRoutes(router_);
  const std::string openApi = openApiDocument(router_.routes(), kVersion);
  router_.add({"GET", "/fedpet/openapi.json", "", [openApi](const HttpRequest&, const auto&) {
                 HttpResponse response;
                 response.body = openApi;
                 return response;
               }});
}

Publication Service::messagesAbout(const AssessedStudy& study,
                                   std::span<const std::byte> pdf) const {
  Publication publication;
  try {
    if (fhir_) publication = fhir_->messagesAbout(study, pdf);
  } catch (const std::exception& e) {
    publication.notSent = Reason{"NotSentToEhr", e.what()};
  }
  if (webhooks_)
    for (fhir::OutboxMessage& message : webhooks_->messagesAbout(study.assessment))
      publication.messages.push_back(std::move(message));
  return publication;
}

void Service::wakeCouriers() {
  if (fhir_) fhir_->wake();
  if (webhooks_) webhooks_->wake();
}

void Service::addIntegratorRoutes() {
  const Options& options = settings_.parsed.options;
  addFhirFacadeRoutes(router_, {ledger_, index_, siteOf(options.fhir), options.publicUrl,
                                settings_.parsed.orthanc.sslEnabled ? "https" : "http", systemNow});
  if (options.cdsHooks)
    addCdsHooksRoutes(router_, {ledger_, index_, siteOf(options.fhir), options.publicUrl});
  if (!options.smart.issuers.empty())
    addSmartRoutes(router_, options.smart, index_, siteOf(options.fhir));
}

void Service::openConsortium() {
  const Options& options = settings_.parsed.options;
  if (!options.federation.folder.empty())
    federation_ = std::make_unique<FederationLink>(
        options.federation,
        [this](const std::string& folder) { return launchContribution(folder); }, log_);
  if (options.consortium.folder.empty()) return;
  federation::CoordinatorSettings settings;
  settings.folder = options.consortium.folder;
  settings.database = options.consortium.database.empty()
                          ? (settings.folder / "coordinator.db").string()
                          : options.consortium.database;
  settings.publicUrl = options.consortium.url;
  settings.pollInterval = options.consortium.pollEvery;
  settings.now = federation::systemSeconds;
  settings.log = [this](const std::string& line) { log_(LogLevel::Info, "consortium: " + line); };
  try {
    coordinator_ = std::make_unique<federation::Coordinator>(settings);
  } catch (const std::exception& e) {
    // The studies of this hospital must not wait for the consortium.
    log_(LogLevel::Error, std::string("consortium: not hosted: ") + e.what());
  }
}

void Service::runCoordinator(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wait;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    try {
      coordinator_->tick();
    } catch (const std::exception& e) {
      log_(LogLevel::Error, std::string("consortium: ") + e.what());
    }
    wait.wait_for(lock, stop, kCoordinatorTick, [] { return false; });
  }
}

Service::~Service() {
  requestStop();
  if (intakeThread_.joinable()) intakeThread_.join();
  if (supervisorThread_.joinable()) supervisorThread_.join();
  if (fhir_) fhir_->stop();
  if (webhooks_) webhooks_->stop();
  if (federation_) federation_->stop();
  coordinatorThread_ = {};
}

void Service::start() {
  ledger_.releaseLocal(systemNow());  // workers of an earlier life are dead
  intakeThread_ = std::thread([this] { runIntake(); });
  supervisorThread_ = std::thread([this] { runSupervisor(); });
  if (fhir_) fhir_->start();
  if (webhooks_) webhooks_->start();
  if (federation_) federation_->start();
  if (coordinator_)
    coordinatorThread_ = std::jthread([this](std::stop_token stop) { runCoordinator(stop); });
}

void Service::noteChange() {
  {
    const std::lock_guard lock(mutex_);
    changed_ = true;
  }
  wake_.notify_all();
}

void Service::noteDeletedSeries(const std::string& id) {
  const std::lock_guard lock(mutex_);
  // Beyond the bound they are found at the next start.
  if (deleted_.size() < kMostDeleted) deleted_.push_back(id);
}

std::vector<std::string> Service::takeDeleted() {
  const std::lock_guard lock(mutex_);
  return std::exchange(deleted_, {});
}

void Service::requestStop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  queue_.stop();
}

bool Service::waitForChange(std::chrono::milliseconds longest, bool& changed) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, longest, [this] { return changed_ || stopping_; });
  changed = std::exchange(changed_, false);
  return !stopping_;
}

void Service::runIntake() {
  const Options& options = settings_.parsed.options;
  Intake intake(
      archive_, ledger_,
      {options.intake, options.eligibility, options.retry, settings_.parsed.orthanc.stableAge},
      systemNow, log_);
  bool begun = false, indexed = false;
  auto nextPoll = std::chrono::steady_clock::now();
  auto pause = std::chrono::milliseconds(0);
  bool changed = true;
  const auto act = [&](const Intake::StepResult& result) {
    queue_.dispossess(result.workers);
    if (result.newJobs) queue_.ring();
    return result.more;
  };
  // A change ends the wait early; otherwise only the sweep runs until the next poll is due.
  while (waitForChange(pause, changed)) {
    try {
      if (!begun) {
        intake.begin();
        begun = true;
        act(intake.forgetDeletedBefore());
      }
      if (changed || std::chrono::steady_clock::now() >= nextPoll) {
        while (act(intake.step())) {
          const std::lock_guard lock(mutex_);
          if (stopping_) return;
        }
        nextPoll = std::chrono::steady_clock::now() + options.intake.pollEvery;
      }
      act(intake.sweep());
      act(intake.forgetDeleted(takeDeleted()));
      // Results of a release without an index, a few at a time: new series go first.
      indexed = indexed || index_.indexOlder(kIndexedAtOnce);
      pause = indexed ? std::chrono::milliseconds(kSweepEvery) : std::chrono::milliseconds(0);
    } catch (const std::exception& e) {
      log_(LogLevel::Error, std::string("intake: ") + e.what());
      nextPoll = std::chrono::steady_clock::now();  // what was to be read is still to be read
      pause = kPauseAfterError;
    }
  }
}

void Service::runSupervisor() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, kSupervisorTick, [this] { return stopping_; })) break;
    }
    try {
      supervisor_.tick();
    } catch (const std::exception& e) {
      log_(LogLevel::Error, std::string("supervision: ") + e.what());
    }
  }
  try {
    supervisor_.stopAll();
  } catch (const std::exception& e) {
    log_(LogLevel::Error, std::string("stopping the workers: ") + e.what());
  }
}

std::optional<NewJob> Service::judge(const std::string& seriesId) {
  const auto facts = archive_.seriesFacts(seriesId);
  if (!facts || facts->modality != "PT") return std::nullopt;
  NewJob job{seriesId, facts->studyId, facts->seriesInstanceUid, facts->fingerprint, "manual", {}};
  if (const auto refusal = reasonToSkip(*facts, settings_.parsed.options.eligibility))
    job.skip = Reason{std::string(toString(refusal->code)), refusal->detail};
  return job;
}

std::unique_ptr<ChildProcess> Service::launchWorker(const std::string& name) const {
  const WorkerOptions& options = settings_.parsed.options.worker;
  return spawnProcess(settings_.workerProgram,
                      {{"FEDPET_ORTHANC_URL", settings_.orthancUrl},
                       {"FEDPET_ORTHANC_AUTHORIZATION", settings_.restAuthorization},
                       {"FEDPET_WORKER_SECRET", workerSecret_},
                       {"FEDPET_WORKER_NAME", name},
                       {"FEDPET_PARENT_PID", std::to_string(getpid())},
                       {"FEDPET_MEMORY_LIMIT_MB", std::to_string(options.memoryLimitMb)},
                       {"FEDPET_JOBS_PER_PROCESS", std::to_string(options.jobsPerProcess)},
                       {"FEDPET_IDLE_SECONDS", std::to_string(options.idleAfter.count())},
                       {"FEDPET_THREADS", std::to_string(threadsPerWorker(options))},
                       {"FEDPET_CA_FILE", options.caFile},
                       {"TCP_NODELAY", "1"}});
}

std::unique_ptr<ChildProcess> Service::launchContribution(const std::string& exchangeFolder) const {
  const WorkerOptions& options = settings_.parsed.options.worker;
  return spawnProcess(settings_.workerProgram,
                      {{"FEDPET_CONTRIBUTION_FOLDER", exchangeFolder},
                       {"FEDPET_PARENT_PID", std::to_string(getpid())},
                       {"FEDPET_MEMORY_LIMIT_MB", std::to_string(options.memoryLimitMb)},
                       {"FEDPET_THREADS", std::to_string(threadsPerWorker(options))}});
}

HttpResponse Service::handle(const HttpRequest& request) const {
  if (coordinator_ && request.path.starts_with(std::string(kConsortiumBase) + "/"))
    return askCoordinator(*coordinator_, request);
  return router_.handle(request);
}

std::vector<std::pair<std::string, double>> Service::metrics() {
  std::vector<std::pair<std::string, double>> values;
  auto counts = ledger_.counts();
  for (const JobState s : {JobState::Waiting, JobState::Running, JobState::Done, JobState::Failed,
                           JobState::Skipped, JobState::Cancelled})
    values.emplace_back("fedpet_jobs_" + std::string(toString(s)), static_cast<double>(counts[s]));
  JobFilter lastDone;
  lastDone.state = JobState::Done;
  lastDone.limit = 1;
  for (const Job& job : ledger_.list(lastDone))
    if (job.startedAt && job.finishedAt)
      values.emplace_back("fedpet_last_job_seconds",
                          std::chrono::duration<double>(*job.finishedAt - *job.startedAt).count());
  const fhir::OutboxCounts outbox = outbox_.counts();
  values.emplace_back("fedpet_outbox_pending",
                      static_cast<double>(outbox.pending + outbox.delivering));
  values.emplace_back("fedpet_outbox_dead_letter", static_cast<double>(outbox.deadLetter));
  values.emplace_back("fedpet_workers_running", supervisor_.snapshot().running);
  values.emplace_back("fedpet_worker_crashes", supervisor_.snapshot().crashes);
  return values;
}

}  // namespace fedpet::plugin
