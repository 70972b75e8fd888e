#include "federation/secagg/SecureSum.h"

#include "federation/secagg/FixedPoint.h"
#include "federation/secagg/Framing.h"
#include "federation/secagg/KeyStream.h"
#include "federation/secagg/Shamir.h"
#include "federation/wire/WireError.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace fedpet::federation {
namespace {

using Names = std::set<std::string>;

constexpr std::size_t kSecretBytes = 32;
constexpr std::uint8_t kSecretsVersion = 1;
// A hash that travels inside the shares of a self-mask seed: nothing public vouches for a seed, and
// wrong shares must not go into the sum unnoticed.
constexpr std::size_t kSeedTagBytes = 16;
constexpr std::size_t kSeedShareBytes = kSecretBytes + kSeedTagBytes;

bool includes(const Names& whole, const Names& part) { return std::ranges::includes(whole, part); }

Names namesOf(const SecureRound& round) {
  Names names;
  for (const auto& [site, join] : round.joins) names.insert(site);
  return names;
}

Names without(const Names& all, const Names& some) {
  Names rest;
  std::ranges::set_difference(all, some, std::inserter(rest, rest.end()));
  return rest;
}

// --- what must hold before anything is computed ------------------------------------------------

void requireDifferentKeys(const SecureRound& round) {
  std::set<Bytes> seen;
  for (const auto& [site, join] : round.joins)
    for (const Bytes& key : {join.encryptionKey, join.maskKey}) {
      if (key.size() != std::tuple_size_v<AgreementPublicKey>)
        throw ProtocolViolation("site '" + site + "' announced a key of a wrong length");
      if (!seen.insert(key).second)
        throw ProtocolViolation("site '" + site + "' announced a key that is not its own alone");
    }
}

void requireSoundRound(const SecureRound& round) {
  const int sites = static_cast<int>(round.joins.size());
  if (round.wordBytes != 4 && round.wordBytes != 8)
    throw ProtocolViolation("words of neither 4 nor 8 bytes");
  if (sites < kFewestSurvivors || sites < round.threshold)
    throw ProtocolViolation("only " + std::to_string(sites) + " sites joined");
  // Lower, and two lists of survivors could both be confirmed.
  if (round.threshold < shamirThreshold(sites, 0) || round.threshold < kFewestSurvivors)
    throw ProtocolViolation("the threshold is not more than two thirds of the sites");
  requireDifferentKeys(round);
}

void requireOwnJoin(const SiteSecrets& secrets, const SecureRound& round) {
  const auto own = round.joins.find(round.site);
  if (own == round.joins.end()) throw ProtocolViolation("this site is not among those that joined");
  const JoinBody expected = makeJoin(secrets);
  if (own->second.encryptionKey != expected.encryptionKey ||
      own->second.maskKey != expected.maskKey)
    throw ProtocolViolation("the coordinator shows other keys of this site than it announced");
}

void requireEnough(const SecureRound& round, const Names& sites, const char* what) {
  const int fewest = std::max(round.threshold, kFewestSurvivors);
  if (static_cast<int>(sites.size()) < fewest)
    throw ProtocolViolation("only " + std::to_string(sites.size()) + " sites " + what + ", and " +
                            std::to_string(fewest) + " are needed");
}

void requireLists(const SecureRound& round, const Names& sharers, const Names& survivors) {
  requireEnough(round, sharers, "shared");
  requireEnough(round, survivors, "contributed");
  if (!includes(namesOf(round), sharers))
    throw ProtocolViolation("a site that did not join is said to have shared");
  if (!includes(sharers, survivors))
    throw ProtocolViolation("a site that did not share is said to have contributed");
}

// --- keys between two sites --------------------------------------------------------------------

AgreementPublicKey publicKeyFrom(const Bytes& raw) {
  AgreementPublicKey key;
  std::ranges::copy(raw, key.begin());  // the length was checked by requireDifferentKeys
  return key;
}

SecretBytes agreeWith(const SecretBytes& own, const Bytes& theirs, const std::string& peer) {
  try {
    return AgreementKey::fromRaw(own.copy()).agree(publicKeyFrom(theirs));
  } catch (const CryptoError&) {
    throw ProtocolViolation("site '" + peer + "' announced a key that nobody can agree with");
  }
}

SecretBytes maskKeyBetween(const SecretBytes& maskKey, const std::string& site,
                           const std::string& peer, const SecureRound& round) {
  const auto agreed = agreeWith(maskKey, round.joins.at(peer).maskKey, peer);
  return pairMaskKey(agreed, round.roundId, std::min(site, peer), std::max(site, peer));
}

// The mask of a pair goes into the sum twice, with both signs.
MaskSign signOf(const std::string& site, const std::string& peer) {
  return site < peer ? MaskSign::Plus : MaskSign::Minus;
}
MaskSign opposite(MaskSign sign) {
  return sign == MaskSign::Plus ? MaskSign::Minus : MaskSign::Plus;
}

// All that two sites must see alike before one can open the other's packet.
Bytes joinsDigest(const SecureRound& round) {
  Bytes bytes = framed({"fedpet joins 1", round.roundId, std::to_string(round.threshold),
                        std::to_string(round.wordBytes)});
  for (const auto& [site, join] : round.joins) {
    appendFramed(bytes, viewOf(site));
    appendFramed(bytes, join.encryptionKey);
    appendFramed(bytes, join.maskKey);
  }
  const Hash256 hash = sha256(bytes);
  return {hash.begin(), hash.end()};
}

SecretBytes sealingKey(const SiteSecrets& secrets, const SecureRound& round,
                       const std::string& peer) {
  const auto agreed = agreeWith(secrets.encryptionKey, round.joins.at(peer).encryptionKey, peer);
  return hkdfSha256(agreed.view(), viewOf(round.roundId), "fedpet share sealing 1", kSecretBytes);
}

Bytes sealingContext(const SecureRound& round, const std::string& sender,
                     const std::string& receiver) {
  Bytes context = framed({"fedpet share 1", round.roundId, sender, receiver});
  appendFramed(context, joinsDigest(round));
  return context;
}

// --- shares ------------------------------------------------------------------------------------

SecretBytes taggedSeed(const SecretBytes& seed) {
  SecretBytes tagged(kSeedShareBytes);
  const auto tag = hkdfSha256(seed.view(), {}, "fedpet self mask seed tag 1", kSeedTagBytes);
  std::ranges::copy(seed.view(), tagged.writable().begin());
  std::ranges::copy(tag.view(), tagged.writable().begin() + kSecretBytes);
  return tagged;
}

// A site's place among those that joined, and so its point on every polynomial.
std::uint16_t pointOf(const SecureRound& round, const std::string& site) {
  return static_cast<std::uint16_t>(std::distance(round.joins.begin(), round.joins.find(site)) + 1);
}

struct OwnShares {  // by point - 1
  std::vector<SecretBytes> selfMaskSeed, maskKey;
};

// A polynomial serves one list of joins: with another one, sites would sit at other points of it
// and could collect more shares than they are due.
OwnShares splitOwn(const SiteSecrets& secrets, const SecureRound& round) {
  const int sites = static_cast<int>(round.joins.size());
  const Bytes digest = joinsDigest(round);
  const auto seedFor = [&](std::string_view info) {
    return hkdfSha256(secrets.shareSeed.view(), digest, info, kSecretBytes);
  };
  return {splitSecret(taggedSeed(secrets.selfMaskSeed).view(), sites, round.threshold,
                      seedFor("fedpet polynomials of the seed 1")),
          splitSecret(secrets.maskKey.view(), sites, round.threshold,
                      seedFor("fedpet polynomials of the mask key 1"))};
}

Bytes bytesOf(ByteView view) { return {view.begin(), view.end()}; }

// --- the coordinator's half --------------------------------------------------------------------

// The same revealers for every secret, so that their weights are computed once.
class Rebuilder {
 public:
  Rebuilder(const SecureRound& round, const std::map<std::string, RevealBody>& reveals)
      : revealers_(firstRevealers(round, reveals)), interpolation_(points(round, reveals)) {}

