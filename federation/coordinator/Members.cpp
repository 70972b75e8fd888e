#include "federation/coordinator/Members.h"

#include "federation/wire/Messages.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fedpet::federation {
namespace {

using nlohmann::json;

constexpr std::size_t kMostNonces = 2'000'000;  // 40 requests a second for every one of 80 sites

std::string facts(std::initializer_list<std::pair<const char*, std::string>> pairs) {
  json object = json::object();
  for (const auto& [name, value] : pairs) object[name] = value;
  return object.dump();
}

PublicKey keyFromHex(const std::string& hex) {
  const Bytes bytes = fromHex(hex);
  PublicKey key{};
  if (bytes.size() != key.size()) throw storage::DatabaseError("a stored key is damaged");
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

PublicKey keyOfUntrusted(const std::string& requestPem) {
  try {
    return keyOfRequest(requestPem);
  } catch (const CryptoError&) {
    throw Refusal(400, "Malformed",
                  "this is not a certificate request that its own Ed25519 key has signed");
  }
}

}  // namespace

bool isSiteName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= 63 && name.front() >= 'a' && name.front() <= 'z' &&
         std::all_of(name.begin(), name.end(), allowed) && name != "coordinator";
}

Members::Members(MembersSettings settings, storage::Database& database,
                 const CertificateAuthority& authority, const SigningKey& key)
    : settings_(std::move(settings)), database_(database), authority_(authority), signingKey_(key) {
  reload();
  database_.transaction([&](soci::session& sql) {
    for (auto& [site, nonce, at] : Records(sql).nonces())
      nonces_.emplace(std::pair(site, nonce), at);
  });
}

template <typename F>
auto Members::change(F f) {
  const auto run = [&](soci::session& sql) {
    Records records(sql);
    return f(records);
  };
  if constexpr (std::is_void_v<std::invoke_result_t<F, Records&>>) {
    database_.transaction(run);
    reload();
  } else {
    auto result = database_.transaction(run);
    reload();
    return result;
  }
}

Members::ByName Members::load(Records& records) {
  ByName members;
  for (MemberRow& row : records.members()) {
    const std::string site = row.site;
    members[site].row = std::move(row);
  }
  for (const CertificateRow& row : records.certificates()) {
    Member& member = members[row.site];
    const Key key{row.serial, keyFromHex(row.publicKeyHex), fromRow(row.notAfter)};
    if (row.endedAt == 0) member.keys.push_back(key);
    // A revoked member stays on the roster, marked, so that others know whose keys are void.
    if (row.activatedAt != 0) {
      member.rostered = key;
      member.certificatePem = row.pem;
    }
  }
  return members;
}

void Members::reload() {
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    members_ = load(records);
    rosterNumber_ = std::stoi(records.meta("roster_number").value_or("0"));
    if (const auto document = records.meta("roster"))
      roster_ = decodeSignedDocument(fromBase64Url(*document));
  });
}

void Members::publishRoster(Records& records, Seconds now) {
  Roster roster;
  roster.consortium = settings_.consortium;
  roster.number = rosterNumber_ + 1;
  roster.issued = now;
  for (const auto& [site, member] : load(records))
    if (member.rostered)
      roster.sites.push_back({site, member.certificatePem, member.row.revokedAt != 0});
  const SignedDocument document =
      signDocument("roster", encode(roster), "coordinator", signingKey_);
  records.setMeta("roster", toBase64Url(encode(document)));
  records.setMeta("roster_number", std::to_string(roster.number));
  records.audit(now, "roster",
                json{{"number", roster.number}, {"sha256", document.hashHex()}}.dump());
}

// --- the administrator's side ------------------------------------------------------------------

