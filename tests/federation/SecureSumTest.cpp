// What a hostile coordinator, network or site can try, and what it gets.
#include "federation/secagg/KeyStream.h"
#include "federation/secagg/SecureSum.h"
#include "federation/secagg/Shamir.h"
#include "federation/wire/WireError.h"
#include "tests/federation/SecureSumConsortium.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace fedpet::federation {
namespace {

using namespace testing;

Names without(Names names, const Names& gone) {
  for (const auto& site : gone) names.erase(site);
  return names;
}

// --- what the transcript tells -----------------------------------------------------------------

// Pearson's statistic of the bytes against equal frequencies: 255 degrees of freedom, so mean 255
// and standard deviation sqrt(510) = 22.6.
double chiSquareOfBytes(const Words& words) {
  const Bytes bytes = packWords(words, 8);
  std::array<double, 256> counts{};
  for (const auto byte : bytes) ++counts[byte];
  const double expected = static_cast<double>(bytes.size()) / 256;
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

SecretBytes pairKey(const Consortium& consortium, const std::string& a, const std::string& b) {
  const auto agreed =
      AgreementKey::fromRaw(consortium.secretsOf(a).maskKey.copy())
          .agree(AgreementKey::fromRaw(consortium.secretsOf(b).maskKey.copy()).publicKey());
  return pairMaskKey(agreed, consortium.round().roundId, std::min(a, b), std::max(a, b));
}

void takeOffPairMask(Words& words, const Consortium& consortium, const std::string& site,
                     const std::string& peer) {
  applyMask(words, consortium.round().wordBytes, pairKey(consortium, site, peer),
            site < peer ? MaskSign::Minus : MaskSign::Plus);
}

// The coordinator may rebuild every survivor's self mask, and knows the pairwise masks with sites
// that work for it. While one pairwise mask is missing, a vector of nothing but zeros looks random.
TEST(SecureSum, LeavesUniformWordsWhileOnePairwiseMaskIsUnknown) {
  const Consortium consortium(5);
  const Words zeros(1 << 15);
  const std::string victim = "site-3";
  const auto sent = consortium.masked(victim, consortium.names(), zeros);
  auto unself = sent;
  applyMask(
      unself, 8,
      selfMaskKey(consortium.secretsOf(victim).selfMaskSeed, consortium.round().roundId, victim),
      MaskSign::Minus);
  const auto peers = without(consortium.names(), {victim});
  const unsigned allPeers = (1U << peers.size()) - 1;
  for (unsigned known = 0; known <= allPeers; ++known) {
    auto rest = unself;
    for (unsigned i = 0; const auto& peer : peers)
      if (known >> i++ & 1) takeOffPairMask(rest, consortium, victim, peer);
    if (known == allPeers) {
      EXPECT_EQ(rest, zeros);  // nothing else protects it: the test takes the right things off
    } else {
      // Six standard deviations on each side.
      EXPECT_NEAR(chiSquareOfBytes(rest), 255, 6 * std::sqrt(510)) << known;
    }
  }
  // And with all pairwise masks known, the self mask alone does the same.
  auto selfOnly = sent;
  for (const auto& peer : peers) takeOffPairMask(selfOnly, consortium, victim, peer);
  EXPECT_NEAR(chiSquareOfBytes(selfOnly), 255, 6 * std::sqrt(510));
}

// Site 3 works for the coordinator, sites 1 and 2 are honest. Exhibits another key between 1 and 2
// under which the same masked vectors come from other values, both within their range: who does not
// have that key cannot tell which were sent.
TEST(SecureSum, HasATranscriptThatFitsOtherValuesOfTheSameSum) {
  const Consortium consortium(3, 4);
  const FixedPoint scale({{{"value", 1, 1.0}}}, 3, Masking::Ring32);
  const std::map<std::string, double> truth{{"site-1", 0.75}, {"site-2", -0.5}};
  const auto sentBy = [&](const std::string& site) {
    return consortium.masked(site, consortium.names(), scale.encode(std::vector{truth.at(site)}));
  };
  // All but the mask between the two, as the coordinator can take it off.
  const auto seenOf = [&](const std::string& site) {
    auto words = sentBy(site);
    applyMask(
        words, 4,
        selfMaskKey(consortium.secretsOf(site).selfMaskSeed, consortium.round().roundId, site),
        MaskSign::Minus);
    takeOffPairMask(words, consortium, site, "site-3");
    return words;
  };
  const auto explainedBy = [&](const SecretBytes& key, const std::string& site) {
    auto words = seenOf(site);
    applyMask(words, 4, key, site == "site-1" ? MaskSign::Minus : MaskSign::Plus);
    return words[0];
  };
  const auto valueOf = [&](std::uint64_t word) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(word)) * scale.step(0);
  };
  const auto trueKey = pairKey(consortium, "site-1", "site-2");
  ASSERT_EQ(valueOf(explainedBy(trueKey, "site-1")), 0.75);
  ASSERT_EQ(valueOf(explainedBy(trueKey, "site-2")), -0.5);

