// Federated description of the patients: counts, missing values, means, variances, histograms,
// quantiles, Kaplan-Meier curve, and what ComBat needs. Sums only; minima and maxima are told to
// the next power of two and no closer.
//
// "histogram"  on edges that the coordinator draws from the scales: equal bins over mean +- 4
//              standard deviations, the outer ones reaching to the ends; with it sums of squares
//              about the mean, within-site squares for ComBat, and the counts of the curve.
// "quantiles"  the bin of each quantile, cut into equal parts; twice. A bin with fewer than
//              kFewestInBin patients is not cut any more: closer would be a patient's own value.
// "combat"     sums over sites of what ComBat finds at each: how far apart the sites are.
//
// Kaplan-Meier on a grid: events and censorings of an interval (a, b] count at b, censorings after
// events, so the curve is exact at the ends of the intervals if no one is censored inside one.
#pragma once

#include "federation/learning/Standardisation.h"
#include "federation/learning/Task.h"

namespace fedpet::federation {

inline constexpr double kFewestInBin = 10;

SumLayout histogramLayout(const Plan&, const RoundInput&);
SumLayout quantilesLayout(const Plan&, const RoundInput&);
SumLayout combatLayout(const Plan&, const RoundInput&);

Progress beginStatistics(const Plan&, Progress, const Scaling&);
Progress proceedStatistics(const Plan&, const Progress&, const RoundSum&);

std::vector<double> histogramSums(const Plan&, const RoundInput&, const Cohort&);
std::vector<double> quantileSums(const Plan&, const RoundInput&, const Cohort&);
std::vector<double> combatSums(const Plan&, const RoundInput&, const Cohort&);

// --- ComBat (Johnson 2007, Biostatistics 8:118), without covariates ------------------------------
// From the consortium come a grand mean and a within-site standard deviation for each column. The
// priors of a site are, as in the paper, moments over its own columns, so its shift and scale never
// leave it.
struct CombatSite {
  std::vector<double> rawShift, rawScale;  // gamma-hat and delta-hat squared, standardised
  std::vector<double> shift, scale;        // gamma* and delta* squared, shrunk by empirical Bayes
};
// A column with fewer than two patients keeps shift 0 and scale 1.
CombatSite combatOfSite(const Cohort&, const std::vector<double>& mean,
                        const std::vector<double>& sd);
// The harmonised table: (z - shift) / sqrt(scale) * sd + mean with z = (x - mean) / sd.
Cohort combatAdjusted(const Cohort&, const CombatSite&, const std::vector<double>& mean,
                      const std::vector<double>& sd);

}  // namespace fedpet::federation