Invitation Members::invite(const std::string& site, Seconds now) {
  if (!isSiteName(site))
    throw Refusal(400, "Malformed",
                  "a site's id begins with a letter and has at most 63 of a-z, 0-9 and -");
  const std::lock_guard lock(mutex_);
  const auto known = members_.find(site);
  if (known == members_.end() && members_.size() >= static_cast<std::size_t>(kMaxSites))
    throw Refusal(409, "TooMany", "the consortium has as many sites as this version can hold");
  if (known != members_.end() && known->second.row.enrolledAt != 0 &&
      known->second.row.revokedAt == 0)
    throw Refusal(409, "AlreadyEnrolled",
                  "this site is a member: revoke it before you invite it again");
  Invitation invitation;
  invitation.coordinatorUrl = settings_.publicUrl;
  invitation.consortium = settings_.consortium;
  invitation.site = site;
  invitation.token = toBase64Url(randomBytes(32));
  invitation.caCertificatePem = authority_.certificatePem();
  invitation.coordinatorKey = signingKey_.publicKey();
  invitation.tlsPinSha256 = settings_.tlsPinSha256;
  invitation.expires = now + kInvitationLasts;
  change([&](Records& records) {
    records.dropUnusedInvitations(site);  // the one before is void
    records.save(
        InvitationRow{sha256Hex(viewOf(invitation.token)), site, toRow(invitation.expires), ""});
    MemberRow row = known == members_.end() ? MemberRow{} : known->second.row;
    row.site = site;
    row.invitedAt = toRow(now);
    records.save(row);
    records.audit(now, "invitation", facts({{"site", site}}));
  });
  return invitation;
}

void Members::revoke(const std::string& site, const std::string& reason, Seconds now) {
  const std::lock_guard lock(mutex_);
  const auto known = members_.find(site);
  if (known == members_.end())
    throw Refusal(404, "NotFound", "the consortium has no site of that id");
  if (known->second.row.revokedAt != 0) return;
  change([&](Records& records) {
    MemberRow row = known->second.row;
    row.revokedAt = toRow(now);
    row.revocationReason = storable(reason, 500);
    records.save(row);
    records.dropUnusedInvitations(site);
    for (CertificateRow& certificate : records.certificates())
      if (certificate.site == site && certificate.endedAt == 0) {
        certificate.endedAt = toRow(now);
        records.save(certificate);
      }
    records.audit(now, "revocation", facts({{"site", site}, {"reason", row.revocationReason}}));
    publishRoster(records, now);
  });
}

// --- the site's side ---------------------------------------------------------------------------

CertificateRow Members::issue(Records& records, const std::string& site, const PublicKey& key,
                              Seconds now) {
  CertificateTerms terms;
  terms.commonName = site;
  terms.notBefore = now - kSlowestClock;
  terms.notAfter = now + kCertificateLasts;
  CertificateRow row;
  row.pem = authority_.issue(key, terms);
  row.serial = factsOf(row.pem).serialHex;
  row.site = site;
  row.publicKeyHex = toHex(key);
  row.issuedAt = toRow(now);
  row.notAfter = toRow(terms.notAfter);
  records.save(row);
  return row;
}

EnrolReply Members::enrol(const EnrolRequest& request, Seconds now) {
  const PublicKey key = keyOfUntrusted(request.requestPem);
  const std::lock_guard lock(mutex_);
  return change([&](Records& records) -> EnrolReply {
    auto invitation = records.invitation(sha256Hex(viewOf(request.token)));
    if (!invitation)
      throw Refusal(403, "UnknownInvitation",
                    "this invitation is not known or was replaced by a newer one");
    const auto certificates = records.certificates();
    if (!invitation->serial.empty()) {
      // The answer was lost on its way: the same key gets the same certificate again.
      for (const auto& row : certificates)
        if (row.serial == invitation->serial && row.publicKeyHex == toHex(key) && row.endedAt == 0)
          return {row.site, row.pem};
      throw Refusal(403, "InvitationUsed",
                    "this invitation was used already: ask the consortium for a new one");
    }
    if (now >= fromRow(invitation->expires))
      throw Refusal(403, "InvitationExpired",
                    "this invitation has expired: ask the consortium for a new one");
    for (const auto& row : certificates)
      if (row.publicKeyHex == toHex(key))
        throw Refusal(409, "KeyInUse", "a site makes a key pair of its own for each enrolment");
    CertificateRow row = issue(records, invitation->site, key, now);
    row.activatedAt = toRow(now);
    records.save(row);
    invitation->serial = row.serial;
    records.save(*invitation);
    MemberRow member = members_.at(invitation->site).row;
    member.enrolledAt = toRow(now);
    member.revokedAt = 0;
    member.revocationReason.clear();
    records.save(member);
    records.audit(now, "enrolment",
                  facts({{"site", row.site}, {"serial", row.serial}, {"key", row.publicKeyHex}}));
    publishRoster(records, now);
    return {row.site, row.pem};
  });
}