  int lower = 0, higher = 0;
  for (int i = 0; i < 100; ++i) {
    const auto otherKey = fixedSecret("another key " + std::to_string(i));
    const double first = valueOf(explainedBy(otherKey, "site-1"));
    const double second = valueOf(explainedBy(otherKey, "site-2"));
    if (std::abs(first) > 1 || std::abs(second) > 1) continue;
    EXPECT_EQ(first + second, 0.25);  // the sum is what the coordinator learns, and all
    ++(first < 0.75 ? lower : higher);
  }
  EXPECT_GT(lower, 5);
  EXPECT_GT(higher, 0);
}

// One share less than the threshold, and the sealed packets, say nothing of a seed: see
// Shares.FitEverySecretWhileOneIsMissing. Here: that a coordinator with fewer reveals is refused.
TEST(SecureSum, IsNotOpenedByFewerRevealsThanTheThreshold) {
  const Consortium consortium(7);
  const auto all = consortium.names();
  const auto values = randomValues(all, 3, 8);
  const auto sum = consortium.maskedSum(all, all, values);
  auto reveals = consortium.reveals(all, all, all);
  while (static_cast<int>(reveals.size()) >= consortium.threshold()) {
    EXPECT_EQ(unmask(sum, consortium.round(), all, all, reveals), plainSum(all, values, 8));
    reveals.erase(reveals.begin());
  }
  EXPECT_THROW(unmask(sum, consortium.round(), all, all, reveals), ProtocolViolation);
}

// --- both secrets of one site ------------------------------------------------------------------

TEST(Reveal, HoldsOneSecretOfEachSharerAndNeverBoth) {
  const Consortium consortium(7);
  const auto all = consortium.names();
  const auto sharers = without(all, {"site-7"});
  const auto survivors = without(sharers, {"site-2"});
  const auto reveal = consortium.reveal("site-4", sharers, survivors);
  for (const auto& site : all) {
    EXPECT_EQ(reveal.selfMaskShares.count(site), survivors.count(site)) << site;
    EXPECT_EQ(reveal.maskKeyShares.count(site), site == "site-2" ? 1U : 0U) << site;
  }
  EXPECT_NO_THROW(requireWellFormed(reveal, sharers, survivors));
}

TEST(Reveal, WithBothSecretsOfASiteIsNotAcceptedByTheCoordinatorEither) {
  const Consortium consortium(7);
  const auto all = consortium.names(), survivors = without(all, {"site-2"});
  const auto sum = consortium.maskedSum(all, survivors, randomValues(all, 3, 8));
  auto reveals = consortium.reveals(all, survivors, survivors);
  reveals["site-4"].selfMaskShares["site-2"] = Bytes(48);
  try {
    requireWellFormed(reveals["site-4"], all, survivors);
    FAIL();
  } catch (const ProtocolViolation& e) {
    EXPECT_STREQ(e.what(), "a reveal holds both secrets of site 'site-2'");
  }
  EXPECT_THROW(unmask(sum, consortium.round(), all, survivors, reveals), ProtocolViolation);
}

