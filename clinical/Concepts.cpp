#include "clinical/Concepts.h"

#include <array>
#include <stdexcept>

#include "clinical/ResponseAssessment.h"

namespace fedpet {
namespace {

template <typename Key>
struct Named {
  Key key;
  std::string_view name;
};

template <typename Key, std::size_t N>
std::string_view nameOf(const std::array<Named<Key>, N>& table, Key key) {
  for (const auto& entry : table)
    if (entry.key == key) return entry.name;
  throw std::invalid_argument("value outside its table");
}

template <typename Key, std::size_t N>
Key keyOf(const std::array<Named<Key>, N>& table, std::string_view name) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.key;
  throw std::invalid_argument("unknown name: " + std::string(name));
}

constexpr std::array kOrgans{
    Named{Organ::Brain, "Brain"},           Named{Organ::Heart, "Heart"},
    Named{Organ::Liver, "Liver"},           Named{Organ::Spleen, "Spleen"},
    Named{Organ::LumbarMarrow, "LumbarMarrow"}, Named{Organ::LeftKidney, "LeftKidney"},
    Named{Organ::RightKidney, "RightKidney"},   Named{Organ::Bladder, "Bladder"},
    Named{Organ::BloodPool, "BloodPool"},
};

constexpr std::array kRoles{
    Named{RegionRole::Lesion, "Lesion"},
    Named{RegionRole::Physiological, "Physiological"},
    Named{RegionRole::Reference, "Reference"},
};

constexpr std::array kResponses{
    Named{MetabolicResponse::Complete, "CMR"},
    Named{MetabolicResponse::Partial, "PMR"},
    Named{MetabolicResponse::Stable, "SMD"},
    Named{MetabolicResponse::Progressive, "PMD"},
    Named{MetabolicResponse::UnconfirmedProgressive, "UPMD"},
    Named{MetabolicResponse::ConfirmedProgressive, "CPMD"},
};

constexpr std::array kFates{
    Named{LesionFate::Matched, "Matched"},
    Named{LesionFate::New, "NewLesion"},
    Named{LesionFate::Resolved, "Resolved"},
};

constexpr std::array kEndpoints{
    Named{Endpoint::DurableClinicalBenefit, "DCB"},
    Named{Endpoint::ProgressionFreeSurvival, "PFS"},
    Named{Endpoint::OverallSurvival, "OS"},
};

struct QuantityEntry {
  Quantity quantity;
  std::string_view name, unit, title;
};

constexpr std::array kQuantities{
    QuantityEntry{Quantity::SuvMax, "SUVmax", "g/ml{SUVbw}", "Maximum SUV (body weight)"},
    QuantityEntry{Quantity::SuvMean, "SUVmean", "g/ml{SUVbw}", "Mean SUV (body weight)"},
    QuantityEntry{Quantity::SuvPeak, "SUVpeak", "g/ml{SUVbw}", "Peak SUV (1 ml sphere, body weight)"},
    QuantityEntry{Quantity::SuvMin, "SUVmin", "g/ml{SUVbw}", "Minimum SUV (body weight)"},
    QuantityEntry{Quantity::MetabolicVolume, "MTV", "ml", "Metabolic volume"},
    QuantityEntry{Quantity::Glycolysis, "LesionGlycolysis", "g", "Lesion glycolysis"},
    QuantityEntry{Quantity::OrganVolume, "Volume", "ml", "Volume"},
    QuantityEntry{Quantity::Tmtv, "TMTV", "ml", "Total metabolic tumour volume"},
    QuantityEntry{Quantity::TotalLesionGlycolysis, "TLG", "g", "Total lesion glycolysis"},
    QuantityEntry{Quantity::LesionCount, "LesionCount", "{count}", "Number of lesions"},
    QuantityEntry{Quantity::Dmax, "Dmax", "mm", "Largest distance between two lesions"},
    QuantityEntry{Quantity::SpleenToLiverRatio, "SLR", "{ratio}", "Spleen-to-liver SUVmean ratio"},
    QuantityEntry{Quantity::MarrowToLiverRatio, "BLR", "{ratio}",
                  "Bone-marrow-to-liver SUVmean ratio"},
    QuantityEntry{Quantity::LiverSuvMean, "LiverSUVmean", "g/ml{SUVbw}",
                  "Liver reference mean SUV (body weight)"},
    QuantityEntry{Quantity::LiverSuvSd, "LiverSUVsd", "g/ml{SUVbw}",
                  "Liver reference standard deviation of SUV (body weight)"},
    QuantityEntry{Quantity::SulPeak, "SULpeak", "g/ml{SUVlbm(Janma)}",
                  "Peak SUL (1 ml sphere, lean body mass)"},
    QuantityEntry{Quantity::ReferenceSulMean, "ReferenceSULmean", "g/ml{SUVlbm(Janma)}",
                  "PERCIST reference mean SUL"},
    QuantityEntry{Quantity::ReferenceSulSd, "ReferenceSULsd", "g/ml{SUVlbm(Janma)}",
                  "PERCIST reference standard deviation of SUL"},
    QuantityEntry{Quantity::PercistThreshold, "PERCISTthreshold", "g/ml{SUVlbm(Janma)}",
                  "Least SULpeak that is measurable by PERCIST"},
    QuantityEntry{Quantity::SulPeakChange, "SULpeakChange", "%",
                  "Change of the hottest lesion's SULpeak"},
    QuantityEntry{Quantity::TmtvChange, "TMTVchange", "%", "Change of total metabolic tumour volume"},
    QuantityEntry{Quantity::TlgChange, "TLGchange", "%", "Change of total lesion glycolysis"},
};

struct PrivateEntry {
  PrivateConcept key;
  std::string_view value, meaning, definition;
};

constexpr std::array kPrivateConcepts{
    PrivateEntry{PrivateConcept::SpleenToLiverRatio, "SLR", "Spleen to liver SUVmean ratio",
                 "SUVmean of the spleen reference region divided by that of the liver"},
    PrivateEntry{PrivateConcept::MarrowToLiverRatio, "BLR", "Bone marrow to liver SUVmean ratio",
                 "SUVmean of the lumbar marrow reference region divided by that of the liver"},
    PrivateEntry{PrivateConcept::Dmax, "Dmax", "Largest distance between lesions",
                 "Largest distance between the centroids of two lesions of the study"},
    PrivateEntry{PrivateConcept::LesionCount, "LesionCount", "Number of lesions",
                 "Number of connected regions that are counted as tumour"},
    PrivateEntry{PrivateConcept::Definition, "Definition", "Definition of measurement",
                 "Rule by which a region was drawn or a number was computed, in words"},
    PrivateEntry{PrivateConcept::RegionRole, "RegionRole", "Role of region",
                 "Whether a region is counted as tumour, removed from it, or a reference"},
    PrivateEntry{PrivateConcept::MissingRegion, "MissingRegion", "Region not found",
                 "A region that was looked for and not found"},
    PrivateEntry{PrivateConcept::SuvScaling, "SuvScaling", "SUV conversion",
                 "How pixel values became SUV by body weight, in words"},
    PrivateEntry{PrivateConcept::InputWarning, "InputWarning", "Remark on the input",
                 "Oddity of the images or assumption made that did not stop the assessment"},
    PrivateEntry{PrivateConcept::IntendedUse, "IntendedUse", "Intended use",
                 "For what the report may and may not be used"},
    PrivateEntry{PrivateConcept::RefusalReason, "RefusalReason", "Reason why no value is given",
                 "Coded reason for which a number, prediction or whole study is refused"},
    PrivateEntry{PrivateConcept::RefusalDetail, "RefusalDetail", "Details of the refusal",
                 "The concrete finding behind a refusal, in words"},
    PrivateEntry{PrivateConcept::Endpoint, "Endpoint", "Predicted endpoint",
                 "Clinical endpoint to which a predicted probability belongs"},
    PrivateEntry{PrivateConcept::PredictedEvent, "PredictedEvent", "Predicted event",
                 "The event, in words, whose probability is given"},
    PrivateEntry{PrivateConcept::PredictionHorizon, "PredHorizon", "Prediction horizon",
                 "Time from the start of treatment within which the event is predicted"},
    PrivateEntry{PrivateConcept::PredictedProbability, "PredProbability",
                 "Predicted probability of event",
                 "Probability, from 0 to 1, of the predicted event within the horizon"},
    PrivateEntry{PrivateConcept::IntervalLower, "IntervalLower", "Lower bound of interval",
                 "Lower bound of the uncertainty interval of a predicted probability"},
    PrivateEntry{PrivateConcept::IntervalUpper, "IntervalUpper", "Upper bound of interval",
                 "Upper bound of the uncertainty interval of a predicted probability"},
    PrivateEntry{PrivateConcept::IntervalLevel, "IntervalLevel", "Level of interval",
                 "Nominal coverage of the uncertainty interval, in percent"},
    PrivateEntry{PrivateConcept::ModelInput, "ModelInput", "Model input",
                 "Name of an input of the prediction model"},
    PrivateEntry{PrivateConcept::ModelInputValue, "ModelInputValue", "Value of model input",
                 "Value of an input with its unit, or that it was missing and imputed"},
    PrivateEntry{PrivateConcept::Contribution, "Contribution", "Contribution to linear predictor",
                 "Additive share of one input in the log-odds or log-hazard of the event"},
    PrivateEntry{PrivateConcept::CalibrationNote, "Calibration", "Calibration of the model",
                 "On what and how well the model's probabilities were calibrated, in words"},
    PrivateEntry{PrivateConcept::TrainingData, "TrainingData", "Training data of the model",
                 "On what data the model was trained, in words"},
    PrivateEntry{PrivateConcept::ModelHash, "ModelHash", "Hash of the model weights",
                 "SHA-256 of the model's weights, lower-case hexadecimal"},
    PrivateEntry{PrivateConcept::PercistThreshold, "PercistThreshold",
                 "Least measurable SULpeak",
                 "Least SULpeak of a lesion that is measurable by PERCIST 1.0: 1.5 x mean + 2 SD of "
                 "the liver, or 2 x mean + 2 SD of the blood pool"},
    PrivateEntry{PrivateConcept::SulPeakChange, "SulPeakChange", "Change of SULpeak",
                 "Change of the SULpeak of the hottest lesion since an earlier study, in percent of "
                 "the earlier value"},
    PrivateEntry{PrivateConcept::TmtvChange, "TmtvChange", "Change of TMTV",
                 "Change of the total metabolic tumour volume since an earlier study, in percent"},
    PrivateEntry{PrivateConcept::TlgChange, "TlgChange", "Change of TLG",
                 "Change of the total lesion glycolysis since an earlier study, in percent"},
    PrivateEntry{PrivateConcept::PercistMeasurable, "Measurable", "Measurable by PERCIST",
                 "Whether the hottest lesion's SULpeak reaches the least measurable one"},
    PrivateEntry{PrivateConcept::PercistResponse, "PercistResponse", "PERCIST 1.0 response",
                 "Metabolic response category by PERCIST 1.0 against an earlier study"},
    PrivateEntry{PrivateConcept::ImmunePercistResponse, "iPercistResponse", "iPERCIST response",
                 "Metabolic response category under immunotherapy: progression is unconfirmed until "
                 "a later study confirms it"},
    PrivateEntry{PrivateConcept::ResponseReason, "ResponseReason", "Reason of response category",
                 "Which rule gave the response category, in words"},
    PrivateEntry{PrivateConcept::LesionFate, "LesionFate", "Fate of lesion",
                 "Whether a lesion was there in the earlier study, is new, or is gone"},
    PrivateEntry{PrivateConcept::ComparedStudyDate, "ComparedDate", "Date of compared study",
                 "When the earlier study was acquired that this one is compared with"},
    PrivateEntry{PrivateConcept::Harmonisation, "Harmonisation", "Harmonisation between scanners",
                 "What was done to make numbers of different scanners comparable, in words"},
};

constexpr std::array kAllEndpoints{Endpoint::DurableClinicalBenefit,
                                   Endpoint::ProgressionFreeSurvival, Endpoint::OverallSurvival};
constexpr std::array kAllRoles{RegionRole::Lesion, RegionRole::Physiological,
                               RegionRole::Reference};

Code privateCode(std::string_view value, std::string_view meaning) {
  return {std::string(value), std::string(kPrivateScheme), std::string(meaning)};
}

const QuantityEntry& entryOf(Quantity quantity) {
  for (const auto& entry : kQuantities)
    if (entry.quantity == quantity) return entry;
  throw std::invalid_argument("quantity outside its table");
}

}  // namespace

