// An earlier study of the same patient, as its structured report and segmentation tell of it:
// what a follow-up is compared with. Any producer's TID 1500 report can become one.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "clinical/SuvVolume.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fedpet {

struct PriorRegion {
  std::uint16_t label = 0;  // in PriorStudy::labels; 0: no mask is at hand
  RegionRole role = RegionRole::Lesion;
  std::optional<Organ> organ;
  std::string trackingId, trackingUid;
  std::optional<double> volumeMl, glycolysisG, suvMax, suvMean, suvPeak, sulPeak;
};

struct PriorStudy {
  StudySummary summary;
  std::string frameOfReferenceUid;
  std::optional<double> uptakeMinutes;
  std::optional<double> referenceSulMean, referenceSulSd;  // PERCIST's, with its region
  std::optional<Organ> reference;
  std::optional<double> percistThreshold;
  std::string scannerModel;           // manufacturer and model; empty: the report does not say
  std::vector<PriorRegion> regions;   // lesions and organs
  LabelVolume labels;                 // of its segmentation; empty when there is none
  std::vector<std::string> warnings;  // what in the report was not understood
};

}  // namespace fedpet
