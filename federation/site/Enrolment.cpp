#include "federation/site/Enrolment.h"

#include "federation/files/DurableFiles.h"

namespace fedpet::federation {
namespace {

// Of the same token as the one before; the token itself is not kept.
std::string fingerprintOf(const std::string& token) { return sha256Hex(viewOf(token)); }

void requireUsable(const Invitation& invitation, const SiteSettings& settings) {
  if (settings.now() > invitation.expires)
    throw EnrolmentRefused("the invitation has expired at " + utcText(invitation.expires) +
                           ", and this machine's clock shows " + utcText(settings.now()) +
                           ": ask the consortium for a new one");
  if (factsOf(invitation.caCertificatePem).notAfter < settings.now())
    throw EnrolmentRefused(
        "the consortium's own certificate has expired: ask for a new invitation");
}

void requireSame(const Enrolment& known, const Invitation& invitation) {
  if (known.site != invitation.site || known.consortium != invitation.consortium ||
      known.coordinatorKey != invitation.coordinatorKey)
    throw EnrolmentRefused("this folder belongs to site \"" + known.site + "\" of consortium \"" +
                           known.consortium + "\": use another folder");
}

// Two causes with one effect: an authority that is not ours, and a clock that is not right.
[[noreturn]] void refuse(CoordinatorLink& link, const CertificateFacts& facts,
                         const EnrolReply& reply, const CertificateWish& wish) {
  const bool isOurs = isSignedBy(reply.certificatePem, wish.caPem, facts.notBefore) ||
                      isSignedBy(reply.certificatePem, wish.caPem, facts.notAfter);
  if (!isOurs)
    throw EnrolmentRefused(
        "the certificate is not signed by the consortium's authority of the invitation: ask the "
        "consortium");
  const auto theirs = link.coordinatorTime({});
  throw EnrolmentRefused("the certificate is valid from " + utcText(facts.notBefore) + " to " +
                         utcText(facts.notAfter) + ", and this machine's clock shows " +
                         utcText(wish.now) +
                         (theirs ? " (the coordinator's: " + utcText(*theirs) + ")" : "") +
                         ": set the clock, then use the same invitation again");
}

constexpr const char* kAskedToken = "asked-token";

// The key pair of this invitation: stored before anything is asked for, so that a crash does not
// lose the key that a certificate was made for; and apart from the one in use, which counts until
// the new one is complete.
Identity preparedIdentity(SiteStore& store, const SiteFiles& files, const std::string& token) {
  if (store.fact(kAskedToken) == token)
    if (auto identity = Identity::read(files.nextIdentity())) return std::move(*identity);
  Identity fresh{SigningKey::generate(), ""};
  fresh.write(files.nextIdentity());
  store.setFact(kAskedToken, token);
  return fresh;
}

}  // namespace

net::HttpClientOptions memberOptions(const net::HttpClientOptions& options,
                                     const Enrolment& enrolment, const SiteFiles& files,
                                     const std::filesystem::path& identity) {
  net::HttpClientOptions result = options;
  result.verifyPeer = true;
  result.tlsPinSha256 = enrolment.tlsPinSha256;
  // A CA that the site's own settings add (of its network, or the system's for a server with a
  // public certificate) is believed beside the consortium's, never instead.
  if (result.caFile.empty())
    result.caFile = files.authority();
  else
    result.caPem = textOf(readOwnerFile(files.authority(), 64 * 1024).value().view());
  result.clientCertificateFile = identity;
  result.clientKeyFile = identity;
  return result;
}

void obtainCertificate(CoordinatorLink& link, Identity& identity, const CertificateWish& wish,
                       std::stop_token stop) {
  const EnrolRequest request{wish.token, makeSigningRequest(identity.key, wish.site)};
  const auto response = link.send("POST", wish.target, encode(request), {}, std::move(stop));
  const auto reply = decode<EnrolReply>(CoordinatorLink::bodyOf(response));
  CertificateFacts facts;
  try {
    facts = factsOf(reply.certificatePem);
  } catch (const CryptoError&) {
    throw EnrolmentRefused("the coordinator sent no certificate that can be read");
  }
  if (reply.site != wish.site || facts.commonName != wish.site)
    throw EnrolmentRefused("the coordinator sent a certificate for another site");
  if (facts.key != identity.key.publicKey())
    throw EnrolmentRefused("the coordinator sent a certificate for another key");
  if (!isSignedBy(reply.certificatePem, wish.caPem, wish.now)) refuse(link, facts, reply, wish);
  identity.certificatePem = reply.certificatePem;
  identity.write(wish.file);
}

bool shouldRenew(const CertificateFacts& facts, std::chrono::sys_seconds now) {
  return 3 * (facts.notAfter - now) < facts.notAfter - facts.notBefore;
}

void Site::enrol(const Invitation& invitation, const SiteSettings& settings) try {
  requireUsable(invitation, settings);
  const SiteFiles files{settings.folder};
  makeOwnerFolder(settings.folder);
  SiteStore store(settings.folder, settings.now);
  const auto known = store.enrolment();
  if (known) requireSame(*known, invitation);
  const Enrolment enrolment{invitation.site,           invitation.consortium,
                            invitation.coordinatorUrl, invitation.coordinatorKey,
                            invitation.tlsPinSha256,   fingerprintOf(invitation.token)};
  // The same invitation again: nothing is left to ask for. Another one: the site was invited anew.
  if (known && known->tokenSha256 == enrolment.tokenSha256) return;
  Identity identity = preparedIdentity(store, files, enrolment.tokenSha256);
  writeOwnerFile(files.authority(), viewOf(invitation.caCertificatePem));
  net::HttpClientOptions http = memberOptions(settings.http, enrolment, files, {});
  CoordinatorLink link(
      {enrolment.coordinatorUrl, std::move(http), settings.now, settings.authorizationFile});
  obtainCertificate(link, identity,
                    {"/v1/enrol", invitation.token, invitation.site, invitation.caCertificatePem,
                     files.nextIdentity(), settings.now()},
                    {});
  identity.write(files.identity());
  const CertificateFacts facts = factsOf(identity.certificatePem);
  store.saveEnrolment(enrolment, {"enrolled",
                                  {{"site", enrolment.site},
                                   {"consortium", enrolment.consortium},
                                   {"certificate", toHex(facts.sha256)},
                                   {"serial", facts.serialHex},
                                   {"coordinatorKey", toHex(enrolment.coordinatorKey)}}});
  std::filesystem::remove(files.nextIdentity());
} catch (const CoordinatorRefusal& refusal) {
  throw EnrolmentRefused(refusal.what());
} catch (const CryptoError& e) {
  throw EnrolmentRefused(std::string("the invitation or the key cannot be used: ") + e.what());
} catch (const std::invalid_argument& e) {
  throw EnrolmentRefused(e.what());
}

}  // namespace fedpet::federation
