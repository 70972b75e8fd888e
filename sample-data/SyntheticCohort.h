// A synthetic consortium of patients with metastatic NSCLC before immunotherapy: covariates, PET
// numbers and outcomes as tables, without images. Every parameter is either published or our own
// choice; docs of the constants in SyntheticCohort.cpp say which. Nobody in it is real.
//
// Outcomes follow a mixture-cure model. With z-scored covariates x and a log-hazard beta'x,
//   S(t|x) = pi(x) + (1 - pi(x)) exp(-(t/lambda)^k exp(beta'x)),
//   logit pi(x) = a - beta'x,
// so hazards are not proportional: an early drop and a long tail, as seen under immunotherapy.
//
// The same plan gives the same cohort on every platform up to the last bits of libm: the random
// source is std::mt19937_64, and all transforms are our own or Boost.Math's.
#pragma once

#include "clinical/CohortRecord.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fedpet::sample {

struct CohortPlan {
  int patients = 4000;
  int centres = 8;
  std::uint64_t seed = 20261124;

  // Published effects are partly univariate and optimistic: all slopes are multiplied by this.
  double slopeShrinkage = 0.7;
  // Log-hazard per SD of the marrow-to-liver ratio, before shrinkage. Published findings conflict;
  // 0 switches the effect off.
  double marrowToLiverLogHazard = 0.10;
  double centreInterceptSd = 0.3;     // log-hazard
  double centreCalibrationSd = 0.05;  // PET calibration factor N(1, this) per centre, cut to +-10 %

  // Scales the usual share of unknown values per covariate; 0: everything is known.
  double missingness = 1.0;

  // Patients enter evenly over `accrualMonths`; the data are cut `minimumFollowUpMonths` after the
  // last one, and the last `labelDelayMonths` before the cut have not reached the records yet.
  double accrualMonths = 30;
  double minimumFollowUpMonths = 9;
  double labelDelayMonths = 0;
  double dropOutPerMonth = 0.003;  // rate of loss to follow-up
};

// What no hospital would know.
struct SyntheticTruth {
  PetMeasures pet;              // before the centre's calibration error, nothing missing
  ClinicalCovariates clinical;  // nothing missing
  double logHazardPfs = 0;      // the oracle's linear predictor, centre effect included
  double logHazardOs = 0;
  double pfsMonths = 0, osMonths = 0;  // without censoring; infinite for the cured
};

struct SyntheticCohort {
  CohortPlan plan;
  std::vector<CohortRecord> records;
  std::vector<SyntheticTruth> truth;  // same order as records

  // "synthetic cohort, 4000 patients, 8 centres, seed 20261124"
  std::string description() const;
};

// Throws std::invalid_argument for a plan without patients or centres, or a negative rate.
SyntheticCohort makeSyntheticCohort(const CohortPlan& plan);

// The generator's own S(t|x): what a perfect model would answer.
double truePfsProbability(const SyntheticTruth& truth, double months);
double trueOsProbability(const SyntheticTruth& truth, double months);

}  // namespace fedpet::sample
