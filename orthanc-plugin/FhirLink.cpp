#include "orthanc-plugin/FhirLink.h"

namespace fedpet::plugin {

class FhirLink::Impl {};
FhirLink::FhirLink(const FhirOptions&, fhir::OutboxStore&, Log) {}
FhirLink::~FhirLink() = default;
Publication FhirLink::messagesAbout(const AssessedStudy&) const { return {}; }
void FhirLink::start() {}
void FhirLink::wake() {}
void FhirLink::requestStop() {}
void FhirLink::stop() {}

}  // namespace fedpet::plugin
