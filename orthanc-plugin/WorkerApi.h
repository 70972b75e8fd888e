// The plugin's half of the worker protocol, docs/worker-protocol.md.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "fhir/Outbox.h"
#include "orthanc-plugin/JobQueue.h"
#include "orthanc-plugin/Log.h"
#include "orthanc-plugin/Router.h"

#include <functional>
#include <string>
#include <vector>

namespace fedpet::plugin {

inline constexpr const char* kSecretHeader = "x-fedpet-worker-secret";

// What is told to the EHRs about a finished study, or why nothing can be: that stands in the job,
// which is done nevertheless.
struct Publication {
  std::vector<fhir::OutboxMessage> messages;
  std::optional<Reason> notSent;
};
// `pdf`: the report for people, or empty.
using ResultPublisher =
    std::function<Publication(const AssessedStudy&, std::span<const std::byte> pdf)>;

struct WorkerApiSettings {
  std::string secret;          // known to our own children only
  bool allowRemote = false;    // callers without the secret, logged in at Orthanc
  std::string jobOptionsJson;  // handed out with each lease: lesion rule, model, ...
  std::function<void()> messagesQueued = [] {};  // wakes the courier
};

// Adds POST /fedpet/worker/lease and /fedpet/worker/jobs/{id}/{heartbeat,complete,fail}.
// Queue is borrowed.
void addWorkerRoutes(Router&, JobQueue&, WorkerApiSettings, ResultPublisher, Log);

}  // namespace fedpet::plugin
