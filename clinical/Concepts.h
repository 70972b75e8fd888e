// Coded concepts that DICOM and FHIR share: one table, so that the SR and the EHR say the same.
// Sources: DICOM PS3.16 (DCM), SNOMED CT (SCT), UCUM; 99FEDPET is our private scheme, used only
// where no standard code was found (docs/coding-scheme.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet {

enum class Endpoint;
enum class LesionFate;
enum class MetabolicResponse;
enum class RefusalCode;
enum class RegionRole;

struct Code {
  std::string value, scheme, meaning;  // scheme: "DCM", "SCT", "UCUM", "99FEDPET", ...
  friend bool operator==(const Code& a, const Code& b) {
    return a.value == b.value && a.scheme == b.scheme;  // the meaning is for people
  }
};

inline constexpr std::string_view kPrivateScheme = "99FEDPET";
inline constexpr std::string_view kPrivateSchemeName = "fedpet private concepts";
// Of the coding scheme itself (0008,010C); as a FHIR system: "urn:oid:" + this.
inline constexpr std::string_view kPrivateSchemeUid =
    "2.25.225366258417712517914740820642281706777";

// BloodPool: the descending thoracic aorta, the reference where the liver is not one.
enum class Organ {
  Brain, Heart, Liver, Spleen, LumbarMarrow, LeftKidney, RightKidney, Bladder, BloodPool
};
std::string_view toString(Organ);   // "Liver"
Organ organFromString(std::string_view);
Code siteOf(Organ);                 // SCT anatomic site

enum class Quantity {
  SuvMax, SuvMean, SuvPeak, SuvMin,          // g/ml{SUVbw}
  MetabolicVolume, Glycolysis,               // of one lesion: ml, g
  OrganVolume,                               // ml
  Tmtv, TotalLesionGlycolysis,               // whole body: ml, g
  LesionCount,                               // {count}
  Dmax,                                      // mm: largest distance between lesion centroids
  SpleenToLiverRatio, MarrowToLiverRatio,    // {ratio} of SUVmean
  LiverSuvMean, LiverSuvSd,                  // reference region, g/ml{SUVbw}
  SulPeak,                                   // of a lesion, or of the hottest: g/ml{SUVlbm(Janma)}
  ReferenceSulMean, ReferenceSulSd,          // PERCIST's reference region, g/ml{SUVlbm(Janma)}
  PercistThreshold,                          // least SULpeak that PERCIST calls measurable
  SulPeakChange, TmtvChange, TlgChange,      // %, from an earlier study to this one
};
std::string_view toString(Quantity);         // "TMTV", "SUVmax", ...: stable ids of JSON and options
Quantity quantityFromString(std::string_view);
std::string_view ucumUnit(Quantity);         // "g/ml{SUVbw}", "ml", ...
std::string_view title(Quantity);            // "Total metabolic tumour volume"

// What a number is, for programs. Where one concept is not enough (SUVbw: of which voxel?) the
// derivation and the method complete it; the site is given where the quantity implies one.
struct QuantityCodes {
  Code quantity;
  std::optional<Code> derivation;  // DCM 121401: Maximum, Mean, Total, ...
  std::optional<Code> method;      // SCT 370129005: "Sum of segmented voxel method for volume"
  std::optional<Code> site;        // SCT 363698007: Entire body, Liver
};
QuantityCodes codesOf(Quantity);
Code unitCode(std::string_view ucum);        // UCUM code with a meaning a person can read

// Concepts of our reports for which no standard code was found.
enum class PrivateConcept {
  SpleenToLiverRatio, MarrowToLiverRatio, Dmax, LesionCount,
  Definition,                                 // text: the definition that travels with a number
  RegionRole, MissingRegion,
  SuvScaling, InputWarning, IntendedUse,
  RefusalReason, RefusalDetail,
  Endpoint, PredictedEvent, PredictionHorizon, PredictedProbability,
  IntervalLower, IntervalUpper, IntervalLevel,
  ModelInput, ModelInputValue, Contribution,
  CalibrationNote, TrainingData, ModelHash,
  PercistThreshold, SulPeakChange, TmtvChange, TlgChange,
  PercistMeasurable,                          // SCT Yes or No
  PercistResponse, ImmunePercistResponse,     // a MetabolicResponse
  ResponseReason,                             // text: which rule gave the category
  LesionFate, ComparedStudyDate, Harmonisation,
};
Code codeOf(PrivateConcept);
Code codeOf(Endpoint);      // "DCB", 99FEDPET
Code codeOf(RefusalCode);   // "WeightMissing", 99FEDPET; up to 23 characters: a Long Code Value
Code codeOf(RegionRole);    // "Physiological", 99FEDPET
Code codeOf(MetabolicResponse);  // "PMR", 99FEDPET
Code codeOf(LesionFate);    // "NewLesion", 99FEDPET

// The whole private scheme in the order of docs/coding-scheme.md, each code once.
struct PrivateCode {
  Code code;
  std::string definition;
};
std::vector<PrivateCode> privateCodes();

}  // namespace fedpet
