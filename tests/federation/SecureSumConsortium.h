// Sites with fixed secrets that go through the steps of one secure sum, each with its own view.
#pragma once

#include "federation/secagg/FixedPoint.h"
#include "federation/secagg/SecureSum.h"

#include <random>
#include <utility>

namespace fedpet::federation::testing {

using Names = std::set<std::string>;
using Words = std::vector<std::uint64_t>;

inline SecretBytes fixedSecret(const std::string& label) {
  return SecretBytes(sha256(viewOf(label)));
}
inline SiteSecrets fixedSecrets(const std::string& site) {
  return {fixedSecret(site + " encryption"), fixedSecret(site + " mask"),
          fixedSecret(site + " self mask"), fixedSecret(site + " shares")};
}

class Consortium {
 public:
  explicit Consortium(int sites, int wordBytes = 8, std::string roundId = "0123456789abcdef-1-1") {
    round_.roundId = std::move(roundId);
    round_.wordBytes = wordBytes;
    round_.threshold = shamirThreshold(sites, 0.667);
    for (int i = 1; i <= sites; ++i) {
      const std::string site = "site-" + std::to_string(i);  // site-10 sorts before site-2
      secrets_.emplace(site, fixedSecrets(site));
      signingKeys_.emplace(site, SigningKey::generate());
      round_.joins[site] = makeJoin(secrets_.at(site));
    }
    for (const auto& site : names()) shares_[site] = makeShares(secrets_.at(site), viewOf(site));
  }

  const SecureRound& round() const { return round_; }  // the coordinator's view
  int threshold() const { return round_.threshold; }
  Names names() const {
    Names names;
    for (const auto& [site, secrets] : secrets_) names.insert(site);
    return names;
  }
  SecureRound viewOf(const std::string& site) const {
    auto view = round_;
    view.site = site;
    return view;
  }
  const SiteSecrets& secretsOf(const std::string& site) const { return secrets_.at(site); }
  const ShareBody& sharesOf(const std::string& site) const { return shares_.at(site); }

  Words masked(const std::string& site, const Names& sharers, const Words& values) const {
    return maskValues(secretsOf(site), viewOf(site), sharers, values);
  }
  std::map<std::string, Bytes> packetsFor(const std::string& receiver, const Names& sharers) const {
    std::map<std::string, Bytes> packets;
    for (const auto& sender : sharers)
      if (sender != receiver) packets[sender] = shares_.at(sender).sealed.at(receiver);
    return packets;
  }
  RevealBody reveal(const std::string& site, const Names& sharers, const Names& survivors) const {
    return makeReveal(secretsOf(site), viewOf(site), sharers, survivors, packetsFor(site, sharers));
  }
  std::map<std::string, RevealBody> reveals(const Names& sharers, const Names& survivors,
                                            const Names& revealers) const {
    std::map<std::string, RevealBody> all;
    for (const auto& site : revealers) all[site] = reveal(site, sharers, survivors);
    return all;
  }
  Words maskedSum(const Names& sharers, const Names& survivors,
                  const std::map<std::string, Words>& values) const {
    RunningSum sum(values.begin()->second.size(), round_.wordBytes);
    for (const auto& site : survivors)
      sum.add(packWords(masked(site, sharers, values.at(site)), round_.wordBytes));
    return sum.words();
  }

  Bytes confirmation(const std::string& site, const Names& survivors) const {
    const auto signature = signingKeys_.at(site).sign(survivorsDocument(round_.roundId, survivors));
    return {signature.begin(), signature.end()};
  }
  std::map<std::string, PublicKey> publicKeys() const {
    std::map<std::string, PublicKey> keys;
    for (const auto& [site, key] : signingKeys_) keys[site] = key.publicKey();
    return keys;
  }

 private:
  SecureRound round_;
  std::map<std::string, SiteSecrets> secrets_;
  std::map<std::string, SigningKey> signingKeys_;
  std::map<std::string, ShareBody> shares_;
};

// Words over the whole ring, so that every sum wraps.
inline std::map<std::string, Words> randomValues(const Names& sites, std::size_t length,
                                                 int wordBytes) {
  std::mt19937_64 random(42);
  std::map<std::string, Words> values;
  for (const auto& site : sites)
    for (std::size_t i = 0; i < length; ++i)
      values[site].push_back(wordBytes == 4 ? random() & 0xffff'ffffU : random());
  return values;
}

inline Words plainSum(const Names& sites, const std::map<std::string, Words>& values,
                      int wordBytes) {
  Words sum(values.begin()->second.size());
  for (const auto& site : sites)
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += values.at(site)[i];
      if (wordBytes == 4) sum[i] &= 0xffff'ffffU;
    }
  return sum;
}

}  // namespace fedpet::federation::testing