  SecretBytes selfMaskSeed(const std::string& site) const {
    const auto tagged = rebuild(&RevealBody::selfMaskShares, site);
    SecretBytes seed(tagged.view().first(kSecretBytes));
    if (!equalInConstantTime(taggedSeed(seed).view(), tagged.view()))
      throw ProtocolViolation("the shares of the self-mask seed of site '" + site +
                              "' contradict each other");
    return seed;
  }

  SecretBytes maskKey(const std::string& site, const Bytes& announced) const {
    auto raw = rebuild(&RevealBody::maskKeyShares, site);
    if (AgreementKey::fromRaw(raw.copy()).publicKey() != publicKeyFrom(announced))
      throw ProtocolViolation("the shares of the mask key of site '" + site +
                              "' do not give the key that it announced");
    return raw;
  }

 private:
  static std::vector<const RevealBody*> firstRevealers(
      const SecureRound& round, const std::map<std::string, RevealBody>& reveals) {
    std::vector<const RevealBody*> first;
    for (const auto& [site, reveal] : reveals)
      if (first.size() < static_cast<std::size_t>(round.threshold)) first.push_back(&reveal);
    return first;
  }
  static std::vector<std::uint16_t> points(const SecureRound& round,
                                           const std::map<std::string, RevealBody>& reveals) {
    std::vector<std::uint16_t> points;
    for (const auto& [site, reveal] : reveals)
      if (points.size() < static_cast<std::size_t>(round.threshold))
        points.push_back(pointOf(round, site));
    return points;
  }
  SecretBytes rebuild(std::map<std::string, Bytes> RevealBody::*shares,
                      const std::string& site) const {
    std::vector<ByteView> views;
    for (const RevealBody* reveal : revealers_) views.push_back((reveal->*shares).at(site));
    return interpolation_(views);
  }

