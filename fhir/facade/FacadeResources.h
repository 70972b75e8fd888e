// Inside of fhir/: the resources of one assessment as a server of its own would hold them. They are
// those of the transaction bundle, so that what is read here and what an EHR was sent cannot
// disagree: the urn:uuid: of an entry becomes the id of the resource, and references follow. The
// patient is a logical reference, for no Patient is ours to hold.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "fhir/FhirSite.h"
#include "fhir/resources/Json.h"

#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir {

struct FacadeResource {
  std::string type, id;  // the id is a UUID derived from the DICOM UIDs: the same for ever
  Json resource;         // with its id, without versionId and lastUpdated
};

// A patient whose naming system is not known is no reference at all, and the subject says why.
std::vector<FacadeResource> resourcesOf(const ResponseAssessment&, const FhirSite&);

// What a resource is found by, independent of the site's options and without any system.
struct FacadeKey {
  enum class Kind { Id, Identifier };
  Kind kind = Kind::Id;
  std::string type, value;
};
// Of every resource that this assessment has under any options of the site.
std::vector<FacadeKey> keysOf(const ResponseAssessment&);

std::string studyResourceId(std::string_view studyInstanceUid);   // of its ImagingStudy
std::string reportResourceId(std::string_view srSopInstanceUid);  // of its DiagnosticReport

// Two series of one study make one ImagingStudy: the series of `other` that `study` has not.
void addSeries(Json& study, const Json& other);

// The resource as it is given out. The version ends in a hash of the content, which also changes
// with the site's options.
Json versioned(const Json& resource, std::string_view revision, std::string_view lastUpdated);

}  // namespace fedpet::fhir
