#include "federation/plan/Plan.h"
#include "federation/wire/WireError.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedpet::federation {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kSmall = R"({
  // comments are for people
  "title": "DCB from TMTV", "purpose": "research",
  "features": [{"name": "tmtv", "unit": "ml"}, {"name": "sex", "categories": ["F", "M"]}],
  "endpoint": {"kind": "binary", "column": "dcb"},
  "training": {"strategy": "fedadam", "rounds": 7}
})";

TEST(Plan, TakesDefaultsForWhatAPersonLeavesOut) {
  const Plan plan = planFromJson(kSmall);
  EXPECT_EQ(plan.training.strategy, Strategy::FedAdam);
  EXPECT_EQ(plan.training.rounds, 7);
  EXPECT_EQ(plan.training.localSteps, TrainingTerms{}.localSteps);
  EXPECT_EQ(plan.features.at(1).categories, (std::vector<std::string>{"F", "M"}));
  EXPECT_THAT(faultsOf(plan), IsEmpty());
}

TEST(Plan, AsksForAReferenceCategoryWhereARegressionHasNoSingleSolution) {
  Plan plan = planFromJson(kSmall);
  plan.task = TaskKind::Newton;
  EXPECT_THAT(faultsOf(plan), Contains(::testing::AllOf(HasSubstr("\"sex\""), HasSubstr("\"F\""),
                                                        HasSubstr("reference"))));
  plan.newton.l2 = 0.1;
  EXPECT_THAT(faultsOf(plan), IsEmpty());
  plan.newton.l2 = 0;
  plan.features[1] = {"sex", "", {"M"}, "F"};
  EXPECT_THAT(faultsOf(plan), IsEmpty());
  EXPECT_EQ(decodePlan(encode(plan)).features[1].reference, "F");
  EXPECT_EQ(planFromJson(toReadableJson(plan)).features[1].reference, "F");
  plan.features[1].reference = "M";
  EXPECT_THAT(faultsOf(plan), Contains(HasSubstr("not in \"categories\"")));
}

// Plans of before have no member "reference", and their hashes stay.
TEST(Plan, LeavesOutAReferenceThatIsNotThere) {
  const Plan plan = planFromJson(kSmall);
  EXPECT_EQ(toReadableJson(plan).find("reference"), std::string::npos);
}

TEST(Plan, TravelsWithoutLossAndWithOneHash) {
  Plan plan = planFromJson(kSmall);
  plan.privacy = {NoiseKind::Local, 1.5, 0.8, 0.2, 3.0, 1e-3};
  plan.seed = 987654321;
  plan.stepTimeout = std::chrono::seconds(42);
  const Bytes bytes = encode(plan);
  EXPECT_EQ(encode(decodePlan(bytes)), bytes);
  EXPECT_EQ(encode(planFromJson(toReadableJson(plan))), bytes);
}

TEST(Plan, RefusesUnknownMembersAndVersions) {
  EXPECT_THROW(planFromJson(R"({"title": "x", "code": "import os"})"), WireError);
  EXPECT_THROW(planFromJson(R"({"training": {"stratgy": "fedavg"}})"), WireError);
  EXPECT_THROW(planFromJson(R"({"v": 2})"), WireError);
  EXPECT_THROW(planFromJson("{"), WireError);
  EXPECT_THROW(planFromJson(R"({"training": {"strategy": "magic"}})"), WireError);
}

TEST(Plan, MustBeCompleteOnTheWire) {
  Bytes empty{0xa1, 0x61, 'v', 0x01};  // {"v": 1}
  EXPECT_THROW(decodePlan(empty), WireError);
}

TEST(Plan, TellsEveryFaultAtOnce) {
  Plan plan = planFromJson(kSmall);
  plan.quorum = 2;                            // under masking
  plan.training.robust = RobustRule::Median;  // under masking
  plan.thresholdShare = 0.5;
  plan.endpoint.column = "tmtv";
  const auto faults = faultsOf(plan);
  EXPECT_THAT(faults, Contains(HasSubstr("quorum")));
  EXPECT_THAT(faults, Contains(HasSubstr("median")));
  EXPECT_THAT(faults, Contains(HasSubstr("two thirds")));
  EXPECT_THAT(faults, Contains(HasSubstr("also a feature")));
  EXPECT_EQ(faults.size(), 4U);
}

TEST(Plan, RefusesDistributedNoiseThatWouldNotHideAnUpdate) {
  Plan plan = planFromJson(kSmall);
  plan.privacy = {NoiseKind::Distributed, 1.0, 1.0, 0.1, 2.0, 1e-3};
  plan.training.localSteps = 1;
  EXPECT_THAT(faultsOf(plan), IsEmpty());
  plan.masking = Masking::None;
  EXPECT_THAT(faultsOf(plan), Contains(HasSubstr("together with masking")));
}

}  // namespace
}  // namespace fedpet::federation
