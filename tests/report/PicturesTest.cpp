// What the pictures are made of: outlines, words, and the cine.
#include "report/Cine.h"
#include "report/MaskOutline.h"
#include "report/ReportError.h"
#include "report/Words.h"
#include "tests/report/SomeMip.h"
#include "tests/support/AssessmentBuilder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fedpet::report {
namespace {

using fedpet::testing::anAssessment;
using fedpet::testing::someMip;

double area(const Loop& loop) {  // shoelace; positive: inside to the right of the line, y down
  double sum = 0;
  for (std::size_t i = 0; i < loop.size(); ++i) {
    const auto& [x1, y1] = loop[i];
    const auto& [x2, y2] = loop[(i + 1) % loop.size()];
    sum += x1 * y2 - x2 * y1;
  }
  return sum / 2;
}

// By hand: each outer corner of a pixel loses a triangle of half by half a pixel edge.
TEST(MaskOutline, SlantsTheCornersOfASquare) {
  const auto loops = outlinesOf({0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0}, 4, 4);
  ASSERT_EQ(loops.size(), 1U);
  EXPECT_EQ(loops[0].size(), 8U);
  EXPECT_DOUBLE_EQ(area(loops[0]), 4 - 4 * 0.125);
}

TEST(MaskOutline, FollowsAHole) {
  const auto loops = outlinesOf({1, 1, 1, 1, 0, 1, 1, 1, 1}, 3, 3);
  ASSERT_EQ(loops.size(), 2U);
  EXPECT_DOUBLE_EQ(area(loops[0]) + area(loops[1]), 9 - 0.5 - (1 - 0.5));
}

TEST(MaskOutline, KeepsPixelsApartThatTouchByACorner) {
  EXPECT_EQ(outlinesOf({1, 0, 0, 1}, 2, 2).size(), 2U);
  EXPECT_EQ(outlinesOf({0, 1, 1, 0}, 2, 2).size(), 2U);
  EXPECT_TRUE(outlinesOf({0, 0}, 2, 1).empty());
}

// The same cases as on the result page (ui-extension/src/format.ts).
TEST(Words, WriteNumbersAsTheResultPageDoes) {
  EXPECT_EQ(numberText(1234.56, 1), "1234.6");
  EXPECT_EQ(numberText(12345.6, 0), "12\u00a0346");
  EXPECT_EQ(numberText(-0.004, 2), "0.00");
  EXPECT_EQ(signedText(-0.05, 2), "\u22120.05");
  EXPECT_EQ(signedText(0.42, 2), "+0.42");
  EXPECT_EQ(quantityText(2.1, "g/ml{SUVbw}"), "2.10\u00a0g/ml");
  EXPECT_EQ(quantityText(416.4, "mm"), "416\u00a0mm");
  EXPECT_EQ(quantityText(11, "{count}"), "11");
  EXPECT_EQ(inputText(1, "{1=yes}"), "yes");
  EXPECT_EQ(inputText(71, "a"), "71\u00a0years");
  EXPECT_EQ(percentText(0.004), "<\u00a01\u00a0%");
  EXPECT_EQ(percentText(0.9951), ">\u00a099\u00a0%");
  EXPECT_EQ(numberText(std::nan(""), 2), "not a number");
  EXPECT_EQ(personName("Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"),
            "Yamada, Tarou (\u5c71\u7530, \u592a\u90ce)");
  EXPECT_EQ(personName("Adams^John^Q^Dr^Jr"), "Adams, Dr John Q Jr");
  EXPECT_EQ(personName("^^"), "Name not given");
  EXPECT_EQ(dicomDate("20261124"), "2026-11-24");
  EXPECT_EQ(dicomDate("2026"), "2026");
  EXPECT_EQ(organText(Organ::LeftKidney), "Left kidney");
}

TEST(Cine, ShowsEveryViewWithMillimetresThatAreTrue) {
  const ResponseAssessment a = anAssessment().build();
  const RotatingMip mip = someMip(a);
  const CineLoop loop = mipCine(a, mip);
  ASSERT_EQ(loop.frames.size(), mip.frames.size());
  for (const auto& frame : loop.frames)
    EXPECT_EQ(frame.size(),
              static_cast<std::size_t>(loop.width) * static_cast<std::size_t>(loop.height));
  EXPECT_THAT(loop.description, ::testing::HasSubstr("Maximum intensity projection"));
  // The body's disc is 100 pixels of 2.5 mm wide; its edge is SUV 0.8, nearly white. In the row of
  // its middle, of a view without a region there.
  ResponseAssessment bare = anAssessment().withLesions(0).build();
  bare.regions.clear();
  const CineLoop plain = mipCine(bare, someMip(bare));
  const auto row =
      plain.frames[0].begin() + static_cast<std::ptrdiff_t>(plain.height / 2 - 10) * plain.width;
  const auto dark = std::count_if(row, row + plain.width, [](std::uint8_t g) { return g < 248; });
  EXPECT_NEAR(static_cast<double>(dark) * plain.pixelMm, 250, 5);
}

TEST(Cine, MarksLesionsInGreyOnBlackUptakeToo) {
  const ResponseAssessment a = anAssessment().withLesions(1).build();
  RotatingMip mip = someMip(a);
  for (MipFrame& frame : mip.frames)
    std::fill(frame.suv.begin(), frame.suv.end(), 255);  // all black
  const CineLoop marked = mipCine(a, mip);
  for (MipFrame& frame : mip.frames) std::fill(frame.role.begin(), frame.role.end(), 0);
  const CineLoop unmarked = mipCine(a, mip);
  std::size_t white = 0;
  for (std::size_t p = 0; p < marked.frames[0].size(); ++p)
    white += marked.frames[0][p] > 200 && unmarked.frames[0][p] < 20;
  EXPECT_GT(white, 100U);
}

TEST(Cine, IsTheSameForTheSameStudy) {
  const ResponseAssessment a = anAssessment().withLesions(9).build();
  EXPECT_EQ(mipCine(a, someMip(a)).frames, mipCine(a, someMip(a)).frames);
}

TEST(Cine, OfNothingHasNoFrames) {
  EXPECT_TRUE(mipCine(anAssessment().build(), {}).frames.empty());
}

TEST(Cine, RefusesAViewThatIsNotOfItsSize) {
  const ResponseAssessment a = anAssessment().build();
  RotatingMip mip = someMip(a);
  mip.frames[0].suv.clear();
  EXPECT_THROW(mipCine(a, mip), ReportError);
}

}  // namespace
}  // namespace fedpet::report