TEST(Reveal, IsRefusedForListsOfSurvivorsThatCannotBe) {
  const Consortium consortium(5);  // threshold 4
  const auto all = consortium.names();
  const auto sharers = without(all, {"site-5"});
  EXPECT_NO_THROW(consortium.reveal("site-1", sharers, sharers));
  EXPECT_THROW(consortium.reveal("site-1", sharers, all), ProtocolViolation);  // 5 did not share
  EXPECT_THROW(consortium.reveal("site-1", all, without(all, {"site-1"})), ProtocolViolation);
  EXPECT_THROW(consortium.reveal("site-1", all, without(all, {"site-4", "site-5"})),
               ProtocolViolation);
  auto stranger = all;
  stranger.insert("site-6");
  EXPECT_THROW(consortium.reveal("site-1", all, stranger), ProtocolViolation);
  EXPECT_THROW(makeReveal(consortium.secretsOf("site-1"), consortium.viewOf("site-1"), stranger,
                          all, consortium.packetsFor("site-1", all)),
               ProtocolViolation);
}

TEST(SecureSum, IsRefusedWithFewerThanThreeSites) {
  for (const int sites : {1, 2}) EXPECT_THROW(Consortium{sites}, ProtocolViolation) << sites;
  const Consortium consortium(3);
  const Names two{"site-1", "site-2"};
  EXPECT_THROW(consortium.masked("site-1", two, {1}), ProtocolViolation);
  EXPECT_THROW(consortium.reveal("site-1", consortium.names(), two), ProtocolViolation);
  const auto reveals = consortium.reveals(consortium.names(), consortium.names(), two);
  EXPECT_THROW(unmask({1}, consortium.round(), consortium.names(), two, reveals),
               ProtocolViolation);
}

TEST(MaskedVector, IsRefusedForSharersThatCannotBe) {
  const Consortium consortium(5);  // threshold 4
  const auto all = consortium.names();
  EXPECT_NO_THROW(consortium.masked("site-1", without(all, {"site-2"}), {1}));
  EXPECT_THROW(consortium.masked("site-1", without(all, {"site-1"}), {1}), ProtocolViolation);
  EXPECT_THROW(consortium.masked("site-1", without(all, {"site-2", "site-3"}), {1}),
               ProtocolViolation);
  auto stranger = all;
  stranger.insert("site-6");
  EXPECT_THROW(consortium.masked("site-1", stranger, {1}), ProtocolViolation);
}

// Six and seven sites have the same threshold, and site 1 is the first of both. Were the polynomial
// the same, sites that sit at another point in the other list would collect two shares of it.
TEST(Shares, LieOnAnotherPolynomialForEveryListOfJoins) {
  const Consortium six(6), seven(7);
  ASSERT_EQ(six.threshold(), seven.threshold());
  const auto shareOf = [](const Consortium& consortium) {
    return consortium.reveal("site-1", consortium.names(), consortium.names())
        .selfMaskShares.at("site-1");
  };
  EXPECT_NE(shareOf(six), shareOf(seven));
}

// --- the consistency round ---------------------------------------------------------------------