  std::vector<const RevealBody*> revealers_;
  Interpolation interpolation_;
};

void requireReveals(const SecureRound& round, const Names& sharers, const Names& survivors,
                    const std::map<std::string, RevealBody>& reveals) {
  for (const auto& [site, reveal] : reveals) {
    if (!survivors.contains(site))
      throw ProtocolViolation("site '" + site + "' revealed shares and is not a survivor");
    requireWellFormed(reveal, sharers, survivors);
  }
  if (static_cast<int>(reveals.size()) < round.threshold)
    throw ProtocolViolation("only " + std::to_string(reveals.size()) + " of " +
                            std::to_string(round.threshold) + " sites revealed their shares");
}

void requireShares(const std::map<std::string, Bytes>& shares, const Names& of, std::size_t bytes) {
  const bool complete =
      std::ranges::equal(shares, of, {}, [](const auto& share) { return share.first; });
  const bool sized =
      std::ranges::all_of(shares, [&](const auto& share) { return share.second.size() == bytes; });
  if (!complete || !sized)
    throw ProtocolViolation("a reveal does not hold exactly the shares that were asked for");
}

}  // namespace

int shamirThreshold(int sites, double thresholdShare) {
  if (sites < 1 || !(thresholdShare >= 0 && thresholdShare <= 1))
    throw std::invalid_argument("a threshold needs sites and a share between 0 and 1");
  const int byShare = static_cast<int>(std::ceil(thresholdShare * sites));
  return std::max(2 * sites / 3 + 1, std::min(byShare, sites));
}

SiteSecrets SiteSecrets::generate() {
  return {AgreementKey::generate().raw().copy(), AgreementKey::generate().raw().copy(),
          SecretBytes::random(kSecretBytes), SecretBytes::random(kSecretBytes)};
}

SecretBytes SiteSecrets::serialize() const {
  SecretBytes bytes(1 + 4 * kSecretBytes);
  bytes.writable()[0] = kSecretsVersion;
  auto rest = bytes.writable().subspan(1);
  for (const auto* secret : {&encryptionKey, &maskKey, &selfMaskSeed, &shareSeed}) {
    if (secret->size() != kSecretBytes) throw CryptoError("a secret that is not of 32 bytes");
    std::ranges::copy(secret->view(), rest.begin());
    rest = rest.subspan(kSecretBytes);
  }
  return bytes;
}

SiteSecrets SiteSecrets::parse(ByteView bytes) {
  if (bytes.empty() || bytes[0] != kSecretsVersion)
    throw WireError(WireError::Kind::UnknownVersion, "the journal's secrets of a round");
  if (bytes.size() != 1 + 4 * kSecretBytes)
    throw WireError(WireError::Kind::Malformed, "the journal's secrets of a round");
  const auto secret = [&](std::size_t i) {
    return SecretBytes(bytes.subspan(1 + i * kSecretBytes, kSecretBytes));
  };
  return {secret(0), secret(1), secret(2), secret(3)};
}

