#include "orthanc-plugin/training/CsvTable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace fedpet::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string problemsOf(std::string_view text) {
  try {
    parseCsv(text);
  } catch (const TableError& error) {
    return error.what();
  }
  return "accepted";
}

// RFC 4180 section 2, rules 1 to 7, in one table.
TEST(CsvTable, ReadsWhatRfc4180Allows) {
  const CsvTable table = parseCsv("a,b,c\r\n1,\"x, \"\"y\"\"\",\r\n\"two\r\nlines\",2,3");
  EXPECT_THAT(table.columns, ElementsAre("a", "b", "c"));
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_THAT(table.rows[0].cells, ElementsAre("1", "x, \"y\"", ""));
  EXPECT_THAT(table.rows[1].cells, ElementsAre("two\r\nlines", "2", "3"));
}

TEST(CsvTable, TellsTheLineOfTheFileWhereARowBegins) {
  const CsvTable table = parseCsv("\n\na,b\n\"one\ntwo\",1\n\n  \n3,4\n,\n5,6\n");
  ASSERT_EQ(table.rows.size(), 3U) << "empty rows are left out";
  EXPECT_EQ(table.rows[0].line, 4U);
  EXPECT_EQ(table.rows[1].line, 8U);
  EXPECT_EQ(table.rows[2].line, 10U);
}

TEST(CsvTable, FindsTheSeparatorOutsideOfQuotationMarks) {
  EXPECT_EQ(parseCsv("a;\"b,c,d\"\n1;2").separator, ';');
  EXPECT_EQ(parseCsv("a\tb\n\t2").separator, '\t');
  EXPECT_THAT(parseCsv("a\tb\n\t2").rows[0].cells, ElementsAre("", "2"));
  EXPECT_EQ(parseCsv("a|b\n1|2").separator, '|');
  EXPECT_EQ(parseCsv("alone\n1").separator, ',');
}

TEST(CsvTable, IgnoresTheByteOrderMarkAndOldLineEnds) {
  const CsvTable table = parseCsv("\xEF\xBB\xBFsite,b\r1,2\r3,4\r");
  EXPECT_EQ(table.columns[0], "site");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[1].line, 3U);
}

TEST(CsvTable, NamesTheLineOfEveryRowWithAnotherWidth) {
  const std::string problems = problemsOf("a,b\n1,2\n1,2,3\n1\n");
  EXPECT_THAT(problems, HasSubstr("line 3: the row has 3 cells, but the header names 2 columns"));
  EXPECT_THAT(problems, HasSubstr("line 4: the row has 1 cells"));
}

TEST(CsvTable, NamesTheLineOfAStrayQuotationMark) {
  EXPECT_THAT(problemsOf("a,b\n1,2\n5\" long,2\n"), HasSubstr("line 3: a quotation mark"));
  EXPECT_THAT(problemsOf("a,b\n1,2\n\"open,2\n3,4\n"), HasSubstr("line 3: a quotation mark that"));
}

TEST(CsvTable, SaysWhatIsNoTextTable) {
  EXPECT_THAT(problemsOf(""), HasSubstr("empty"));
  EXPECT_THAT(problemsOf("a,b\n"), HasSubstr("no rows"));
  EXPECT_THAT(problemsOf(std::string("PK\x03\x04\x00", 5)), HasSubstr("workbook"));
  EXPECT_THAT(problemsOf(std::string("\xFF\xFE"
                                     "a\0,\0",
                                     6)),
              HasSubstr("UTF-16"));
  EXPECT_THAT(problemsOf(std::string("a,b\n1,\0", 7)), HasSubstr("zero bytes"));
  EXPECT_THAT(problemsOf("a,b\n1,2\nZ\xFCrich,2\n"), HasSubstr("line 3: the text is not UTF-8"));
}

TEST(CsvTable, NamesTheNearestColumns) {
  const CsvTable table = parseCsv("Age,Sex,PFS months\n1,2,3");
  try {
    table.indexOf("age");
    FAIL() << "letter case counts";
  } catch (const TableError& error) {
    EXPECT_THAT(error.what(), HasSubstr("There is no column \"age\". The columns are \"Age\""));
  }
  EXPECT_EQ(table.indexOf("PFS months"), 2U);
  EXPECT_THROW(parseCsv("a,a\n1,2").indexOf("a"), TableError);
}

TEST(CsvTable, SaysWhenTheFileCannotBeRead) {
  EXPECT_THROW(readCsv("no-such-file.csv"), TableError);
  EXPECT_THROW(readCsv(std::filesystem::temp_directory_path()), TableError);
}

}  // namespace
}  // namespace fedpet::plugin
