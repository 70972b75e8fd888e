#include "models/imaging/SuvScaling.h"
#include "tests/support/PetSeriesBuilder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace fedpet::imaging {
namespace {

using fedpet::testing::aPetSeries;
using fedpet::testing::at;
using fedpet::testing::kBaseSuvFactor;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr std::chrono::duration<double> operator""_s(long double value) {
  return std::chrono::duration<double>(static_cast<double>(value));
}

TEST(SuvScaling, CountsDecayFromInjectionToReferenceTime) {
  // 70000 g / (350e6 Bq x 2^(-3600/6586.2)), by hand.
  EXPECT_NEAR(suvBwPerBqPerMl({.patientWeightKg = 70,
                               .injectedActivityBq = 350e6,
                               .halfLife = 6586.2_s,
                               .decay = 3600.0_s}),
              kBaseSuvFactor, 1e-10);
}

TEST(SuvScaling, DoublesAfterOneHalfLife) {
  const double now = suvBwPerBqPerMl({70, 350e6, 6586.2_s, 0.0_s});
  const double later = suvBwPerBqPerMl({70, 350e6, 6586.2_s, 6586.2_s});
  EXPECT_DOUBLE_EQ(now, 2e-4);
  EXPECT_DOUBLE_EQ(later, 4e-4);
}

TEST(SuvScaling, KnowsLeanBodyMassByJanmahasatian) {
  // Man: calculate-suv's unit test. Woman, 60 kg, 1.60 m: BMI 23.4375, 9270 x 60 / 14498.75.
  EXPECT_NEAR(leanBodyMassKg({Sex::Male, 75, 1.85}), 60.91533589, 1e-8);
  EXPECT_NEAR(leanBodyMassKg({Sex::Female, 60, 1.60}), 38.3619277, 1e-6);
}

TEST(SuvScaling, NamesEverythingThatIsMissingAtOnce) {
  const auto scaling = suvScaling(aPetSeries().withoutWeight().withActivityBq({}));
  ASSERT_FALSE(scaling);
  ASSERT_EQ(scaling.error().reasons.size(), 2U);
  EXPECT_EQ(scaling.error().reasons[0].code, RefusalCode::WeightMissing);
  EXPECT_EQ(scaling.error().reasons[1].code, RefusalCode::DoseMissing);
}

TEST(SuvScaling, RefusesAWeightInGrams) {
  EXPECT_EQ(suvScaling(aPetSeries().withWeightKg(70000)).error().code(),
            RefusalCode::WeightMissing);
}

TEST(SuvScaling, RefusesAHalfLifeInMinutesForF18) {
  EXPECT_EQ(suvScaling(aPetSeries().withHalfLifeSeconds(109.77)).error().code(),
            RefusalCode::HalfLifeMissing);
}

TEST(SuvScaling, RefusesNumbersThatAreNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, inf, -inf}) {
    EXPECT_FALSE(suvScaling(aPetSeries().withWeightKg(bad)));
    EXPECT_FALSE(suvScaling(aPetSeries().withActivityBq(bad)));
    EXPECT_FALSE(suvScaling(aPetSeries().withHalfLifeSeconds(bad)));
    EXPECT_FALSE(suvScaling(aPetSeries().withUnits("CNTS").withPhilipsFactors(bad, bad)));
  }
}

TEST(SuvScaling, NeedsAnAcquisitionTimeToTrustTheSeriesTime) {
  const auto series = aPetSeries().with([](PetSeries& s) {
    for (PetSlice& slice : s.slices) slice.acquisitionDateTime.reset();
  });
  EXPECT_EQ(suvScaling(series).error().code(), RefusalCode::TimesMissing);
}

TEST(SuvScaling, TellsTheUptakeTimeAndWarnsWhereItIsUnusual) {
  EXPECT_NEAR(*suvScaling(aPetSeries())->uptakeMinutes, 60, 1e-9);
  EXPECT_THAT(suvScaling(aPetSeries().withInjection(at(8, 0), {}))->warnings,
              Contains(HasSubstr("180 min")));
}

// DRO_3_2 of the IBSI SUV objects in small: the mean count rate of a frame of 603 s lies 300 s
// after its start, so both beds point back to 11:00:00.
TEST(SuvScaling, GoesBackFromFrameReferenceTimesThatAgree) {
  const auto series = aPetSeries().withSeriesTime(at(11, 30)).with([](PetSeries& s) {
    for (std::size_t k = 0; k < s.slices.size(); ++k) {
      s.slices[k].acquisitionDateTime = k < 2 ? at(11, 2, 30) : at(11, 5);
      s.slices[k].frameReferenceTime = seconds(k < 2 ? 450 : 600);
      s.slices[k].actualFrameDuration = seconds(603);
    }
  });
  EXPECT_NEAR(suvScaling(series)->suvBwPerUnit / kBaseSuvFactor, 1, 1e-4);
}

TEST(SuvScaling, IgnoresFrameReferenceTimesThatContradictEachOther) {
  const auto series = aPetSeries().withSeriesTime(at(11, 30)).with([](PetSeries& s) {
    for (std::size_t k = 0; k < s.slices.size(); ++k) {
      s.slices[k].frameReferenceTime = minutes(10 + 5 * static_cast<int>(k));
      s.slices[k].actualFrameDuration = minutes(3);
    }
  });
  EXPECT_NEAR(suvScaling(series)->suvBwPerUnit / kBaseSuvFactor, 1, 1e-6);
}

TEST(SuvVolume, TakesThePixelsWithoutACopy) {
  PetSeries series = aPetSeries();
  const float* pixels = series.pixels.data();
  const auto scaling = suvScaling(series);
  const auto volume = toSuvVolume(std::move(series), *scaling);
  ASSERT_TRUE(volume);
  EXPECT_EQ(volume->suvBw.data(), pixels);
}

TEST(SuvVolume, IsRefusedWhenAPixelIsNotFiniteOrMissing) {
  PetSeries series = aPetSeries();
  const auto scaling = suvScaling(series);
  series.pixels[7] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(toSuvVolume(series, *scaling).error().code(), RefusalCode::UnreadableDicom);
  series.pixels.pop_back();
  EXPECT_EQ(toSuvVolume(series, *scaling).error().code(), RefusalCode::UnreadableDicom);
}

}  // namespace
}  // namespace fedpet::imaging