std::string_view toString(Organ organ) { return nameOf(kOrgans, organ); }
Organ organFromString(std::string_view name) { return keyOf(kOrgans, name); }

Code siteOf(Organ organ) {
  switch (organ) {
    case Organ::Brain: return {"12738006", "SCT", "Brain"};
    case Organ::Heart: return {"80891009", "SCT", "Heart"};
    case Organ::Liver: return {"10200004", "SCT", "Liver"};
    case Organ::Spleen: return {"78961009", "SCT", "Spleen"};
    case Organ::LumbarMarrow: return {"14016003", "SCT", "Bone marrow"};
    case Organ::LeftKidney: return {"18639004", "SCT", "Left kidney"};
    case Organ::RightKidney: return {"9846003", "SCT", "Right kidney"};
    case Organ::Bladder: return {"89837001", "SCT", "Urinary bladder"};
    case Organ::BloodPool: return {"281130003", "SCT", "Descending aorta"};
  }
  throw std::invalid_argument("organ outside its table");
}

std::string_view toString(Quantity quantity) { return entryOf(quantity).name; }
std::string_view ucumUnit(Quantity quantity) { return entryOf(quantity).unit; }
std::string_view title(Quantity quantity) { return entryOf(quantity).title; }

Quantity quantityFromString(std::string_view name) {
  for (const auto& entry : kQuantities)
    if (entry.name == name) return entry.quantity;
  throw std::invalid_argument("unknown quantity: " + std::string(name));
}