EnrolReply Members::renew(const std::string& site, const std::string& requestPem, Seconds now) {
  const PublicKey key = keyOfUntrusted(requestPem);
  const std::lock_guard lock(mutex_);
  return change([&](Records& records) -> EnrolReply {
    for (CertificateRow& row : records.certificates()) {
      if (row.publicKeyHex == toHex(key)) {
        if (row.site == site && row.endedAt == 0) return {row.site, row.pem};  // asked again
        throw Refusal(409, "KeyInUse", "a new certificate needs a new key pair");
      }
      // One that was asked for before and never used is replaced.
      if (row.site == site && row.endedAt == 0 && row.activatedAt == 0) {
        row.endedAt = toRow(now);
        records.save(row);
      }
    }
    const CertificateRow row = issue(records, site, key, now);
    records.audit(now, "renewal",
                  facts({{"site", site}, {"serial", row.serial}, {"key", row.publicKeyHex}}));
    return {row.site, row.pem};
  });
}

// --- who speaks --------------------------------------------------------------------------------

Members::Caller Members::authenticate(
    const ApiRequest& request, Seconds now,
    const std::function<void(const std::string& site)>& keyChanged) {
  const auto signature = parseSignatureHeader(headerOf(request, kSignatureHeader));
  if (!signature)
    throw Refusal(
        401, "BadSignature",
        "the request has no signature that can be read in header " + std::string(kSignatureHeader));
  if (request.tlsMember && *request.tlsMember != signature->site)
    throw Refusal(403, "BadSignature",
                  "the request is signed by another member than the connection's certificate");
  Caller caller{signature->site, {}};
  const Key key = keyThatSigned(request, *signature, now, caller.bodySha256);
  const auto difference = signature->time > now ? signature->time - now : now - signature->time;
  if (difference > settings_.clockTolerance)
    throw Refusal(401, "ClockSkew", "the time of the request is too far from the coordinator's");
  bool isNewKey = false;
  {
    const std::lock_guard lock(mutex_);
    useNonce(*signature, now);
    const Member& member = members_.at(signature->site);
    isNewKey = member.rostered && !member.keys.empty() && member.rostered->serial != key.serial &&
               key.serial == member.keys.back().serial;
    if (isNewKey) activate(signature->site, key.serial, now);
  }
  if (isNewKey) keyChanged(signature->site);
  return caller;
}

Members::Key Members::keyThatSigned(const ApiRequest& request, const RequestSignature& signature,
                                    Seconds now, std::string& bodySha256) {
  std::vector<Key> keys;
  {
    const std::lock_guard lock(mutex_);
    const auto member = members_.find(signature.site);
    if (member == members_.end() || !member->second.rostered)
      throw Refusal(401, "UnknownSite", "the consortium has no member of that id");
    if (member->second.row.revokedAt != 0)
      throw Refusal(403, "Revoked",
                    "the consortium has revoked this site: ask it for a new invitation");
    keys = member->second.keys;
  }
  bodySha256 = sha256Hex(request.body);
  const SignedRequest asSigned{request.method, request.target, request.body, bodySha256};
  for (const Key& key : keys) {
    if (!isSignedBy(asSigned, signature, key.key)) continue;
    if (now >= key.notAfter)
      throw Refusal(403, "Revoked",
                    "the certificate of this site has expired: ask for a new invitation");
    return key;
  }
  throw Refusal(401, "BadSignature", "the signature of the request does not fit the member's key");
}