TEST(Confirmation, NeedsAThresholdOfGenuineSignaturesOfThisList) {
  const Consortium consortium(7);  // threshold 5
  const auto all = consortium.names(), fewer = without(all, {"site-7"});
  const auto keys = consortium.publicKeys();
  const auto check = [&](const Names& survivors, const std::map<std::string, Bytes>& signatures) {
    requireConfirmed(consortium.viewOf("site-1"), survivors, signatures, keys);
  };
  std::map<std::string, Bytes> signatures;
  for (const auto& site : {"site-1", "site-2", "site-3", "site-4"})
    signatures[site] = consortium.confirmation(site, fewer);
  EXPECT_THROW(check(fewer, signatures), ProtocolViolation);  // four of five
  auto counterfeit = signatures;
  counterfeit["site-5"] = consortium.confirmation("site-5", all);  // another list
  EXPECT_THROW(check(fewer, counterfeit), ProtocolViolation);
  counterfeit["site-5"] = signatures["site-4"];  // another's
  EXPECT_THROW(check(fewer, counterfeit), ProtocolViolation);
  counterfeit["site-5"] = {};
  EXPECT_THROW(check(fewer, counterfeit), ProtocolViolation);
  counterfeit.erase("site-5");
  counterfeit["site-7"] = consortium.confirmation("site-7", fewer);  // of one that is not on it
  EXPECT_THROW(check(fewer, counterfeit), ProtocolViolation);
  signatures["site-5"] = consortium.confirmation("site-5", fewer);
  EXPECT_NO_THROW(check(fewer, signatures));
  EXPECT_THROW(check(all, signatures), ProtocolViolation);
  // Without its own word this site is bound to nothing.
  signatures.erase("site-1");
  signatures["site-6"] = consortium.confirmation("site-6", fewer);
  EXPECT_THROW(check(fewer, signatures), ProtocolViolation);
}

TEST(Confirmation, OfAnotherRoundDoesNotCount) {
  const Consortium now(3, 8, "0123456789abcdef-2-1");
  const auto all = now.names();
  std::map<std::string, Bytes> signatures;
  for (const auto& site : all) signatures[site] = now.confirmation(site, all);
  EXPECT_NO_THROW(requireConfirmed(now.viewOf("site-1"), all, signatures, now.publicKeys()));
  auto later = now.viewOf("site-1");
  later.roundId = "0123456789abcdef-3-1";
  EXPECT_THROW(requireConfirmed(later, all, signatures, now.publicKeys()), ProtocolViolation);
}

// Two of seven sites work for the coordinator and sign whatever it likes. However it shows one list
// to some of the honest and another to the rest, it never gets both confirmed.
TEST(Confirmation, CannotBeHadForTwoListsWhileHonestSitesSignOne) {
  const Consortium consortium(7);
  const auto all = consortium.names();
  const std::array lists{all, without(all, {"site-3"})};
  const auto keys = consortium.publicKeys();
  std::array<std::map<std::string, Bytes>, 2> every;
  for (std::size_t list = 0; list < 2; ++list)
    for (const auto& site : lists[list])
      every[list][site] = consortium.confirmation(site, lists[list]);
  const auto confirmed = [&](const std::array<Names, 2>& signers, std::size_t list) {
    std::map<std::string, Bytes> signatures;
    for (const auto& site : signers[list])
      if (every[list].contains(site)) signatures[site] = every[list].at(site);
    try {
      requireConfirmed(consortium.viewOf("site-6"), lists[list], signatures, keys);
      return true;
    } catch (const ProtocolViolation&) {
      return false;
    }
  };
  const std::array honest{"site-1", "site-2", "site-3", "site-4", "site-5"};
  std::array<int, 2> times{};
  for (unsigned choice = 0; choice < 32; ++choice) {
    std::array<Names, 2> signers{Names{"site-6", "site-7"}, Names{"site-6", "site-7"}};
    for (unsigned i = 0; i < honest.size(); ++i) signers[choice >> i & 1].insert(honest[i]);
    const bool first = confirmed(signers, 0), second = confirmed(signers, 1);
    EXPECT_FALSE(first && second) << choice;
    times[0] += first;
    times[1] += second;
  }
  EXPECT_GT(times[0], 0);
  EXPECT_GT(times[1], 0);
}

TEST(SurvivorsDocument, IsAnotherForEveryRoundAndList) {
  std::set<Bytes> documents;
  for (const Names& names :
       {Names{"a", "b"}, Names{"ab"}, Names{"a"}, Names{}, Names{"a", "b", ""}})
    for (const auto* round : {"r-1-1", "r-1-2"})
      EXPECT_TRUE(documents.insert(survivorsDocument(round, names)).second);
}

