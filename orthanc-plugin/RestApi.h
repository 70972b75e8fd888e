// The plugin's REST API for people, the web page and scripts. Functions on plain structs: no
// handler knows Orthanc's SDK.
#pragma once

#include "fhir/Outbox.h"
#include "fhir/tiers/TieredSender.h"
#include "orthanc-plugin/JobQueue.h"
#include "orthanc-plugin/Options.h"
#include "orthanc-plugin/Router.h"
#include "orthanc-plugin/Supervisor.h"

#include <functional>
#include <optional>
#include <string>

namespace fedpet::plugin {

struct RestApiParts {
  const ParsedOptions& options;
  JobQueue& queue;
  fhir::OutboxStore& outbox;
  // The series as a job, judged now; nullopt when the archive has no such series or it is no PET.
  std::function<std::optional<NewJob>(const std::string& seriesId)> judge;
  std::function<Supervisor::Snapshot()> workers;
  std::function<void()> outboxChanged;  // wakes the courier
  Clock now;
  std::function<fhir::TierReport()> tier = {};  // empty: no EHR is configured
};

// Adds every public address below /fedpet/. The parts are borrowed.
void addPublicRoutes(Router&, const RestApiParts&);
// The page's files, /fedpet/app/{file}.
void addPageRoutes(Router&);
// The answers of a plugin that is disabled by its configuration: /fedpet/status says why.
void addDisabledRoutes(Router&, const ParsedOptions&);

inline constexpr const char* kVersion = FEDPET_VERSION;

}  // namespace fedpet::plugin
