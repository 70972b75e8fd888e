#include "models/response/ResponseModel.h"
#include "models/response/Training.h"

#include <algorithm>
#include <cmath>

namespace fedpet::response {
namespace {

// Patients of one output who got a number and whose outcome counts, column by column.
struct Evaluable {
  std::vector<std::size_t> records;
  std::vector<Scored> model, oracle;  // at the horizon; oracle is empty without the truth
  std::vector<FollowedTime> times;    // whole follow-up
  int refused = 0, truthInside = 0, withNumber = 0;
};

const std::optional<FollowedTime>& timeOf(const CohortRecord& record, Endpoint endpoint) {
  return endpoint == Endpoint::OverallSurvival ? record.overallSurvival
                                               : record.progressionFreeSurvival;
}

ResponseInputs inputsFor(const CohortRecord& record, InputScenario scenario) {
  ResponseInputs inputs = responseInputsOf(record);
  if (scenario == InputScenario::PetOnly) inputs.clinical = {};
  return inputs;
}

Evaluable collect(const BundleOutput& output, std::size_t index,
                  const std::vector<std::vector<ResponsePrediction>>& predictions,
                  std::span<const CohortRecord> heldOut, const TrueProbability& truth) {
  Evaluable e;
  for (std::size_t r = 0; r < heldOut.size(); ++r) {
    const auto& result = predictions[r][index].result;
    if (!result) {
      ++e.refused;
      continue;
    }
    const double real = truth ? truth(r, output.endpoint, output.horizonMonths) : 0;
    ++e.withNumber;
    if (truth && real >= result->lower && real <= result->upper) ++e.truthInside;
    const auto& time = timeOf(heldOut[r], output.endpoint);
    if (!time) continue;
    // The definition of durable clinical benefit leaves out those censored before the horizon; for
    // survival they carry information and are handled by weights.
    const auto good = eventFreeAt(time, output.horizonMonths);
    if (output.endpoint == Endpoint::DurableClinicalBenefit && !good) continue;
    e.records.push_back(r);
    e.times.push_back(*time);
    e.model.push_back({result->probability, good.value_or(false), 1});
    if (truth) e.oracle.push_back({real, good.value_or(false), 1});
  }
  if (output.endpoint != Endpoint::DurableClinicalBenefit) {
    const std::vector<double> weights = censoringWeights(e.times, output.horizonMonths);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      e.model[i].weight = weights[i];
      if (truth) e.oracle[i].weight = weights[i];
    }
  }
  return e;
}

template <typename Column>
auto chosen(const Column& column, std::span<const std::size_t> indices) {
  Column rows;
  rows.reserve(indices.size());
  for (const std::size_t i : indices) rows.push_back(column[i]);
  return rows;
}

double concordanceOf(std::span<const Scored> scored, std::span<const FollowedTime> times) {
  std::vector<double> scores;
  for (const Scored& s : scored) scores.push_back(s.probability);
  return concordance(scores, times);
}

Evaluation measure(const Evaluable& e, Endpoint endpoint, const EvaluationPlan& plan) {
  const auto interval = [&](auto metric) {
    return bootstrap(e.model.size(), plan.resamples, plan.seed, metric);
  };
  const auto onModel = [&](auto metric) {
    return interval(
        [&, metric](std::span<const std::size_t> rows) { return metric(chosen(e.model, rows)); });
  };
  Evaluation result;
  result.data = plan.dataDescription;
  result.refused = e.refused;
  for (const Scored& s : e.model)
    if (s.weight > 0) ++result.patients, result.events += s.good ? 0 : 1;
  result.auc = onModel(areaUnderCurve);
  result.brier = onModel(brierScore);
  result.brierOfPrevalence = brierOfPrevalence(e.model);
  result.calibrationInTheLarge =
      onModel([](const auto& s) { return calibrationLine(s).inTheLarge; });
  result.calibrationSlope = onModel([](const auto& s) { return calibrationLine(s).slope; });
  result.bins = calibrationBins(e.model, plan.bins);
  const bool survival = endpoint != Endpoint::DurableClinicalBenefit;
  if (survival)
    result.concordance = interval([&](std::span<const std::size_t> rows) {
      return concordanceOf(chosen(e.model, rows), chosen(e.times, rows));
    });
  if (e.oracle.empty()) return result;
  result.oracleAuc = areaUnderCurve(e.oracle);
  result.oracleBrier = brierScore(e.oracle);
  if (survival) result.oracleConcordance = concordanceOf(e.oracle, e.times);
  result.truthInsideInterval = static_cast<double>(e.truthInside) / std::max(1, e.withNumber);
  return result;
}

}  // namespace

void evaluateBundle(ModelBundle& bundle, std::span<const CohortRecord> heldOut,
                    const TrueProbability& truth, const EvaluationPlan& plan) {
  if (plan.dataDescription.empty())
    throw TrainingError("the plan does not describe its evaluation data");
  if (heldOut.empty()) throw TrainingError("there is no held-out patient to evaluate on");
  const ResponseModel model(bundle);
  for (BundleOutput& output : bundle.outputs) output.evaluations.clear();
  for (const InputScenario scenario : {InputScenario::AsRecorded, InputScenario::PetOnly}) {
    std::vector<std::vector<ResponsePrediction>> predictions;
    for (const CohortRecord& record : heldOut)
      predictions.push_back(model.predict(inputsFor(record, scenario)));
    for (std::size_t o = 0; o < bundle.outputs.size(); ++o) {
      BundleOutput& output = bundle.outputs[o];
      const Evaluable e = collect(output, o, predictions, heldOut, truth);
      if (e.model.empty())
        throw TrainingError(output.id() + ": no held-out patient can be evaluated");
      Evaluation evaluation = measure(e, output.endpoint, plan);
      evaluation.scenario = scenario;
      output.evaluations.push_back(std::move(evaluation));
    }
  }
}

}  // namespace fedpet::response
