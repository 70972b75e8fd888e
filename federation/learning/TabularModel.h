// The models that a plan can train, as numbers: what their parameters are, where they start, and
// what they say of a patient. Training itself is done outside (models/response/TabularTrainer.h,
// which knows the same order of parameters).
//
// Order: for each hidden layer its weights (units x inputs, row by row) and its biases (units),
// with ReLU after it; then the output's weights, its bias (Binary only), and the log hazards of the
// time intervals (Survival with noise only). "linear" has no hidden layer.
#pragma once

#include "federation/learning/Standardisation.h"

#include <string>
#include <vector>

namespace fedpet::federation {

struct ParameterBlock {
  std::string name;
  std::size_t rows = 1, columns = 1;
};

// Survival with noise: Cox's likelihood compares patients, so one patient's gradient cannot be
// clipped. The loss then is that of a piecewise exponential model, hazard = exp(score + b_k) in
// interval k of time / meanTime, which is a sum over patients (Friedman 1982, Ann Stat 10:101).
inline constexpr int kTimeIntervals = 6;
int timeIntervalsOf(const Plan&);  // kTimeIntervals or 0
// Ends of all but the last, in units of Scaling::meanTime: up to twice the mean.
std::vector<double> timeIntervalEnds();

std::vector<ParameterBlock> parameterBlocks(const Plan&, std::size_t inputs);
std::size_t parameterCount(const Plan&, std::size_t inputs);

// "linear": zeros. "mlp": uniform within 1 / sqrt(inputs of the layer), from the plan's seed. Log
// hazards start at the share of events.
std::vector<double> initialParameters(const Plan&, const Scaling&);

// The linear predictor of each row: logit of label 1, or log hazard (without time intervals).
std::vector<double> scoresOf(const Plan&, const std::vector<double>& parameters, const Design&);

// All that is needed to apply the parameters to a patient, as JSON: format, architecture, features,
// scaling, order of parameters, what the score means.
nlohmann::json describeModel(const Plan&, const Scaling&);
// The other way: the plan's members model, features and endpoint, and the scaling. Throws
// std::invalid_argument when the description is not one of ours.
struct DescribedModel {
  Plan plan;
  Scaling scaling;
};
DescribedModel modelFromDescription(const nlohmann::json&);

}  // namespace fedpet::federation
