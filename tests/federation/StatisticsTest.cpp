#include "federation/learning/Statistics.h"
#include "tests/federation/SummingConsortium.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fedpet::federation {
namespace {

using nlohmann::json;
using Vector = std::vector<double>;

json describe(const Plan& plan, const std::vector<Cohort>& cohorts) {
  return json::parse(runOnSums(plan, cohorts).outcome.resultJson);
}

Vector knownValues(const Cohort& cohort, std::size_t column) {
  Vector v;
  for (std::size_t r = 0; r < cohort.rows; ++r)
    if (!std::isnan(cohort.at(r, column))) v.push_back(cohort.at(r, column));
  std::sort(v.begin(), v.end());
  return v;
}

TEST(Statistics, AreThoseOfThePooledTable) {
  const Plan plan = smallPlan(TaskKind::Statistics, EndpointKind::Binary);
  const auto cohorts = smallConsortium(plan, 4, 80, 0.2);
  const json result = describe(plan, cohorts);
  const Cohort all = joined(cohorts);
  EXPECT_EQ(result["patients"], all.rows);
  EXPECT_EQ(result["events"], std::count(all.label.begin(), all.label.end(), 1));
  for (std::size_t c = 0; c < 4; ++c) {
    const json& column = result["columns"][c];
    const Vector v = knownValues(all, c);
    const auto n = static_cast<double>(v.size());
    double mean = 0, variance = 0;
    for (const double x : v) mean += x / n;
    for (const double x : v) variance += (x - mean) * (x - mean) / (n - 1);
    EXPECT_EQ(column["present"], v.size());
    EXPECT_EQ(column["missing"], all.rows - v.size());
    EXPECT_NEAR(column["mean"].get<double>(), mean, 1e-9 * (std::abs(mean) + 1));
    EXPECT_NEAR(column["variance"].get<double>(), variance, 1e-8 * variance);
    const auto edges = column["histogram"]["edges"].get<Vector>();
    const auto counts = column["histogram"]["counts"].get<Vector>();
    for (std::size_t b = 0; b < counts.size(); ++b) {
      const auto inside = std::count_if(v.begin(), v.end(), [&](double x) {
        return x <= edges[b + 1] && (x > edges[b] || (b == 0 && x == edges[0]));
      });
      EXPECT_EQ(counts[b], inside) << column["name"] << " bin " << b;
    }
  }
}

TEST(Statistics, BracketQuantilesBetweenPatientsWithoutNamingOne) {
  const Plan plan = smallPlan(TaskKind::Statistics, EndpointKind::Binary);
  const auto cohorts = smallConsortium(plan, 4, 200);
  const json result = describe(plan, cohorts);
  const Cohort all = joined(cohorts);
  for (std::size_t c = 0; c < 3; ++c)
    for (const json& quantile : result["columns"][c]["quantiles"]) {
      const Vector v = knownValues(all, c);
      const double rank = quantile["share"].get<double>() * static_cast<double>(v.size());
      const double low = quantile["low"], high = quantile["high"], value = quantile["value"];
      const auto upTo = [&](double x) {
        return static_cast<double>(std::upper_bound(v.begin(), v.end(), x) - v.begin());
      };
      EXPECT_LE(upTo(low), rank) << result["columns"][c]["name"] << quantile;
      EXPECT_GE(upTo(high), rank);
      EXPECT_NEAR(upTo(value), rank, 10) << "off by more than the patients of one bin";
      EXPECT_LT(high - low, 0.1 * (v.back() - v.front()));
    }
  // A bin with few patients stays as it is: the interval never closes in on one value.
  const json& median = result["columns"][0]["quantiles"][2];
  EXPECT_GT(median["high"].get<double>() - median["low"].get<double>(), 0.01);
}

// The arm with 6-mercaptopurine of Freireich 1963 (Blood 21:699). Its Kaplan-Meier estimates are a
// textbook example: Kleinbaum and Klein, Survival Analysis, table 2.1 (0.8571 at 6 weeks to 0.4482
// at 23).
TEST(Statistics, GiveThePublishedKaplanMeierCurveOfFreireichsTrial) {
  Plan plan = smallPlan(TaskKind::Statistics, EndpointKind::Survival);
  plan.features.clear();
  plan.minimumPatients = 1;
  plan.statistics.timeHorizon = 35;
  plan.statistics.timeBins = 35;
  plan.statistics.quantiles.clear();
  std::vector<Cohort> cohorts(3);
  std::size_t next = 0;
  const auto add = [&](double weeks, int relapse) {
    Cohort& c = cohorts[next++ % 3];
    ++c.rows;
    c.time.push_back(weeks);
    c.event.push_back(relapse);
  };
  for (const double t : {6, 6, 6, 7, 10, 13, 16, 22, 23}) add(t, 1);
  for (const double t : {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35}) add(t, 0);
  const json curve = describe(plan, cohorts)["kaplanMeier"];
  const std::vector<std::pair<double, double>> published{{6, 0.8571},  {7, 0.8067},  {10, 0.7529},
                                                         {13, 0.6902}, {16, 0.6275}, {22, 0.5378},
                                                         {23, 0.4482}};
  for (const auto& [week, survival] : published) {
    const json& point = curve["curve"][static_cast<std::size_t>(week) - 1];
    EXPECT_EQ(point["time"], week);
    EXPECT_NEAR(point["survival"].get<double>(), survival, 0.00006);
  }
  EXPECT_EQ(curve["median"], 23);
  // Greenwood at 10 weeks: 0.0963 (the same table's standard errors by R's survfit).
  EXPECT_NEAR(curve["curve"][9]["standardError"].get<double>(), 0.0963, 0.0001);
}

TEST(Statistics, NeedNoEndpoint) {
  Plan plan = smallPlan(TaskKind::Statistics, EndpointKind::Binary);
  plan.endpoint = {};
  auto cohorts = smallConsortium(plan, 3, 30);
  for (Cohort& c : cohorts) c.label.clear();
  EXPECT_FALSE(describe(plan, cohorts).contains("events"));
}

TEST(Statistics, RefuseASiteWithFewerPatientsThanThePlanAsksFor) {
  Plan plan = smallPlan(TaskKind::Statistics, EndpointKind::Binary);
  plan.minimumPatients = 50;
  const auto cohorts = smallConsortium(plan, 1, 30);
  const auto result = localSums(plan, begin(plan).input, cohorts[0]);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), "this site has 30 patients, the plan asks for at least 50");
}

