#include "fhir/Terminology.h"

#include <array>

namespace fedpet::fhir {
namespace {

constexpr std::array kQuantities{
    fedpet::Quantity::SuvMax,
    fedpet::Quantity::SuvMean,
    fedpet::Quantity::SuvPeak,
    fedpet::Quantity::SuvMin,
    fedpet::Quantity::MetabolicVolume,
    fedpet::Quantity::Glycolysis,
    fedpet::Quantity::OrganVolume,
    fedpet::Quantity::Tmtv,
    fedpet::Quantity::TotalLesionGlycolysis,
    fedpet::Quantity::LesionCount,
    fedpet::Quantity::Dmax,
    fedpet::Quantity::SpleenToLiverRatio,
    fedpet::Quantity::MarrowToLiverRatio,
    fedpet::Quantity::LiverSuvMean,
    fedpet::Quantity::LiverSuvSd,
    fedpet::Quantity::SulPeak,
    fedpet::Quantity::ReferenceSulMean,
    fedpet::Quantity::ReferenceSulSd,
    fedpet::Quantity::PercistThreshold,
    fedpet::Quantity::SulPeakChange,
    fedpet::Quantity::TmtvChange,
    fedpet::Quantity::TlgChange,
};
constexpr std::array kEndpoints{Endpoint::DurableClinicalBenefit, Endpoint::ProgressionFreeSurvival,
                                Endpoint::OverallSurvival};

std::string predictionCode(Endpoint endpoint) {
  return "Predicted" + std::string(toString(endpoint));
}

std::string predictionTitle(Endpoint endpoint) {
  return std::string(title(endpoint)) + ": predicted probability";
}

Json codeSystem(const std::string& url, const std::string& name, const std::string& systemTitle,
                Json concepts) {
  return {{"resourceType", "CodeSystem"},
          {"url", url},
          {"name", name},
          {"title", systemTitle},
          {"status", "active"},
          {"experimental", false},
          {"caseSensitive", true},
          {"content", "complete"},
          {"count", concepts.size()},
          {"concept", std::move(concepts)}};
}

// FHIR R4 ships a copy of DICOM's codes from before the formulas of lean body mass had their own:
// validators refuse those as unknown. The broader code is known, and right; the method's text and
// our own code say which formula it is.
Code knownToR4(const Code& code) {
  if (code.scheme == "DCM" && code.value == "126405") return {"126402", "DCM", "SUVlbm"};
  if (code.scheme == "DCM" && code.value == "126414")
    return {"126411", "DCM", "SUV lean body mass calculation method"};
  return code;
}

}  // namespace

std::string privateSystem() { return "urn:oid:" + std::string(kPrivateSchemeUid); }
std::string measureSystem() { return privateSystem() + ".1"; }
std::string modelSystem() { return privateSystem() + ".2"; }
std::string runSystem() { return privateSystem() + ".3"; }
std::string groupSystem() { return privateSystem() + ".4"; }

Coding codingOf(const Code& written) {
  const Code code = knownToR4(written);
  std::string system;
  if (code.scheme == "DCM") system = "http://dicom.nema.org/resources/ontology/DCM";
  if (code.scheme == "SCT") system = "http://snomed.info/sct";
  if (code.scheme == "UCUM") system = "http://unitsofmeasure.org";
  if (code.scheme == kPrivateScheme) system = privateSystem();
  return {system, code.value, code.meaning};
}

CodeableConcept measureOf(fedpet::Quantity quantity) {
  return {{codingOf(codesOf(quantity).quantity),
           {measureSystem(), std::string(toString(quantity)), std::string(title(quantity))}},
          std::string(title(quantity))};
}

CodeableConcept measureOf(const ResponsePrediction& prediction) {
  return {{{measureSystem(), predictionCode(prediction.endpoint),
            predictionTitle(prediction.endpoint)}},
          predictionTitle(prediction.endpoint) + " (" + prediction.event + ")"};
}

std::string absentReasonOf(RefusalCode code) {
  switch (code) {
    case RefusalCode::NoLesion:
    case RefusalCode::OutOfDistribution:
    case RefusalCode::NotPet:
    case RefusalCode::NotOriginalAxial:
    case RefusalCode::NotFdg:
    case RefusalCode::FilteredOut:
      return "not-applicable";
    case RefusalCode::WeightMissing:
    case RefusalCode::DoseMissing:
    case RefusalCode::HalfLifeMissing:
    case RefusalCode::TimesMissing:
    case RefusalCode::HeightOrSexMissing:
    case RefusalCode::InputMissing:
      return "unknown";
    case RefusalCode::RegionNotFound:
    case RefusalCode::TooLittleBody:
    case RefusalCode::ModelUnavailable:
    case RefusalCode::NotComparable:
    case RefusalCode::EnhancedPetUnsupported:
      return "not-performed";
    default:
      return "error";  // the images or their headers contradict themselves
  }
}

CodeableConcept dataAbsentReason(const Refusal& refusal) {
  const std::string detail = refusal.detail.empty() ? "" : " Found: " + refusal.detail;
  return {{{"http://terminology.hl7.org/CodeSystem/data-absent-reason",
            absentReasonOf(refusal.code),
            {}},
           codingOf(codeOf(refusal.code))},
          std::string(explain(refusal.code)) + detail};
}

Coding aiAsserted() {
  return {"http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "AIAST",
          "Artificial Intelligence asserted"};
}

std::string codeSystems() {
  Json shared = Json::array(), measures = Json::array();
  for (const PrivateCode& entry : privateCodes())
    shared.push_back({{"code", entry.code.value},
                      {"display", entry.code.meaning},
                      {"definition", entry.definition}});
  for (const auto quantity : kQuantities)
    measures.push_back({{"code", toString(quantity)}, {"display", title(quantity)}});
  for (const Endpoint endpoint : kEndpoints)
    measures.push_back(
        {{"code", predictionCode(endpoint)}, {"display", predictionTitle(endpoint)}});
  const Json bundle = {
      {"resourceType", "Bundle"},
      {"type", "collection"},
      {"entry",
       Json::array({{{"resource", codeSystem(privateSystem(), "FedpetPrivateConcepts",
                                             std::string(kPrivateSchemeName), std::move(shared))}},
                    {{"resource", codeSystem(measureSystem(), "FedpetMeasures",
                                             "What an observation of fedpet measures",
                                             std::move(measures))}}})}};
  return bundle.dump();
}

}  // namespace fedpet::fhir
