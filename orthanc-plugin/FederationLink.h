// This hospital's membership in a consortium: keeps the site's thread, and asks people through the
// REST API. Without an enrolment it waits for an invitation.
#pragma once

#include "federation/site/Site.h"
#include "orthanc-plugin/Log.h"
#include "orthanc-plugin/Options.h"
#include "orthanc-plugin/WorkerTrainer.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace fedpet::plugin {

// What a person must know to mend it, in one sentence.
struct FederationProblem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class FederationLink {
 public:
  // `launch`: see WorkerTrainerSettings.
  FederationLink(const FederationOptions&, decltype(WorkerTrainerSettings::launch) launch, Log);
  ~FederationLink();  // stop()

  void start();
  void stop();  // ends a request that is under way, joins

  // Makes key and certificate from an invitation and begins to take part. Throws
  // FederationProblem.
  void enrol(const std::string& invitation);

  bool isEnrolled() const;
  std::optional<federation::SiteStatus> status() const;  // nullopt: not enrolled
  // Throws FederationProblem.
  void decide(const std::string& planHash, bool approve, const std::string& by,
              const std::string& reason);
  std::string auditExport() const;  // JSON lines; throws FederationProblem
  // What is being done in a round now; empty: nothing.
  std::string currentWork() const;

 private:
  class Observer;
  std::shared_ptr<federation::Site> site() const;  // throws FederationProblem
  bool openSite();                                 // false: not enrolled
  federation::SiteSettings siteSettings() const;
  void run(std::shared_ptr<federation::Site>);

  const FederationOptions options_;
  const Log log_;
  WorkerTrainer trainer_;
  std::unique_ptr<Observer> observer_;

  mutable std::mutex mutex_;  // guards the two below
  std::shared_ptr<federation::Site> site_;
  bool running_ = false;
  std::jthread thread_;
};

}  // namespace fedpet::plugin
