#include "federation/secagg/KeyStream.h"

#include "federation/crypto/KeyAgreement.h"
#include "federation/secagg/Framing.h"
#include "federation/secagg/InParallel.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>

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

KeyStream::KeyStream(const SecretBytes& key, std::uint64_t from) : context_(EVP_CIPHER_CTX_new()) {
  std::array<std::uint8_t, 16> counter{};  // of blocks, big-endian
  std::uint64_t block = from / counter.size();
  for (std::size_t i = counter.size(); i-- > 8; block >>= 8)
    counter[i] = static_cast<std::uint8_t>(block);
  if (context_ == nullptr || key.size() != 32 || from % counter.size() != 0 ||
      EVP_EncryptInit_ex2(contextOf(context_), EVP_aes_256_ctr(), key.view().data(), counter.data(),
                          nullptr) != 1) {
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

namespace {

// `words` begin at byte `from` of each stream. Block by block, so that the words pass through the
// cache once for many masks.
void applyAll(std::span<std::uint64_t> words, int wordBytes, std::span<const Mask> masks,
              std::uint64_t from) {
  std::deque<KeyStream> streams;
  for (const Mask& mask : masks) streams.emplace_back(mask.key32, from);
  SecretBytes block(kBlockBytes);
  const auto size = static_cast<std::size_t>(wordBytes);
  while (!words.empty()) {
    const auto part = words.first(std::min(words.size(), kBlockBytes / size));
    for (std::size_t i = 0; i < masks.size(); ++i) {
      streams[i].fill(block.writable().first(part.size() * size));
      const bool minus = masks[i].sign == MaskSign::Minus;
      if (wordBytes == 4)
        add<std::uint32_t>(part, block.view().data(), minus);
      else
        add<std::uint64_t>(part, block.view().data(), minus);
    }
    words = words.subspan(part.size());
  }
}

}  // namespace

void applyMask(std::span<std::uint64_t> words, int wordBytes, const SecretBytes& key,
               MaskSign sign) {
  const Mask mask{key.copy(), sign};
  applyAll(words, wordBytes, {&mask, 1}, 0);
}

void applyMasks(std::span<std::uint64_t> words, int wordBytes, const std::vector<Mask>& masks,
                unsigned cores) {
  constexpr std::size_t kAtOnce = 64;  // streams that are open
  const std::size_t wordsOfBlock = kBlockBytes / static_cast<std::size_t>(wordBytes);
  const std::size_t blocks = (words.size() + wordsOfBlock - 1) / wordsOfBlock;
  const auto parts = static_cast<unsigned>(std::clamp<std::size_t>(blocks, 1, std::max(cores, 1U)));
  inParallel(parts, [&](unsigned part) {
    const std::size_t first = blocks * part / parts * wordsOfBlock,
                      end = std::min(words.size(), blocks * (part + 1) / parts * wordsOfBlock);
    for (std::size_t at = 0; at < masks.size(); at += kAtOnce)
      applyAll(words.subspan(first, end - first), wordBytes,
               std::span(masks).subspan(at, std::min(kAtOnce, masks.size() - at)),
               first * static_cast<std::size_t>(wordBytes));
  });
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
