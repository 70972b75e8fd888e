// The chain from a PET series to its assessment: SUV, organs, lesions, measurements, prediction,
// identity. Used by the worker and by the command line; it knows neither Orthanc nor files.
#pragma once

#include "clinical/PriorStudy.h"
#include "clinical/ResponseAssessment.h"
#include "models/imaging/StudyMeasurement.h"
#include "models/imaging/harmonisation/Harmonise.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::response {
class ResponseModel;
}

namespace fedpet::plugin {

// What a follow-up is compared with.
struct EarlierStudies {
  std::vector<PriorStudy> studies;
  std::vector<std::string> warnings;  // reports that could not be used, and why
};

struct AssessmentOptions {
  imaging::MeasurementOptions measurement;
  // Shorter series are not whole-body studies: TMTV would be a partial sum. Eyes to thighs of a
  // small adult is about 800 mm. 0: every length.
  double minimumBodyCoverageMm = 600;
  ClinicalCovariates covariates;  // age and sex are taken from the images when not given here
  imaging::HarmonisationSettings harmonisation;
  bool rotatingMip = false;  // fill AssessedStudy::rotation
  // Asked once the study is measured; empty: no follow-up. What it throws is thrown on.
  std::function<EarlierStudies(const PetSeries&)> priors;
};

// Called before each stage ("suv", "organs", "lesions", "measurements", "pictures", "priors",
// "predict", "identity"): percent of the chain that is done.
using ProgressObserver = std::function<void(std::string_view stage, int percent)>;

// Always gives an assessment with its identity; a study that cannot be assessed has `refusals`.
// When meansNotOurs(refusals.front().code), nobody should store a report for it.
// `model` may be null: the predictions are then refused with ModelUnavailable, the measurements
// stand. `assessedAt` is UTC. Throws only on a failed world (std::bad_alloc, ITK, LibTorch).
AssessedStudy assessStudy(PetSeries series, const response::ResponseModel* model,
                          const AssessmentOptions&, WallClock assessedAt, const ProgressObserver&);

// The assessment of a series whose reading was refused: `header` has what could be read of it.
AssessedStudy refusedStudy(PetSeries header, NotAssessable, const response::ResponseModel* model,
                           WallClock assessedAt);

// What a program without a clock of its own passes as `assessedAt`.
WallClock utcNow();

}  // namespace fedpet::plugin
