// The hospital's half: polls the coordinator (outbound HTTPS only), asks people and policies, lets
// the LocalTrainer compute, and sends what may leave. Everything is journalled before it is sent,
// so that a restart repeats the same bytes and spends no budget twice.
#pragma once

#include "federation/audit/AuditLog.h"
#include "federation/learning/Task.h"
#include "federation/wire/Messages.h"
#include "net/HttpClient.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::federation {

// Time windows, purposes and limits under which this site takes part at all.
struct SitePolicy {
  std::vector<std::string> allowedPurposes;  // empty: any purpose, still approved by a person
  int minimumPatients = 10;
  double maximumEpsilon = 0;  // over all plans; 0: only plans without noise terms...
  bool requireNoise = false;  // ... and true: none without
  bool requireMasking = true;
  bool approveAutomatically = false;  // whatever satisfies the policy (experiments, simulations)
  std::optional<std::pair<int, int>> hoursOfDay;  // local time [from, to): training starts in here
};

struct SiteSettings {
  std::filesystem::path folder;  // key, certificate, invitation's pins, database: owner only
  SitePolicy policy;
  // Proxy and time limits. `caFile`: an authority for the coordinator's server beside the
  // consortium's own. The other TLS members are set by the site.
  net::HttpClientOptions http;
  std::function<std::chrono::sys_seconds()> now;
  // Holds the value of an Authorization header, for a coordinator behind Orthanc's own
  // authentication or a reverse proxy; empty: none.
  std::filesystem::path authorizationFile = {};
  // Rounds that are over, old rosters and files of no use are kept for so long.
  std::chrono::seconds retention = std::chrono::hours(30 * 24);
};

// Long work reports here; a test reads it as easily as the log does. Called from the thread of
// run() and, while it goes on, from that of a training.
class SiteObserver {
 public:
  virtual ~SiteObserver() = default;
  virtual void note(const std::string& sentence) = 0;
  virtual void progress(const std::string& roundId, std::string_view stage, int percent) = 0;
};

struct KnownPlan {
  std::string hash;
  Plan plan;
  std::optional<Decision> decision;
  std::vector<std::string> policyObjections;  // empty: the policy allows it
  double epsilonSpent = 0;
};
struct SiteStatus {
  std::string site, consortium, coordinatorUrl;
  std::chrono::sys_seconds certificateEnds{}, lastContact{};
  std::string lastProblem;  // empty: the last poll went well
  double epsilonSpent = 0, epsilonAllowed = 0;
  std::vector<KnownPlan> plans;
  std::vector<std::string> rounds;  // "<id> <step>", newest first
};

class Site {
 public:
  // Makes the key pair, asks for the certificate, stores the pins. Repeatable after a crash with
  // the same invitation. Throws net::NetError, WireError, or EnrolmentRefused with a sentence.
  static void enrol(const Invitation&, const SiteSettings&);

  // Trainer and observer are borrowed. Throws when the folder holds no enrolment.
  Site(SiteSettings, LocalTrainer&, SiteObserver&);
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  // One poll and all that follows from it now, trainings too; returns how long to wait for the
  // next. Never throws for what the coordinator or the network does: back-off, and the problem
  // stands in status().
  std::chrono::milliseconds step(std::stop_token);
  // For ever. A training goes on in a thread of its own, one at a time, while other rounds are
  // answered. When it returns, no training is under way.
  void run(std::stop_token);

  // Thread-safe, also while run() runs.
  SiteStatus status() const;
  // Throws std::invalid_argument for a plan that is not known or is decided already.
  void decide(const std::string& planHash, bool approve, const std::string& by,
              const std::string& reason);
  std::vector<AuditEntry> audit() const;
  void renewCertificate(std::stop_token);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

struct EnrolmentRefused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace fedpet::federation
