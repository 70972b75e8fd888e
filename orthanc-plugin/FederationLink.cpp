#include "orthanc-plugin/FederationLink.h"

#include "federation/Clock.h"
#include "federation/site/Identity.h"

#include <sstream>

namespace fedpet::plugin {

namespace fed = federation;

class FederationLink::Observer final : public fed::SiteObserver {
 public:
  explicit Observer(Log log) : log_(std::move(log)) {}
  void note(const std::string& sentence) override {
    log_(LogLevel::Info, "federation: " + sentence);
  }
  void progress(const std::string& roundId, std::string_view stage, int percent) override {
    const std::lock_guard lock(mutex_);
    work_ = percent >= 100
                ? std::string()
                : roundId + " " + std::string(stage) + " " + std::to_string(percent) + " %";
  }
  std::string work() const {
    const std::lock_guard lock(mutex_);
    return work_;
  }

 private:
  Log log_;
  mutable std::mutex mutex_;  // guards work_
  std::string work_;
};

FederationLink::FederationLink(const FederationOptions& options,
                               decltype(WorkerTrainerSettings::launch) launch, Log log)
    : options_(options),
      log_(std::move(log)),
      trainer_({std::filesystem::path(options.folder) / "computing", options.cohortTable,
                options.trainingDeadline, std::move(launch)}),
      observer_(std::make_unique<Observer>(log_)) {}

FederationLink::~FederationLink() { stop(); }

fed::SiteSettings FederationLink::siteSettings() const {
  fed::SiteSettings settings;
  settings.folder = options_.folder;
  settings.policy.allowedPurposes = options_.allowedPurposes;
  settings.policy.minimumPatients = options_.minimumPatients;
  settings.policy.maximumEpsilon = options_.maximumEpsilon;
  settings.policy.requireNoise = options_.requireNoise;
  settings.policy.requireMasking = options_.requireMasking;
  if (options_.trainFromHour != options_.trainUntilHour)
    settings.policy.hoursOfDay = {options_.trainFromHour, options_.trainUntilHour};
  settings.http.proxyUrl = options_.proxy;
  settings.http.caFile = options_.serverCaFile;
  settings.authorizationFile = options_.authorizationFile;
  settings.now = fed::systemSeconds;
  return settings;
}

bool FederationLink::openSite() {
  const auto identity = fed::Identity::read(fed::SiteFiles{options_.folder}.identity());
  if (!identity || identity->certificatePem.empty()) return false;
  auto site = std::make_shared<fed::Site>(siteSettings(), trainer_, *observer_);
  const std::lock_guard lock(mutex_);
  site_ = std::move(site);
  return true;
}

void FederationLink::start() {
  {
    const std::lock_guard lock(mutex_);
    running_ = true;
  }
  try {
    if (!openSite()) {
      log_(LogLevel::Info, "federation: not enrolled yet, waiting for an invitation");
      return;
    }
    run(site());
  } catch (const std::exception& e) {
    log_(LogLevel::Error, std::string("federation: ") + e.what());
  }
}

void FederationLink::run(std::shared_ptr<fed::Site> site) {
  thread_ = std::jthread([this, site](std::stop_token stop) {
    try {
      site->run(stop);
    } catch (const std::exception& e) {
      log_(LogLevel::Error, std::string("federation: ended: ") + e.what());
    }
  });
}

void FederationLink::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void FederationLink::enrol(const std::string& invitation) {
  if (isEnrolled()) throw FederationProblem("this site is enrolled already");
  try {
    fed::Site::enrol(fed::invitationFromText(invitation), siteSettings());
    if (!openSite()) throw FederationProblem("the enrolment left no certificate");
    run(site());
  } catch (const FederationProblem&) {
    throw;
  } catch (const std::exception& e) {
    throw FederationProblem(e.what());
  }
}

std::shared_ptr<fed::Site> FederationLink::site() const {
  const std::lock_guard lock(mutex_);
  if (!site_) throw FederationProblem("this site is not enrolled in a consortium");
  return site_;
}

bool FederationLink::isEnrolled() const {
  const std::lock_guard lock(mutex_);
  return site_ != nullptr;
}

std::optional<fed::SiteStatus> FederationLink::status() const {
  std::shared_ptr<fed::Site> current;
  {
    const std::lock_guard lock(mutex_);
    current = site_;
  }
  if (!current) return std::nullopt;
  return current->status();
}

void FederationLink::decide(const std::string& planHash, bool approve, const std::string& by,
                            const std::string& reason) {
  try {
    site()->decide(planHash, approve, by, reason);
  } catch (const std::invalid_argument& e) {
    throw FederationProblem(e.what());
  }
}

std::string FederationLink::auditExport() const {
  const auto current = site();
  std::ostringstream text;
  fed::exportAudit(text, current->status().site, current->audit());
  return text.str();
}

std::string FederationLink::currentWork() const { return observer_->work(); }

}  // namespace fedpet::plugin