JoinBody makeJoin(const SiteSecrets& secrets) {
  const auto announced = [](const SecretBytes& raw) {
    const auto key = AgreementKey::fromRaw(raw.copy()).publicKey();
    return Bytes(key.begin(), key.end());
  };
  return {announced(secrets.encryptionKey), announced(secrets.maskKey)};
}

ShareBody makeShares(const SiteSecrets& secrets, const SecureRound& round) {
  requireSoundRound(round);
  requireOwnJoin(secrets, round);
  const OwnShares shares = splitOwn(secrets, round);
  ShareBody body;
  for (const auto& [peer, join] : round.joins) {
    if (peer == round.site) continue;
    const std::size_t i = pointOf(round, peer) - 1U;
    SecretBytes packet(kSeedShareBytes + kSecretBytes);
    std::ranges::copy(shares.selfMaskSeed[i].view(), packet.writable().begin());
    std::ranges::copy(shares.maskKey[i].view(), packet.writable().begin() + kSeedShareBytes);
    body.sealed[peer] = seal(sealingKey(secrets, round, peer),
                             sealingContext(round, round.site, peer), packet.view());
  }
  return body;
}

std::vector<std::uint64_t> maskValues(const SiteSecrets& secrets, const SecureRound& round,
                                      const std::set<std::string>& sharers,
                                      std::span<const std::uint64_t> values) {
  requireSoundRound(round);
  requireOwnJoin(secrets, round);
  requireLists(round, sharers, sharers);
  if (!sharers.contains(round.site))
    throw ProtocolViolation("this site is not among those that shared");
  std::vector<Mask> masks;
  masks.push_back({selfMaskKey(secrets.selfMaskSeed, round.roundId, round.site), MaskSign::Plus});
  for (const auto& peer : sharers)
    if (peer != round.site)
      masks.push_back(
          {maskKeyBetween(secrets.maskKey, round.site, peer, round), signOf(round.site, peer)});
  std::vector<std::uint64_t> words(values.begin(), values.end());
  applyMasks(words, round.wordBytes, masks);
  return words;
}

Bytes survivorsDocument(const std::string& roundId, const std::set<std::string>& survivors) {
  Bytes document = framed({"fedpet survivors 1", roundId});
  for (const auto& site : survivors) appendFramed(document, viewOf(site));
  return document;
}

void requireConfirmed(const SecureRound& round, const std::set<std::string>& survivors,
                      const std::map<std::string, Bytes>& signatures,
                      const std::map<std::string, PublicKey>& keys) {
  const Bytes document = survivorsDocument(round.roundId, survivors);
  const auto isConfirmedBy = [&](const std::string& site) {
    const auto signature = signatures.find(site);
    const auto key = keys.find(site);
    return signature != signatures.end() && key != keys.end() &&
           verifies(key->second, document, signature->second);
  };
  const auto confirmed = std::ranges::count_if(survivors, isConfirmedBy);
  if (confirmed < std::max(round.threshold, kFewestSurvivors))
    throw ProtocolViolation("only " + std::to_string(confirmed) + " of " +
                            std::to_string(round.threshold) +
                            " sites have signed this list of survivors");
  // Bound by its own word: a site signs one list of a round.
  if (!survivors.contains(round.site) || !isConfirmedBy(round.site))
    throw ProtocolViolation("this site has not signed this list of survivors itself");
}

RevealBody makeReveal(const SiteSecrets& secrets, const SecureRound& round,
                      const std::set<std::string>& sharers, const std::set<std::string>& survivors,
                      const std::map<std::string, Bytes>& packets) {
  requireSoundRound(round);
  requireOwnJoin(secrets, round);
  requireLists(round, sharers, survivors);
  if (!survivors.contains(round.site))
    throw ProtocolViolation("this site is not among the survivors");
  RevealBody reveal;
  for (const auto& peer : sharers) {
    if (peer == round.site) continue;
    const auto packet = packets.find(peer);
    if (packet == packets.end())
      throw ProtocolViolation("the packet from site '" + peer + "' is missing");
    const auto opened = openSealed(sealingKey(secrets, round, peer),
                                   sealingContext(round, peer, round.site), packet->second);
    if (!opened || opened->size() != kSeedShareBytes + kSecretBytes)
      throw ProtocolViolation("the packet from site '" + peer + "' cannot be opened");
    // One or the other: with both, the coordinator would see this peer's vector.
    if (survivors.contains(peer))
      reveal.selfMaskShares[peer] = bytesOf(opened->view().first(kSeedShareBytes));
    else
      reveal.maskKeyShares[peer] = bytesOf(opened->view().subspan(kSeedShareBytes));
  }
  const OwnShares own = splitOwn(secrets, round);
  reveal.selfMaskShares[round.site] =
      bytesOf(own.selfMaskSeed[pointOf(round, round.site) - 1U].view());
  return reveal;
}

