#include "federation/secagg/KeyStream.h"
#include "federation/secagg/Shamir.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

namespace fedpet::federation {
namespace {

using Points = std::vector<std::uint16_t>;

std::uint16_t power(std::uint16_t base, int exponent) {
  std::uint16_t result = 1;
  for (int i = 0; i < exponent; ++i) result = multiplyInField(result, base);
  return result;
}

SecretBytes aSeed(std::uint8_t fill = 7) { return SecretBytes(Bytes(32, fill)); }

SecretBytes joined(const std::vector<SecretBytes>& shares, const Points& points) {
  std::vector<ByteView> views;
  for (const auto point : points) views.push_back(shares.at(point - 1U).view());
  return Interpolation(points)(views);
}

// By hand: (x+1)(x+1) = x^2+1; x^15 * x = x^16 = x^12 + x^3 + x + 1.
TEST(SharingField, MultipliesLikePolynomials) {
  EXPECT_EQ(multiplyInField(3, 3), 5);
  EXPECT_EQ(multiplyInField(0x8000, 2), 0x100b);
  EXPECT_EQ(multiplyInField(0xffff, 1), 0xffff);
  EXPECT_EQ(multiplyInField(0xffff, 0), 0);
}

// x generates all 2^16 - 1 = 3 * 5 * 17 * 257 elements but 0. So the polynomial is irreducible, and
// this is a field.
TEST(SharingField, IsAField) {
  EXPECT_EQ(power(2, 65535), 1);
  for (const int prime : {3, 5, 17, 257}) EXPECT_NE(power(2, 65535 / prime), 1) << prime;
  for (int a = 1; a <= 65535; ++a) {
    const auto element = static_cast<std::uint16_t>(a);
    ASSERT_EQ(multiplyInField(element, invertInField(element)), 1) << a;
  }
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto a = static_cast<std::uint16_t>(random()), b = static_cast<std::uint16_t>(random()),
               c = static_cast<std::uint16_t>(random());
    ASSERT_EQ(multiplyInField(a, b), multiplyInField(b, a));
    ASSERT_EQ(multiplyInField(a, b ^ c), multiplyInField(a, b) ^ multiplyInField(a, c));
  }
}

// By hand: f(x) = 5 + 3x has f(1) = 5^3 = 6, f(2) = 5^6 = 3, f(3) = 5^5 = 0.
TEST(Interpolation, FindsALineByHand) {
  const Bytes one{6, 0}, two{3, 0}, three{0, 0};
  EXPECT_EQ(toHex(Interpolation(Points{1, 2})(std::vector<ByteView>{one, two}).view()), "0500");
  EXPECT_EQ(toHex(Interpolation(Points{3, 1})(std::vector<ByteView>{three, one}).view()), "0500");
  EXPECT_EQ(toHex(Interpolation(Points{1, 2}, 3)(std::vector<ByteView>{one, two}).view()), "0000");
}

// By hand: f(x) = 0x1234 + 0x8000 x + x^2 has f(1) = 0x1234 ^ 0x8000 ^ 1 = 0x9235,
// f(2) = 0x1234 ^ 0x100b ^ 4 = 0x023b, f(3) = 0x1234 ^ (0x100b ^ 0x8000) ^ 5 = 0x823a.
TEST(Interpolation, FindsAParabolaByHand) {
  const Bytes one{0x35, 0x92}, two{0x3b, 0x02}, three{0x3a, 0x82};
  const std::vector<ByteView> shares{one, two, three};
  EXPECT_EQ(toHex(Interpolation(Points{1, 2, 3})(shares).view()), "3412");
}

TEST(Shares, GiveTheSecretBackFromAnyThresholdOfThem) {
  const Bytes secret = fromHex("00112233445566778899aabbccddeeff");
  const auto shares = splitSecret(secret, 6, 4, aSeed());
  ASSERT_EQ(shares.size(), 6U);
  for (unsigned subset = 0; subset < 64; ++subset) {
    Points points;
    for (std::uint16_t i = 0; i < 6; ++i)
      if (subset >> i & 1) points.push_back(static_cast<std::uint16_t>(i + 1));
    if (points.size() < 3) continue;
    const bool enough = points.size() >= 4;
    EXPECT_EQ(toHex(joined(shares, points).view()) == toHex(secret), enough) << subset;
  }
}

// What makes it a secret: for one share less than the threshold, every secret has shares that fit.
TEST(Shares, FitEverySecretWhileOneIsMissing) {
  const Bytes secret = fromHex("0011");
  const auto shares = splitSecret(secret, 5, 3, aSeed());
  for (int guess = 0; guess < 65536; guess += 251) {
    const Bytes other{static_cast<std::uint8_t>(guess), static_cast<std::uint8_t>(guess >> 8)};
    // The polynomial through the guess and two shares; its third share completes the deception.
    const std::vector<ByteView> known{other, shares[0].view(), shares[3].view()};
    const auto third = Interpolation(Points{0, 1, 4}, 2)(known);
    const std::vector<ByteView> three{shares[0].view(), third.view(), shares[3].view()};
    ASSERT_EQ(toHex(Interpolation(Points{1, 2, 4})(three).view()), toHex(other));
  }
}

TEST(Shares, AreTheSameForTheSameSeedOnly) {
  const Bytes secret = fromHex("0011223344556677");
  const auto once = splitSecret(secret, 5, 3, aSeed()), again = splitSecret(secret, 5, 3, aSeed()),
             other = splitSecret(secret, 5, 3, aSeed(8));
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(toHex(once[i].view()), toHex(again[i].view()));
    EXPECT_NE(toHex(once[i].view()), toHex(other[i].view()));
  }
}

