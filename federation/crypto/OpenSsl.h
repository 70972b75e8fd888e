// OpenSSL's objects with owners, for this folder's own sources only.
#pragma once

#include "federation/crypto/SigningKey.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace fedpet::federation {

template <auto free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    free(object);
  }
};
template <typename T, auto free>
using Owned = std::unique_ptr<T, Freed<free>>;

using OwnedBio = Owned<BIO, BIO_free_all>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedKeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using OwnedDigest = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using OwnedCipher = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using OwnedCertificate = Owned<X509, X509_free>;
using OwnedRequest = Owned<X509_REQ, X509_REQ_free>;
using OwnedName = Owned<X509_NAME, X509_NAME_free>;

// "<what>: <OpenSSL's own reason>", and OpenSSL's queue of errors is empty again. The reasons are
// fixed texts of the library and hold nothing of the input.
[[noreturn]] void throwOpenSslError(const char* what);

inline void require(bool held, const char* what) {
  if (!held) throwOpenSslError(what);
}
// For what OpenSSL returns: null is its failure.
template <typename Owner, typename T>
Owner own(T* object, const char* what) {
  require(object != nullptr, what);
  return Owner(object);
}

OwnedBio readingBio(ByteView);
// Its memory is wiped when it goes.
OwnedBio writingBio();
ByteView writtenTo(BIO*);

PublicKey rawPublicKey(const EVP_PKEY&);
OwnedKey publicKeyOf(const PublicKey&);

struct SigningKey::Impl {
  OwnedKey key;
};

}  // namespace fedpet::federation
