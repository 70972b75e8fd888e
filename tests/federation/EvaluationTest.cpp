#include "federation/learning/Evaluation.h"
#include "federation/learning/TabularModel.h"
#include "models/response/Fit.h"
#include "models/response/Metrics.h"
#include "tests/federation/SummingConsortium.h"

#include <nlohmann/json.hpp>

namespace fedpet::federation {
namespace {

using nlohmann::json;

struct Evaluated {
  std::vector<Cohort> cohorts;
  std::vector<double> scores;  // of all patients, one site after the other
  json result;
};

// A fitted model, evaluated on the patients of another seed.
Evaluated evaluate(EndpointKind endpoint, const EvaluationTerms& terms = {}) {
  Plan fit = smallPlan(TaskKind::Newton, endpoint);
  const Outcome model = runOnSums(fit, smallConsortium(fit, 4, 120)).outcome;
  Plan plan = fit;
  plan.task = TaskKind::Evaluate;
  plan.evaluation = terms;
  Evaluated e;
  e.cohorts = smallConsortium(plan, 4, 150, 0, 17);
  const DescribedModel described = modelFromDescription(json::parse(model.resultJson));
  for (const Cohort& c : e.cohorts) {
    const auto s =
        scoresOf(described.plan, model.values, designOf(described.plan, described.scaling, c));
    e.scores.insert(e.scores.end(), s.begin(), s.end());
  }
  const RoundInput blob = decodeRoundInput(encode(modelBlobOf(model)));
  const ConsortiumRun run = runConsortium(plan, beginEvaluation(plan, blob), e.cohorts.size(),
                                          [&](std::size_t s, int, const RoundInput& input) {
                                            return sumsOrThrow(plan, input, e.cohorts[s]);
                                          });
  e.result = json::parse(run.outcome.resultJson);
  return e;
}

double probabilityOf(double score) { return 1 / (1 + std::exp(-score)); }

TEST(Evaluation, OfABinaryEndpointIsThatOfThePooledPatients) {
  EvaluationTerms terms;
  terms.scoreBins = 1000;
  const Evaluated e = evaluate(EndpointKind::Binary, terms);
  const Cohort all = joined(e.cohorts);
  std::vector<response::Scored> scored;
  for (std::size_t r = 0; r < all.rows; ++r)
    scored.push_back({probabilityOf(e.scores[r]), all.label[r] == 1, 1});
  const json& figures = e.result["all"];
  const double tied = figures["auc"]["tiedShare"];
  EXPECT_LT(tied, 0.002);
  EXPECT_NEAR(figures["auc"]["value"].get<double>(), response::areaUnderCurve(scored), tied / 2);
  EXPECT_NEAR(figures["brier"].get<double>(), response::brierScore(scored), 1e-9);
  EXPECT_NEAR(figures["brierOfPrevalence"].get<double>(), response::brierOfPrevalence(scored),
              1e-9);
  const auto line = response::calibrationLine(scored);
  EXPECT_NEAR(figures["calibration"]["line"]["slope"].get<double>(), line.slope, 0.002);
  EXPECT_NEAR(figures["calibration"]["line"]["intercept"].get<double>(), line.intercept, 0.002);
  EXPECT_NEAR(figures["calibration"]["line"]["inTheLarge"].get<double>(), line.inTheLarge, 0.002);
  // Net benefit at 0.3 by its definition.
  double good = 0, bad = 0;
  for (const auto& s : scored)
    if (s.probability >= 0.3) (s.good ? good : bad) += 1;
  const json& point = figures["decisionCurve"][2];
  EXPECT_EQ(point["threshold"], 0.3);
  EXPECT_NEAR(point["netBenefit"].get<double>(),
              (good - bad * 0.3 / 0.7) / static_cast<double>(all.rows), 1e-12);
  double binned = 0;
  for (const json& bin : figures["calibration"]["bins"]) binned += bin["patients"].get<double>();
  EXPECT_EQ(binned, all.rows);
}

TEST(Evaluation, TellsEverySitesOwnFiguresOnlyWhenAsked) {
  const Evaluated told = evaluate(EndpointKind::Binary);
  ASSERT_EQ(told.result["sites"].size(), 4U);
  EXPECT_EQ(told.result["sites"][1]["site"], "site-1");
  EXPECT_EQ(told.result["sites"][1]["patients"], told.cohorts[1].rows);
  EvaluationTerms terms;
  terms.perSite = false;
  EXPECT_TRUE(evaluate(EndpointKind::Binary, terms).result["sites"].empty());
}

TEST(Evaluation, OfSurvivalIsThatOfThePooledPatients) {
  EvaluationTerms terms;
  terms.scoreBins = 1000;
  terms.timeBins = 600;  // 0.1 months, the resolution of the times; up to 60 months
  terms.horizon = 12;
  const Evaluated e = evaluate(EndpointKind::Survival, terms);
  const Cohort all = joined(e.cohorts);
  std::vector<FollowedTime> times;
  std::vector<double> living;  // Metrics.h: higher lives longer
  for (std::size_t r = 0; r < all.rows; ++r) {
    times.push_back({all.time[r], all.event[r] == 1});
    living.push_back(-e.scores[r]);
  }
  const json& figures = e.result["all"];
  const double tied = figures["cIndex"]["tiedShare"];
  EXPECT_LT(tied, 0.002);
  EXPECT_NEAR(figures["cIndex"]["value"].get<double>(), response::concordance(living, times),
              tied / 2 + 1e-9);

  // Breslow's hazard up to the horizon, and Graf's Brier score, by their definitions.
  double hazard = 0;
  for (std::size_t i = 0; i < all.rows; ++i) {
    if (all.event[i] == 0 || all.time[i] > 12 + 1e-9) continue;
    double atRisk = 0;
    for (std::size_t j = 0; j < all.rows; ++j)
      if (all.time[j] >= all.time[i]) atRisk += std::exp(e.scores[j]);
    hazard += 1 / atRisk;
  }
  std::vector<response::Scored> scored;
  const auto weights = response::censoringWeights(times, 12);
  for (std::size_t r = 0; r < all.rows; ++r)
    scored.push_back(
        {std::exp(-hazard * std::exp(e.scores[r])), all.time[r] > 12 + 1e-9, weights[r]});
  EXPECT_NEAR(figures["brier"].get<double>(), response::brierScore(scored), 0.003);
  response::Matrix column(all.rows, 1);
  column.values = e.scores;
  const auto slope = response::fitCox({&column, 1}, times, {}, {}).coefficients[0];
  EXPECT_NEAR(figures["calibration"]["slope"].get<double>(), slope, 0.01);
  double binned = 0, predicted = 0;
  for (const json& bin : figures["calibration"]["bins"])
    binned += bin["patients"].get<double>() * bin["predicted"].get<double>();
  for (const auto& patient : scored) predicted += 1 - patient.probability;
  EXPECT_NEAR(binned, predicted, 0.005 * predicted);
  EXPECT_GT(figures["calibration"]["bins"].back()["observed"],
            figures["calibration"]["bins"].front()["observed"]);
  // Treating all at a threshold of 0.1.
  const json& point = figures["decisionCurve"][0];
  EXPECT_GE(point["netBenefit"].get<double>(), point["treatAll"].get<double>() - 0.01);
}

TEST(Evaluation, RefusesAModelOfOtherFeatures) {
  Plan plan = smallPlan(TaskKind::Newton, EndpointKind::Binary);
  const Outcome model = runOnSums(plan, smallConsortium(plan, 3, 60)).outcome;
  plan.task = TaskKind::Evaluate;
  EXPECT_THROW(begin(plan), std::invalid_argument);
  EXPECT_NO_THROW(beginEvaluation(plan, modelBlobOf(model)));
  Plan other = plan;
  other.features.pop_back();
  EXPECT_THROW(beginEvaluation(other, modelBlobOf(model)), std::invalid_argument);
  other = plan;
  other.endpoint.kind = EndpointKind::Survival;
  EXPECT_THROW(beginEvaluation(other, modelBlobOf(model)), std::invalid_argument);
  RoundInput damaged = modelBlobOf(model);
  damaged.values.pop_back();
  EXPECT_THROW(beginEvaluation(plan, damaged), std::invalid_argument);
  damaged.settingsJson = R"({"format": "fedpet-tabular-model"})";
  EXPECT_THROW(beginEvaluation(plan, damaged), std::invalid_argument);
}

}  // namespace
}  // namespace fedpet::federation
