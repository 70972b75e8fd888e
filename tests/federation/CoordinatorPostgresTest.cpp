// The same coordinator on PostgreSQL: one masked round, with a restart after every answer.
#include "tests/federation/TestConsortium.h"
#include "tests/storage/PostgresServer.h"

#include <sstream>

namespace fedpet::federation::testing {
namespace {

TEST(CoordinatorOnPostgreSql, RunsAMaskedPlanToItsReleaseThroughRestarts) {
  const auto server = fedpet::testing::PostgresServer::start();
  if (server == nullptr) GTEST_SKIP() << "the package postgresql is not installed";
  RunningConsortium c(3, smallPlan(Masking::Ring64, 3), server->createDatabase());
  c.restartAfterEachRequest = true;
  c.start();
  c.runRound();
  c.restartAfterEachRequest = false;
  server->restart();  // the coordinator connects again
  for (int i = 0; i < 20 && c.status() == "running"; ++i) c.runRound();
  ASSERT_EQ(c.status(), "finished");
  Progress expected = begin(c.plan);
  while (!expected.outcome) expected = c.expectedAfter(expected, {1, 2, 3});
  const json facts = c.planFacts(c.hash);
  EXPECT_EQ(facts["parameters"], sha256Hex(encode(modelBlobOf(*expected.outcome))));
  EXPECT_TRUE(c.adminJson("POST", "releases", json{{"planHash", c.hash}}.dump()).contains("hash"));
  std::istringstream audit(c.auditText());
  EXPECT_TRUE(verifyAudit(audit).intact);
}

}  // namespace
}  // namespace fedpet::federation::testing
