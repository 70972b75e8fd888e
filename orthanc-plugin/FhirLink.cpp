#include "orthanc-plugin/FhirLink.h"

#include "fhir/OutboxCourier.h"
#include "fhir/TransactionBundle.h"
#include "fhir/auth/BackendServices.h"

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

// The Authorization header from files that are read again before each request: secrets are renewed
// by others.
std::function<std::string()> authorizationOf(const FhirOptions& options) {
  if (options.bearerTokenFile.empty() && options.basicUser.empty()) return {};
  return [options]() -> std::string {
    try {
      if (!options.bearerTokenFile.empty()) return "Bearer " + secretIn(options.bearerTokenFile);
      return net::basicCredentials(options.basicUser, secretIn(options.basicPasswordFile));
    } catch (const std::runtime_error& e) {
      throw fhir::AuthError(fhir::AuthError::Kind::Configuration, e.what());
    }
  };
}

net::HttpClientOptions transportOf(const FhirOptions& options, net::HttpClientOptions http) {
  http.overallTimeout = options.timeout;
  http.caFile = options.caFile;
  http.clientCertificateFile = options.clientCertificateFile;
  http.clientKeyFile = options.clientKeyFile;
  http.proxyUrl = options.proxy;
  return http;
}

std::shared_ptr<fhir::TokenSource> tokensOf(const FhirOptions& options) {
  if (options.clientId.empty()) return nullptr;
  fhir::BackendServicesOptions smart;
  smart.fhirBaseUrl = options.baseUrl;
  smart.clientId = options.clientId;
  smart.tokenUrl = options.tokenUrl;
  smart.scopes = {"system/*.cruds"};
  smart.http = transportOf(options, fhir::BackendServicesOptions::defaultHttp());
  return std::make_shared<fhir::BackendServices>(
      std::move(smart), fhir::SigningKey::fromPemFile(options.signingKeyFile));
}

fhir::TieredOptions tieredOf(const FhirOptions& options) {
  fhir::TieredOptions tiered;
  tiered.ehr.baseUrl = options.baseUrl;
  tiered.ehr.http = transportOf(options, fhir::EhrOptions::defaultHttp());
  tiered.ehr.authorization = authorizationOf(options);
  tiered.ehr.tokens = tokensOf(options);
  tiered.hl7.mllpUrl = options.mllpUrl;
  tiered.hl7.net = transportOf(options, fhir::Hl7Options::defaultNet());
  tiered.hl7.names.sendingFacility = options.organization;
  tiered.hl7.names.receivingApplication = options.hl7ReceivingApplication;
  tiered.hl7.names.receivingFacility = options.hl7ReceivingFacility;
  tiered.tier = options.tier;
  tiered.fhirVersion = options.version;
  tiered.auditFile = options.auditFile;
  tiered.organization = options.organization;
  return tiered;
}

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

fhir::RetryPolicy policyOf(const FhirOptions& o) {
  fhir::RetryPolicy policy;
  policy.firstDelay = o.backOff;
  policy.longestDelay = o.backOffMax;
  policy.giveUpAfter = o.giveUpAfter;
  // Tiers below the first make a request or two per resource. Only one courier claims at a time, so
  // that this is the wait after a crash and no limit.
  policy.claimFor = std::max<std::chrono::milliseconds>(20 * o.timeout, std::chrono::minutes(5));
  return policy;
}

}  // namespace

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

class FhirLink::Impl {
 public:
  Impl(const FhirOptions& options, fhir::OutboxStore& outbox, Log log)
      : site(siteOf(options)),
        isDicomOnly(options.tier == "T5"),
        policy(policyOf(options)),
        store(outbox),
        observer(std::move(log)),
        sender(std::make_shared<fhir::TieredSender>(tieredOf(options))) {}

  const fhir::FhirSite site;
  const bool isDicomOnly;
  const fhir::RetryPolicy policy;
  fhir::OutboxStore& store;
  CourierLog observer;
  std::shared_ptr<fhir::TieredSender> sender;
  std::mutex mutex;  // guards courier: requests may come before start() and after stop()
  std::unique_ptr<fhir::OutboxCourierThread> courier;
};

FhirLink::FhirLink(const FhirOptions& options, fhir::OutboxStore& store, Log log)
    : impl_(std::make_unique<Impl>(options, store, std::move(log))) {}

FhirLink::~FhirLink() = default;

Publication FhirLink::messagesAbout(const AssessedStudy& study,
                                    std::span<const std::byte> pdf) const {
  const ResponseAssessment& assessment = study.assessment;
  // Set aside for nobody: the site has said that nothing is to be sent.
  if (impl_->isDicomOnly) return {{}, Reason{"NotSentToEhr", "the site wants DICOM only (Fhir.Tier)"}};
  const auto bundle = fhir::transactionBundle(assessment, impl_->site, pdf);
  if (!bundle) return {{}, Reason{"NotSentToEhr", bundle.error().detail}};
  return {{{assessment.identity.srSopInstanceUid, kDestination,
            assessment.series.study.studyInstanceUid, *bundle}},
          std::nullopt};
}

fhir::TierReport FhirLink::tier() const { return impl_->sender->report(); }

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
