#include "federation/learning/LocalSums.h"

#include "federation/learning/Evaluation.h"
#include "federation/learning/Layout.h"
#include "federation/learning/Newton.h"
#include "federation/learning/Phases.h"
#include "federation/learning/Standardisation.h"
#include "federation/learning/Statistics.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace fedpet::federation {
namespace {

LocalResult sumsOfPhase(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  const std::string& phase = input.phase;
  if (phase == phase::kMagnitudes) return {magnitudesOf(plan, cohort), "{}"};
  if (phase == phase::kMoments)
    return {momentsOf(plan, scalingFromJson(settingsOf(input).at("scaling")), cohort), "{}"};
  if (phase == phase::kNewton) return {newtonTerms(plan, input, cohort), "{}"};
  if (phase == phase::kEventGrid || phase == phase::kEventTimes)
    return eventTimes(plan, input, cohort);
  if (phase == phase::kCoxRange) return {coxRange(plan, input, cohort), "{}"};
  if (phase == phase::kCoxRisk) return {coxRisk(plan, input, cohort), "{}"};
  if (phase == phase::kHistogram) return {histogramSums(plan, input, cohort), "{}"};
  if (phase == phase::kQuantiles) return {quantileSums(plan, input, cohort), "{}"};
  if (phase == phase::kCombat) return {combatSums(plan, input, cohort), "{}"};
  if (phase == phase::kScoreMoments) return {scoreMoments(plan, input, cohort), "{}"};
  if (phase == phase::kEvaluate) return evaluateSums(plan, input, cohort);
  throw std::invalid_argument("this version does not know the phase " + phase);
}

}  // namespace

void requirePatients(const Plan& plan, const Cohort& cohort) {
  const auto n = static_cast<std::int64_t>(cohort.rows);
  if (n < plan.minimumPatients)
    throw std::invalid_argument("this site has " + std::to_string(n) +
                                " patients, the plan asks for at least " +
                                std::to_string(plan.minimumPatients));
  if (n > plan.maximumPatients)
    throw std::invalid_argument("this site has " + std::to_string(n) +
                                " patients, the plan allows at most " +
                                std::to_string(plan.maximumPatients));
}

tl::expected<LocalResult, CannotTakePart> localSums(const Plan& plan, const RoundInput& input,
                                                    const Cohort& cohort) {
  try {
    requireFits(cohort, plan);
    requirePatients(plan, cohort);
    LocalResult result = sumsOfPhase(plan, input, cohort);
    const bool finite = std::all_of(result.values.begin(), result.values.end(),
                                    [](double v) { return std::isfinite(v); });
    if (!finite) throw std::invalid_argument("a sum of this round is not finite");
    return result;
  } catch (const std::invalid_argument& error) {
    return tl::unexpected(std::string(error.what()));
  } catch (const std::out_of_range& error) {
    return tl::unexpected("the table and the round do not fit: " + std::string(error.what()));
  } catch (const nlohmann::json::exception& error) {
    return tl::unexpected("the round's settings are broken: " + std::string(error.what()));
  }
}

void addNoise(const Plan& plan, const RoundInput& input, int contributorsAtLeast,
              const std::function<double()>& standardNormal, std::vector<double>& values) {
  const double sd = noiseSdOfSite(plan, input, contributorsAtLeast);
  if (sd == 0) return;
  for (double& value : values)
    value += sd * std::clamp(standardNormal(), -kLargestNoise, kLargestNoise);
}

}  // namespace fedpet::federation
