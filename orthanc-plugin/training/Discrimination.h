// How well a model's scores order patients that it has not seen.
#pragma once

#include "federation/learning/Table.h"
#include "models/response/Metrics.h"

#include <cstdint>
#include <span>

namespace fedpet::plugin {

// Binary: area under the ROC curve of the scores for the label 1. Survival: Harrell's C of the
// scores as risks. Interval: 95 % percentile bootstrap over patients. NaN where there is nothing to
// order: no patient, one outcome only, no comparable pair.
response::Estimate discriminationOf(std::span<const double> scores, const federation::Cohort&,
                                    int resamples, std::uint64_t seed);

}  // namespace fedpet::plugin
