#include "federation/coordinator/Keys.h"

#include "federation/files/DurableFiles.h"

namespace fedpet::federation {

namespace {
constexpr std::chrono::hours kAuthorityLasts{20 * 365 * 24};
}

void Keys::create(const std::filesystem::path& folder, const std::string& consortium,
                  std::chrono::sys_seconds now) {
  const KeyFiles files{folder};
  const auto authority =
      CertificateAuthority::create(consortium, now - kSlowestClock, now + kAuthorityLasts);
  writeOwnerFile(files.authorityKey(), authority.keyPem().view());
  writeOwnerFile(files.signingKey(), SigningKey::generate().toPem().view());
  writeOwnerFile(files.token(), viewOf(toBase64Url(randomBytes(32)) + "\n"));
  writeOwnerFile(files.authority(), viewOf(authority.certificatePem()));  // last: now it is one
}

Keys Keys::load(const std::filesystem::path& folder) {
  const KeyFiles files{folder};
  if (!std::filesystem::exists(files.authority()))
    throw std::runtime_error("there is no coordinator in " + folder.string() +
                             ": make one with `fedpet-coordinator init`");
  const SecretBytes authorityKey{ByteView(readWholeFile(files.authorityKey()))};
  const SecretBytes signingKey{ByteView(readWholeFile(files.signingKey()))};
  std::string token(textOf(readWholeFile(files.token())));
  while (!token.empty() && (token.back() == '\n' || token.back() == ' ')) token.pop_back();
  if (token.size() < 32)
    throw std::runtime_error("the administrator's token in " + files.token().string() +
                             " is shorter than 32 characters");
  return {CertificateAuthority::load(std::string(textOf(readWholeFile(files.authority()))),
                                     authorityKey.view()),
          SigningKey::fromPem(signingKey.view()), sha256(viewOf(token))};
}

}  // namespace fedpet::federation