QuantityCodes codesOf(Quantity quantity) {
  const Code suv{"126401", "DCM", "SUVbw"};
  const Code suvMethod{"126410", "DCM", "SUV body weight calculation method"};
  const Code sul{"126405", "DCM", "SUVlbm(Janma)"};
  const Code sulMethod{"126414", "DCM", "SUV lean body mass calculation Janmahasatian method"};
  const Code deviation{"386136009", "SCT", "Standard Deviation"};
  const Code metabolicVolume{"126032", "DCM", "Metabolic Volume"};
  const Code voxelSum{"126030", "DCM", "Sum of segmented voxel method for volume"};
  const Code mean{"373098007", "SCT", "Mean"};
  const Code total{"255619001", "SCT", "Total"};
  const Code body{"38266002", "SCT", "Entire body"};
  const Code liver = siteOf(Organ::Liver);
  constexpr auto none = std::nullopt;
  switch (quantity) {
    case Quantity::SuvMax: return {suv, Code{"56851009", "SCT", "Maximum"}, suvMethod, none};
    case Quantity::SuvMean: return {suv, mean, suvMethod, none};
    case Quantity::SuvPeak:
      return {suv, Code{"126031", "DCM", "Peak Value Within ROI"}, suvMethod, none};
    case Quantity::SuvMin: return {suv, Code{"255605001", "SCT", "Minimum"}, suvMethod, none};
    case Quantity::MetabolicVolume: return {metabolicVolume, none, voxelSum, none};
    case Quantity::Glycolysis: return {{"126034", "DCM", "Glycolysis"}, none, none, none};
    case Quantity::OrganVolume: return {{"118565006", "SCT", "Volume"}, none, voxelSum, none};
    case Quantity::Tmtv: return {metabolicVolume, total, voxelSum, body};
    case Quantity::TotalLesionGlycolysis:
      return {{"126033", "DCM", "Total Lesion Glycolysis"}, none, none, body};
    case Quantity::LesionCount: return {codeOf(PrivateConcept::LesionCount), none, none, body};
    case Quantity::Dmax: return {codeOf(PrivateConcept::Dmax), none, none, body};
    case Quantity::SpleenToLiverRatio:
      return {codeOf(PrivateConcept::SpleenToLiverRatio), none, none, siteOf(Organ::Spleen)};
    case Quantity::MarrowToLiverRatio:
      return {codeOf(PrivateConcept::MarrowToLiverRatio), none, none, siteOf(Organ::LumbarMarrow)};
    case Quantity::LiverSuvMean: return {suv, mean, suvMethod, liver};
    case Quantity::LiverSuvSd: return {suv, deviation, suvMethod, liver};
    // The site of a lesion, or of the reference region, stands with its group.
    case Quantity::SulPeak:
      return {sul, Code{"126031", "DCM", "Peak Value Within ROI"}, sulMethod, none};
    case Quantity::ReferenceSulMean: return {sul, mean, sulMethod, none};
    case Quantity::ReferenceSulSd: return {sul, deviation, sulMethod, none};
    case Quantity::PercistThreshold:
      return {codeOf(PrivateConcept::PercistThreshold), none, sulMethod, none};
    case Quantity::SulPeakChange: return {codeOf(PrivateConcept::SulPeakChange), none, none, body};
    case Quantity::TmtvChange: return {codeOf(PrivateConcept::TmtvChange), none, none, body};
    case Quantity::TlgChange: return {codeOf(PrivateConcept::TlgChange), none, none, body};
  }
  throw std::invalid_argument("quantity outside its table");
}