// Ten patients of two sites and three columns. Expected: neuroCombat 0.2.12 (PyPI, by the authors
// of Fortin 2017) on the same numbers.
std::vector<Cohort> combatSites() {
  Cohort a, b;
  a.names = b.names = {"age", "suv", "share"};
  a.rows = 4;
  a.features = {61, 4.1, 0.21, 70, 5.2, 0.35, 55, 3.9, 0.28, 66, 4.8, 0.19};
  b.rows = 6;
  b.features = {72, 6.0, 0.41, 59, 5.1, 0.52, 77, 6.9, 0.38,
                68, 5.5, 0.61, 64, 6.2, 0.45, 81, 7.4, 0.57};
  return {a, b};
}

void expectNear(const Vector& a, const Vector& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << i;
}

TEST(Combat, IsThatOfNeuroCombatFromFederatedSums) {
  Plan plan = smallPlan(TaskKind::Statistics, EndpointKind::Binary);
  plan.endpoint = {};
  plan.features = {{"age", "a", {}}, {"suv", "", {}}, {"share", "", {}}};
  plan.minimumPatients = 1;
  plan.statistics.combat = true;
  const auto sites = combatSites();
  const json result = describe(plan, sites);
  Vector mean, sd;
  for (const json& column : result["combat"]["columns"]) {
    mean.push_back(column["mean"]);
    sd.push_back(column["sd"]);
  }
  expectNear(mean, {67.3, 5.51, 0.397}, 1e-9);
  expectNear(sd, {std::sqrt(46.08333333), std::sqrt(0.47683333), std::sqrt(0.0057675)}, 1e-7);

  const CombatSite a = combatOfSite(sites[0], mean, sd), b = combatOfSite(sites[1], mean, sd);
  expectNear(a.rawShift, {-0.63342691, -1.4626421, -1.83687839}, 1e-7);
  expectNear(b.rawScale, {1.45316456, 1.53862286, 1.44950152}, 1e-7);
  // Both stop within 1e-4 of the fixed point.
  expectNear(a.shift, {-0.87922509, -1.40774999, -1.64615173}, 2e-4);
  expectNear(a.scale, {0.86371528, 0.86070602, 0.86335867}, 2e-4);
  expectNear(b.shift, {0.69058335, 0.91504033, 1.01634738}, 2e-4);
  expectNear(b.scale, {1.47974538, 1.47975521, 1.47963563}, 2e-4);
  const Cohort adjusted = combatAdjusted(sites[0], a, mean, sd);
  expectNear({adjusted.features.begin(), adjusted.features.begin() + 3},
             {66.94340479, 5.03798891, 0.33029047}, 2e-3);

  // The spread of the sites is told, not a site's own shift: mean of -0.633 and 0.422.
  const json& spread = result["combat"]["columns"][0]["siteShift"];
  EXPECT_NEAR(spread["mean"].get<double>(), (-0.63342691 + 0.42228461) / 2, 1e-7);
  EXPECT_NEAR(spread["sd"].get<double>(), (0.63342691 + 0.42228461) / std::sqrt(2.0), 1e-7);
}

}  // namespace
}  // namespace fedpet::federation
