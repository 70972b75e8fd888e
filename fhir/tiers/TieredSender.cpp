#include "fhir/tiers/TieredSender.h"

#include "fhir/EhrClient.h"
#include "fhir/tiers/Parcel.h"
#include "fhir/tiers/R5.h"
#include "fhir/tiers/SingleWrites.h"

#include <stdexcept>

namespace fedpet::fhir {
namespace {

// The server does not know the way that its CapabilityStatement promised.
bool contradicts(const DeliveryOutcome& outcome) {
  const auto* rejected = std::get_if<Rejected>(&outcome);
  if (!rejected) return false;
  const int status = rejected->status;
  return status == 404 || status == 405 || status == 410 || status == 501;
}

bool isSame(const TierChoice& a, const TierChoice& b) {
  return a.tier == b.tier && a.omitted == b.omitted;
}

std::string nameOf(const ServerCapability& server) {
  std::string name = server.software;
  if (!server.fhirVersion.empty())
    name += (name.empty() ? "FHIR " : ", FHIR ") + server.fhirVersion;
  return name;
}

// What /metadata answered, or what stops the delivery. Neither: there is no statement.
struct Metadata {
  std::optional<ServerCapability> server;
  std::optional<DeliveryOutcome> failure;
};

Metadata metadataOf(EhrConnection& connection, const std::stop_token& stop) {
  try {
    const auto answer = connection.send("GET", "metadata", {}, {}, stop);
    if (answer.status / 100 == 2) return {readCapability(answer.body), std::nullopt};
    DeliveryOutcome failure = failureOf(answer, connection.now());
    if (std::holds_alternative<Rejected>(failure)) return {};
    return {std::nullopt, std::move(failure)};
  } catch (...) {
    return {std::nullopt, failureOfCurrentException()};
  }
}

std::string reasonOf(const DeliveryOutcome& outcome) {
  return std::visit(
      [](const auto& came) -> std::string {
        if constexpr (requires { came.reason; }) return came.reason;
        return {};
      },
      outcome);
}

}  // namespace

TieredSender::TieredSender(TieredOptions options)
    : options_(std::move(options)), trail_(options_.auditFile) {
  check(wishes());
  if (!options_.ehr.baseUrl.empty()) connection_ = std::make_unique<EhrConnection>(options_.ehr);
  if (!options_.hl7.mllpUrl.empty()) oru_ = std::make_unique<OruSender>(options_.hl7);
  if (connection_ && options_.tier == "auto") return;
  report_.choice = chooseTier(wishes(), nullptr);
}

TieredSender::~TieredSender() = default;

TierWishes TieredSender::wishes() const {
  return {options_.tier, !options_.ehr.baseUrl.empty(), !options_.hl7.mllpUrl.empty(),
          options_.fhirVersion};
}

TierReport TieredSender::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

std::optional<DeliveryOutcome> TieredSender::readMetadata(const std::stop_token& stop) {
  const bool isForcedAway = options_.tier == "T4" || options_.tier == "T5";
  if (!connection_ || isForcedAway) {
    isStale_ = false;
    return std::nullopt;
  }
  Metadata metadata = metadataOf(*connection_, stop);
  const std::lock_guard lock(mutex_);
  report_.trouble.clear();
  if (metadata.failure) {
    report_.trouble = reasonOf(*metadata.failure);
    // What it said yesterday still holds; before the first answer nothing does.
    if (report_.readAt) return std::nullopt;
    return std::move(*metadata.failure);
  }
  if (!metadata.server) report_.trouble = "no CapabilityStatement under /metadata";
  server_ = std::move(metadata.server);
  isStale_ = false;
  report_.readAt = connection_->now();
  report_.server = server_ ? nameOf(*server_) : "";
  return std::nullopt;
}

std::optional<DeliveryOutcome> TieredSender::choose(const std::stop_token& stop) {
  const auto readAt = report().readAt;
  const bool isOld =
      readAt && connection_ && connection_->now() - *readAt >= options_.readAgainAfter;
  if (isStale_ || isOld)
    if (auto failure = readMetadata(stop)) return failure;
  const std::lock_guard lock(mutex_);
  report_.choice = chooseTier(wishes(), server_ ? &*server_ : nullptr);
  return std::nullopt;
}

DeliveryOutcome TieredSender::sendBy(const TierChoice& choice, const std::string& bundle,
                                     const std::string& requestId, const std::stop_token& stop) {
  switch (choice.tier) {
    case Tier::Transaction: {
      const std::string whole = withoutTypes(bundle, choice.omitted);
      return postTransaction(*connection_, options_.fhirVersion == "R5" ? bundleInR5(whole) : whole,
                             requestId, stop);
    }
    case Tier::SingleWrites:
    case Tier::Observations: {
      Parcel parcel = parcelOf(bundle);
      if (choice.tier == Tier::Observations) reportAsDocument(parcel);
      if (options_.fhirVersion == "R5")
        for (Write& write : parcel.writes) write.resource = resourceInR5(write.resource);
      return writeSingly(*connection_, server_ ? &*server_ : nullptr, choice, std::move(parcel),
                         requestId, stop);
    }
    case Tier::Hl7v2:
      return oru_->deliver(bundle, requestId, stop);
    case Tier::DicomOnly:
      return Rejected{"nothing was sent: " + choice.why, {}};
  }
  throw std::logic_error("tier outside its list");
}

DeliveryOutcome TieredSender::deliver(const std::string& bundle, const std::string& requestId,
                                      std::stop_token stop) {
  if (auto failure = choose(stop)) return *failure;
  TierChoice choice = report().choice.value();
  try {
    DeliveryOutcome outcome = sendBy(choice, bundle, requestId, stop);
    if (contradicts(outcome) && connection_) {
      isStale_ = true;
      if (choose(stop)) return outcome;
      const TierChoice now = report().choice.value();
      if (!isSame(now, choice)) {
        choice = now;
        outcome = sendBy(choice, bundle, requestId, stop);
      }
    }
    audit(choice, bundle, requestId, outcome, stop);
    return outcome;
  } catch (const std::invalid_argument& notOurs) {
    return Rejected{notOurs.what(), {}};
  }
}

bool TieredSender::auditsThere() const {
  if (!connection_ || !server_) return false;
  const auto* listed = server_->find("AuditEvent");
  return listed && listed->create;
}

void TieredSender::audit(const TierChoice& choice, const std::string& bundle,
                         const std::string& requestId, const DeliveryOutcome& outcome,
                         const std::stop_token& stop) {
  AuditedDelivery act;
  act.at = options_.ehr.now();
  act.tier = choice.tier;
  act.server = choice.tier == Tier::Hl7v2 ? options_.hl7.mllpUrl : options_.ehr.baseUrl;
  act.requestId = requestId;
  act.site = options_.organization;
  std::tie(act.patientSystem, act.patientId) = patientIdentifier(parcelOf(bundle).patientQuery);
  act.isDelivered = std::holds_alternative<Delivered>(outcome);
  act.failure = reasonOf(outcome);
  const std::string event = auditEventOf(act);
  const std::string trouble = trail_.append(event, act.at);
  {
    const std::lock_guard lock(mutex_);
    report_.auditTrouble = trouble;
  }
  const bool isFhir = choice.tier != Tier::Hl7v2 && choice.tier != Tier::DicomOnly;
  if (!act.isDelivered || !isFhir || !auditsThere() || options_.fhirVersion != "R4") return;
  try {
    connection_->send("POST", "AuditEvent", event, {{"Prefer", "return=minimal"}}, stop);
  } catch (const std::exception&) {
    // The result is there and the local copy of the event too: nothing to repeat.
  }
}

}  // namespace fedpet::fhir