Code unitCode(std::string_view ucum) {
  struct Unit {
    std::string_view ucum, meaning;
  };
  constexpr std::array units{
      Unit{"g/ml{SUVbw}", "Standardized Uptake Value body weight"},
      Unit{"g/ml{SUVlbm(Janma)}", "Standardized Uptake Value lean body mass (Janma)"},
      Unit{"{ratio}", "ratio"},
      Unit{"{count}", "count"},
      Unit{"1", "no units"},
      Unit{"%", "Percent"},
      Unit{"mo", "month"},
      Unit{"min", "minute"},
      Unit{"s", "second"},
  };
  for (const Unit& unit : units)
    if (unit.ucum == ucum) return {std::string(ucum), "UCUM", std::string(unit.meaning)};
  return {std::string(ucum), "UCUM", std::string(ucum)};
}

Code codeOf(PrivateConcept key) {
  for (const PrivateEntry& entry : kPrivateConcepts)
    if (entry.key == key) return privateCode(entry.value, entry.meaning);
  throw std::invalid_argument("private concept outside its table");
}

Code codeOf(Endpoint endpoint) { return privateCode(toString(endpoint), title(endpoint)); }

// DICOM asks for a meaning of at most 64 characters; explain() is longer and goes beside it.
Code codeOf(RefusalCode refusal) {
  std::string meaning;  // "WeightMissing" -> "Weight missing"
  for (const char c : toString(refusal)) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !meaning.empty()) meaning += ' ';
    meaning += upper && !meaning.empty() ? static_cast<char>(c - 'A' + 'a') : c;
  }
  for (const std::string_view acronym : {"PET", "FDG", "DICOM"}) {
    std::string lower;
    for (const char c : acronym) lower += static_cast<char>(c - 'A' + 'a');
    if (const auto at = meaning.find(" " + lower); at != std::string::npos)
      meaning.replace(at + 1, lower.size(), acronym);
  }
  return privateCode(toString(refusal), meaning);
}

