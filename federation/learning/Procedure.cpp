// begin() and proceed(): which phase follows which. The arithmetic stands in the files of the
// tasks.
#include "federation/learning/Evaluation.h"
#include "federation/learning/Layout.h"
#include "federation/learning/Newton.h"
#include "federation/learning/Phases.h"
#include "federation/learning/Standardisation.h"
#include "federation/learning/Statistics.h"
#include "federation/learning/Task.h"
#include "federation/learning/Training.h"

#include <stdexcept>

namespace fedpet::federation {
namespace {

Progress afterMagnitudes(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  const SumLayout layout = layoutOf(plan, progress.input);
  const Scaling scaling = scalingFromMagnitudes(
      plan, totalOf(layout, sum), noiseSdOfSum(plan, progress.input, sum.contributors));
  Progress next;
  next.round = progress.round + 1;
  next.input.phase = phase::kMoments;
  next.input.settingsJson = nlohmann::json{{"scaling", toJson(scaling)}}.dump();
  next.metricsJson = nlohmann::json{{"contributors", sum.contributors}}.dump();
  return next;
}

Progress afterMoments(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  const SumLayout layout = layoutOf(plan, progress.input);
  const Scaling scaling = scalingFromMoments(
      plan, scalingFromJson(settingsOf(progress.input).at("scaling")), totalOf(layout, sum),
      noiseSdOfSum(plan, progress.input, sum.contributors));
  Progress next;
  next.round = progress.round + 1;
  next.metricsJson = nlohmann::json{{"contributors", sum.contributors}}.dump();
  if (plan.task == TaskKind::Train) return beginTraining(plan, next, scaling);
  if (plan.task == TaskKind::Newton) return beginNewton(plan, next, scaling);
  return beginStatistics(plan, next, scaling);
}

}  // namespace

Progress begin(const Plan& plan) {
  if (plan.task == TaskKind::Evaluate)
    throw std::invalid_argument("an evaluation begins with its model: beginEvaluation()");
  if (plan.task == TaskKind::Statistics && plan.privacy.noise != NoiseKind::None)
    throw std::invalid_argument("statistics add no noise: set privacy.noise to none");
  if (plan.task == TaskKind::Newton) requireNewton(plan);
  if (plan.task == TaskKind::Train) requireTraining(plan);
  Progress progress;
  progress.input.phase = phase::kMagnitudes;
  return progress;
}

Progress proceed(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  const std::string& phase = progress.input.phase;
  if (phase == phase::kMagnitudes) return afterMagnitudes(plan, progress, sum);
  if (phase == phase::kMoments) return afterMoments(plan, progress, sum);
  if (plan.task == TaskKind::Train) return proceedTraining(plan, progress, sum);
  if (plan.task == TaskKind::Newton) return proceedNewton(plan, progress, sum);
  if (plan.task == TaskKind::Statistics) return proceedStatistics(plan, progress, sum);
  return proceedEvaluation(plan, progress, sum);
}

}  // namespace fedpet::federation