// --- packets and keys --------------------------------------------------------------------------

class Packets : public ::testing::Test {
 protected:
  RevealBody revealWith(const std::map<std::string, Bytes>& packets,
                        const SecureRound& view) const {
    return makeReveal(consortium_.secretsOf(view.site), view, all_, all_, packets);
  }
  Consortium consortium_{5};
  Names all_ = consortium_.names();
  SecureRound view_ = consortium_.viewOf("site-1");
  std::map<std::string, Bytes> packets_ = consortium_.packetsFor("site-1", all_);
};

TEST_F(Packets, AreRefusedWhenAlteredOrMissing) {
  EXPECT_NO_THROW(revealWith(packets_, view_));
  for (const std::size_t byte : {0U, 11U, 12U, 50U, 107U}) {
    auto altered = packets_;
    altered["site-2"].at(byte) ^= 1;
    EXPECT_THROW(revealWith(altered, view_), ProtocolViolation) << byte;
  }
  auto cut = packets_;
  cut["site-2"].pop_back();
  EXPECT_THROW(revealWith(cut, view_), ProtocolViolation);
  cut["site-2"].clear();
  EXPECT_THROW(revealWith(cut, view_), ProtocolViolation);
  cut.erase("site-2");
  EXPECT_THROW(revealWith(cut, view_), ProtocolViolation);
}

TEST_F(Packets, AreRefusedFromAnotherSenderOrForAnotherReceiver) {
  auto swapped = packets_;
  std::swap(swapped["site-2"], swapped["site-3"]);
  EXPECT_THROW(revealWith(swapped, view_), ProtocolViolation);
  auto reflected = packets_;  // what this site itself sealed for site 2, with the same shared key
  reflected["site-2"] = consortium_.sharesOf("site-1").sealed.at("site-2");
  EXPECT_THROW(revealWith(reflected, view_), ProtocolViolation);
  auto others = packets_;
  others["site-2"] = consortium_.sharesOf("site-2").sealed.at("site-3");
  EXPECT_THROW(revealWith(others, view_), ProtocolViolation);
}

TEST_F(Packets, OfAnotherRoundAreRefusedEvenUnderTheSameKeys) {
  const Consortium earlier(5, 8, "0123456789abcdef-1-0");  // the same secrets
  ASSERT_EQ(earlier.round().joins.at("site-2").maskKey,
            consortium_.round().joins.at("site-2").maskKey);
  auto replayed = packets_;
  replayed["site-2"] = earlier.sharesOf("site-2").sealed.at("site-1");
  EXPECT_THROW(revealWith(replayed, view_), ProtocolViolation);
}

TEST_F(Packets, AreRefusedWhenTheCoordinatorShowsOtherJoinsToThisSite) {
  auto swapped = view_;
  std::swap(swapped.joins["site-2"].maskKey, swapped.joins["site-3"].maskKey);
  EXPECT_THROW(revealWith(packets_, swapped), ProtocolViolation);
  swapped = view_;
  std::swap(swapped.joins["site-2"], swapped.joins["site-3"]);
  EXPECT_THROW(revealWith(packets_, swapped), ProtocolViolation);
  auto lower = view_;
  lower.joins["site-6"] = makeJoin(fixedSecrets("site-6"));
  lower.threshold = shamirThreshold(6, 0.667);
  EXPECT_THROW(revealWith(packets_, lower), ProtocolViolation);
  auto higher = view_;
  higher.threshold = 5;
  EXPECT_THROW(revealWith(packets_, higher), ProtocolViolation);
}

