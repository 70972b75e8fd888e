// Random numbers that only one site can repeat: noise from a seed that the coordinator knows would
// protect nobody. ChaCha20 (RFC 8439) as generator, keyed by HKDF-SHA256.
#pragma once

#include "federation/crypto/SecretBytes.h"

#include <string_view>

namespace fedpet::federation {

class SecretRandom {
 public:
  // The same secret and purpose give the same numbers.
  SecretRandom(const SecretBytes& secret, ByteView purpose);
  ~SecretRandom();
  SecretRandom(const SecretRandom&) = delete;
  SecretRandom& operator=(const SecretRandom&) = delete;

  double uniform();         // in (0, 1], 53 bits
  double standardNormal();  // Box and Muller 1958; |z| < 8.6

 private:
  void refill();
  void* cipher_;
  SecretBytes buffer_;
  std::size_t used_;
  double spare_ = 0;
  bool hasSpare_ = false;
};

}  // namespace fedpet::federation
