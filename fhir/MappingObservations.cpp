#include "fhir/Mapping.h"
#include "fhir/Narrative.h"
#include "fhir/Terminology.h"

#include <cmath>

namespace fedpet::fhir {
namespace {

const CodeableConcept kImaging{
    {{"http://terminology.hl7.org/CodeSystem/observation-category", "imaging", "Imaging"}}, {}};

NamedObservation named(const std::string& uid, Observation observation) {
  return {bundleReference("Observation " + uid), std::move(observation)};
}

void addMembers(Observation& group, const std::vector<NamedObservation>& members) {
  for (const NamedObservation& member : members) group.hasMember.push_back(member.self);
}

Observation::Component component(PrivateConcept concept_, Quantity value) {
  return {{{codingOf(codeOf(concept_))}, codeOf(concept_).meaning}, std::move(value)};
}

}  // namespace

CodeableConcept measurementGroup() {
  return {{codingOf({"125007", "DCM", "Measurement Group"})}, {}};
}

Identifier observationIdentifier(const std::string& uid) {
  return dicomUid(uid, CodeableConcept{{{"http://hl7.org/fhir/uv/dicom-sr/CodeSystem/"
                                         "dicom-identifier-type",
                                         "observation-uid", "Observation UID"}},
                                       {}});
}

Observation commonObservation(const Context& context) {
  Observation observation;
  observation.meta.security = {aiAsserted()};
  observation.partOf = observation.derivedFrom = {context.study};
  observation.category = {kImaging};
  observation.subject = context.patient;
  observation.effectiveDate = dateOf(context.assessment);
  observation.issued = instantOf(context.assessment);
  if (!context.site.organization.empty())
    observation.performer = {{{}, {}, {}, context.site.organization}};
  observation.note = {{std::string(kResearchUseOnly)}};
  observation.device = context.device;
  return observation;
}

NamedObservation measurementOf(const Context& context, const Measurement& measurement) {
  const QuantityCodes codes = codesOf(measurement.quantity);
  Observation observation = commonObservation(context);
  observation.identifier = {observationIdentifier(measurement.observationUid)};
  observation.code = measureOf(measurement.quantity);
  observation.method = {codes.method ? std::vector{codingOf(*codes.method)} : std::vector<Coding>{},
                        measurement.definition};
  if (observation.method->coding.empty() && observation.method->text.empty())
    observation.method.reset();
  if (codes.site) observation.bodySite = {{codingOf(*codes.site)}, {}};
  if (!measurement.value)
    observation.dataAbsentReason = dataAbsentReason(measurement.value.error());
  else if (!std::isfinite(*measurement.value))
    observation.dataAbsentReason = {
        {{"http://terminology.hl7.org/CodeSystem/data-absent-reason", "not-a-number", {}}}, {}};
  else
    observation.value = {*measurement.value, decimalsOf(measurement.quantity),
                         std::string(ucumUnit(measurement.quantity))};
  observation.text =
      NarrativeBuilder()
          .paragraph(std::string(title(measurement.quantity)) + ": " + textOf(measurement))
          .paragraph(measurement.definition)
          .paragraph(kResearchUseOnly)
          .build();
  return named(measurement.observationUid, std::move(observation));
}

NamedObservation wholeBodyGroupOf(const Context& context,
                                  const std::vector<NamedObservation>& members) {
  const ResponseAssessment& assessment = context.assessment;
  const Reference self =
      bundleReference("whole-body group " + assessment.identity.srSopInstanceUid);
  Observation group = commonObservation(context);
  // Not the urn:uuid: of the entry: servers rewrite that wherever it stands in the bundle.
  group.identifier = {{{}, groupSystem(), assessment.identity.srSopInstanceUid + ":whole-body"}};
  group.category.push_back(measurementGroup());
  group.code = {{codingOf({"125007", "DCM", "Measurement Group"})},
                "Whole-body FDG-PET measurements"};
  group.bodySite = {{codingOf({"38266002", "SCT", "Entire body"})}, {}};
  if (!assessment.lesionDefinition.empty()) group.method = {{}, assessment.lesionDefinition};
  addMembers(group, members);
  if (!assessment.refusals.empty()) {
    group.dataAbsentReason = dataAbsentReason(assessment.refusals.front());
    for (const Refusal& refusal : assessment.refusals) group.note.push_back({textOf(refusal)});
  }
  if (assessment.harmonisation) group.note.push_back({assessment.harmonisation->statement});
  return {self, std::move(group)};
}

NamedObservation lesionGroupOf(const Context& context, const Region& lesion,
                               const std::vector<NamedObservation>& members) {
  Observation group = commonObservation(context);
  group.identifier = {
      dicomUid(lesion.trackingUid,
               CodeableConcept{{codingOf({"112040", "DCM", "Tracking Unique Identifier"})}, {}})};
  group.category.push_back(measurementGroup());
  group.code = {{codingOf({"125007", "DCM", "Measurement Group"})}, lesion.name};
  group.method = {{}, lesion.definition};
  addMembers(group, members);
  return {bundleReference("lesion group " + lesion.trackingUid), std::move(group)};
}

NamedObservation predictedProbabilityOf(const Context& context,
                                        const ResponsePrediction& prediction) {
  const ModelIdentity& model = context.assessment.model;
  Observation observation = commonObservation(context);
  observation.identifier = {observationIdentifier(prediction.observationUid)};
  observation.code = measureOf(prediction);
  observation.method = {{}, model.name + " " + model.version};
  if (!prediction.result) {
    observation.dataAbsentReason = dataAbsentReason(prediction.result.error());
  } else if (!isUsable(*prediction.result)) {
    observation.dataAbsentReason = {
        {{"http://terminology.hl7.org/CodeSystem/data-absent-reason", "error", {}}}, {}};
  } else {
    const Probability& p = *prediction.result;
    observation.value = {100 * p.probability, 1, "%"};
    observation.component = {
        component(PrivateConcept::IntervalLower, {100 * p.lower, 1, "%"}),
        component(PrivateConcept::IntervalUpper, {100 * p.upper, 1, "%"}),
        component(PrivateConcept::IntervalLevel, {100 * p.intervalLevel, 1, "%"})};
  }
  observation.component.push_back(
      component(PrivateConcept::PredictionHorizon, {prediction.horizonMonths, 1, "mo"}));
  if (const std::string note = syntheticNote(context.assessment); !note.empty())
    observation.note.push_back({note});
  observation.text = NarrativeBuilder()
                         .paragraph(observation.code.text + ": " + textOf(prediction))
                         .paragraph(syntheticNote(context.assessment))
                         .paragraph(kResearchUseOnly)
                         .build();
  return named(prediction.observationUid, std::move(observation));
}

}  // namespace fedpet::fhir