TEST_F(Packets, AndMasksAreNotMadeForKeysThatAreNotRight) {
  const auto& secrets = consortium_.secretsOf("site-1");
  const auto refused = [&](const SecureRound& round) {
    EXPECT_THROW(makeShares(secrets, round), ProtocolViolation);
    EXPECT_THROW(maskValues(secrets, round, all_, Words{1}), ProtocolViolation);
    EXPECT_THROW(makeReveal(secrets, round, all_, all_, packets_), ProtocolViolation);
  };
  auto ownSwapped = view_;  // this site's own keys
  std::swap(ownSwapped.joins["site-1"], ownSwapped.joins["site-2"]);
  refused(ownSwapped);
  auto twice = view_;
  twice.joins["site-3"].maskKey = twice.joins["site-2"].maskKey;
  refused(twice);
  auto bothUses = view_;  // a mask key may be revealed, and would open this site's packets
  bothUses.joins["site-3"].encryptionKey = bothUses.joins["site-3"].maskKey;
  refused(bothUses);
  auto tooShort = view_;
  tooShort.joins["site-3"].maskKey.pop_back();
  refused(tooShort);
  auto noOwn = view_;
  noOwn.joins.erase("site-1");
  refused(noOwn);
  auto lowThreshold = view_;
  lowThreshold.threshold = 3;  // of five: not more than two thirds
  refused(lowThreshold);
  auto highThreshold = view_;
  highThreshold.threshold = 6;
  refused(highThreshold);
  auto oddWords = view_;
  oddWords.wordBytes = 2;
  refused(oddWords);
  auto smallOrder = view_;  // agrees on zero with everybody
  smallOrder.joins["site-3"] = {Bytes(32), Bytes(32, 0)};
  smallOrder.joins["site-3"].maskKey[0] = 1;
  refused(smallOrder);
}

TEST(Join, IsRefusedWithKeysThatNobodyCanUse) {
  const auto good = makeJoin(fixedSecrets("site-1"));
  EXPECT_NO_THROW(requireWellFormed(good));
  EXPECT_THROW(requireWellFormed(JoinBody{good.maskKey, good.maskKey}), ProtocolViolation);
  EXPECT_THROW(requireWellFormed(JoinBody{good.encryptionKey, Bytes(32)}), ProtocolViolation);
  EXPECT_THROW(requireWellFormed(JoinBody{{}, good.maskKey}), ProtocolViolation);
  EXPECT_THROW(requireWellFormed(JoinBody{good.encryptionKey, Bytes(33, 9)}), ProtocolViolation);
}

// --- what the coordinator notices --------------------------------------------------------------

TEST(Unmask, RefusesSharesThatContradictEachOther) {
  const Consortium consortium(5);
  const auto all = consortium.names(), survivors = without(all, {"site-2"});
  const auto sum = consortium.maskedSum(all, survivors, randomValues(all, 3, 8));
  const auto good = consortium.reveals(all, survivors, survivors);
  EXPECT_NO_THROW(unmask(sum, consortium.round(), all, survivors, good));
  auto seed = good;
  seed["site-3"].selfMaskShares["site-4"][0] ^= 1;
  EXPECT_THROW(unmask(sum, consortium.round(), all, survivors, seed), ProtocolViolation);
  auto tag = good;
  tag["site-3"].selfMaskShares["site-4"][47] ^= 1;
  EXPECT_THROW(unmask(sum, consortium.round(), all, survivors, tag), ProtocolViolation);
  auto key = good;
  key["site-3"].maskKeyShares["site-2"][5] ^= 1;
  EXPECT_THROW(unmask(sum, consortium.round(), all, survivors, key), ProtocolViolation);
  auto swapped = good;
  std::swap(swapped["site-3"].selfMaskShares["site-4"], swapped["site-3"].selfMaskShares["site-5"]);
  EXPECT_THROW(unmask(sum, consortium.round(), all, survivors, swapped), ProtocolViolation);
}

