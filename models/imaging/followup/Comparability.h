// Whether two studies may be compared by PERCIST 1.0. What is known to differ refuses; what a
// report does not say is a warning.
#pragma once

#include "clinical/PriorStudy.h"
#include "clinical/ResponseAssessment.h"

#include <optional>
#include <string>
#include <vector>

namespace fedpet::imaging {

// Wahl 2009; O 2016 for "of the larger". All inclusive.
inline constexpr double kUptakeDifferenceMin = 15;
inline constexpr double kReferenceDifferenceSul = 0.3;
inline constexpr double kReferenceDifferenceShare = 0.20;
inline constexpr double kEarliestUptakeMin = 50, kLatestUptakeMin = 70;  // O 2016: should be within

struct Comparability {
  std::vector<Refusal> refusals;  // of the PERCIST category; empty: comparable
  std::vector<std::string> warnings;
  std::optional<bool> sameLesionRule;  // nullopt: the earlier report does not say its rule
};

Comparability comparabilityOf(const ResponseAssessment& now, const PriorStudy& prior);

// Whether two lesion definitions are one rule: the numbers that the PERCIST rule takes from the
// patient's own liver may differ, anything else may not.
bool isSameLesionRule(const std::string& one, const std::string& other);

// The least measurable SULpeak of the earlier study: as it says, else from its reference region.
std::optional<double> thresholdOf(const PriorStudy& prior);

// The given number among measurements; nullopt: not there or refused.
std::optional<double> valueOf(const std::vector<Measurement>& measurements, Quantity quantity);

}  // namespace fedpet::imaging
