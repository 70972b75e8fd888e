// How a site becomes a member, and stays one: the key is made here and never leaves; the
// certificate is believed only when the pinned CA signed it for this key and name.
#pragma once

#include "federation/site/CoordinatorLink.h"
#include "federation/site/Identity.h"
#include "federation/site/Site.h"
#include "federation/site/SiteStore.h"

namespace fedpet::federation {

// HTTP options of an enrolled site: the consortium's CA, the pin and this identity's certificate.
net::HttpClientOptions memberOptions(const net::HttpClientOptions&, const Enrolment&,
                                     const SiteFiles&, const std::filesystem::path& identity);

// Asks for a certificate for `identity`, which is stored without one at `file`; completes and
// stores it. `target`: "/v1/enrol" or "/v1/certificates". Throws net::NetError, WireError,
// CoordinatorRefusal and EnrolmentRefused.
struct CertificateWish {
  std::string target, token, site, caPem;
  std::filesystem::path file;
  std::chrono::sys_seconds now{};
};
void obtainCertificate(CoordinatorLink&, Identity&, const CertificateWish&, std::stop_token);

// Less than a third of its time is left.
bool shouldRenew(const CertificateFacts&, std::chrono::sys_seconds now);

}  // namespace fedpet::federation
