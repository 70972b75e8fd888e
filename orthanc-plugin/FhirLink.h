// The way from a finished assessment to the EHR: makes the message and keeps the courier's thread.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "fhir/FhirSite.h"
#include "fhir/Outbox.h"
#include "fhir/tiers/TieredSender.h"
#include "orthanc-plugin/Log.h"
#include "orthanc-plugin/Options.h"
#include "orthanc-plugin/WorkerApi.h"

#include <memory>
#include <vector>

namespace fedpet::plugin {

// What the site has said about its EHR, for whatever is written in FHIR.
fhir::FhirSite siteOf(const FhirOptions&);

class FhirLink {
 public:
  // Throws std::invalid_argument, fhir::AuthError or net::NetError for a configuration that cannot
  // work. The store is borrowed.
  FhirLink(const FhirOptions&, fhir::OutboxStore&, Log);
  ~FhirLink();

  Publication messagesAbout(const AssessedStudy&, std::span<const std::byte> pdf) const;
  fhir::TierReport tier() const;  // how the EHR is told, and why so
  void start();
  void wake();  // something is due
  void stop();  // cancels a delivery that is under way, joins

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedpet::plugin
