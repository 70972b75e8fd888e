// Plans before and after they run: proposed, decided by the sites, released.
#pragma once

#include "federation/coordinator/BlobStore.h"
#include "federation/coordinator/Members.h"
#include "federation/coordinator/Store.h"

namespace fedpet::federation {

class PlanDesk {
 public:
  PlanDesk(storage::Database&, Members&, BlobStore&, const SigningKey&);

  // All throw Refusal; from sites also WireError.
  std::string propose(const Plan&, Seconds now);  // returns the hash that sites approve
  SignedDocument plan(const std::string& hash);
  // `withdrawn`: the site had approved and does so no more.
  MessageReply decide(const std::string& site, const std::string& planHash, const SignedDocument&,
                      Seconds now, bool& withdrawn);
  std::vector<std::string> undecidedBy(const std::string& site);

  struct ReleaseTerms {
    std::string title;  // empty: the plan's
    bool synthetic = false;
  };
  std::string release(const std::string& planHash, const ReleaseTerms&, Seconds now);
  SignedDocument releaseDocument(const std::string& hash);
  std::vector<std::string> newestReleases();  // hashes

  // Hides who it is from all but those who know the consortium's salt; the same in all releases.
  std::string pseudonymOf(const std::string& site);

 private:
  template <typename F>
  auto read(F f) {
    return database_.transaction([&](soci::session& sql) {
      Records records(sql);
      return f(records);
    });
  }
  Release releaseOf(const PlanRow&, const ReleaseTerms&, Seconds now);

  storage::Database& database_;
  Members& members_;
  BlobStore& blobs_;
  const SigningKey& key_;
};

}  // namespace fedpet::federation
