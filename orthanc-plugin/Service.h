// The plugin as one object without the SDK: state, threads and the REST API. Plugin.cpp gives it
// Orthanc's services and calls it from Orthanc's callbacks.
#pragma once

#include "orthanc-plugin/FederationApi.h"
#include "orthanc-plugin/FhirLink.h"
#include "orthanc-plugin/Intake.h"
#include "orthanc-plugin/OrthancArchive.h"
#include "orthanc-plugin/RestApi.h"
#include "orthanc-plugin/ResultIndex.h"
#include "orthanc-plugin/SociOutbox.h"
#include "orthanc-plugin/Webhooks.h"
#include "orthanc-plugin/WorkerApi.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fedpet::plugin {

struct ServiceSettings {
  ParsedOptions parsed;
  std::string workerProgram;      // path of fedpet-worker
  std::string orthancUrl;         // where it reaches Orthanc
  std::string restAuthorization;  // with this Authorization header
};

class Service {
 public:
  // Opens the database. Throws DatabaseError. Calls no function of the core yet: Orthanc is not
  // up at that time.
  Service(ServiceSettings, OrthancCore, Log);
  ~Service();  // stops and joins

  void start();       // Orthanc is up: from now on our threads may call it
  void noteChange();  // from a callback of Orthanc: returns at once
  void noteDeletedSeries(const std::string& id);  // likewise
  void requestStop();                             // from a callback of Orthanc: returns at once
  HttpResponse handle(const HttpRequest&) const;
  std::vector<std::pair<std::string, double>> metrics();

 private:
  void runIntake();
  void runSupervisor();
  // False: stop. `changed`: Orthanc has told of a change since the last call.
  bool waitForChange(std::chrono::milliseconds longest, bool& changed);
  std::optional<NewJob> judge(const std::string& seriesId);
  // To the EHR and to whoever else listens.
  Publication messagesAbout(const AssessedStudy&, std::span<const std::byte> pdf) const;
  void wakeCouriers();
  void addIntegratorRoutes();
  void openConsortium();
  void runCoordinator(std::stop_token);
  std::unique_ptr<ChildProcess> launchWorker(const std::string& name) const;
  std::unique_ptr<ChildProcess> launchContribution(const std::string& exchangeFolder) const;

  const ServiceSettings settings_;
  const Log log_;
  const std::string workerSecret_;
  OrthancArchive archive_;
  Database database_;
  Ledger ledger_;
  ResultIndex index_{database_};
  SociOutbox outbox_;
  SociOutbox ehrOutbox_{database_, OutboxLane::Ehr};
  SociOutbox webhookOutbox_{database_, OutboxLane::Webhooks};
  JobQueue queue_;
  Supervisor supervisor_;
  std::unique_ptr<FhirLink> fhir_;                        // null: no EHR is configured
  std::unique_ptr<Webhooks> webhooks_;                    // null: nobody else is told
  std::unique_ptr<FederationLink> federation_;            // null: a member of no consortium
  std::unique_ptr<federation::Coordinator> coordinator_;  // null: hosts none
  Router router_;

  std::vector<std::string> takeDeleted();

  std::mutex mutex_;  // guards the four below
  std::condition_variable wake_;
  std::vector<std::string> deleted_;
  bool changed_ = false, stopping_ = false;
  std::thread intakeThread_, supervisorThread_;
  std::jthread coordinatorThread_;
};

// 32 bytes of the system's randomness, hex.
std::string randomSecret();

}  // namespace fedpet::plugin
