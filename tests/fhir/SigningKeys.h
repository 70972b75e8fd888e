// Keys for the tests, made by OpenSSL's own program: not by the code that is tested.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace fedpet::testing {

inline void shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

inline std::filesystem::path newEcKey(const std::filesystem::path& folder,
                                      const std::string& curve = "P-384") {
  const auto path = folder / ("ec-" + curve + ".pem");
  shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:" + curve + " -out '" +
        path.string() + "' 2>/dev/null && chmod 600 '" + path.string() + "'");
  return path;
}

inline std::filesystem::path newRsaKey(const std::filesystem::path& folder, int bits = 2048) {
  const auto path = folder / ("rsa-" + std::to_string(bits) + ".pem");
  shell("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:" + std::to_string(bits) +
        " -out '" + path.string() + "' 2>/dev/null && chmod 600 '" + path.string() + "'");
  return path;
}

}  // namespace fedpet::testing
