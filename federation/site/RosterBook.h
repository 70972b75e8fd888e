// Whose key is whose: the rosters that the coordinator signed, each certificate in them checked
// against the consortium's pinned CA. What a site cannot find here, it does not believe.
#pragma once

#include "federation/site/SiteStore.h"

#include <map>

namespace fedpet::federation {

class RosterBook {
 public:
  // `store` is borrowed.
  RosterBook(SiteStore& store, Enrolment, std::string caCertificatePem, SiteStore::Clock);

  int number();  // of the newest; 0: none
  // Checks and keeps it. Throws WireError (signature, form) and ProtocolViolation: an older number
  // than before, another content under the same number, another consortium, a foreign key for this
  // site. `ownKeys`: the present one and the one that is about to follow it.
  void accept(const SignedDocument&, const std::vector<PublicKey>& ownKeys);

  // The key that `site` had in roster `number`; nullopt: not in it, its certificate is not of the
  // consortium's CA or not valid now, or it has been revoked since (newest roster).
  std::optional<PublicKey> keyOf(const std::string& site, int number);
  bool isRevoked(const std::string& site);  // by the newest roster

 private:
  struct Member {
    PublicKey key{};
    bool revoked = false;
  };
  using Members = std::map<std::string, Member>;
  Members membersOf(const Roster&) const;
  const Members& membersOf(int number);

  SiteStore& store_;
  Enrolment enrolment_;
  std::string caPem_;
  SiteStore::Clock now_;
  std::map<int, Members> known_;  // a few: those of rounds under way
};

}  // namespace fedpet::federation