void Members::useNonce(const RequestSignature& signature, Seconds now) {
  const std::lock_guard lock(nonceMutex_);
  if (nonces_.size() >= kMostNonces)
    throw Refusal(503, "Busy", "too many requests in this short time");
  if (!nonces_.emplace(std::pair(signature.site, signature.nonce), signature.time).second)
    throw Refusal(401, "Replayed", "this request was made before");
  unwritten_.emplace_back(signature.site, signature.nonce, signature.time);
  lastSeen_[signature.site] = now;
}

void Members::activate(const std::string& site, const std::string& serial, Seconds now) {
  change([&](Records& records) {
    for (CertificateRow& row : records.certificates()) {
      if (row.site != site || row.endedAt != 0) continue;
      if (row.serial == serial)
        row.activatedAt = toRow(now);
      else
        row.endedAt = toRow(now);
      records.save(row);
    }
    records.audit(now, "rotation", facts({{"site", site}, {"serial", serial}}));
    publishRoster(records, now);
  });
}

void Members::flushNonces(Records& records) {
  std::vector<std::tuple<std::string, std::string, Seconds>> batch;
  {
    const std::lock_guard lock(nonceMutex_);
    batch = std::exchange(unwritten_, {});
  }
  try {
    for (const auto& [site, nonce, at] : batch) records.addNonce(site, nonce, at);
  } catch (...) {
    const std::lock_guard lock(nonceMutex_);
    unwritten_.insert(unwritten_.end(), batch.begin(), batch.end());
    throw;
  }
}

void Members::forgetOldNonces(Seconds now) {
  const Seconds oldest = now - 2 * settings_.clockTolerance - std::chrono::seconds(60);
  bool unwritten = false;
  {
    const std::lock_guard lock(nonceMutex_);
    std::erase_if(nonces_, [&](const auto& entry) { return entry.second < oldest; });
    unwritten = !unwritten_.empty();
  }
  if (!unwritten) return;
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    flushNonces(records);
    records.dropNoncesBefore(oldest);
  });
}

// --- questions ---------------------------------------------------------------------------------

bool Members::isActive(const std::string& site, Seconds now) const {
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(site);
  return found != members_.end() && found->second.rostered && found->second.row.revokedAt == 0 &&
         now < found->second.rostered->notAfter;
}

std::vector<std::string> Members::active(Seconds now) const {
  std::vector<std::string> sites;
  for (const auto& row : all())
    if (isActive(row.site, now)) sites.push_back(row.site);
  return sites;
}

std::optional<PublicKey> Members::documentKey(const std::string& site) const {
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(site);
  if (found == members_.end() || !found->second.rostered) return std::nullopt;
  return found->second.rostered->key;
}

SignedDocument Members::roster() const {
  const std::lock_guard lock(mutex_);
  return roster_;
}
int Members::rosterNumber() const {
  const std::lock_guard lock(mutex_);
  return rosterNumber_;
}
std::vector<MemberRow> Members::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<MemberRow> rows;
  for (const auto& [site, member] : members_) rows.push_back(member.row);
  return rows;
}
std::vector<CertificateRow> Members::certificates() const {
  return database_.transaction([](soci::session& sql) { return Records(sql).certificates(); });
}
std::map<std::string, Seconds> Members::lastSeen() const {
  const std::lock_guard lock(nonceMutex_);
  return lastSeen_;
}

}  // namespace fedpet::federation
