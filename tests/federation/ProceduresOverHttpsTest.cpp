// Statistics, Cox regression, evaluation, medians and sums of groups through the real protocol:
// HTTPS with mutual TLS on loopback, masks, signatures. What each of them must give is computed
// here in memory; that it is right is tested in the tests of the procedures.
#include "federation/learning/CohortTrainer.h"
#include "orthanc-plugin/training/LoopbackConsortium.h"
#include "tests/federation/SummingConsortium.h"
#include "tests/support/TemporaryDirectory.h"

#include <nlohmann/json.hpp>

#include <memory>

namespace fedpet::federation {
namespace {

using nlohmann::json;

constexpr std::size_t kSites = 6;

// No gradient: a step that depends on the site, so that a median is not the mean.
TrainingAnswer stepOf(std::size_t site, const TrainingCall& call) {
  TrainingAnswer answer{call.start, {}, 0.5};
  for (std::size_t i = 0; i < answer.parameters.size(); ++i)
    answer.parameters[i] += site == 0 ? 1.0 : 0.01 * static_cast<double>(site + i);
  return answer;
}

class Hospitals {
 public:
  explicit Hospitals(const Plan& plan) : cohorts(smallConsortium(plan, kSites, 40)) {
    for (std::size_t s = 0; s < kSites; ++s) {
      trainers_.push_back(std::make_unique<CohortTrainer>(CohortTrainer::Parts{
          [this, s](const Plan&) -> tl::expected<Cohort, CannotTakePart> { return cohorts[s]; },
          [s](const TrainingCall& call) { return stepOf(s, call); },
          SecretBytes::random(32),
          {}}));
      members_.push_back({"site-" + std::to_string(s), trainers_.back().get()});
    }
    consortium_.emplace(plugin::LoopbackConsortium::Settings{folder_.path() / "c", "loopback"},
                        members_);
  }
  Outcome overHttps(const Plan& plan) {
    return consortium_->run(plan, [](int) {}).outcome;
  }
  // The same without a wire.
  Outcome inMemory(const Plan& plan, const Progress& first) {
    return runConsortium(plan, first, kSites,
                         [&](std::size_t s, int round, const RoundInput& input) {
                           return trainers_[s]
                               ->compute(plan, round, input, plan.quorum, [](int) {}, {})
                               .value();
                         })
        .outcome;
  }
  std::vector<Cohort> cohorts;

 private:
  fedpet::testing::TemporaryDirectory folder_;
  std::vector<std::unique_ptr<CohortTrainer>> trainers_;
  std::vector<plugin::LoopbackConsortium::Member> members_;
  std::optional<plugin::LoopbackConsortium> consortium_;
};

Plan planOf(TaskKind task, EndpointKind endpoint) {
  Plan plan = smallPlan(task, endpoint);
  plan.features[3].reference = "m";
  plan.quorum = kSites;
  plan.maximumPatients = 1000;
  return plan;
}

void expectSame(const Outcome& found, const Outcome& expected) {
  EXPECT_EQ(found.values, expected.values);
  EXPECT_EQ(json::parse(found.resultJson), json::parse(expected.resultJson));
}

TEST(OverHttps, StatisticsAndACoxModelAndItsEvaluationAreWhatTheSumsGive) {
  const Plan statistics = planOf(TaskKind::Statistics, EndpointKind::Survival);
  Hospitals hospitals(statistics);
  const Outcome figures = hospitals.overHttps(statistics);
  expectSame(figures, hospitals.inMemory(statistics, begin(statistics)));
  const json told = json::parse(figures.resultJson);
  EXPECT_EQ(told.at("patients"), joined(hospitals.cohorts).rows);

  const Plan cox = planOf(TaskKind::Newton, EndpointKind::Survival);
  const Outcome model = hospitals.overHttps(cox);
  expectSame(model, hospitals.inMemory(cox, begin(cox)));
  EXPECT_EQ(model.values.size(), 4U);

  // The coordinator has the model's blob since the plan before.
  Plan evaluation = planOf(TaskKind::Evaluate, EndpointKind::Survival);
  const RoundInput blob = modelBlobOf(model);
  evaluation.evaluation.modelSha256 = sha256Hex(encode(blob));
  const Outcome judged = hospitals.overHttps(evaluation);
  expectSame(judged, hospitals.inMemory(evaluation, beginEvaluation(evaluation, blob)));
  EXPECT_NE(judged.resultJson.find("cIndex"), std::string::npos);
}

TEST(OverHttps, AMedianHidesOneSiteThatLies) {
  Plan plan = planOf(TaskKind::Train, EndpointKind::Binary);
  plan.features.pop_back();
  plan.features.push_back({"sex", "", {"f"}});
  plan.masking = Masking::None;
  plan.training.robust = RobustRule::Median;
  plan.training.rounds = 2;
  plan.training.weightedByPatients = false;
  Hospitals hospitals(plan);
  const Outcome model = hospitals.overHttps(plan);
  expectSame(model, hospitals.inMemory(plan, begin(plan)));
  // Two rounds of the median step of sites 1 to 5 and the liar: (0.03 + 0.04) / 2 for the first
  // parameter (site 0 says 1.0); rounded once by fixed point.
  EXPECT_NEAR(model.values.at(0), 2 * 0.035, 1e-6);
}

TEST(OverHttps, SumsOfGroupsUnderMasksGiveTheMeanOfTwoMedians) {
  Plan plan = planOf(TaskKind::Train, EndpointKind::Binary);
  plan.training.groups = 2;
  plan.training.rounds = 1;
  plan.training.weightedByPatients = false;
  Hospitals hospitals(plan);
  const Outcome model = hospitals.overHttps(plan);
  // Two groups of three each: the median of two is their mean, and so the mean of all sites,
  // whoever is in which group: (1.0 + 0.01 + ... + 0.05) / 6.
  EXPECT_NEAR(model.values.at(0), 1.15 / 6, 1e-6);
}

}  // namespace
}  // namespace fedpet::federation
