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

struct ModelIdentity {
  std::string name, version, sha256;   // sha256 of the weights, lower-case hex
  std::string trainingData;            // "synthetic cohort, 4000 patients, seed 20261124"
  bool trainedOnSyntheticData = true;
};

struct ResultIdentity {                // deterministic: a re-run gives the same UIDs
  std::string srSeriesUid, srSopInstanceUid;
  std::string segSeriesUid, segSopInstanceUid;
  std::string deviceUid;               // 2.25 UID of this software version with this model
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
