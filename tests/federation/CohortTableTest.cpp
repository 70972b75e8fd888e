#include "orthanc-plugin/training/CohortTable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace fedpet::plugin {
namespace {

using federation::EndpointKind;
using testing::ElementsAre;
using testing::HasSubstr;

CohortQuestion binary(std::initializer_list<const char*> features) {
  CohortQuestion question;
  question.siteColumn = "site";
  question.endpoint.column = "y";
  for (const char* name : features) question.features.push_back({name, "", {}});
  question.testShare = 0;
  return question;
}

CohortQuestion survival() {
  CohortQuestion question = binary({"x"});
  question.endpoint = {EndpointKind::Survival, "", "t", "e", "mo"};
  return question;
}

std::string problemsOf(std::string_view csv, const CohortQuestion& question) {
  try {
    readCohort(parseCsv(csv), question);
  } catch (const TableError& error) {
    return error.what();
  }
  return "accepted";
}

std::string notesOf(const CohortTable& table) {
  std::string all;
  for (const std::string& note : table.notes) all += note + "\n";
  return all;
}

TEST(CohortTable, GroupsPatientsBySiteAndKeepsTheLine) {
  const CohortTable table =
      readCohort(parseCsv("site,x,y\n10,1.5,0\n9,-2e1,1\n10,NA,1\n"), binary({"x"}));
  ASSERT_EQ(table.sites.size(), 2U);
  EXPECT_EQ(table.sites[0].name, "9") << "numbers are in the order of their value";
  EXPECT_EQ(table.sites[0].patients[0].values[0], -20);
  ASSERT_EQ(table.sites[1].patients.size(), 2U);
  EXPECT_EQ(table.sites[1].patients[1].line, 4U);
  EXPECT_TRUE(std::isnan(table.sites[1].patients[1].values[0]));
  EXPECT_TRUE(table.sites[1].patients[1].event);
}

TEST(CohortTable, MakesOneColumnPerCategoryOfATextAndNoneOfThemForAMissingOne) {
  const CohortTable table = readCohort(
      parseCsv("site,sex,x,y\nA,m,1,0\nA,f,2,1\nB,?,3,1\nB,m,4,True\n"), binary({"sex", "x"}));
  EXPECT_THAT(table.features[0].categories, ElementsAre("f", "m"));
  const federation::Cohort all = pooledCohortOf(table, Part::Train);
  EXPECT_THAT(all.names, ElementsAre("sex=f", "sex=m", "x"));
  EXPECT_THAT(all.label, ElementsAre(0, 1, 1, 1));
  EXPECT_EQ(all.at(0, 0), 0);
  EXPECT_EQ(all.at(0, 1), 1);
  EXPECT_EQ(all.at(1, 0), 1);
  EXPECT_TRUE(std::isnan(all.at(2, 0)) && std::isnan(all.at(2, 1)));
  EXPECT_EQ(all.at(3, 2), 4);
}

TEST(CohortTable, GivesTheReferenceCategoryNoColumn) {
  CohortQuestion question = binary({"x"});
  question.referenceCategory = true;
  const CohortTable table = readCohort(parseCsv("site,x,y\nA,p,0\nA,q,1\nA,r,1\nA,,1\n"), question);
  const federation::Cohort all = pooledCohortOf(table, Part::Train);
  EXPECT_THAT(all.names, ElementsAre("x=q", "x=r"));
  EXPECT_THAT(std::vector<double>(all.features.begin(), all.features.begin() + 6),
              ElementsAre(0, 0, 1, 0, 0, 1));
  EXPECT_TRUE(std::isnan(all.at(3, 0)));
  EXPECT_THAT(notesOf(table), HasSubstr("\"p\" is the reference category"));
  EXPECT_THAT(problemsOf("site,x,y\nA,p,0\nA,p,1\n", question), HasSubstr("one text only"));
}

TEST(CohortTable, TakesThePlansReferenceCategoryForNoneOfItsColumns) {
  CohortQuestion question = binary({});
  question.features = {{"sex", "", {"m"}, "f"}};
  question.findCategories = false;
  const CohortTable table =
      readCohort(parseCsv("site,sex,y\nA,m,0\nA,f,1\nA,?,1\nA,x,1\n"), question);
  const federation::Cohort cohort = pooledCohortOf(table, Part::Train);
  ASSERT_EQ(cohort.names, (std::vector<std::string>{"sex=m"}));
  EXPECT_EQ(cohort.features[0], 1);
  EXPECT_EQ(cohort.features[1], 0);
  EXPECT_TRUE(std::isnan(cohort.features[2]));
  EXPECT_TRUE(std::isnan(cohort.features[3])) << "what the plan does not know is missing";
}

TEST(CohortTable, TakesNumbersAsCategoriesWhenAsked) {
  CohortQuestion question = binary({"x"});
  question.categorical = {"x"};
  const CohortTable table = readCohort(parseCsv("site,x,y\nA,3,0\nA,1,1\n"), question);
  EXPECT_THAT(table.features[0].categories, ElementsAre("1", "3"));
}

// What only test rows have must not shape the model.
TEST(CohortTable, FindsCategoriesInTrainingRowsOnly) {
  CohortQuestion question = binary({"x"});
  question.splitColumn = "s";
  const CohortTable table =
      readCohort(parseCsv("site,x,y,s\nA,p,0,train\nA,q,1,train\nA,r,1,test\n"), question);
  EXPECT_THAT(table.features[0].categories, ElementsAre("p", "q"));
  EXPECT_THAT(notesOf(table), HasSubstr("1 rows have a category that no training row has (\"r\")"));
  EXPECT_EQ(cohortOf(table, table.sites[0], Part::Train).rows, 2U);
  const federation::Cohort test = cohortOf(table, table.sites[0], Part::Test);
  ASSERT_EQ(test.rows, 1U);
  EXPECT_TRUE(std::isnan(test.at(0, 0)));
}

TEST(CohortTable, HoldsTheTableAgainstThePlansCategories) {
  CohortQuestion question = binary({"x"});
  question.findCategories = false;
  question.features[0].categories = {"low", "high"};
  const CohortTable table = readCohort(parseCsv("site,x,y\nA,high,0\nA,odd,1\n"), question);
  EXPECT_EQ(table.sites[0].patients[0].values[0], 1);
  EXPECT_TRUE(std::isnan(table.sites[0].patients[1].values[0]));
  question.features[0].categories.clear();
  EXPECT_THAT(problemsOf("site,x,y\nA,high,0\n", question), HasSubstr("is not a number"));
}

TEST(CohortTable, ReadsTheDecimalCommaWhereItCannotSeparateCells) {
  const CohortTable table = readCohort(parseCsv("site;x;y\nA;1,5;0\nA;-2;1\n"), binary({"x"}));
  EXPECT_EQ(table.sites[0].patients[0].values[0], 1.5);
  EXPECT_EQ(table.sites[0].patients[1].values[0], -2);
}

TEST(CohortTable, NamesColumnAndLineOfATextAmongNumbers) {
  std::string csv = "site,x,y\n";
  for (int i = 0; i < 20; ++i) csv += "A," + std::to_string(i) + ",1\n";
  EXPECT_THAT(problemsOf(csv + "A,sixty,0\n", binary({"x"})),
              HasSubstr("column \"x\", line 22: \"sixty\" is not a number, as 20 other cells"));
  EXPECT_THAT(problemsOf(csv + "A,\"1,5\",0\n", binary({"x"})), HasSubstr("with a point"));
  EXPECT_THAT(problemsOf(csv + "A,inf,0\n", binary({"x"})), HasSubstr("\"inf\" is not a number"));
}

TEST(CohortTable, RefusesAColumnOfManyTexts) {
  std::string csv = "site,x,y\n";
  for (int i = 0; i < 30; ++i) csv += "A,name" + std::to_string(i) + ",1\n";
  EXPECT_THAT(problemsOf(csv, binary({"x"})), HasSubstr("column \"x\" holds 30 different texts"));
}

TEST(CohortTable, RefusesAnOutcomeThatIsNeitherZeroNorOne) {
  EXPECT_THAT(problemsOf("site,x,y\nA,1,2\n", binary({"x"})),
              HasSubstr("column \"y\", line 2: \"2\" is neither 0 nor 1"));
  EXPECT_THAT(problemsOf("site,x,t,e\nA,1,5,dead\n", survival()), HasSubstr("\"dead\" is neither"));
}

TEST(CohortTable, RefusesATimeThatIsNotAboveZero) {
  for (const char* time : {"0", "-3", "soon"})
    EXPECT_THAT(
        problemsOf("site,x,t,e\nA,1," + std::string(time) + ",1\n", survival()),
        HasSubstr("column \"t\", line 2: \"" + std::string(time) + "\" is not a time above 0"));
}

TEST(CohortTable, LeavesOutWhoHasNoOutcomeAndSaysSo) {
  const CohortTable table =
      readCohort(parseCsv("site,x,t,e\nA,1,5,1\nA,1,,1\nA,1,5,NA\n"), survival());
  EXPECT_EQ(table.sites[0].patients.size(), 1U);
  EXPECT_THAT(notesOf(table), HasSubstr("2 rows without a known outcome"));
}

TEST(CohortTable, TellsAllFaultsAtOnceAndCountsTheRest) {
  std::string csv = "site,x,y\n";
  for (int i = 0; i < 10; ++i) csv += "A,1,7\n";
  csv += ",1,1\n";
  const std::string problems = problemsOf(csv, binary({"x"}));
  EXPECT_THAT(problems, HasSubstr("line 5"));
  EXPECT_THAT(problems, HasSubstr("... and 6 more rows like this."));
  EXPECT_THAT(problems, HasSubstr("column \"site\", line 12: the site is missing"));
  EXPECT_THAT(problemsOf(csv, binary({"p", "q"})),
              testing::AllOf(HasSubstr("no column \"p\""), HasSubstr("no column \"q\"")));
}

TEST(CohortTable, RefusesTheOutcomeAsAFeature) {
  EXPECT_THAT(problemsOf("site,x,y\nA,1,1\n", binary({"x", "y"})),
              HasSubstr("Column \"y\" is the outcome: it cannot be a feature too"));
}

TEST(CohortTable, DoubtsASiteColumnWithAsManyValuesAsRows) {
  EXPECT_THAT(problemsOf("site,x,y\n1,1,1\n2,1,1\n3,2,0\n", binary({"x"})),
              HasSubstr("is it really the one that names the sites?"));
}

TEST(CohortTable, SaysWhichValuesASplitColumnHasWhenNobodyWouldTrain) {
  CohortQuestion question = binary({"x"});
  question.splitColumn = "fold";
  EXPECT_THAT(problemsOf("site,x,y,fold\nA,1,1,0\nA,2,0,1\n", question),
              HasSubstr("It holds \"0\", \"1\": say with --train-value which"));
}

TEST(CohortTable, DrawsAQuarterOfEachSiteAndOutcomeToTestTheSameForTheSameSeed) {
  std::string csv = "site,x,y\n";
  for (int i = 0; i < 80; ++i)
    csv += std::string(i < 40 ? "A" : "B") + ",1," + (i % 5 == 0 ? "1" : "0") + "\n";
  CohortQuestion question = binary({"x"});
  question.testShare = 0.25;
  const auto draw = [&](std::uint64_t seed) {
    question.seed = seed;
    return readCohort(parseCsv(csv), question);
  };
  const CohortTable table = draw(1);
  for (const TableSite& site : table.sites) {
    const federation::Cohort test = cohortOf(table, site, Part::Test);
    EXPECT_EQ(test.rows, 10U);
    EXPECT_EQ(std::count(test.label.begin(), test.label.end(), 1), 2);
  }
  const auto linesOf = [](const CohortTable& drawn) {
    std::vector<std::size_t> lines;
    for (const TableSite& site : drawn.sites)
      for (const TablePatient& patient : site.patients)
        if (!patient.trains) lines.push_back(patient.line);
    return lines;
  };
  EXPECT_EQ(linesOf(draw(1)), linesOf(table));
  EXPECT_NE(linesOf(draw(2)), linesOf(table));
}

}  // namespace
}  // namespace fedpet::plugin
