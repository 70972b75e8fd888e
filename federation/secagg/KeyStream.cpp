#include "federation/secagg/KeyStream.h"

#include "federation/crypto/KeyAgreement.h"
#include "federation/secagg/Framing.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace fedpet::federation {
namespace {

constexpr std::size_t kBlockBytes = 1 << 15;  // stays in the first cache with its words
constexpr std::array<std::uint8_t, kBlockBytes> kZeros{};

EVP_CIPHER_CTX* contextOf(void* context) { return static_cast<EVP_CIPHER_CTX*>(context); }

// Both loops are left to the compiler to vectorise.
template <typename Word>
void add(std::span<std::uint64_t> words, const std::uint8_t* stream, bool minus) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    Word mask;
    std::memcpy(&mask, stream + i * sizeof mask, sizeof mask);
    const auto word = static_cast<Word>(words[i]);
    words[i] = static_cast<Word>(minus ? word - mask : word + mask);
  }
}

}  // namespace

KeyStream::KeyStream(const SecretBytes& key) : context_(EVP_CIPHER_CTX_new()) {
  const std::array<std::uint8_t, 16> zeroCounter{};
  if (context_ == nullptr || key.size() != 32 ||
      EVP_EncryptInit_ex2(contextOf(context_), EVP_aes_256_ctr(), key.view().data(),
                          zeroCounter.data(), nullptr) != 1) {
    EVP_CIPHER_CTX_free(contextOf(context_));
    throw CryptoError("AES-256-CTR could not be started");
  }
}

KeyStream::~KeyStream() { EVP_CIPHER_CTX_free(contextOf(context_)); }

void KeyStream::fill(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), kBlockBytes);
    int written = 0;
    if (EVP_EncryptUpdate(contextOf(context_), bytes.data(), &written, kZeros.data(),
                          static_cast<int>(size)) != 1)
      throw CryptoError("AES-256-CTR failed");
    bytes = bytes.subspan(size);
  }
}

void applyMask(std::span<std::uint64_t> words, int wordBytes, const SecretBytes& key,
               MaskSign sign) {
  KeyStream stream(key);
  SecretBytes block(kBlockBytes);
  const auto size = static_cast<std::size_t>(wordBytes);
  while (!words.empty()) {
    const auto part = words.first(std::min(words.size(), kBlockBytes / size));
    stream.fill(block.writable().first(part.size() * size));
    const bool minus = sign == MaskSign::Minus;
    if (wordBytes == 4)
      add<std::uint32_t>(part, block.view().data(), minus);
    else
      add<std::uint64_t>(part, block.view().data(), minus);
    words = words.subspan(part.size());
  }
}

void addPacked(std::span<std::uint64_t> words, ByteView packed, int wordBytes) {
  if (wordBytes == 4)
    add<std::uint32_t>(words, packed.data(), false);
  else
    add<std::uint64_t>(words, packed.data(), false);
}

SecretBytes selfMaskKey(const SecretBytes& selfMaskSeed, const std::string& roundId,
                        const std::string& site) {
  return hkdfSha256(selfMaskSeed.view(), viewOf(roundId),
                    textOf(framed({"fedpet self mask 1", roundId, site})), 32);
}

SecretBytes pairMaskKey(const SecretBytes& agreed, const std::string& roundId,
                        const std::string& first, const std::string& second) {
  return hkdfSha256(agreed.view(), viewOf(roundId),
                    textOf(framed({"fedpet pair mask 1", roundId, first, second})), 32);
}

}  // namespace fedpet::federation
