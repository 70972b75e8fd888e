// The result of one study: what was measured, what is predicted, and what was refused and why.
// The heart of the program: the SR, the SEG, the FHIR resources, the page and the JSON are all
// views of this struct. Every number carries its definition.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "clinical/Concepts.h"
#include "clinical/PetSeries.h"
#include "clinical/Refusal.h"
#include "clinical/RotatingMip.h"
#include "clinical/SuvVolume.h"

namespace fedpet {

struct Measurement {
  Quantity quantity = Quantity::SuvMax;
  tl::expected<double, Refusal> value = 0.0;  // in ucumUnit(quantity)
  std::string definition;        // "SUVbw >= 4.0, 18-connected, components of at least 0.5 ml"
  std::string observationUid;    // 2.25 UID shared by the SR's NUM item and the FHIR Observation
};

enum class RegionRole {
  Lesion,         // counted as tumour
  Physiological,  // uptake removed from the tumour mask: kept as a label, its volume is shown
  Reference,      // liver, spleen, marrow: denominators and numerators of ratios
};
std::string_view toString(RegionRole);
RegionRole regionRoleFromString(std::string_view);

struct Region {
  std::uint16_t label = 0;        // in AssessedStudy::regions; SEG segment numbers are separate
  RegionRole role = RegionRole::Lesion;
  std::optional<Organ> organ;     // set for Physiological and Reference
  std::string name;               // "Lesion 3", "Liver reference region"
  std::string trackingId;         // human-readable, unique in the study
  std::string trackingUid;        // the same in SR and SEG
  double confidence = 1;          // 0..1: how sure the finder is that this is what it says
  PointMm centroidMm{};
  std::string definition;         // how the region was drawn
  std::vector<Measurement> measurements;
};

// An organ that was looked for and not found: named, never silently absent.
struct MissingRegion {
  Organ organ = Organ::Liver;
  Refusal refusal;
};

enum class Endpoint { DurableClinicalBenefit, ProgressionFreeSurvival, OverallSurvival };
std::string_view toString(Endpoint);   // "DCB", "PFS", "OS"
Endpoint endpointFromString(std::string_view);
std::string_view title(Endpoint);      // "Durable clinical benefit at 6 months"

struct Contribution {
  std::string input;                   // "TMTV"
  std::optional<double> value;         // as given; nullopt when it was missing and imputed
  std::string unit;
  // Additive share in the linear predictor: log-odds, or -ln(-ln p) for Cox models. Positive always
  // raises the probability of the (good) event.
  double logOdds = 0;
};

struct Probability {
  double probability = 0;              // 0..1, of the event named by `endpoint` within `horizonMonths`
  double lower = 0, upper = 1;         // of the interval
  double intervalLevel = 0.9;          // 0.9: a 90 % interval
};

struct ResponsePrediction {
  Endpoint endpoint = Endpoint::DurableClinicalBenefit;
  double horizonMonths = 6;
  std::string event;                   // in words: "no progression within 6 months"
  tl::expected<Probability, Refusal> result;
  std::vector<Contribution> contributions;  // empty when refused
  std::string calibrationNote;
  std::string observationUid;
};

// --- PERCIST 1.0 (Wahl 2009, J Nucl Med 50 suppl 1; O 2016, Radiology 280:576) ------------------

// One study read by PERCIST. SUL is by the lean body mass of Janmahasatian.
struct PercistReading {
  Organ reference = Organ::Liver;          // or BloodPool, where the liver is no reference
  std::string definition;                  // the rule with its numbers, and why this reference
  // ReferenceSulMean, ReferenceSulSd, PercistThreshold, SulPeak of the hottest lesion (refused with
  // NoLesion when there is none).
  std::vector<Measurement> numbers;
  bool measurable = false;                 // that SULpeak reaches the threshold
  std::string hottestTrackingUid;          // empty: no lesion
};

enum class MetabolicResponse {
  Complete, Partial, Stable, Progressive,  // PERCIST 1.0: CMR, PMR, SMD, PMD
  // iPERCIST (Goldfarb 2019, EJNMMI Res 9:8) in place of PMD: UPMD until a study 4 to 8 weeks
  // later confirms it, then CPMD.
  UnconfirmedProgressive, ConfirmedProgressive,
};
std::string_view toString(MetabolicResponse);  // "CMR", "PMR", "SMD", "PMD", "UPMD", "CPMD"
MetabolicResponse metabolicResponseFromString(std::string_view);
std::string_view title(MetabolicResponse);     // "Partial metabolic response"

// One point of a patient's trend, from that study's own report.
struct StudySummary {
  std::string studyInstanceUid, seriesInstanceUid, srSopInstanceUid;
  WallClock scannedAt{};                   // decay reference or acquisition time, scanner's clock
  std::string producer;                    // "fedpet 0.4.0", "QIICR dcmqi": who wrote the report
  std::string lesionDefinition;            // empty: the report does not say
  std::optional<double> tmtvMl, tlgG, suvMax, sulPeak;  // sulPeak: of the hottest lesion
  std::optional<int> lesionCount;
  std::optional<MetabolicResponse> percist, iPercist;   // as that report says
  // Of that report, so that it can be referred to; seriesInstanceUid is the report's own series.
  std::string srSopClassUid = {};
};

enum class LesionFate { Matched, New, Resolved };
std::string_view toString(LesionFate);     // "Matched", "NewLesion", "Resolved"
LesionFate lesionFateFromString(std::string_view);

// A lesion of this study, of the earlier one, or of both: one tracking UID.
struct LesionChange {
  LesionFate fate = LesionFate::Matched;
  std::string trackingId, trackingUid;     // of this study's region when there is one
  std::optional<double> earlierVolumeMl, volumeMl, earlierSulPeak, sulPeak, earlierSuvMax, suvMax;
  double distanceMm = 0;                   // between the two after alignment; 0 unless Matched
  std::string note;                        // "two earlier lesions have become one", ...
};

// This study against an earlier one of the same patient.
struct Comparison {
  StudySummary earlier;
  // Refused when the studies cannot be compared (no SUL, uptake times or scanners too different,
  // other lesion rule, nothing measurable before); the reason says which.
  tl::expected<MetabolicResponse, Refusal> percist = MetabolicResponse::Stable;
  tl::expected<MetabolicResponse, Refusal> iPercist = MetabolicResponse::Stable;
  std::vector<std::string> reasons;        // the rules that gave the category, with their numbers
  std::vector<Measurement> changes;        // SulPeakChange, TmtvChange, TlgChange
  std::vector<LesionChange> lesions;       // this study's order, then the resolved ones
  std::string alignment;                   // how places were made comparable, and how well
  std::vector<std::string> warnings;
  std::string percistUid, iPercistUid;     // observation UIDs of the two categories
};

// --- Harmonisation between scanners ---------------------------------------------------------------

// What was done so that numbers of different scanners can be compared; nothing is done silently.
struct Harmonisation {
  std::string scanner;                     // the site's name for it, as its options say
  std::string scannerClass, targetClass;   // "EARL-2", "EARL-1"; empty: unknown
  // Gaussian applied to the whole image before anything was measured; nullopt: none.
  std::optional<double> filterFwhmMm;
  struct AdjustedInput {                   // ComBat on an input of the model
    std::string input;                     // "SLR"
    double measured = 0, adjusted = 0;
  };
  std::vector<AdjustedInput> adjusted;
  std::string statement;                   // the whole in words, for every view of the result
};

struct ModelIdentity {
  std::string name, version, sha256;   // sha256 of the weights, lower-case hex
  std::string trainingData;            // "synthetic cohort, 4000 patients, seed 20261124"
  bool trainedOnSyntheticData = true;
};

struct ResultIdentity {                // deterministic: a re-run gives the same UIDs
  std::string srSeriesUid, srSopInstanceUid;
  std::string segSeriesUid, segSopInstanceUid;
  std::string deviceUid;               // 2.25 UID of this software version with this model
  // Objects for eyes; empty when there is none.
  std::string pdfSeriesUid, pdfSopInstanceUid, mipSeriesUid, mipSopInstanceUid;
};

struct ResponseAssessment {
  // Source. `series` has header facts and slices, but its pixels are dropped once measured.
  PetSeries series;
  ResultIdentity identity;
  WallClock assessedAt{};              // injected; UTC
  std::string softwareVersion;
  ModelIdentity model;

