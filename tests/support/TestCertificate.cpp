#include "tests/support/TestCertificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace fedpet::testing {
namespace {

template <typename T, void (*release)(T*)>
struct Releaser {
  void operator()(T* pointer) const { release(pointer); }
};
void freeBio(BIO* bio) { BIO_free(bio); }
using Key = std::unique_ptr<EVP_PKEY, Releaser<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Releaser<X509, X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Releaser<X509_EXTENSION, X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Releaser<BIO, freeBio>>;

void must(bool happened) {
  if (!happened) throw std::runtime_error("OpenSSL could not make a test certificate");
}

std::string textOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

void addExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  must(extension && X509_add_ext(certificate, extension.get(), -1));
}

}  // namespace

TestCertificate makeTestCertificate(const std::string& subjectAltName, int validHours) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  must(key && certificate);
  X509_set_version(certificate.get(), 2);  // counts from 0: this is version 3
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), validHours > 0 ? -3600 : -7200);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validHours > 0 ? 3600L * validHours : -60);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const unsigned char common[] = "fedpet test";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  addExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  addExtension(certificate.get(), NID_subject_alt_name, subjectAltName);
  must(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);

  const Bio certificateText(BIO_new(BIO_s_mem())), keyText(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(certificateText.get(), certificate.get()) &&
       PEM_write_bio_PrivateKey(keyText.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  return {textOf(certificateText.get()), textOf(keyText.get())};
}

}  // namespace fedpet::testing
