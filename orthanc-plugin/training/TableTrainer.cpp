#include "orthanc-plugin/training/TableTrainer.h"

#include "models/response/TabularTrainer.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace fedpet::plugin {
namespace {

using federation::TrainingAnswer;
using federation::TrainingCall;

response::TabularModelShape shapeOf(const TrainingCall& call) {
  return {call.design.columns, call.hiddenUnits, call.survival, call.timeIntervalEnds,
          call.timeIntervals};
}

response::TabularData dataOf(const TrainingCall& call) {
  return {call.design.rows, call.design.values, call.label, call.time, call.event};
}

response::TabularOptions optionsOf(const TrainingCall& call) {
  response::TabularOptions options;
  options.steps = call.steps;
  options.batchSize = call.batchSize;
  options.learningRate = call.learningRate;
  options.proximalMu = call.proximalMu;
  options.l2 = call.l2;
  options.seed = call.seed;
  options.serverVariate = call.serverVariate;
  options.ownVariate = call.ownVariate;
  options.clipped = call.clipped;
  options.clipNorm = call.clipNorm;
  options.noiseSd = call.noiseSd;
  options.sampleRate = call.sampleRate;
  options.gradientSumOnly = call.gradientSumOnly;
  options.uniform = call.uniform;
  options.standardNormal = call.standardNormal;
  return options;
}

bool allFinite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

}  // namespace

TrainingAnswer trainWithTorch(const TrainingCall& call) try {
  response::TabularResult result =
      response::trainTabular(shapeOf(call), dataOf(call), call.start, optionsOf(call));
  if (!allFinite(result.parameters) || !allFinite(result.gradientSum) ||
      !std::isfinite(result.meanLoss))
    throw std::invalid_argument("training diverged: lower the client's learning rate");
  return {std::move(result.parameters), std::move(result.gradientSum), result.meanLoss};
} catch (const response::TabularTrainingError& error) {
  throw std::invalid_argument(error.what());
}

std::unique_ptr<federation::CohortTrainer> passingTrainer(federation::Cohort cohort) {
  constexpr std::size_t kSecretBytes = 32;
  return std::make_unique<federation::CohortTrainer>(federation::CohortTrainer::Parts{
      [cohort = std::move(cohort)](const federation::Plan& plan)
          -> tl::expected<federation::Cohort, federation::CannotTakePart> {
        try {
          federation::requireFits(cohort, plan);
        } catch (const std::invalid_argument& error) {
          return tl::unexpected(federation::CannotTakePart(error.what()));
        }
        return cohort;
      },
      trainWithTorch,
      federation::SecretBytes::random(kSecretBytes),
      {}});
}

}  // namespace fedpet::plugin