  // Refusals that stop every number of the study (no weight, unreadable, ...). When it is not
  // empty, `regions`, `wholeBody` and the predictions hold no value.
  std::vector<Refusal> refusals;
  std::optional<SuvScaling> suv;       // absent when refused

  std::string lesionDefinition;        // the rule that drew the tumour mask
  std::vector<Region> regions;
  std::vector<MissingRegion> missingRegions;
  std::vector<Measurement> wholeBody;  // TMTV, TLG, count, Dmax, ratios, liver reference, ...
  std::optional<PercistReading> percist;   // absent when refused
  std::optional<Refusal> percistRefusal;   // set exactly when a measured study has no reading
  std::vector<StudySummary> priors;        // of the same patient, oldest first, before this study
  std::optional<Comparison> comparison;    // with the baseline; absent when there is no prior
  std::optional<Harmonisation> harmonisation;  // absent: the site knows nothing of its scanners
  std::vector<ResponsePrediction> predictions;
  std::vector<std::string> warnings;   // for the reader: input quality, assumptions made
};

// Maximum intensity projection for the result page; row 0 is the head.
struct MipView {
  std::string name;                    // "coronal", "sagittal"
  int width = 0, height = 0;
  double pixelWidthMm = 0, pixelHeightMm = 0;
  double suvAtWhite = 10;              // SUV shown at 255
  std::vector<std::uint8_t> suv;       // 0..255, linear
  std::vector<std::uint8_t> role;      // 0 none, 1 lesion, 2 physiological, 3 reference
};

struct AssessedStudy {
  ResponseAssessment assessment;
  LabelVolume regions;                 // empty when refused
  std::vector<MipView> mips;
  RotatingMip rotation;                // without frames when nobody asked for it, or refused
};

// What is known of the patient besides the images; all optional.
struct ClinicalCovariates {
  std::optional<double> ageYears, pdl1TpsPercent, dNlr, nlr, ldhPerUln, albuminGPerDl;
  std::optional<int> ecog;
  std::optional<bool> male, smoker, steroids, liverMetastases;
};

inline constexpr std::string_view kResearchUseOnly =
    "Research use only. Not a medical device; not for treatment decisions.";

}  // namespace fedpet
