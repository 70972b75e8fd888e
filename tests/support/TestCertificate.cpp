#include "tests/support/TestCertificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

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

void addExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  must(extension && X509_add_ext(certificate, extension.get(), -1));
}

void addCommonName(X509* certificate, const std::string& name) {
  must(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(name.data()),
                                  static_cast<int>(name.size()), -1, 0));
}

Certificate blank(EVP_PKEY* key, const std::string& commonName, long serial, int validHours) {
  Certificate certificate(X509_new());
  must(key && certificate);
  X509_set_version(certificate.get(), 2);  // counts from 0: this is version 3
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), validHours > 0 ? -3600 : -7200);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validHours > 0 ? 3600L * validHours : -60);
  X509_set_pubkey(certificate.get(), key);
  addCommonName(certificate.get(), commonName);
  return certificate;
}

std::string pemOf(X509* certificate) {
  const Bio text(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(text.get(), certificate));
  return textOf(text.get());
}

std::string pemOf(EVP_PKEY* key) {
  const Bio text(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PrivateKey(text.get(), key, nullptr, nullptr, 0, nullptr, nullptr));
  return textOf(text.get());
}

}  // namespace

TestCertificate makeTestCertificate(const std::string& subjectAltName, int validHours) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = blank(key.get(), "fedpet test", 1, validHours);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  addExtension(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  addExtension(certificate.get(), certificate.get(), NID_subject_alt_name, subjectAltName);
  must(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  return {pemOf(certificate.get()), pemOf(key.get())};
}

std::string publicKeySha256Hex(const std::string& keyPem) {
  const Bio text(BIO_new_mem_buf(keyPem.data(), static_cast<int>(keyPem.size())));
  const Key key(PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr));
  must(key != nullptr);
  std::vector<unsigned char> der(static_cast<std::size_t>(i2d_PUBKEY(key.get(), nullptr)));
  unsigned char* end = der.data();
  i2d_PUBKEY(key.get(), &end);
  unsigned char digest[32];
  must(EVP_Digest(der.data(), der.size(), digest, nullptr, EVP_sha256(), nullptr));
  std::string hex;
  for (const unsigned char byte : digest) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    hex += digits;
  }
  return hex;
}

struct TestAuthority::Impl {
  Key key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
  Certificate certificate = blank(key.get(), "fedpet test consortium", 1, 24);
  std::string pem;
};

TestAuthority::TestAuthority() : impl_(std::make_unique<Impl>()) {
  X509* const own = impl_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  addExtension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  addExtension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  must(X509_sign(own, impl_->key.get(), nullptr) > 0);
  impl_->pem = pemOf(own);
}

TestAuthority::~TestAuthority() = default;

const std::string& TestAuthority::certificatePem() const { return impl_->pem; }

TestCertificate TestAuthority::issue(const Wish& wish) const {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const Certificate certificate = blank(key.get(), wish.commonName, wish.serial, wish.validHours);
  if (!wish.secondCommonName.empty()) addCommonName(certificate.get(), wish.secondCommonName);
  X509* const ca = impl_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(ca));
  addExtension(certificate.get(), ca, NID_basic_constraints, "critical,CA:FALSE");
  if (!wish.subjectAltName.empty())
    addExtension(certificate.get(), ca, NID_subject_alt_name, wish.subjectAltName);
  if (!wish.extendedKeyUsage.empty())
    addExtension(certificate.get(), ca, NID_ext_key_usage, wish.extendedKeyUsage);
  must(X509_sign(certificate.get(), impl_->key.get(), nullptr) > 0);
  return {pemOf(certificate.get()), pemOf(key.get())};
}

PemFile::PemFile(const std::string& text) {
  std::string name = (std::filesystem::temp_directory_path() / "fedpet-pem-XXXXXX").string();
  const int file = ::mkstemp(name.data());
  if (file < 0) throw std::runtime_error("no temporary file");
  ::close(file);
  path = name;
  replace(text);
}

PemFile::~PemFile() { std::filesystem::remove(path); }

void PemFile::replace(const std::string& text) const { std::ofstream(path) << text; }

}  // namespace fedpet::testing
