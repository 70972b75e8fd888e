#include "federation/secagg/FixedPoint.h"
#include "federation/wire/WireError.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace fedpet::federation {
namespace {

SumLayout oneField(double bound, std::size_t length = 1) { return {{{"gradient", length, bound}}}; }
std::uint64_t ringOf(Masking masking) {
  return masking == Masking::Ring32 ? 0xffff'ffffU : ~std::uint64_t{0};
}

// By hand: 4 * (1 * 2^k + 1) < 2^63 holds up to k = 60 (2^62 + 4), and 4 * (2^61 + 1) is 2^63 + 4.
// 3 * (10 * 2^k + 1) < 2^31: 30 * 2^26 = 2.01e9 < 2.147e9, and 2^27 gives 4.03e9.
TEST(FixedPoint, TakesTheLargestPowerOfTwoThatCannotOverflow) {
  EXPECT_EQ(FixedPoint(oneField(1), 4, Masking::Ring64).step(0), std::ldexp(1, -60));
  EXPECT_EQ(FixedPoint(oneField(1), 4, Masking::None).step(0), std::ldexp(1, -60));
  EXPECT_EQ(FixedPoint(oneField(10), 3, Masking::Ring32).step(0), std::ldexp(1, -26));
  // 2 * (bound * 2^k + 1) < 2^31 is bound * 2^k < 2^30 - 1: met by 2^30 - 2 and not by 2^30 - 1.
  EXPECT_EQ(FixedPoint(oneField(0x1p30 - 2), 2, Masking::Ring32).step(0), 1);
  EXPECT_EQ(FixedPoint(oneField(0x1p30 - 1), 2, Masking::Ring32).step(0), 2);
  // The fraction counts: 3 * (bound + 1) < 2^31 is bound < 715827881.67.
  EXPECT_EQ(FixedPoint(oneField(715827881.66), 3, Masking::Ring32).step(0), 1);
  EXPECT_EQ(FixedPoint(oneField(715827881.67), 3, Masking::Ring32).step(0), 2);
}

TEST(FixedPoint, WritesNegativeNumbersAsTwosComplement) {
  const FixedPoint ring64(oneField(1), 4, Masking::Ring64);
  EXPECT_EQ(ring64.encode(std::vector{-1.0})[0], 0xf000'0000'0000'0000U);
  const FixedPoint ring32(oneField(10), 3, Masking::Ring32);  // step 2^-26
  EXPECT_EQ(ring32.encode(std::vector{-10.0})[0], 0x1'0000'0000U - 0x2800'0000U);
  EXPECT_EQ(ring32.encode(std::vector{0x1p-27})[0], 0U);  // ties to even
  EXPECT_EQ(ring32.encode(std::vector{0x3p-27})[0], 2U);
}

// The ends of the range and everything between, for bounds of all magnitudes: what sites send adds
// up, modulo the ring, to what they meant.
TEST(FixedPoint, NeverOverflowsWhateverTheSitesSend) {
  std::mt19937_64 random(20260301);
  int cases = 0;
  for (const Masking masking : {Masking::None, Masking::Ring64, Masking::Ring32})
    for (const int sites : {1, 2, 3, 7, 8, 50, 255, 1000, 2000})
      for (const double bound : {5e-290, 1e-9, 0.1, 1.0, 1.0 / 3, 0.9999999999999999, 12345.678,
                                 9e15, 1e300, 0x1.fffffffffffffp1011}) {
        const FixedPoint scale(oneField(bound, 6), sites, masking);
        std::vector<std::uint64_t> sum(6);
        std::vector<double> exact(6);  // as shares of the bound, so that this sum cannot overflow
        std::uniform_real_distribution<double> uniform(-1, 1);
        for (int site = 0; site < sites; ++site) {
          const std::vector<double> shares{
              1, -1, site % 2 ? 1.0 : -1.0, 0, uniform(random), std::nextafter(1, 0)};
          std::vector<double> values;
          for (const double share : shares) values.push_back(share * bound);
          const auto words = scale.encode(values);
          for (std::size_t i = 0; i < sum.size(); ++i) {
            ASSERT_EQ(words[i] & ~ringOf(masking), 0U);
            sum[i] = (sum[i] + words[i]) & ringOf(masking);
            exact[i] += shares[i];
          }
        }
        const auto decoded = scale.decode(sum);
        // Half a step for each rounding, and what doubles lose in `exact` itself.
        const double allowed = sites * (scale.step(0) / 2 + 1e-15 * sites * bound);
        for (std::size_t i = 0; i < sum.size(); ++i)
          ASSERT_NEAR(decoded[i], exact[i] * bound, allowed) << sites << " " << bound << " " << i;
        ++cases;
      }
  EXPECT_EQ(cases, 3 * 9 * 10);
}

TEST(FixedPoint, GivesEachFieldItsOwnScale) {
  const SumLayout layout{{{"weights", 2, 1.0}, {"patients", 1, 1e6}}};
  const FixedPoint scale(layout, 3, Masking::Ring64);
  EXPECT_LT(scale.step(0), scale.step(1));
  const std::vector<double> values{0.5, -0.25, 731};
  EXPECT_EQ(scale.decode(scale.encode(values)), values);
}

TEST(FixedPoint, RefusesAValueThatIsNotANumberOrBeyondItsBoundAndNamesTheField) {
  const FixedPoint scale({{{"weights", 1, 1.0}, {"loss", 1, 2.0}}}, 3, Masking::Ring64);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {std::nan(""), infinity, -infinity, std::nextafter(2.0, 3.0), -1e300}) {
    try {
      scale.encode(std::vector{0.5, bad});
      FAIL() << bad;
    } catch (const RangeError& e) {
      EXPECT_NE(std::string(e.what()).find("'loss'"), std::string::npos) << e.what();
    }
  }
  EXPECT_NO_THROW(scale.encode(std::vector{-1.0, 2.0}));
  EXPECT_THROW(scale.encode(std::vector{0.5}), RangeError);
  EXPECT_THROW(scale.encode(std::vector{0.5, 0.5, 0.5}), RangeError);
}

// By hand: 32767 sites leave fewer than 2^31 / 32767 - 1 = 65537.0001 steps, which holds 65536;
// 32768 sites leave 65535, so that a bound of 65536 gets 32768 steps: below 2^16.
TEST(FixedPoint, RefusesThirtyTwoBitsThatAreTooCoarseBeforeAnythingIsSent) {
  EXPECT_NO_THROW(FixedPoint(oneField(65536), 32767, Masking::Ring32));
  EXPECT_THROW(FixedPoint(oneField(65536), 32768, Masking::Ring32), RangeError);
  EXPECT_NO_THROW(FixedPoint(oneField(65536), 32768, Masking::Ring64));
  // 2^31 / 30000 - 1 = 71581.8: 1.5 * 2^16 = 98304 is too much, and 1.5 * 2^15 too coarse.
  EXPECT_THROW(FixedPoint(oneField(1.5), 30000, Masking::Ring32), RangeError);
  EXPECT_NO_THROW(FixedPoint(oneField(1.0), 30000, Masking::Ring32));
}

TEST(FixedPoint, RefusesBoundsAndSitesThatMeanNothing) {
  for (const double bad :
       {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::max()})
    EXPECT_THROW(FixedPoint(oneField(bad), 3, Masking::Ring64), RangeError) << bad;
  EXPECT_THROW(FixedPoint(oneField(1), 0, Masking::Ring64), RangeError);
  EXPECT_THROW(FixedPoint(oneField(1), -3, Masking::Ring64), RangeError);
}

TEST(FixedPoint, RefusesASumThatItsSitesCannotGive) {
  const FixedPoint scale(oneField(10), 3, Masking::Ring32);  // 10 is 0x28000000 steps
  EXPECT_DOUBLE_EQ(scale.decode(std::vector<std::uint64_t>{3 * 0x2800'0000U})[0], 30);
  EXPECT_THROW(scale.decode(std::vector<std::uint64_t>{0x7fff'ffffU}), RangeError);
  EXPECT_THROW(scale.decode(std::vector<std::uint64_t>{0x8000'0000U}), RangeError);
  EXPECT_THROW(
      FixedPoint(oneField(1), 3, Masking::Ring64).decode(std::vector{std::uint64_t{1} << 63}),
      RangeError);
}

TEST(PackedWords, TravelLittleEndian) {
  const std::vector<std::uint64_t> words{0x0102'0304'0506'0708U, 1};
  EXPECT_EQ(toHex(packWords(words, 8)), "08070605040302010100000000000000");
  EXPECT_EQ(toHex(packWords(words, 4)), "0807060501000000");
  EXPECT_EQ(unpackWords(packWords(words, 8), 8), words);
  EXPECT_EQ(unpackWords(packWords(words, 4), 4), (std::vector<std::uint64_t>{0x0506'0708U, 1}));
  EXPECT_TRUE(unpackWords({}, 8).empty());
  EXPECT_THROW(unpackWords(Bytes(15), 8), WireError);
  EXPECT_THROW(unpackWords(Bytes(7), 4), WireError);
}

}  // namespace
}  // namespace fedpet::federation