TEST(Shares, ReachBeyondThe255SitesOfAByteWiseField) {
  const Bytes secret = fromHex("00112233");
  const auto shares = splitSecret(secret, 600, 401, aSeed());
  Points points;
  for (std::uint16_t point = 200; point <= 600; ++point) points.push_back(point);
  EXPECT_EQ(toHex(joined(shares, points).view()), toHex(secret));
}

TEST(Shares, RefuseImpossibleNumbers) {
  const Bytes secret = fromHex("0011");
  EXPECT_THROW(splitSecret(secret, 3, 4, aSeed()), CryptoError);
  EXPECT_THROW(splitSecret(secret, 3, 0, aSeed()), CryptoError);
  EXPECT_THROW(splitSecret(secret, 65536, 3, aSeed()), CryptoError);
  EXPECT_THROW(splitSecret(fromHex("001122"), 3, 2, aSeed()), CryptoError);
  EXPECT_THROW(splitSecret(secret, 3, 2, SecretBytes(16)), CryptoError);
  EXPECT_THROW(Interpolation(Points{1, 2, 1}), CryptoError);
  const Bytes two{1, 2}, four{1, 2, 3, 4}, odd{1};
  EXPECT_THROW(Interpolation(Points{1, 2})(std::vector<ByteView>{two}), CryptoError);
  EXPECT_THROW(Interpolation(Points{1, 2})(std::vector<ByteView>{two, four}), CryptoError);
  EXPECT_THROW(Interpolation(Points{1})(std::vector<ByteView>{odd}), CryptoError);
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 and 14, whose key and
// nonce are zero: H is the block for counter 0, the tag of case 13 that for 1, C of case 14 for 2.
TEST(KeyStream, IsAes256InCounterMode) {
  KeyStream stream(SecretBytes(32));
  Bytes blocks(48);
  stream.fill(std::span(blocks).first(20));
  stream.fill(std::span(blocks).subspan(20));
  EXPECT_EQ(toHex(blocks),
            "dc95c078a2408989ad48a21492842087"
            "530f8afbc74536b9a963b4f1c4cb738b"
            "cea7403d4d606b6e074ec5d3baf39d18");
}

TEST(KeyStream, BeginsWhereItIsTold) {
  const SecretBytes key = SecretBytes::random(32);
  Bytes whole(5000), part(1000);
  KeyStream(key).fill(whole);
  KeyStream(key, 4000).fill(part);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 4000));
  EXPECT_THROW(KeyStream(key, 8), CryptoError);
}

TEST(Masks, AreTheSameAllAtOnceAndOnSeveralCores) {
  for (const int wordBytes : {4, 8})
    for (const std::size_t length : {1U, 100U, 8192U, 50'001U}) {
      std::vector<Mask> masks;
      for (int i = 0; i < 70; ++i)  // more than are open at once
        masks.push_back({SecretBytes::random(32), i % 3 == 0 ? MaskSign::Plus : MaskSign::Minus});
      std::vector<std::uint64_t> expected(length, 77), words(length, 77), alone(length, 77);
      for (const Mask& mask : masks) applyMask(expected, wordBytes, mask.key32, mask.sign);
      applyMasks(alone, wordBytes, masks);
      applyMasks(words, wordBytes, masks, 3);
      EXPECT_EQ(alone, expected) << length;
      EXPECT_EQ(words, expected) << length;
    }
}

TEST(Mask, IsTheStreamAsWordsAndGoesAwayAgain) {
  std::vector<std::uint64_t> words(10000, 5), narrow(10000, 5);
  const SecretBytes key(32);
  applyMask(words, 8, key, MaskSign::Plus);
  EXPECT_EQ(words[0], 0x8989'40a2'78c0'95dcU + 5);  // the block above, little-endian
  applyMask(narrow, 4, key, MaskSign::Minus);
  EXPECT_EQ(narrow[0], (5 - std::uint64_t{0x78c0'95dcU}) & 0xffff'ffffU);
  EXPECT_EQ(narrow[1], (5 - std::uint64_t{0x8989'40a2U}) & 0xffff'ffffU);
  // Beyond the first block too, no two words are masked alike.
  EXPECT_EQ(std::set<std::uint64_t>(words.begin(), words.end()).size(), words.size());
  applyMask(words, 8, key, MaskSign::Minus);
  applyMask(narrow, 4, key, MaskSign::Plus);
  EXPECT_EQ(words, std::vector<std::uint64_t>(10000, 5));
  EXPECT_EQ(narrow, words);
}

TEST(MaskKeys, AreDifferentForEveryRoundAndEveryOwner) {
  const auto secret = aSeed();
  std::set<std::string> keys;
  for (const auto* round : {"r-1-1", "r-1-2"}) {
    for (const auto* site : {"a", "b"}) keys.insert(toHex(selfMaskKey(secret, round, site).view()));
    keys.insert(toHex(pairMaskKey(secret, round, "a", "b").view()));
    keys.insert(toHex(pairMaskKey(secret, round, "a", "c").view()));
    keys.insert(toHex(pairMaskKey(secret, round, "ab", "").view()));
  }
  EXPECT_EQ(keys.size(), 10U);
}

}  // namespace
}  // namespace fedpet::federation
