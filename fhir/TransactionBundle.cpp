#include "fhir/TransactionBundle.h"

#include "fhir/Mapping.h"
#include "fhir/resources/Bundle.h"

namespace fedpet::fhir {
namespace {

// Ours to change: the newest run replaces the older one.
template <typename Resource>
TransactionEntry updated(Reference self, const char* type, const Resource& resource) {
  return {std::move(self),
          Json(resource),
          "PUT",
          type + std::string("?") + identifierQuery(resource.identifier.front()),
          {}};
}

// Perhaps someone else's: created only where it is missing, never changed.
TransactionEntry created(Reference self, const char* type, Json resource, std::string ifNoneExist) {
  return {std::move(self), std::move(resource), "POST", type, std::move(ifNoneExist)};
}

class BundleWriter {
 public:
  explicit BundleWriter(Context context) : context_(std::move(context)) {}

  Transaction write() {
    const ResponseAssessment& assessment = context_.assessment;
    const Device device = deviceOf(assessment, context_.site);
    const ImagingStudy study = imagingStudyOf(context_);
    add(created(context_.device, "Device", device, identifierQuery(device.identifier.front())));
    add(created(context_.study, "ImagingStudy", study, identifierQuery(study.identifier.front())));
    addMeasurements();
    addPredictions();
    const Reference report = bundleReference("report " + assessment.identity.srSopInstanceUid);
    add(updated(report, "DiagnosticReport", diagnosticReportOf(context_, results_, risks_)));
    for (const NamedDocument& named : dicomObjectsOf(context_)) {
      add(updated(named.self, "DocumentReference", named.document));
      written_.push_back(named.self);
    }
    addProvenance(report);
    return std::move(transaction_);
  }

 private:
  void add(TransactionEntry entry) { transaction_.entry.push_back(std::move(entry)); }

  void addObservation(const NamedObservation& named) {
    add(updated(named.self, "Observation", named.observation));
    written_.push_back(named.self);
  }

  std::vector<NamedObservation> addMembers(const std::vector<Measurement>& measurements) {
    std::vector<NamedObservation> members;
    for (const Measurement& measurement : measurements) {
      members.push_back(measurementOf(context_, measurement));
      addObservation(members.back());
    }
    return members;
  }

  // The group first, then its members.
  void addGroup(const std::vector<NamedObservation>& group) {
    for (const NamedObservation& observation : group) addObservation(observation);
    if (!group.empty()) results_.push_back(group.front().self);
  }

  void addMeasurements() {
    wholeBody_ = addMembers(context_.assessment.wholeBody);
    const NamedObservation group = wholeBodyGroupOf(context_, wholeBody_);
    addObservation(group);
    results_.push_back(group.self);
    addGroup(percistOf(context_));
    addGroup(comparisonOf(context_));
    if (!context_.site.lesionGroups) return;
    for (const Region& region : context_.assessment.regions) {
      if (region.role != RegionRole::Lesion) continue;
      const NamedObservation lesion =
          lesionGroupOf(context_, region, addMembers(region.measurements));
      addObservation(lesion);
      results_.push_back(lesion.self);
    }
  }

  void addPredictions() {
    if (context_.assessment.predictions.empty()) return;
    for (const ResponsePrediction& prediction : context_.assessment.predictions) {
      const NamedObservation number = predictedProbabilityOf(context_, prediction);
      addObservation(number);
      results_.push_back(number.self);
    }
    const Reference risk = bundleReference("risk " + context_.assessment.identity.srSopInstanceUid);
    add(updated(risk, "RiskAssessment", riskAssessmentOf(context_, wholeBody_)));
    risks_.push_back(risk);
  }

  void addProvenance(const Reference& report) {
    std::vector<Reference> targets = written_;
    targets.insert(targets.end(), risks_.begin(), risks_.end());
    targets.push_back(report);
    const Provenance provenance = provenanceOf(context_, targets);
    const Coding& tag = provenance.meta.tag.front();
    add(created(bundleReference("provenance " + tag.code), "Provenance", provenance,
                tokenQuery("_tag", tag.system, tag.code)));
  }

  Context context_;
  Transaction transaction_;
  std::vector<NamedObservation> wholeBody_;
  std::vector<Reference> results_, risks_, written_;
};

}  // namespace

tl::expected<PatientKey, DeliveryRefusal> patientKeyOf(const PatientIdentity& patient,
                                                       const FhirSite& site) {
  using Reason = DeliveryRefusal::Reason;
  if (patient.patientId.find_first_not_of(' ') == std::string::npos)
    return tl::make_unexpected(
        DeliveryRefusal{Reason::PatientIdMissing, "the images carry no PatientID (0010,0020)"});
  std::string system = site.patientIdentifierSystem;
  if (!patient.issuerOfPatientId.empty()) {
    const auto known = site.patientSystemByIssuer.find(patient.issuerOfPatientId);
    if (known == site.patientSystemByIssuer.end())
      return tl::make_unexpected(DeliveryRefusal{
          Reason::PatientSystemUnknown,
          "no naming system is configured for the issuer of the PatientID (0010,0021)"});
    system = known->second;
  }
  if (system.empty())
    return tl::make_unexpected(
        DeliveryRefusal{Reason::PatientSystemUnknown,
                        "no naming system is configured for a PatientID without an issuer"});
  return PatientKey{system, patient.patientId};
}

Transaction transactionOf(const ResponseAssessment& assessment, const FhirSite& site,
                          std::span<const std::byte> pdf, const Reference& patient) {
  const Reference study = bundleReference("study " + assessment.series.study.studyInstanceUid);
  const Reference device = bundleReference("device " + assessment.identity.deviceUid);
  return BundleWriter({assessment, site, pdf, patient, study, device}).write();
}

tl::expected<std::string, DeliveryRefusal> transactionBundle(const ResponseAssessment& assessment,
                                                             const FhirSite& site,
                                                             std::span<const std::byte> pdf) {
  const auto key = patientKeyOf(assessment.series.patient, site);
  if (!key) return tl::make_unexpected(key.error());
  // Legal inside a transaction only. No match, or more than one, must fail it: never guess.
  const Reference patient{
      "Patient?" + tokenQuery("identifier", key->system, key->value), {}, {}, {}};
  const Json bundle = transactionOf(assessment, site, pdf, patient);
  // A byte that is not UTF-8 becomes U+FFFD rather than an exception: the numbers still count.
  return bundle.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace fedpet::fhir
