// Secure aggregation on the complete graph (Bonawitz et al. 2017, doi 10.1145/3133956.3133982,
// figure 4, with the signed consistency round of its active-adversary form).
//
// Steps: Join (keys) -> Share (sealed Shamir shares, through the coordinator) -> Contribute (the
// masked vector) -> Confirm (each survivor signs the list of survivors) -> Reveal (shares of the
// self-mask seed of survivors, of the mask key of the dropped; never both of one peer).
//
// Everything here is arithmetic on messages: no socket, no clock, no disk. A site journals
// SiteSecrets before it sends its Join and can repeat every later step from them.
//
// A pure function cannot remember, so the caller must. Within one round it journals the first of
// each list that it acted on, before it sends, and refuses any other: the joins (shares), the
// sharers and the masked vector (two vectors under the same masks differ by what the masks hide),
// and the survivors that it confirmed. A site that revealed for two lists of survivors could give
// away both secrets of one peer.
//
// Bound to what: masks to the round and both names (HKDF-SHA256, AES-256-CTR); sealed shares to the
// round, all joins, the threshold, sender and receiver; confirmations to the round and the list.
#pragma once

#include "federation/crypto/KeyAgreement.h"
#include "federation/crypto/SigningKey.h"
#include "federation/wire/Messages.h"

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace fedpet::federation {

inline constexpr int kFewestSurvivors = 3;

// More than two thirds, so that two lists of survivors cannot both be confirmed:
// max(floor(2n/3) + 1, ceil(share * n)), at most n. Throws std::invalid_argument unless n >= 1 and
// 0 <= share <= 1.
int shamirThreshold(int sites, double thresholdShare);

struct ProtocolViolation : std::runtime_error {  // what a peer or the coordinator did wrong
  using std::runtime_error::runtime_error;
};

struct SiteSecrets {
  SecretBytes encryptionKey, maskKey;  // X25519, raw
  SecretBytes selfMaskSeed;            // 32 bytes
  SecretBytes shareSeed;               // makes the polynomials repeatable after a crash

  static SiteSecrets generate();
  SecretBytes serialize() const;       // for the site's own journal
  static SiteSecrets parse(ByteView);  // throws WireError
};

struct SecureRound {
  std::string roundId, site;
  int threshold = 0;
  int wordBytes = 8;
  // Verified by the caller: signed by the site that the roster names.
  std::map<std::string, JoinBody> joins;  // U1, own included
};

JoinBody makeJoin(const SiteSecrets&);
// One sealed packet for every other site of U1. Throws ProtocolViolation when two sites have the
// same keys, own is missing or altered, there are fewer sites than the threshold or
// kFewestSurvivors, or the threshold is not more than two thirds. So do the functions below.
ShareBody makeShares(const SiteSecrets&, const SecureRound&);
// values + self mask + pairwise masks with every peer of U2 (the sites that shared). Throws
// ProtocolViolation when U2 is smaller than the threshold, without this site, or not within U1.
std::vector<std::uint64_t> maskValues(const SiteSecrets&, const SecureRound&,
                                      const std::set<std::string>& sharers,
                                      std::span<const std::uint64_t> values);
// What is signed in Confirm: round, and the sorted survivors.
Bytes survivorsDocument(const std::string& roundId, const std::set<std::string>& survivors);
// The last line of defence before Reveal (round 3 and 4 of figure 4): throws ProtocolViolation
// unless at least `threshold` survivors, this site among them, have signed this very list. What
// others than survivors signed, or with a wrong signature, does not count. keys: from the roster.
void requireConfirmed(const SecureRound&, const std::set<std::string>& survivors,
                      const std::map<std::string, Bytes>& signatures,
                      const std::map<std::string, PublicKey>& keys);
// `packets`: sealed shares received from the sharers. Throws ProtocolViolation when survivors are
// fewer than the threshold or kFewestSurvivors, are not all sharers, do not include this site, or
// a packet cannot be opened.
RevealBody makeReveal(const SiteSecrets&, const SecureRound&, const std::set<std::string>& sharers,
                      const std::set<std::string>& survivors,
                      const std::map<std::string, Bytes>& packets);

// --- the coordinator ---------------------------------------------------------------------------

// Holds one running sum and nothing of a single site.
class RunningSum {
 public:
  RunningSum(std::size_t length, int wordBytes);
  void add(ByteView packedWords);  // throws WireError on a wrong length
  // A part of one vector, in whole words; `firstByte`: where it lies in it.
  void addFrom(std::size_t firstByte, ByteView packedWords);
  void add(const RunningSum&);  // of other vectors of the same length
  const std::vector<std::uint64_t>& words() const { return words_; }

 private:
  std::vector<std::uint64_t> words_;
  int wordBytes_;
};

// What the coordinator checks before it accepts a Join: two different X25519 keys, neither of small
// order (nobody could agree with those, and every site would refuse the round).
// Throws ProtocolViolation.
void requireWellFormed(const JoinBody&);
// What the coordinator checks before it accepts a Reveal: exactly one share for each survivor and
// for each that dropped after sharing, of the right kind and size. Throws ProtocolViolation.
void requireWellFormed(const RevealBody&, const std::set<std::string>& sharers,
                       const std::set<std::string>& survivors);

// Takes the masks off; `maskedSum` is that of the survivors' vectors. Secrets are put together from
// the first `threshold` reveals by name, and checked: a mask key against the announced public key,
// a self-mask seed against a hash that is shared with it. Throws ProtocolViolation when reveals do
// not reach the threshold, shares contradict each other (the reconstructed key does not give the
// announced public key), or a reveal holds both secrets of one site.
std::vector<std::uint64_t> unmask(std::vector<std::uint64_t> maskedSum, const SecureRound&,
                                  const std::set<std::string>& sharers,
                                  const std::set<std::string>& survivors,
                                  const std::map<std::string, RevealBody>& reveals,
                                  unsigned cores = 1);

}  // namespace fedpet::federation
