// The way from a finished assessment to the EHR: makes the message and keeps the courier's thread.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "fhir/Outbox.h"
#include "orthanc-plugin/Log.h"
#include "orthanc-plugin/Options.h"
#include "orthanc-plugin/WorkerApi.h"

#include <memory>
#include <vector>

namespace fedpet::plugin {

class FhirLink {
 public:
  // Throws std::invalid_argument for a configuration that cannot work. The store is borrowed.
  FhirLink(const FhirOptions&, fhir::OutboxStore&, Log);
  ~FhirLink();

  Publication messagesAbout(const AssessedStudy&, std::span<const std::byte> pdf) const;
  void start();
  void wake();  // something is due
  void stop();  // cancels a delivery that is under way, joins

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedpet::plugin
