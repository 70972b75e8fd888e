// What this hospital's EHR needs to know or to be told: set by the site, never guessed.
#pragma once

#include <map>
#include <string>

namespace fedpet::fhir {

struct FhirSite {
  // The naming system of PatientID when the images carry no issuer, for example
  // "urn:oid:1.2.250.1.999.1" (the hospital's own number). Empty: such patients are refused.
  std::string patientIdentifierSystem;
  // Issuer of Patient ID (0010,0021) to naming system. An issuer that is not listed is refused:
  // the same number in another hospital is another patient.
  std::map<std::string, std::string> patientSystemByIssuer;

  std::string organization;     // shown as performer: "Hospital X, nuclear medicine"
  std::string accessionSystem;  // naming system of accession numbers; may be empty
  // Prefix of identifiers that we mint for runs and models: "https://hospital.example/fedpet".
  // Empty: an OID of ours.
  std::string identifierBase;
  std::string wadoRoot;         // DICOMweb address of this Orthanc for readers of the EHR; or empty
  // One measurement group per lesion, besides the whole-body group. Off by default: fifty lesions
  // of five numbers flood a record, and the SR and the SEG hold them anyway.
  bool lesionGroups = false;
};

}  // namespace fedpet::fhir
