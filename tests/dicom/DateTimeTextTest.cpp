// PS3.5 table 6.2-1 (DA, TM, DT), and the ACR-NEMA forms that readers shall still accept.
#include "dicom/DateTimeText.h"

#include <gtest/gtest.h>

namespace fedpet::dicom {
namespace {

using namespace std::chrono;

const local_days kDay{2026y / January / 31};

TEST(DateText, IsReadInItsNewAndItsOldForm) {
  EXPECT_EQ(parseDate("20260131"), kDay);
  EXPECT_EQ(parseDate("2026.01.31"), kDay);
  EXPECT_EQ(parseDate("20260131 "), kDay);
}

TEST(DateText, IsNotGuessedFromAnythingElse) {
  for (const char* text : {"", "2026", "20260230", "20261301", "2026-01-31", "31012026", "abcdefgh",
                           "202601311", "2026.0131"})
    EXPECT_FALSE(parseDate(text)) << text;
}

TEST(TimeText, IsReadInEveryPrecision) {
  EXPECT_EQ(parseTimeOfDay("11"), 11h);
  EXPECT_EQ(parseTimeOfDay("1105"), 11h + 5min);
  EXPECT_EQ(parseTimeOfDay("110507"), 11h + 5min + 7s);
  EXPECT_EQ(parseTimeOfDay("110507.5"), 11h + 5min + 7s + 500ms);
  EXPECT_EQ(parseTimeOfDay("110507.351370"), 11h + 5min + 7s + 351370us);
  EXPECT_EQ(parseTimeOfDay("11:05:07.25"), 11h + 5min + 7s + 250ms);
  EXPECT_EQ(parseTimeOfDay(std::string_view("110507\0", 7)), 11h + 5min + 7s);
}

TEST(TimeText, IsNotGuessedFromAnythingElse) {
  for (const char* text : {"", "1", "24", "1160", "110561", "110507.", "110507.1234567", "11:0507",
                           "11h05", "-11", "110507+0100"})
    EXPECT_FALSE(parseTimeOfDay(text)) << text;
}

TEST(DateTimeText, KeepsItsZoneApart) {
  const auto zoned = parseDateTime("20260131110000.000000+0130");
  ASSERT_TRUE(zoned);
  EXPECT_EQ(zoned->wallClock, kDay + 11h);
  EXPECT_EQ(zoned->zone, 90min);
  EXPECT_EQ(parseDateTime("2026013111-0330")->zone, -210min);
  EXPECT_FALSE(parseDateTime("20260131110000.00 ")->zone);
}

TEST(DateTimeText, IsNoMomentWithoutAnHour) {
  for (const char* text : {"2026", "202601", "20260131", "20260131110000+1", "20260131110000+2500"})
    EXPECT_FALSE(parseDateTime(text)) << text;
}

}  // namespace
}  // namespace fedpet::dicom
