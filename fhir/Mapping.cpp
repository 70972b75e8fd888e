#include "fhir/Mapping.h"

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <cctype>
#include <cmath>
#include <cstdio>

#include "fhir/Terminology.h"

namespace fedpet::fhir {
namespace {

constexpr char kAiTransparency[] = "http://hl7.org/fhir/uv/aitransparency/CodeSystem/AIdeviceTypeCS";

bool isDicomDate(const std::string& text) {
  if (text.size() != 8) return false;
  for (const char c : text)
    if (!std::isdigit(static_cast<unsigned char>(c))) return false;
  return true;
}

std::string modelValue(const ModelIdentity& model) {
  // ':' and not '|': a bar inside a value breaks conditional creates (docs/fhir.md).
  return model.name + ":" + model.version + ":" + model.sha256.substr(0, 12);
}

}  // namespace

Reference bundleReference(std::string_view uniqueName) {
  const boost::uuids::name_generator_sha1 generate(boost::uuids::ns::oid());
  return {"urn:uuid:" + boost::uuids::to_string(generate(uniqueName.data(), uniqueName.size())),
          {}, {}, {}};
}

std::string dateText(WallClock time) {
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", int{day.year()}, unsigned{day.month()},
                unsigned{day.day()});
  return text;
}

std::string dateOf(const ResponseAssessment& assessment) {
  if (assessment.series.seriesDateTime) return dateText(*assessment.series.seriesDateTime);
  const std::string& date = assessment.series.study.studyDate;
  if (!isDicomDate(date)) return {};
  return date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6, 2);
}

std::string instantOf(const ResponseAssessment& assessment) {
  using namespace std::chrono;
  const auto day = floor<days>(assessment.assessedAt);
  const year_month_day date{day};
  const hh_mm_ss time{floor<seconds>(assessment.assessedAt - day)};
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()}, static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return text;
}

int decimalsOf(fedpet::Quantity quantity) {
  switch (quantity) {
    case fedpet::Quantity::LesionCount: return 0;
    case fedpet::Quantity::Dmax: return 1;
    case fedpet::Quantity::SpleenToLiverRatio:
    case fedpet::Quantity::MarrowToLiverRatio: return 3;
    default: return 2;
  }
}

std::string textOf(double value, int decimals, std::string_view unit) {
  char number[64];
  std::snprintf(number, sizeof number, "%.*f", decimals, value);
  const bool isAnnotation = unit.starts_with('{');  // {count}, {ratio}: no word for a reader
  return isAnnotation ? number : std::string(number) + " " + readableUnit(std::string(unit));
}

std::string textOf(const Refusal& refusal) {
  return "not given: " + codeOf(refusal.code).meaning +
         (refusal.detail.empty() ? "" : " (" + refusal.detail + ")");
}

std::string textOf(const Measurement& measurement) {
  if (!measurement.value) return textOf(measurement.value.error());
  if (!std::isfinite(*measurement.value)) return "not given: not a number";
  return textOf(*measurement.value, decimalsOf(measurement.quantity),
                ucumUnit(measurement.quantity));
}

std::string textOf(const ResponsePrediction& prediction) {
  if (!prediction.result) return textOf(prediction.result.error());
  const Probability& p = *prediction.result;
  if (!isUsable(p)) return "not given: not a probability";
  return textOf(100 * p.probability, 1, "%") + " (" + textOf(100 * p.intervalLevel, 0, "%") +
         " interval " + textOf(100 * p.lower, 1, "%") + " to " + textOf(100 * p.upper, 1, "%") +
         ")";
}

bool isUsable(const Probability& p) {
  for (const double value : {p.probability, p.lower, p.upper, p.intervalLevel})
    if (!(value >= 0 && value <= 1)) return false;  // also false for NaN
  return true;
}

std::string syntheticNote(const ResponseAssessment& assessment) {
  return assessment.model.trainedOnSyntheticData && !assessment.predictions.empty()
             ? "The model was trained on synthetic data: its numbers describe no real patients."
             : "";
}

Identifier accessionOf(const Context& context) {
  const CodeableConcept type{
      {{"http://terminology.hl7.org/CodeSystem/v2-0203", "ACSN", "Accession ID"}}, {}};
  return {type, context.site.accessionSystem, context.assessment.series.study.accessionNumber};
}

Device deviceOf(const ResponseAssessment& assessment, const FhirSite& site) {
  const ModelIdentity& model = assessment.model;
  Device device;
  device.extension = {
      {"http://hl7.org/fhir/uv/aitransparency/StructureDefinition/aitransparency.AIKind",
       "valueCodeableConcept",
       Json(CodeableConcept{{{kAiTransparency, "Machine-Learning-Models", {}}}, {}})}};
  device.identifier = {dicomUid(assessment.identity.deviceUid)};
  if (!model.name.empty())
    device.identifier.push_back(
        {{},
         site.identifierBase.empty() ? modelSystem() : site.identifierBase + "/models",
         modelValue(model)});
  device.manufacturer = "fedpet";
  device.name = model.name.empty() ? "fedpet" : "fedpet " + model.name;
  device.type = {{{kAiTransparency, "Artificial-Intelligence", {}}}, {}};
  for (const auto& [type, value] :
       {std::pair{"software", assessment.softwareVersion}, std::pair{"model", model.version},
        std::pair{"model weights, SHA-256", model.sha256}})
    if (!value.empty()) device.version.push_back({type, value});
  device.note = {{std::string(kResearchUseOnly)}};
  if (!model.trainingData.empty()) device.note.push_back({"Trained on: " + model.trainingData});
  if (model.trainedOnSyntheticData && !model.name.empty())
    device.note.push_back({"The model was trained on synthetic data."});
  return device;
}

ImagingStudy imagingStudyOf(const Context& context) {
  const PetSeries& series = context.assessment.series;
  ImagingStudy study;
  study.identifier = {dicomUid(series.study.studyInstanceUid,
                               CodeableConcept{{codingOf({"110180", "DCM", "Study Instance UID"})},
                                               {}})};
  if (!series.study.accessionNumber.empty()) study.identifier.push_back(accessionOf(context));
  study.subject = context.patient;
  study.started = dateOf(context.assessment);
  study.wadoRoot = context.site.wadoRoot;
  study.description = series.study.studyDescription;
  study.series = {{series.seriesInstanceUid, series.seriesDescription, series.slices.size()}};
  return study;
}

Provenance provenanceOf(const Context& context, const std::vector<Reference>& targets) {
  const ResponseAssessment& assessment = context.assessment;
  const std::string base = context.site.identifierBase;
  Provenance provenance;
  // R4 Provenance has no identifier: the tag is what a repeat is recognised by. A new run at
  // another time is a new fact, also when it gives the same results.
  provenance.meta.tag = {{base.empty() ? runSystem() : base + "/run",
                          assessment.identity.srSopInstanceUid + ":" + instantOf(assessment), {}}};
  provenance.target = targets;
  provenance.recorded = instantOf(assessment);
  provenance.reason = {{{aiAsserted()}, {}}};
  provenance.agentType = {
      {{"http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author", "Author"}},
      {}};
  provenance.agentRole = {{{kAiTransparency, "Artificial-Intelligence", {}}}, {}};
  provenance.who = context.device;
  provenance.onBehalfOf.display = context.site.organization;
  provenance.source = context.study;
  return provenance;
}

}  // namespace fedpet::fhir
