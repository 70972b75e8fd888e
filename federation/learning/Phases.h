// The names of what a round can ask for, and what of it costs privacy.
//
//   Train       magnitudes, moments, then rounds of train
//   Newton      magnitudes, moments, then newton; or, for a Cox model with one baseline hazard for
//               all sites, event-grid or event-times, then pairs of cox-range and cox-risk
//   Statistics  magnitudes, moments, histogram, quantiles (twice), combat
//   Evaluate    score-moments, evaluate
#pragma once

#include "federation/learning/Task.h"

namespace fedpet::federation::phase {

inline constexpr const char* kMagnitudes = "magnitudes";
inline constexpr const char* kMoments = "moments";
inline constexpr const char* kTrain = "train";
inline constexpr const char* kNewton = "newton";
inline constexpr const char* kEventGrid = "event-grid";
inline constexpr const char* kEventTimes = "event-times";
inline constexpr const char* kCoxRange = "cox-range";
inline constexpr const char* kCoxRisk = "cox-risk";
inline constexpr const char* kHistogram = "histogram";
inline constexpr const char* kQuantiles = "quantiles";
inline constexpr const char* kCombat = "combat";
inline constexpr const char* kScoreMoments = "score-moments";
inline constexpr const char* kEvaluate = "evaluate";

}  // namespace fedpet::federation::phase

namespace fedpet::federation {

// Standard deviation of the noise that a site adds to each element of a phase's vector, all phases
// but "train" (whose noise is added to gradients). 0 without noise. With distributed noise, for
// `contributorsAtLeast` sites that add up to the full noise.
double noiseSdOfSite(const Plan&, const RoundInput&, int contributorsAtLeast);
// At most this in the sum of `contributors` sites.
double noiseSdOfSum(const Plan&, const RoundInput&, int contributors);

// Noise beyond so many standard deviations has a probability of 1e-57; the layout's bounds allow
// for it.
inline constexpr double kLargestNoise = 16;

}  // namespace fedpet::federation