TEST(Unmask, RefusesRevealsThatWereNotAskedFor) {
  const Consortium consortium(5);
  const auto all = consortium.names(), survivors = without(all, {"site-2"});
  const auto sum = consortium.maskedSum(all, survivors, randomValues(all, 3, 8));
  const auto good = consortium.reveals(all, survivors, survivors);
  auto incomplete = good;
  incomplete["site-3"].selfMaskShares.erase("site-4");
  EXPECT_THROW(unmask(sum, consortium.round(), all, survivors, incomplete), ProtocolViolation);
  auto resized = good;
  resized["site-3"].maskKeyShares["site-2"].push_back(0);
  EXPECT_THROW(unmask(sum, consortium.round(), all, survivors, resized), ProtocolViolation);
  auto stranger = good;
  stranger["site-2"] = good.at("site-3");
  EXPECT_THROW(unmask(sum, consortium.round(), all, survivors, stranger), ProtocolViolation);
  stranger = good;
  stranger["site-9"] = good.at("site-3");
  EXPECT_THROW(unmask(sum, consortium.round(), all, survivors, stranger), ProtocolViolation);
}

TEST(RunningSum, RefusesAVectorOfAnotherLength) {
  RunningSum sum(3, 4);
  sum.add(packWords(Words{1, 2, 0xffff'ffffU}, 4));
  sum.add(packWords(Words{1, 2, 3}, 4));
  EXPECT_EQ(sum.words(), (Words{2, 4, 2}));
  EXPECT_THROW(sum.add(Bytes(11)), WireError);
  EXPECT_THROW(sum.add(Bytes(24)), WireError);
  EXPECT_EQ(sum.words(), (Words{2, 4, 2}));
}

// --- after a crash -----------------------------------------------------------------------------

TEST(SiteSecrets, RepeatEveryStepAfterTheyWereStored) {
  const Consortium consortium(5);
  const auto all = consortium.names(), survivors = without(all, {"site-2"});
  const auto& before = consortium.secretsOf("site-3");
  const auto after = SiteSecrets::parse(before.serialize().view());
  const auto view = consortium.viewOf("site-3");
  EXPECT_EQ(makeJoin(after).maskKey, makeJoin(before).maskKey);
  EXPECT_EQ(makeJoin(after).encryptionKey, makeJoin(before).encryptionKey);
  const Words values{1, 2, 3};
  EXPECT_EQ(maskValues(after, view, all, values), maskValues(before, view, all, values));
  const auto packets = consortium.packetsFor("site-3", all);
  const auto reveal = makeReveal(before, view, all, survivors, packets),
             again = makeReveal(after, view, all, survivors, packets);
  EXPECT_EQ(again.selfMaskShares, reveal.selfMaskShares);
  EXPECT_EQ(again.maskKeyShares, reveal.maskKeyShares);
  // Packets differ in their nonces, and hold the same shares for whoever receives them.
  auto repeated = consortium.packetsFor("site-1", all);
  const auto first =
      makeReveal(consortium.secretsOf("site-1"), consortium.viewOf("site-1"), all, all, repeated);
  repeated["site-3"] = makeShares(after, view).sealed.at("site-1");
  EXPECT_NE(repeated["site-3"], consortium.packetsFor("site-1", all)["site-3"]);
  EXPECT_EQ(
      makeReveal(consortium.secretsOf("site-1"), consortium.viewOf("site-1"), all, all, repeated)
          .selfMaskShares,
      first.selfMaskShares);
}

TEST(SiteSecrets, AreNewEachTimeAndRefuseADamagedJournal) {
  const auto one = SiteSecrets::generate(), two = SiteSecrets::generate();
  EXPECT_NE(toHex(one.serialize().view()), toHex(two.serialize().view()));
  EXPECT_NE(toHex(one.encryptionKey.view()), toHex(one.maskKey.view()));
  const auto stored = one.serialize();
  EXPECT_THROW(SiteSecrets::parse({}), WireError);
  EXPECT_THROW(SiteSecrets::parse(stored.view().first(stored.size() - 1)), WireError);
  Bytes later(stored.view().begin(), stored.view().end());
  later[0] = 2;
  EXPECT_THROW(SiteSecrets::parse(later), WireError);
}

}  // namespace
}  // namespace fedpet::federation
