// The site's key and its certificate, in one file, so that they change together.
#pragma once

#include "federation/crypto/Certificate.h"
#include "federation/crypto/SigningKey.h"

#include <filesystem>
#include <optional>
#include <string>

namespace fedpet::federation {

struct Identity {
  SigningKey key;
  std::string certificatePem;  // empty: asked for, not here yet

  // nullopt: there is no such file. Throws CryptoError for one that holds something else.
  static std::optional<Identity> read(const std::filesystem::path&);
  void write(const std::filesystem::path&) const;  // owner only, durable
};

// The files in a site's folder.
struct SiteFiles {
  std::filesystem::path folder;
  std::filesystem::path identity() const { return folder / "identity.pem"; }
  std::filesystem::path nextIdentity() const { return folder / "identity.next.pem"; }
  std::filesystem::path authority() const { return folder / "consortium.pem"; }
  std::filesystem::path lock() const { return folder / "run.lock"; }
  std::filesystem::path blobs() const { return folder / "blobs"; }
  std::filesystem::path results() const { return folder / "results"; }
  std::filesystem::path releases() const { return folder / "releases"; }
};

// Of a round's result within results().
inline std::string resultName(const std::string& planHash, int number) {
  return planHash.substr(0, 16) + "-" + std::to_string(number);
}

}  // namespace fedpet::federation
