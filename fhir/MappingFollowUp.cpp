// What goes beyond this one study: PERCIST and the comparison with an earlier study.
#include "fhir/Mapping.h"
#include "fhir/Narrative.h"
#include "fhir/Terminology.h"

namespace fedpet::fhir {
namespace {

constexpr char kPercist[] = "PERCIST 1.0";
constexpr char kImmunePercist[] = "iPERCIST";

Coding yesOrNo(bool yes) {
  return yes ? Coding{"http://snomed.info/sct", "373066001", "Yes"}
             : Coding{"http://snomed.info/sct", "373067005", "No"};
}

Identifier groupIdentifier(const Context& context, const char* group) {
  return {{}, groupSystem(), context.assessment.identity.srSopInstanceUid + ":" + group};
}

Reference groupReference(const Context& context, const std::string& group) {
  return bundleReference(group + " " + context.assessment.identity.srSopInstanceUid);
}

std::string wordsOf(const tl::expected<MetabolicResponse, Refusal>& response) {
  if (!response) return textOf(response.error());
  return std::string(toString(*response)) + " (" + std::string(title(*response)) + ")";
}

// The earlier study is named by its UID: whether this EHR has a resource for it is not ours to
// know.
Reference earlierStudy(const StudySummary& study) {
  return {
      {}, "ImagingStudy", dicomUid(study.studyInstanceUid), "PET of " + dateText(study.scannedAt)};
}

NamedObservation categoryOf(const Context& context, const Comparison& comparison,
                            PrivateConcept what, const char* method, const std::string& uid,
                            const tl::expected<MetabolicResponse, Refusal>& response) {
  Observation observation = commonObservation(context);
  observation.identifier = {observationIdentifier(uid)};
  observation.code = {{codingOf(codeOf(what))}, codeOf(what).meaning};
  observation.method = {{}, method};
  observation.derivedFrom.push_back(earlierStudy(comparison.earlier));
  if (response)
    observation.valueConcept = {{codingOf(codeOf(*response))}, std::string(title(*response))};
  else
    observation.dataAbsentReason = dataAbsentReason(response.error());
  NarrativeBuilder text;
  text.paragraph(codeOf(what).meaning + ", against the study of " +
                 dateText(comparison.earlier.scannedAt) + ": " + wordsOf(response));
  for (const auto* sentences : {&comparison.reasons, &comparison.warnings})
    for (const std::string& sentence : *sentences) observation.note.push_back({sentence});
  text.list(comparison.reasons).paragraph(kResearchUseOnly);
  observation.text = text.build();
  return {bundleReference("Observation " + uid), std::move(observation)};
}

}  // namespace

std::vector<NamedObservation> percistOf(const Context& context) {
  const ResponseAssessment& assessment = context.assessment;
  Observation group = commonObservation(context);
  group.identifier = {groupIdentifier(context, "percist")};
  group.category.push_back(measurementGroup());
  const Code measurable = codeOf(PrivateConcept::PercistMeasurable);
  group.code = {{codingOf(measurable)}, measurable.meaning};
  std::vector<NamedObservation> all;
  if (assessment.percist) {
    const PercistReading& reading = *assessment.percist;
    for (const Measurement& number : reading.numbers) {
      all.push_back(measurementOf(context, number));
      if (number.quantity != fedpet::Quantity::SulPeak)
        all.back().observation.bodySite = {{codingOf(siteOf(reading.reference))}, {}};
    }
    group.valueConcept = {{yesOrNo(reading.measurable)}, reading.measurable ? "Yes" : "No"};
    group.method = {{}, std::string(kPercist) + ": " + reading.definition};
    for (const NamedObservation& member : all) group.hasMember.push_back(member.self);
  } else if (assessment.percistRefusal) {
    group.method = {{}, kPercist};
    group.dataAbsentReason = dataAbsentReason(*assessment.percistRefusal);
    group.note.push_back({textOf(*assessment.percistRefusal)});
  } else {
    return {};
  }
  all.insert(all.begin(), {groupReference(context, "percist group"), std::move(group)});
  return all;
}

std::vector<NamedObservation> comparisonOf(const Context& context) {
  if (!context.assessment.comparison) return {};
  const Comparison& comparison = *context.assessment.comparison;
  std::vector<NamedObservation> all;
  all.push_back(categoryOf(context, comparison, PrivateConcept::PercistResponse, kPercist,
                           comparison.percistUid, comparison.percist));
  all.push_back(categoryOf(context, comparison, PrivateConcept::ImmunePercistResponse,
                           kImmunePercist, comparison.iPercistUid, comparison.iPercist));
  for (const Measurement& change : comparison.changes) {
    all.push_back(measurementOf(context, change));
    all.back().observation.derivedFrom.push_back(earlierStudy(comparison.earlier));
  }
  Observation group = commonObservation(context);
  group.identifier = {groupIdentifier(context, "comparison")};
  group.category.push_back(measurementGroup());
  group.code = {{codingOf({"125007", "DCM", "Measurement Group"})},
                "Comparison with the FDG-PET of " + dateText(comparison.earlier.scannedAt)};
  group.derivedFrom.push_back(earlierStudy(comparison.earlier));
  if (!comparison.alignment.empty()) group.note.push_back({comparison.alignment});
  for (const NamedObservation& member : all) group.hasMember.push_back(member.self);
  all.insert(all.begin(), {groupReference(context, "comparison group"), std::move(group)});
  return all;
}

std::string comparisonSentence(const ResponseAssessment& assessment) {
  if (!assessment.comparison) return {};
  const Comparison& comparison = *assessment.comparison;
  return "Against the study of " + dateText(comparison.earlier.scannedAt) + ": " + kPercist + " " +
         wordsOf(comparison.percist) + ", " + kImmunePercist + " " + wordsOf(comparison.iPercist) +
         ".";
}

}  // namespace fedpet::fhir
