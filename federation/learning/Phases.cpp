#include "federation/learning/Phases.h"

#include "federation/learning/Evaluation.h"
#include "federation/learning/Newton.h"
#include "federation/learning/Standardisation.h"
#include "federation/learning/Statistics.h"
#include "federation/learning/Training.h"
#include "federation/privacy/RdpAccountant.h"

#include <cmath>
#include <map>
#include <stdexcept>

namespace fedpet::federation {
namespace {

// Largest L2 norm of what one patient adds to the phase's vector. Only training adds noise.
double sensitivityOf(const Plan& plan, const RoundInput& input) {
  const auto columns = static_cast<double>(columnsOf(plan).size());
  const double time = plan.endpoint.kind == EndpointKind::Survival ? 1 : 0;
  if (input.phase == phase::kMagnitudes) return std::sqrt(2 + 2 * columns + time);
  if (input.phase == phase::kMoments) return std::sqrt(2 + 3 * columns + time);
  throw std::invalid_argument("phase " + input.phase + " has no form with noise");
}

SumLayout layoutWithoutNoise(const Plan& plan, const RoundInput& input) {
  using Maker = SumLayout (*)(const Plan&, const RoundInput&);
  static const std::map<std::string, Maker, std::less<>> makers{
      {phase::kMagnitudes, [](const Plan& p, const RoundInput&) { return magnitudesLayout(p); }},
      {phase::kMoments, [](const Plan& p, const RoundInput&) { return momentsLayout(p); }},
      {phase::kTrain, trainLayout},
      {phase::kNewton, newtonLayout},
      {phase::kEventGrid, eventGridLayout},
      {phase::kEventTimes, eventTimesLayout},
      {phase::kCoxRange, coxRangeLayout},
      {phase::kCoxRisk, coxRiskLayout},
      {phase::kHistogram, histogramLayout},
      {phase::kQuantiles, quantilesLayout},
      {phase::kCombat, combatLayout},
      {phase::kScoreMoments, scoreMomentsLayout},
      {phase::kEvaluate, evaluateLayout}};
  const auto found = makers.find(input.phase);
  if (found == makers.end())
    throw std::invalid_argument("this version does not know the phase " + input.phase);
  try {
    return found->second(plan, input);
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument("the settings of phase " + input.phase +
                                " are broken: " + error.what());
  }
}

}  // namespace

double noiseSdOfSite(const Plan& plan, const RoundInput& input, int contributorsAtLeast) {
  if (plan.privacy.noise == NoiseKind::None) return 0;
  const double full = preparationMultiplier(plan) * sensitivityOf(plan, input);
  return plan.privacy.noise == NoiseKind::Local
             ? full
             : full / std::sqrt(static_cast<double>(std::max(1, contributorsAtLeast)));
}

double noiseSdOfSum(const Plan& plan, const RoundInput& input, int contributors) {
  // Distributed: at least the quorum shares the full noise, and more sites add their share too.
  return noiseSdOfSite(plan, input, plan.quorum) *
         std::sqrt(static_cast<double>(std::max(1, contributors)));
}

SumLayout layoutOf(const Plan& plan, const RoundInput& input) {
  SumLayout layout = layoutWithoutNoise(plan, input);
  if (plan.privacy.noise != NoiseKind::None && input.phase != phase::kTrain)
    for (SumField& field : layout.fields)
      field.bound += kLargestNoise * noiseSdOfSite(plan, input, 1);
  return layout;
}

}  // namespace fedpet::federation