RunningSum::RunningSum(std::size_t length, int wordBytes) : words_(length), wordBytes_(wordBytes) {}

void RunningSum::add(ByteView packed) {
  if (packed.size() != words_.size() * static_cast<std::size_t>(wordBytes_))
    throw WireError(WireError::Kind::Malformed, "a vector of another length than the round's");
  addPacked(words_, packed, wordBytes_);
}

void RunningSum::addFrom(std::size_t firstByte, ByteView piece) {
  const auto size = static_cast<std::size_t>(wordBytes_);
  if (firstByte % size != 0 || piece.size() % size != 0 ||
      firstByte + piece.size() > words_.size() * size)
    throw WireError(WireError::Kind::Malformed, "a piece that does not lie in the round's vector");
  addPacked(std::span(words_).subspan(firstByte / size, piece.size() / size), piece, wordBytes_);
}

void RunningSum::add(const RunningSum& other) {
  if (wordBytes_ != other.wordBytes_ || words_.size() != other.words_.size())
    throw WireError(WireError::Kind::Malformed, "two sums of different vectors");
  for (std::size_t i = 0; i < words_.size(); ++i)
    words_[i] = wordBytes_ == 4 ? static_cast<std::uint32_t>(words_[i] + other.words_[i])
                                : words_[i] + other.words_[i];
}

void requireWellFormed(const JoinBody& join) {
  for (const Bytes& key : {join.encryptionKey, join.maskKey}) {
    if (key.size() != std::tuple_size_v<AgreementPublicKey>)
      throw ProtocolViolation("a join needs two keys of 32 bytes");
    try {
      AgreementKey::generate().agree(publicKeyFrom(key));
    } catch (const CryptoError&) {
      throw ProtocolViolation("a join with a key that nobody can agree with");
    }
  }
  if (join.encryptionKey == join.maskKey) throw ProtocolViolation("the two keys must differ");
}

void requireWellFormed(const RevealBody& reveal, const std::set<std::string>& sharers,
                       const std::set<std::string>& survivors) {
  for (const auto& [site, share] : reveal.maskKeyShares)
    if (reveal.selfMaskShares.contains(site))
      throw ProtocolViolation("a reveal holds both secrets of site '" + site + "'");
  requireShares(reveal.selfMaskShares, survivors, kSeedShareBytes);
  requireShares(reveal.maskKeyShares, without(sharers, survivors), kSecretBytes);
}

std::vector<std::uint64_t> unmask(std::vector<std::uint64_t> sum, const SecureRound& round,
                                  const std::set<std::string>& sharers,
                                  const std::set<std::string>& survivors,
                                  const std::map<std::string, RevealBody>& reveals,
                                  unsigned cores) {
  requireSoundRound(round);
  requireLists(round, sharers, survivors);
  requireReveals(round, sharers, survivors, reveals);
  const Rebuilder rebuilder(round, reveals);
  std::vector<Mask> masks;
  for (const auto& site : survivors)
    masks.push_back(
        {selfMaskKey(rebuilder.selfMaskSeed(site), round.roundId, site), MaskSign::Minus});
  for (const auto& site : without(sharers, survivors)) {
    const auto key = rebuilder.maskKey(site, round.joins.at(site).maskKey);
    // What each survivor put in for this site has nobody to cancel it.
    for (const auto& survivor : survivors)
      masks.push_back(
          {maskKeyBetween(key, site, survivor, round), opposite(signOf(survivor, site))});
  }
  applyMasks(sum, round.wordBytes, masks, cores);
  return sum;
}

}  // namespace fedpet::federation
