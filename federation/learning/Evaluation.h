// A given model on the patients of every site, from sums alone: AUC, C-index, calibration, Brier
// score, decision curve, for all and, where the plan asks for it, for every site.
//
// "score-moments"  mean and standard deviation of the scores, so that bins hold about equally many.
// "evaluate"       counts of patients by bin of the score and outcome. Two patients in one bin
// count
//                  as tied, so AUC and C-index are exact up to half the share of such pairs, which
//                  is told ("tiedShare"); 200 bins leave 0.7 % of the pairs of normal scores tied.
// Survival: time is on a grid of horizon / (timeBins / 5), up to five horizons; events of one
// interval are not compared with each other. Probabilities at the horizon are of the event, with
// the baseline hazard refitted on the patients evaluated (Breslow), for a model trained by Cox's
// likelihood has none of its own: calibration judges spread and order, not the level.
#pragma once

#include "federation/learning/Standardisation.h"
#include "federation/learning/Task.h"

namespace fedpet::federation {

SumLayout scoreMomentsLayout(const Plan&, const RoundInput&);
SumLayout evaluateLayout(const Plan&, const RoundInput&);
Progress proceedEvaluation(const Plan&, const Progress&, const RoundSum&);

std::vector<double> scoreMoments(const Plan&, const RoundInput&, const Cohort&);
LocalResult evaluateSums(const Plan&, const RoundInput&, const Cohort&);

// From the sums of phase "evaluate", of one site or of all. Binary: Cox's calibration line (1958,
// Biometrika 45:562), net benefit by Vickers 2006 (Med Decis Making 26:565). Survival: Harrell's C
// (1982, JAMA 247:2543), Brier score by Graf 1999 (Stat Med 18:2529), net benefit by Vickers 2008
// (BMC Med Inform Decis Mak 8:53), slope by Cox regression on the score.
nlohmann::json evaluationFigures(const Plan&, const RoundInput&, const std::vector<double>& sums);

}  // namespace fedpet::federation
