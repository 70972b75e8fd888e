// Who belongs to the consortium, with which key, and whether a request is theirs. Not thread-safe
// but for what is marked; the database is the truth, this is its copy in memory.
#pragma once

#include "federation/coordinator/Router.h"
#include "federation/coordinator/Store.h"
#include "federation/crypto/Certificate.h"
#include "federation/wire/RequestSignature.h"

#include <map>
#include <mutex>
#include <set>

namespace fedpet::federation {

inline constexpr std::chrono::hours kInvitationLasts{14 * 24};
inline constexpr std::chrono::hours kCertificateLasts{400 * 24};

struct MembersSettings {
  std::string consortium, publicUrl, tlsPinSha256;
  std::chrono::seconds clockTolerance{300};
};

class Members {
 public:
  Members(MembersSettings, storage::Database&, const CertificateAuthority&, const SigningKey&);

  // --- the administrator's side. Throw Refusal.
  Invitation invite(const std::string& site, Seconds now);
  void revoke(const std::string& site, const std::string& reason, Seconds now);

  // --- the site's side. Throw Refusal.
  EnrolReply enrol(const EnrolRequest&, Seconds now);
  EnrolReply renew(const std::string& site, const std::string& requestPem, Seconds now);

  // Checks time, nonce, key, revocation. Throws Refusal (ClockSkew, Replayed, UnknownSite, Revoked,
  // BadSignature). `keyChanged` is called, before it returns, when this is the first request with
  // a renewed certificate's key.
  struct Caller {
    std::string site;
    std::string bodySha256;  // hex: what was signed
  };
  Caller authenticate(const ApiRequest&, Seconds now,
                      const std::function<void(const std::string& site)>& keyChanged);

  // Thread-safe from here on.
  // Every member that has a certificate, and may take part now.
  std::vector<std::string> active(Seconds now) const;
  bool isActive(const std::string& site, Seconds now) const;
  std::optional<PublicKey> documentKey(const std::string& site) const;  // the roster's
  SignedDocument roster() const;
  int rosterNumber() const;
  std::vector<MemberRow> all() const;
  std::vector<CertificateRow> certificates() const;
  std::map<std::string, Seconds> lastSeen() const;

  // Nonces that are not in the database yet: written with whatever is committed next.
  void flushNonces(Records&);
  void forgetOldNonces(Seconds now);

 private:
  struct Key {
    std::string serial;
    PublicKey key{};
    Seconds notAfter{};
  };
  struct Member {
    MemberRow row;
    std::vector<Key> keys;        // that its requests may be signed with: newest last
    std::optional<Key> rostered;  // the newest that was used
    std::string certificatePem;   // of `rostered`
  };
  using ByName = std::map<std::string, Member>;
  static ByName load(Records&);

  // A transaction after which the copy in memory is made anew.
  template <typename F>
  auto change(F f);
  void reload();
  void publishRoster(Records&, Seconds now);
  CertificateRow issue(Records&, const std::string& site, const PublicKey&, Seconds now);
  Key keyThatSigned(const ApiRequest&, const RequestSignature&, Seconds now,
                    std::string& bodySha256);
  void useNonce(const RequestSignature&, Seconds now);  // throws Refusal
  void activate(const std::string& site, const std::string& serial, Seconds now);

  MembersSettings settings_;
  storage::Database& database_;
  const CertificateAuthority& authority_;
  const SigningKey& signingKey_;

  // Held while the database is asked, so that no transaction may ask for it but flushNonces(),
  // which needs only the other one.
  mutable std::mutex mutex_;  // guards the next three
  ByName members_;
  SignedDocument roster_;
  int rosterNumber_ = 0;

  mutable std::mutex nonceMutex_;  // guards all below
  std::map<std::string, Seconds> lastSeen_;
  std::map<std::pair<std::string, std::string>, Seconds> nonces_;
  std::vector<std::tuple<std::string, std::string, Seconds>> unwritten_;
};

bool isSiteName(std::string_view);  // a-z, 0-9, '-', begins with a letter, at most 63

}  // namespace fedpet::federation
