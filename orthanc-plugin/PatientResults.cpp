#include "orthanc-plugin/PatientResults.h"

#include <algorithm>
#include <tuple>

namespace fedpet::plugin {

std::vector<IndexedResult> resultsOf(ResultIndex& index, const fhir::FhirSite& site,
                                     const std::vector<fhir::PatientKey>& identifiers) {
  if (identifiers.empty()) return {};
  IndexFilter filter;
  filter.limit = 1000;
  for (const fhir::PatientKey& key : identifiers) filter.patientIds.push_back(key.value);
  std::vector<IndexedResult> results;
  for (const IndexedResult& row : index.find(filter)) {
    PatientIdentity patient;
    patient.patientId = row.patientId;
    patient.issuerOfPatientId = row.issuerOfPatientId;
    const auto own = fhir::patientKeyOf(patient, site);
    const bool meant =
        own && std::any_of(identifiers.begin(), identifiers.end(), [&](const fhir::PatientKey& k) {
          return k.system == own->system && k.value == own->value;
        });
    if (meant) results.push_back(row);
  }
  std::stable_sort(results.begin(), results.end(), [](const auto& a, const auto& b) {
    return std::tie(a.scanDay, a.revision) > std::tie(b.scanDay, b.revision);
  });
  return results;
}

}  // namespace fedpet::plugin
