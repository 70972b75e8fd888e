// AES-256 in counter mode (NIST SP 800-38A section 6.5) from zero, as a pseudorandom generator: a
// key makes one stream and is used for nothing else. Chosen over ChaCha20 for the AES instructions
// of every hospital server.
#pragma once

#include "federation/crypto/SecretBytes.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fedpet::federation {

class KeyStream {
 public:
  // From byte `from`, a multiple of 16. Throws CryptoError on a key of another length.
  explicit KeyStream(const SecretBytes& key32, std::uint64_t from = 0);
  ~KeyStream();
  KeyStream(const KeyStream&) = delete;
  KeyStream& operator=(const KeyStream&) = delete;
  // The next bytes of the stream.
  void fill(std::span<std::uint8_t>);

 private:
  void* context_;
};

enum class MaskSign { Plus, Minus };

// words +- stream, modulo 2^(8 * wordBytes); wordBytes is 4 or 8.
void applyMask(std::span<std::uint64_t> words, int wordBytes, const SecretBytes& key32, MaskSign);

struct Mask {
  SecretBytes key32;
  MaskSign sign;
};
// All of them, one after the other, on so many cores.
void applyMasks(std::span<std::uint64_t> words, int wordBytes, const std::vector<Mask>&,
                unsigned cores = 1);

// words + packed, modulo the same; `packed` has one word for each.
void addPacked(std::span<std::uint64_t> words, ByteView packed, int wordBytes);

// The keys of masks, each bound to its round and its owners, so that none is ever used twice.
SecretBytes selfMaskKey(const SecretBytes& selfMaskSeed, const std::string& roundId,
                        const std::string& site);
// The same for both: `first` < `second`.
SecretBytes pairMaskKey(const SecretBytes& agreed, const std::string& roundId,
                        const std::string& first, const std::string& second);

}  // namespace fedpet::federation
