#include "orthanc-plugin/FhirLink.h"

#include "fhir/EhrClient.h"
#include "fhir/OutboxCourier.h"
#include "fhir/TransactionBundle.h"

#include <fstream>
#include <mutex>
#include <sstream>
#include <stdexcept>

namespace fedpet::plugin {
namespace {

constexpr const char* kDestination = "ehr";

// A file with one secret; the line end that editors add is not part of it.
std::string secretIn(const std::string& file) {
  if (file.empty()) return {};
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file);
  std::ostringstream text;
  text << in.rdbuf();
  std::string secret = text.str();
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  return secret;
}

// An EhrClient whose credentials are read again before each attempt: tokens are renewed by others.
class RenewingSender final : public fhir::BundleSender {
 public:
  explicit RenewingSender(FhirOptions options) : options_(std::move(options)) {
    fhir::EhrClient check(clientOptions("", ""));  // a wrong URL or certificate shows at the start
  }

  fhir::DeliveryOutcome deliver(const std::string& bundle, const std::string& requestId,
                                std::stop_token stop) override {
    std::string token, password;
    try {
      token = secretIn(options_.bearerTokenFile);
      password = secretIn(options_.basicPasswordFile);
    } catch (const std::exception& e) {
      return fhir::NeedsAuth{e.what()};
    }
    if (!client_ || token != token_ || password != password_) {
      client_ = std::make_unique<fhir::EhrClient>(clientOptions(token, password));
      token_ = token;
      password_ = password;
    }
    return client_->deliver(bundle, requestId, stop);
  }

 private:
  fhir::EhrOptions clientOptions(const std::string& token, const std::string& password) const {
    fhir::EhrOptions o;
    o.baseUrl = options_.baseUrl;
    o.bearerToken = token;
    o.user = options_.basicUser;
    o.password = password;
    o.http.overallTimeout = options_.timeout;
    o.http.caFile = options_.caFile;
    o.http.clientCertificateFile = options_.clientCertificateFile;
    o.http.clientKeyFile = options_.clientKeyFile;
    return o;
  }

  FhirOptions options_;
  std::unique_ptr<fhir::EhrClient> client_;
  std::string token_, password_;
};

class CourierLog final : public fhir::CourierObserver {
 public:
  explicit CourierLog(Log log) : log_(std::move(log)) {}
  void delivered(const fhir::OutboxEntry& e) override { write(LogLevel::Info, e, "delivered"); }
  void postponed(const fhir::OutboxEntry& e, fhir::OutboxTime, const std::string& why) override {
    write(LogLevel::Warning, e, "postponed: " + why);
  }
  void deadLettered(const fhir::OutboxEntry& e, const std::string& why) override {
    write(LogLevel::Error, e, "set aside: " + why);
  }
  void storeFailed(const std::string& what) override { log_(LogLevel::Error, "outbox: " + what); }

 private:
  void write(LogLevel level, const fhir::OutboxEntry& e, const std::string& text) {
    log_(level, "outbox message " + std::to_string(e.id) + " " + text);
  }
  Log log_;
};

fhir::FhirSite siteOf(const FhirOptions& o) {
  fhir::FhirSite site;
  site.patientIdentifierSystem = o.patientIdentifierSystem;
  site.patientSystemByIssuer = o.issuerSystems;
  site.organization = o.organization;
  site.accessionSystem = o.accessionSystem;
  site.identifierBase = o.identifierBase;
  site.wadoRoot = o.wadoRoot;
  site.lesionGroups = o.lesionGroups;
  return site;
}

fhir::RetryPolicy policyOf(const FhirOptions& o) {
  fhir::RetryPolicy policy;
  policy.firstDelay = o.backOff;
  policy.longestDelay = o.backOffMax;
  policy.giveUpAfter = o.giveUpAfter;
  policy.claimFor = o.timeout + std::chrono::seconds(60);
  return policy;
}

}  // namespace

class FhirLink::Impl {
 public:
  Impl(const FhirOptions& options, fhir::OutboxStore& outbox, Log log)
      : site(siteOf(options)),
        policy(policyOf(options)),
        store(outbox),
        observer(std::move(log)),
        sender(std::make_shared<RenewingSender>(options)) {}

  const fhir::FhirSite site;
  const fhir::RetryPolicy policy;
  fhir::OutboxStore& store;
  CourierLog observer;
  std::shared_ptr<RenewingSender> sender;
  std::mutex mutex;  // guards courier: requests may come before start() and after stop()
  std::unique_ptr<fhir::OutboxCourierThread> courier;
};

FhirLink::FhirLink(const FhirOptions& options, fhir::OutboxStore& store, Log log)
    : impl_(std::make_unique<Impl>(options, store, std::move(log))) {}

FhirLink::~FhirLink() = default;

Publication FhirLink::messagesAbout(const AssessedStudy& study,
                                    std::span<const std::byte> pdf) const {
  const ResponseAssessment& assessment = study.assessment;
  const auto bundle = fhir::transactionBundle(assessment, impl_->site, pdf);
  if (!bundle) return {{}, Reason{"NotSentToEhr", bundle.error().detail}};
  return {{{assessment.identity.srSopInstanceUid, kDestination,
            assessment.series.study.studyInstanceUid, *bundle}},
          std::nullopt};
}

void FhirLink::start() {
  const std::lock_guard lock(impl_->mutex);
  impl_->courier = std::make_unique<fhir::OutboxCourierThread>(
      impl_->store, fhir::OutboxCourier::Senders{{kDestination, impl_->sender}}, impl_->observer,
      impl_->policy);
}

void FhirLink::wake() {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->courier) impl_->courier->wake();
}

void FhirLink::stop() {
  const std::lock_guard lock(impl_->mutex);
  impl_->courier.reset();
}

}  // namespace fedpet::plugin
