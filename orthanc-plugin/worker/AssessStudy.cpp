#include "orthanc-plugin/worker/AssessStudy.h"

#include "dicom/ResultIdentity.h"
#include "models/imaging/Mip.h"
#include "models/imaging/RuleBasedAnatomy.h"
#include "models/imaging/SuvScaling.h"
#include "models/imaging/followup/FollowUp.h"
#include "models/response/ResponseModel.h"

#include <chrono>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>

namespace fedpet::plugin {
namespace {

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

double coverageMm(const VolumeGeometry& geometry) {
  return geometry.size[2] * geometry.spacingMm[2];
}

// What the images say of the patient counts where the caller knows nothing better.
ClinicalCovariates withImageFacts(ClinicalCovariates covariates, const PatientIdentity& patient) {
  if (!covariates.ageYears) covariates.ageYears = patient.ageYears;
  if (!covariates.male && (patient.sex == "M" || patient.sex == "F"))
    covariates.male = patient.sex == "M";
  return covariates;
}

// Without a model there is still a place for each endpoint, with its reason.
std::vector<ResponsePrediction> withoutModel() {
  std::vector<ResponsePrediction> predictions;
  for (const auto& [endpoint, months, event] :
       {std::tuple{Endpoint::DurableClinicalBenefit, 6.0,
                   "no progression or death within 6 months"},
        std::tuple{Endpoint::OverallSurvival, 12.0, "alive at 12 months"}}) {
    ResponsePrediction prediction;
    prediction.endpoint = endpoint;
    prediction.horizonMonths = months;
    prediction.event = event;
    prediction.result = tl::make_unexpected(
        Refusal{RefusalCode::ModelUnavailable, "no response model is configured"});
    predictions.push_back(std::move(prediction));
  }
  return predictions;
}

std::vector<ResponsePrediction> predict(ResponseAssessment& assessment,
                                        const response::ResponseModel& model,
                                        const AssessmentOptions& options) {
  response::ResponseInputs inputs{assessment.wholeBody,
                                  withImageFacts(options.covariates, assessment.series.patient)};
  if (assessment.harmonisation)
    inputs.wholeBody = imaging::adjustInputs(std::move(inputs.wholeBody), inputs.clinical,
                                             options.harmonisation, *assessment.harmonisation);
  return model.predict(inputs);
}

void measure(AssessedStudy& study, const AssessmentOptions& options,
             const ProgressObserver& progress) {
  ResponseAssessment& assessment = study.assessment;
  const auto scaling = imaging::suvScaling(assessment.series);
  if (!scaling) {
    assessment.refusals = scaling.error().reasons;
    return;
  }
  auto volume = imaging::toSuvVolume(std::move(assessment.series), *scaling);
  if (!volume) {
    assessment.refusals = volume.error().reasons;
    return;
  }
  assessment.suv = *scaling;
  append(assessment.warnings, scaling->warnings);
  if (!options.harmonisation.isEmpty())
    assessment.harmonisation =
        imaging::harmonise(*volume, assessment.series, options.harmonisation);

  const auto report = [&](std::string_view stage, double done) {
    progress(stage, 5 + static_cast<int>(std::lround(75 * done)));
  };
  auto findings = imaging::measureStudy(*volume, *scaling, imaging::RuleBasedAnatomy(),
                                        options.measurement, report);
  if (!findings) {
    assessment.refusals = findings.error().reasons;
    return;
  }
  assessment.lesionDefinition = std::move(findings->lesionDefinition);
  assessment.regions = std::move(findings->regions);
  assessment.missingRegions = std::move(findings->missingRegions);
  assessment.wholeBody = std::move(findings->wholeBody);
  assessment.percist = std::move(findings->percist);
  assessment.percistRefusal = std::move(findings->percistRefusal);
  append(assessment.warnings, findings->warnings);
  study.regions = std::move(findings->labels);
  study.mips = std::move(findings->mips);
  if (options.rotatingMip)
    study.rotation = imaging::rotatingMip(*volume, study.regions, assessment.regions);
  if (options.priors) {
    progress("priors", 80);
    const EarlierStudies earlier = options.priors(assessment.series);
    append(assessment.warnings, earlier.warnings);
    imaging::followUp(assessment, study.regions, earlier.studies, &*volume);
  }
  imaging::noteBesideNumbers(assessment);
}

AssessedStudy begin(PetSeries series, const response::ResponseModel* model, WallClock assessedAt) {
  AssessedStudy study;
  study.assessment.series = std::move(series);
  study.assessment.assessedAt = assessedAt;
  study.assessment.softwareVersion = FEDPET_VERSION;
  if (model != nullptr) study.assessment.model = model->identity();
  study.assessment.warnings = study.assessment.series.warnings;
  return study;
}

void finish(AssessedStudy& study) {
  study.assessment.series.pixels = {};
  dicom::assignIdentity(study.assessment);
}

}  // namespace

AssessedStudy assessStudy(PetSeries series, const response::ResponseModel* model,
                          const AssessmentOptions& options, WallClock assessedAt,
                          const ProgressObserver& progress) {
  const double coverage = coverageMm(series.geometry);
  if (coverage < options.minimumBodyCoverageMm) {
    const auto mm = [](double value) { return std::to_string(std::lround(value)) + " mm"; };
    return refusedStudy(
        std::move(series),
        {RefusalCode::TooLittleBody, "the series covers " + mm(coverage) + ", at least " +
                                         mm(options.minimumBodyCoverageMm) + " are needed"},
        model, assessedAt);
  }
  AssessedStudy study = begin(std::move(series), model, assessedAt);
  progress("suv", 0);
  measure(study, options, progress);
  ResponseAssessment& assessment = study.assessment;
  if (assessment.refusals.empty()) {
    progress("predict", 90);
    assessment.predictions =
        model == nullptr ? withoutModel() : predict(assessment, *model, options);
  }
  progress("identity", 98);
  finish(study);
  return study;
}

AssessedStudy refusedStudy(PetSeries header, NotAssessable reasons,
                           const response::ResponseModel* model, WallClock assessedAt) {
  AssessedStudy study = begin(std::move(header), model, assessedAt);
  study.assessment.refusals = std::move(reasons.reasons);
  finish(study);
  return study;
}

WallClock utcNow() {
  return WallClock(std::chrono::floor<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch()));
}

}  // namespace fedpet::plugin