Code codeOf(RegionRole role) {
  switch (role) {
    case RegionRole::Lesion: return privateCode(toString(role), "Counted as tumour");
    case RegionRole::Physiological: return privateCode(toString(role), "Physiological uptake");
    case RegionRole::Reference: return privateCode(toString(role), "Reference region");
  }
  throw std::invalid_argument("role outside its table");
}

Code codeOf(MetabolicResponse response) { return privateCode(toString(response), title(response)); }

Code codeOf(LesionFate fate) {
  switch (fate) {
    case LesionFate::Matched: return privateCode(toString(fate), "Seen in the earlier study");
    case LesionFate::New: return privateCode(toString(fate), "New lesion");
    case LesionFate::Resolved: return privateCode(toString(fate), "No longer seen");
  }
  throw std::invalid_argument("fate outside its table");
}

std::vector<PrivateCode> privateCodes() {
  std::vector<PrivateCode> codes;
  for (const PrivateEntry& entry : kPrivateConcepts)
    codes.push_back({privateCode(entry.value, entry.meaning), std::string(entry.definition)});
  for (const RegionRole role : kAllRoles)
    codes.push_back({codeOf(role), "Value of RegionRole"});
  for (const Endpoint endpoint : kAllEndpoints)
    codes.push_back({codeOf(endpoint), "Value of Endpoint"});
  for (const auto& response : kResponses)
    codes.push_back({codeOf(response.key), "Value of PercistResponse and iPercistResponse"});
  for (const auto& fate : kFates) codes.push_back({codeOf(fate.key), "Value of LesionFate"});
  for (const RefusalCode refusal : allRefusalCodes())
    codes.push_back({codeOf(refusal), std::string(explain(refusal))});
  return codes;
}

