// Exact logistic and Cox regression over all sites: Newton's method on sums of log-likelihoods,
// gradients and second derivatives, so that the result is that of the pooled table.
//
// Logistic, and Cox with a baseline hazard of each site: these sums are local ("newton").
// Cox with one baseline hazard for all sites: what is summed are S0, S1 and S2 of the risk sets at
// the event times of all sites ("cox-risk"), after one small round ("cox-range") that tells of
// which power the largest hazard is, so that no sum overflows. The event times must be known to
// all: a grid of NewtonTerms::timeResolution, on which the sites count their events ("event-grid":
// times are rounded to it, and the result is that of the pooled table rounded in the same way), or,
// without masking only, the exact times in the clear ("event-times").
// Ties by Efron 1977, JASA 72:557.
//
// Columns are standardised on the way (Standardisation.h); the result is told in both scales.
// A missing value is the mean of its column, with an indicator of its own.
#pragma once

#include "federation/learning/Standardisation.h"
#include "federation/learning/Task.h"

#include <span>

namespace fedpet::federation {

// Parameters: coefficients by designNames(), then the intercept (logistic only).

SumLayout newtonLayout(const Plan&, const RoundInput&);
SumLayout eventGridLayout(const Plan&, const RoundInput&);
SumLayout eventTimesLayout(const Plan&, const RoundInput&);
SumLayout coxRangeLayout(const Plan&, const RoundInput&);
SumLayout coxRiskLayout(const Plan&, const RoundInput&);

// Throws std::invalid_argument for terms that cannot be run.
void requireNewton(const Plan&);
// From the scales to the first round of the fit, and on. Throws std::domain_error.
Progress beginNewton(const Plan&, Progress, const Scaling&);
Progress proceedNewton(const Plan&, const Progress&, const RoundSum&);

std::vector<double> newtonTerms(const Plan&, const RoundInput&, const Cohort&);
LocalResult eventTimes(const Plan&, const RoundInput&, const Cohort&);  // both forms
std::vector<double> coxRange(const Plan&, const RoundInput&, const Cohort&);
std::vector<double> coxRisk(const Plan&, const RoundInput&, const Cohort&);

// --- the likelihoods themselves ------------------------------------------------------------------

// information: minus the second derivatives, upper triangle row by row.
struct LikelihoodTerms {
  double logLikelihood = 0;
  std::vector<double> gradient, information;
};
LikelihoodTerms logisticTerms(const Design&, const std::vector<int>& label,
                              std::span<const double> parameters);
// Cox's partial likelihood within one risk set of all rows.
LikelihoodTerms coxTerms(const Design&, const std::vector<double>& time,
                         const std::vector<int>& event, std::span<const double> parameters);

}  // namespace fedpet::federation
