#include "orthanc-plugin/training/TableTrainer.h"

#include "federation/files/DurableFiles.h"
#include "models/response/TabularTrainer.h"
#include "orthanc-plugin/training/CohortTable.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace fedpet::plugin {
namespace {

using federation::TrainingAnswer;
using federation::TrainingCall;

constexpr std::size_t kSecretBytes = 32;

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

// The features and categories are the plan's: a site that found its own would sum apples and pears.
tl::expected<federation::Cohort, federation::CannotTakePart> cohortFor(
    const federation::Plan& plan, const std::filesystem::path& cohortTable) {
  CohortQuestion question;
  question.endpoint = plan.endpoint;
  question.features = plan.features;
  question.findCategories = false;
  question.testShare = 0;
  try {
    const CohortTable table = readCohort(readCsv(cohortTable), question);
    return pooledCohortOf(table, Part::Train);
  } catch (const TableError& e) {
    return tl::unexpected<federation::CannotTakePart>(e.what());
  }
}

// What this site's noise is made of. It is made once: another one would give a repeated round other
// noise, and two noises on one update average out.
federation::SecretBytes noiseSecret(const std::filesystem::path& stateFolder) {
  federation::makeOwnerFolder(stateFolder);
  const auto file = stateFolder / "noise-secret";
  if (auto secret = federation::readOwnerFile(file, kSecretBytes)) {
    if (secret->size() == kSecretBytes) return std::move(*secret);
    throw std::runtime_error("noise-secret in the folder of the federation is damaged");
  }
  auto secret = federation::SecretBytes::random(kSecretBytes);
  federation::writeOwnerFile(file, secret.view());
  return secret;
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

std::unique_ptr<federation::CohortTrainer> lastingTrainer(
    std::filesystem::path cohortTable, const std::filesystem::path& stateFolder) {
  return std::make_unique<federation::CohortTrainer>(federation::CohortTrainer::Parts{
      [table = std::move(cohortTable)](const federation::Plan& plan) {
        return cohortFor(plan, table);
      },
      trainWithTorch, noiseSecret(stateFolder), stateFolder});
}

}  // namespace fedpet::plugin
