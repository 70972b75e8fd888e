// Every way in which sites of a small consortium can leave a round, at every step.
#include "tests/federation/SecureSumConsortium.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace fedpet::federation {
namespace {

using namespace testing;

using Mask = unsigned;  // bit i: the i-th site by name

enum Fate { Stays, GoneBeforeShare, GoneBeforeContribute, GoneBeforeConfirm, GoneBeforeReveal };
constexpr int kFates = 5;

// One function's outcomes, computed once for each set of sites that it depends on: patterns share
// most of them.
template <typename Key, typename Value>
class Remembered {
 public:
  template <typename Make>
  const Value& get(const Key& key, Make make) {
    const auto found = values_.find(key);
    return found != values_.end() ? found->second : values_.emplace(key, make()).first->second;
  }

 private:
  std::map<Key, Value> values_;
};

template <typename Action>
bool isRefused(Action action) {
  try {
    action();
  } catch (const ProtocolViolation&) {
    return true;
  }
  return false;
}

class Rounds {
 public:
  Rounds(int sites, int wordBytes)
      : consortium_(sites, wordBytes),
        values_(randomValues(consortium_.names(), 5, wordBytes)),
        keys_(consortium_.publicKeys()) {}

  // nullopt: somebody refused, and so did everybody else who was asked the same.
  std::optional<Words> run(Mask sharers, Mask survivors, Mask confirmers, Mask revealers) {
    if (!mayContribute(sharers) || !mayReveal(sharers, survivors) ||
        !areConfirmed(survivors, confirmers))
      return std::nullopt;
    return opened(sharers, survivors, revealers);
  }

  int threshold() const { return consortium_.threshold(); }
  Words expected(Mask survivors) const {
    return plainSum(namesOf(survivors), values_, consortium_.round().wordBytes);
  }

 private:
  Names namesOf(Mask mask) const {
    Names names;
    for (Mask i = 0; const auto& site : consortium_.names())
      if (mask >> i++ & 1) names.insert(site);
    return names;
  }

  // Asks everybody: they must agree.
  template <typename Ask>
  bool allOrNone(const Names& sites, Ask ask) {
    int refusals = 0;
    for (const auto& site : sites) refusals += isRefused([&] { ask(site); });
    EXPECT_TRUE(refusals == 0 || refusals == static_cast<int>(sites.size()));
    return refusals == 0 && !sites.empty();
  }

  bool mayContribute(Mask sharers) {
    return mayContribute_.get(sharers, [&] {
      return allOrNone(namesOf(sharers), [&](const std::string& site) {
        masked_[{sharers, site}] = consortium_.masked(site, namesOf(sharers), values_.at(site));
      });
    });
  }

  bool mayReveal(Mask sharers, Mask survivors) {
    return mayReveal_.get({sharers, survivors}, [&] {
      return allOrNone(namesOf(survivors), [&](const std::string& site) {
        reveals_[{sharers, survivors}][site] =
            consortium_.reveal(site, namesOf(sharers), namesOf(survivors));
      });
    });
  }

  bool areConfirmed(Mask survivors, Mask confirmers) {
    return areConfirmed_.get({survivors, confirmers}, [&] {
      std::map<std::string, Bytes> signatures;
      for (const auto& site : namesOf(confirmers))
        signatures[site] = signatures_.get(
            {survivors, site}, [&] { return consortium_.confirmation(site, namesOf(survivors)); });
      return allOrNone(namesOf(confirmers), [&](const std::string& site) {
        requireConfirmed(consortium_.viewOf(site), namesOf(survivors), signatures, keys_);
      });
    });
  }

  std::optional<Words> opened(Mask sharers, Mask survivors, Mask revealers) {
    return opened_.get({sharers, survivors, revealers}, [&]() -> std::optional<Words> {
      const auto& round = consortium_.round();
      RunningSum sum(5, round.wordBytes);
      for (const auto& site : namesOf(survivors))
        sum.add(packWords(masked_.at({sharers, site}), round.wordBytes));
      std::map<std::string, RevealBody> reveals;
      for (const auto& site : namesOf(revealers))
        reveals[site] = reveals_.at({sharers, survivors}).at(site);
      try {
        return unmask(sum.words(), round, namesOf(sharers), namesOf(survivors), reveals);
      } catch (const ProtocolViolation&) {
        return std::nullopt;
      }
    });
  }