std::string_view toString(RegionRole role) { return nameOf(kRoles, role); }
RegionRole regionRoleFromString(std::string_view name) { return keyOf(kRoles, name); }

std::string_view toString(MetabolicResponse response) { return nameOf(kResponses, response); }
MetabolicResponse metabolicResponseFromString(std::string_view name) {
  return keyOf(kResponses, name);
}

std::string_view title(MetabolicResponse response) {
  switch (response) {
    case MetabolicResponse::Complete: return "Complete metabolic response";
    case MetabolicResponse::Partial: return "Partial metabolic response";
    case MetabolicResponse::Stable: return "Stable metabolic disease";
    case MetabolicResponse::Progressive: return "Progressive metabolic disease";
    case MetabolicResponse::UnconfirmedProgressive:
      return "Unconfirmed progressive metabolic disease";
    case MetabolicResponse::ConfirmedProgressive: return "Confirmed progressive metabolic disease";
  }
  throw std::invalid_argument("response outside its table");
}

std::string_view toString(LesionFate fate) { return nameOf(kFates, fate); }
LesionFate lesionFateFromString(std::string_view name) { return keyOf(kFates, name); }

std::string_view toString(Endpoint endpoint) { return nameOf(kEndpoints, endpoint); }
Endpoint endpointFromString(std::string_view name) { return keyOf(kEndpoints, name); }

std::string_view title(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::DurableClinicalBenefit: return "Durable clinical benefit";
    case Endpoint::ProgressionFreeSurvival: return "Progression-free survival";
    case Endpoint::OverallSurvival: return "Overall survival";
  }
  throw std::invalid_argument("endpoint outside its table");
}

}  // namespace fedpet
