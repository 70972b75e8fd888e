#include "federation/crypto/SigningKey.h"

#include "federation/crypto/OpenSsl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace fedpet::federation {
namespace {

// Without it OpenSSL would ask for a passphrase at the terminal.
int noPassphrase(char*, int, int, void*) { return -1; }

}  // namespace

SigningKey::SigningKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SigningKey::~SigningKey() = default;
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;

SigningKey SigningKey::generate() {
  auto key = own<OwnedKey>(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"),
                           "an Ed25519 key could not be made");
  return SigningKey(std::make_unique<Impl>(Impl{std::move(key)}));
}

SigningKey SigningKey::fromPem(ByteView pem) {
  const auto bio = readingBio(pem);
  auto key = own<OwnedKey>(PEM_read_bio_PrivateKey(bio.get(), nullptr, noPassphrase, nullptr),
                           "not an unencrypted private key in PEM form");
  rawPublicKey(*key);  // refuses other kinds of keys
  return SigningKey(std::make_unique<Impl>(Impl{std::move(key)}));
}

SecretBytes SigningKey::toPem() const {
  const auto bio = writingBio();
  require(PEM_write_bio_PKCS8PrivateKey(bio.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr,
                                        nullptr) == 1,
          "a private key could not be written");
  return SecretBytes(writtenTo(bio.get()));
}

PublicKey SigningKey::publicKey() const { return rawPublicKey(*impl_->key); }

Signature SigningKey::sign(ByteView message) const {
  const auto context = own<OwnedDigest>(EVP_MD_CTX_new(), "no memory for a signature");
  Signature signature;
  std::size_t size = signature.size();
  require(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, impl_->key.get()) == 1 &&
              EVP_DigestSign(context.get(), signature.data(), &size, message.data(),
                             message.size()) == 1 &&
              size == signature.size(),
          "signing failed");
  return signature;
}

bool verifies(const PublicKey& key, ByteView message, ByteView signature) {
  if (signature.size() != std::tuple_size_v<Signature>) return false;
  const auto owned = publicKeyOf(key);
  const auto context = own<OwnedDigest>(EVP_MD_CTX_new(), "no memory for a signature");
  require(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, owned.get()) == 1,
          "a signature could not be checked");
  const bool good = EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                     message.data(), message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace fedpet::federation
