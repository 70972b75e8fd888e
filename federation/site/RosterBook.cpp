#include "federation/site/RosterBook.h"

#include "federation/crypto/Certificate.h"
#include "federation/secagg/SecureSum.h"
#include "federation/site/CoordinatorLink.h"

#include <algorithm>

namespace fedpet::federation {
namespace {

constexpr std::size_t kRostersInMemory = 8;

template <typename Members>
std::string changedKeys(const Members& before, const Members& after) {
  std::string names;
  for (const auto& [site, member] : after) {
    const auto old = before.find(site);
    if (old == before.end() || old->second.key == member.key) continue;
    names += (names.empty() ? "" : ",") + site;
  }
  return names;
}

}  // namespace

RosterBook::RosterBook(SiteStore& store, Enrolment enrolment, std::string caCertificatePem,
                       SiteStore::Clock now)
    : store_(store),
      enrolment_(std::move(enrolment)),
      caPem_(std::move(caCertificatePem)),
      now_(std::move(now)) {}

int RosterBook::number() { return store_.rosterNumber(); }

void RosterBook::accept(const SignedDocument& document, const std::vector<PublicKey>& ownKeys) {
  requireSignature(document, "roster", "coordinator", enrolment_.coordinatorKey);
  const Roster roster = decode<Roster>(document.payload);
  if (roster.consortium != enrolment_.consortium)
    throw ProtocolViolation("the coordinator showed the roster of another consortium");
  Members members = membersOf(roster);
  const auto own = members.find(enrolment_.site);
  if (own != members.end() && !own->second.revoked &&
      std::find(ownKeys.begin(), ownKeys.end(), own->second.key) == ownKeys.end())
    throw ProtocolViolation("the roster names a key for this site that is not its own");
  const int before = number();
  const AuditNote note{"roster",
                       {{"number", roster.number},
                        {"sha256", document.hashHex()},
                        {"members", members.size()},
                        {"changedKeys", before ? changedKeys(membersOf(before), members) : ""}}};
  switch (store_.keepRoster(roster.number, document, {note})) {
    case SiteStore::Kept::New:
      known_[roster.number] = std::move(members);
      break;
    case SiteStore::Kept::Known:
      break;
    case SiteStore::Kept::Older:
      throw ProtocolViolation("the coordinator went back to roster " +
                              std::to_string(roster.number) + " from " + std::to_string(before));
    case SiteStore::Kept::Different:
      throw ProtocolViolation("the coordinator signed two rosters of number " +
                              std::to_string(roster.number));
  }
}

RosterBook::Members RosterBook::membersOf(const Roster& roster) const {
  Members members;
  for (const RosterEntry& entry : roster.sites) {
    try {
      const CertificateFacts facts = factsOf(entry.certificatePem);
      // One bad certificate costs its owner the membership, not everybody theirs.
      if (facts.commonName != entry.site || !isSignedBy(entry.certificatePem, caPem_, now_()))
        continue;
      if (!members.emplace(entry.site, Member{facts.key, entry.revoked}).second)
        throw ProtocolViolation("a roster names a site twice");
    } catch (const CryptoError&) {
      continue;
    }
  }
  return members;
}

const RosterBook::Members& RosterBook::membersOf(int number) {
  if (const auto found = known_.find(number); found != known_.end()) return found->second;
  Members members;
  if (const auto document = store_.roster(number))
    members = membersOf(decode<Roster>(document->payload));  // was verified when it was stored
  if (known_.size() >= kRostersInMemory) known_.erase(known_.begin());
  return known_[number] = std::move(members);
}

std::optional<PublicKey> RosterBook::keyOf(const std::string& site, int number) {
  const Members& members = membersOf(number);
  const auto found = members.find(site);
  if (found == members.end() || found->second.revoked) return std::nullopt;
  const PublicKey key = found->second.key;  // the next look may drop `members`
  return isRevoked(site) ? std::nullopt : std::optional(key);
}

bool RosterBook::isRevoked(const std::string& site) {
  const Members& newest = membersOf(number());
  const auto found = newest.find(site);
  return found != newest.end() && found->second.revoked;
}

}  // namespace fedpet::federation
