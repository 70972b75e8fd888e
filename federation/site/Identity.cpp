#include "federation/site/Identity.h"

#include "federation/files/DurableFiles.h"

namespace fedpet::federation {

namespace {
constexpr std::string_view kCertificateBegins = "-----BEGIN CERTIFICATE-----";
}

std::optional<Identity> Identity::read(const std::filesystem::path& path) {
  const auto content = readOwnerFile(path, 64 * 1024);
  if (!content) return std::nullopt;
  const auto begin = textOf(content->view()).find(kCertificateBegins);
  const std::string_view text = textOf(content->view());
  return Identity{
      SigningKey::fromPem(viewOf(text.substr(0, begin))),
      begin == std::string_view::npos ? std::string() : std::string(text.substr(begin))};
}

void Identity::write(const std::filesystem::path& path) const {
  const SecretBytes keyPem = key.toPem();
  SecretBytes content(keyPem.size() + certificatePem.size());
  std::copy(keyPem.view().begin(), keyPem.view().end(), content.writable().begin());
  std::copy(certificatePem.begin(), certificatePem.end(),
            content.writable().begin() + static_cast<std::ptrdiff_t>(keyPem.size()));
  writeOwnerFile(path, content.view());
}

}  // namespace fedpet::federation
