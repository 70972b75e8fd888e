// What makes a folder the coordinator's: its authority, its signing key and the administrator's
// token, each in a file that its owner alone may read.
#pragma once

#include "federation/crypto/Certificate.h"

#include <filesystem>
#include <string>

namespace fedpet::federation {

struct KeyFiles {
  std::filesystem::path folder;
  std::filesystem::path authority() const { return folder / "ca.pem"; }
  std::filesystem::path authorityKey() const { return folder / "ca-key.pem"; }
  std::filesystem::path signingKey() const { return folder / "coordinator-key.pem"; }
  std::filesystem::path token() const { return folder / "admin-token"; }
};

struct Keys {
  CertificateAuthority authority;
  SigningKey signingKey;
  Hash256 tokenHash;

  static void create(const std::filesystem::path& folder, const std::string& consortium,
                     std::chrono::sys_seconds now);
  // Throws std::runtime_error with a sentence when the folder is not a coordinator's.
  static Keys load(const std::filesystem::path& folder);
};

}  // namespace fedpet::federation