  Consortium consortium_;
  std::map<std::string, Words> values_;
  std::map<std::string, PublicKey> keys_;
  std::map<std::pair<Mask, std::string>, Words> masked_;
  std::map<std::pair<Mask, Mask>, std::map<std::string, RevealBody>> reveals_;
  Remembered<Mask, bool> mayContribute_;
  Remembered<std::pair<Mask, Mask>, bool> mayReveal_, areConfirmed_;
  Remembered<std::pair<Mask, std::string>, Bytes> signatures_;
  Remembered<std::tuple<Mask, Mask, Mask>, std::optional<Words>> opened_;
};

int powerOf(int base, int exponent) {
  int result = 1;
  while (exponent-- > 0) result *= base;
  return result;
}

int binomial(int n, int k) {
  int result = 1;
  for (int i = 1; i <= k; ++i) result = result * (n - k + i) / i;
  return result;
}

class EveryDropoutPattern : public ::testing::TestWithParam<std::pair<int, int>> {};

TEST_P(EveryDropoutPattern, GivesTheSurvivorsSumOrIsRefused) {
  const auto [sites, wordBytes] = GetParam();
  Rounds rounds(sites, wordBytes);
  int openedCount = 0;
  for (int pattern = 0; pattern < powerOf(kFates, sites); ++pattern) {
    Mask sharers = 0, survivors = 0, confirmers = 0, revealers = 0;
    for (int i = 0, rest = pattern; i < sites; ++i, rest /= kFates) {
      const int fate = rest % kFates;
      const Mask bit = 1U << i;
      if (fate != GoneBeforeShare) sharers |= bit;
      if (fate != GoneBeforeShare && fate != GoneBeforeContribute) survivors |= bit;
      if (fate == Stays || fate == GoneBeforeReveal) confirmers |= bit;
      if (fate == Stays) revealers |= bit;
    }
    const auto sum = rounds.run(sharers, survivors, confirmers, revealers);
    ASSERT_EQ(sum.has_value(), std::popcount(revealers) >= rounds.threshold()) << pattern;
    if (!sum) continue;
    ASSERT_EQ(*sum, rounds.expected(survivors)) << pattern;
    ++openedCount;
  }
  // k sites that leave, each in one of four ways.
  int expectedCount = 0;
  for (int gone = 0; gone <= sites - rounds.threshold(); ++gone)
    expectedCount += binomial(sites, gone) * powerOf(kFates - 1, gone);
  EXPECT_EQ(openedCount, expectedCount);
}

INSTANTIATE_TEST_SUITE_P(UpToSevenSites, EveryDropoutPattern,
                         ::testing::Values(std::pair{3, 8}, std::pair{4, 8}, std::pair{5, 8},
                                           std::pair{6, 8}, std::pair{7, 8}, std::pair{7, 4}),
                         [](const auto& parameter) {
                           return std::to_string(parameter.param.first) + "SitesOf" +
                                  std::to_string(parameter.param.second) + "Bytes";
                         });

// More than two thirds must stay: t > 2n/3, so fewer than a third may leave.
TEST(SecureSum, SurvivesTheLossOfEveryNumberBelowAThirdAtAnyStep) {
  for (int sites = 3; sites <= 12; ++sites) {
    const Consortium consortium(sites);
    const auto values = randomValues(consortium.names(), 3, 8);
    const int gone = (sites - 1) / 3;
    Names all = consortium.names(), rest = all;
    for (int i = 0; i < gone; ++i) rest.erase(rest.begin());
    const auto opened = [&](const Names& sharers, const Names& survivors) {
      return unmask(consortium.maskedSum(sharers, survivors, values), consortium.round(), sharers,
                    survivors, consortium.reveals(sharers, survivors, rest));
    };
    EXPECT_EQ(opened(rest, rest), plainSum(rest, values, 8)) << sites;  // before sharing
    EXPECT_EQ(opened(all, rest), plainSum(rest, values, 8)) << sites;   // before contributing
    EXPECT_EQ(opened(all, all), plainSum(all, values, 8)) << sites;     // before revealing
  }
}

// By hand; 0.667 n rounded up: 3, 3, 4, 5, 5, 6, 7 (6.003) and 34, 667.
TEST(ShamirThreshold, IsMoreThanTwoThirds) {
  const std::map<int, int> expected{{3, 3}, {4, 3}, {5, 4},   {6, 5},     {7, 5},
                                    {8, 6}, {9, 7}, {50, 34}, {1000, 667}};
  for (const auto& [sites, threshold] : expected) {
    EXPECT_EQ(shamirThreshold(sites, 0.667), threshold) << sites;
    EXPECT_GT(3 * shamirThreshold(sites, 0), 2 * sites);
    EXPECT_EQ(shamirThreshold(sites, 1), sites);
  }
  EXPECT_EQ(shamirThreshold(10, 0.85), 9);
  EXPECT_THROW(shamirThreshold(0, 0.5), std::invalid_argument);
  EXPECT_THROW(shamirThreshold(5, 1.5), std::invalid_argument);
  EXPECT_THROW(shamirThreshold(5, std::nan("")), std::invalid_argument);
}

}  // namespace
}  // namespace fedpet::federation
