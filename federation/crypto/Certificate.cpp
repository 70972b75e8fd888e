#include "federation/crypto/Certificate.h"

#include "federation/crypto/OpenSsl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

namespace fedpet::federation {
namespace {

using std::chrono::sys_seconds;

constexpr std::size_t kMaxCommonNameChars = 64;  // RFC 5280 appendix A, ub-common-name

using OwnedNumber = Owned<BIGNUM, BN_free>;
using OwnedNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using OwnedGeneralName = Owned<GENERAL_NAME, GENERAL_NAME_free>;
using OwnedExtension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using OwnedStore = Owned<X509_STORE, X509_STORE_free>;
using OwnedStoreContext = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using OwnedText =
    std::unique_ptr<unsigned char, decltype([](unsigned char* text) { OPENSSL_free(text); })>;
using OwnedHex = std::unique_ptr<char, decltype([](char* text) { OPENSSL_free(text); })>;

std::string textWrittenTo(BIO* bio) { return std::string(textOf(writtenTo(bio))); }

std::string pemOf(X509& certificate) {
  const auto bio = writingBio();
  require(PEM_write_bio_X509(bio.get(), &certificate) == 1, "a certificate could not be written");
  return textWrittenTo(bio.get());
}

OwnedCertificate certificateOf(const std::string& pem) {
  const auto bio = readingBio(viewOf(pem));
  auto certificate = own<OwnedCertificate>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr),
                                           "not a certificate in PEM form");
  const OwnedCertificate second(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (second) throw CryptoError("more than one certificate where one was expected");
  return certificate;
}

void requireCommonName(const std::string& name) {
  if (name.empty() || name.size() > kMaxCommonNameChars)
    throw CryptoError("a certificate's name must have 1 to 64 characters");
  for (const unsigned char c : name)
    if (c < 0x20 || c == 0x7f) throw CryptoError("a certificate's name with control characters");
}

std::string commonNameOf(const X509_NAME* name) {
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (index < 0) throw CryptoError("a certificate without a common name");
  if (X509_NAME_get_index_by_NID(name, NID_commonName, index) >= 0)
    throw CryptoError("a certificate with two common names");
  unsigned char* raw = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&raw, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
  require(size >= 0, "a certificate's common name could not be read");
  const OwnedText text(raw);
  std::string common(reinterpret_cast<const char*>(raw), static_cast<std::size_t>(size));
  requireCommonName(common);  // a NUL inside would read differently in other programs
  return common;
}

OwnedName nameOf(const std::string& commonName) {
  requireCommonName(commonName);
  auto name = own<OwnedName>(X509_NAME_new(), "no memory for a name");
  require(X509_NAME_add_entry_by_NID(name.get(), NID_commonName, MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(commonName.data()),
                                     static_cast<int>(commonName.size()), -1, 0) == 1,
          "a certificate's name must be UTF-8 text");
  return name;
}

sys_seconds timeOf(const ASN1_TIME* time) {
  std::tm parts{};
  require(ASN1_TIME_to_tm(time, &parts) == 1, "a certificate's date could not be read");
  using namespace std::chrono;
  const auto day = year(parts.tm_year + 1900) / (parts.tm_mon + 1) / parts.tm_mday;
  return sys_days(day) + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec);
}

std::time_t unixTime(sys_seconds time) { return time.time_since_epoch().count(); }

Hash256 derHash(const X509& certificate) {
  Hash256 hash;
  unsigned size = 0;
  require(X509_digest(&certificate, EVP_sha256(), hash.data(), &size) == 1 && size == hash.size(),
          "a certificate could not be hashed");
  return hash;
}

}  // namespace

// A certificate in the making: what members' and the authority's own have in common.
class CertificateMaker {
 public:
  CertificateMaker(const std::string& subject, EVP_PKEY& key, sys_seconds notBefore,
                   sys_seconds notAfter)
      : certificate_(own<OwnedCertificate>(X509_new(), "no memory for a certificate")) {
    if (notBefore >= notAfter) throw CryptoError("a certificate that ends before it begins");
    constexpr long version3 = 2;
    const auto name = nameOf(subject);
    require(X509_set_version(certificate_.get(), version3) == 1 &&
                X509_set_subject_name(certificate_.get(), name.get()) == 1 &&
                X509_set_pubkey(certificate_.get(), &key) == 1 &&
                ASN1_TIME_set(X509_getm_notBefore(certificate_.get()), unixTime(notBefore)) &&
                ASN1_TIME_set(X509_getm_notAfter(certificate_.get()), unixTime(notAfter)),
            "a certificate could not be made");
    setSerial();
  }

  // Before the key identifiers, which are taken from it. nullptr: signed by itself.
  void setIssuer(const X509* issuer) {
    issuer_ = issuer == nullptr ? certificate_.get() : issuer;
    require(X509_set_issuer_name(certificate_.get(), X509_get_subject_name(issuer_)) == 1,
            "a certificate's issuer could not be set");
  }

  // `value` in OpenSSL's configuration language: fixed texts only, never a caller's.
  void addExtension(int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, const_cast<X509*>(issuer_), certificate_.get(), nullptr, nullptr, 0);
    X509V3_set_ctx_nodb(&context);
    const auto extension = own<OwnedExtension>(X509V3_EXT_conf_nid(nullptr, &context, nid, value),
                                               "a certificate's extension could not be made");
    require(X509_add_ext(certificate_.get(), extension.get(), -1) == 1,
            "a certificate's extension could not be added");
  }

  void addKeyIdentifiers() {
    addExtension(NID_subject_key_identifier, "hash");
    addExtension(NID_authority_key_identifier, "keyid:always");
  }

  void addAlternativeNames(const CertificateTerms& terms) {
    if (terms.dnsNames.empty() && terms.ipAddresses.empty()) return;
    const auto names = own<OwnedNames>(GENERAL_NAMES_new(), "no memory for names");
    for (const auto& text : terms.dnsNames) add(*names, dnsName(text));
    for (const auto& text : terms.ipAddresses) add(*names, ipAddress(text));
    require(X509_add1_ext_i2d(certificate_.get(), NID_subject_alt_name, names.get(), 0,
                              X509V3_ADD_DEFAULT) == 1,
            "a certificate's names could not be added");
  }

  std::string signedBy(const SigningKey& key) {
    // No digest: Ed25519 signs the message itself (RFC 8410 section 3).
    require(X509_sign(certificate_.get(), key.impl_->key.get(), nullptr) > 0,
            "a certificate could not be signed");
    return pemOf(*certificate_);
  }

  static EVP_PKEY& keyOf(const SigningKey& key) { return *key.impl_->key; }

 private:
  void setSerial() {
    const auto bytes = randomBytes(16);
    const auto number = own<OwnedNumber>(
        BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr), "no memory for a number");
    require(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate_.get())) != nullptr,
            "a certificate's serial number could not be set");
  }

  static OwnedGeneralName dnsName(const std::string& text) {
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.*";
    if (text.empty() || text.size() > 253 || text.find_first_not_of(allowed) != text.npos)
      throw CryptoError("not a DNS name for a certificate: letters, digits, '-' and '.' only");
    auto value = own<Owned<ASN1_IA5STRING, ASN1_IA5STRING_free>>(ASN1_IA5STRING_new(),
                                                                 "no memory for a name");
    require(ASN1_STRING_set(value.get(), text.data(), static_cast<int>(text.size())) == 1,
            "no memory for a name");
    auto name = own<OwnedGeneralName>(GENERAL_NAME_new(), "no memory for a name");
    GENERAL_NAME_set0_value(name.get(), GEN_DNS, value.release());
    return name;
  }

  static OwnedGeneralName ipAddress(const std::string& text) {
    auto value = own<Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>>(
        a2i_IPADDRESS(text.c_str()), "not an IP address for a certificate");
    auto name = own<OwnedGeneralName>(GENERAL_NAME_new(), "no memory for a name");
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, value.release());
    return name;
  }

  static void add(GENERAL_NAMES& names, OwnedGeneralName name) {
    require(sk_GENERAL_NAME_push(&names, name.get()) > 0, "no memory for a name");
    name.release();
  }

  OwnedCertificate certificate_;
  const X509* issuer_ = nullptr;
};

CertificateFacts factsOf(const std::string& pem) {
  const auto certificate = certificateOf(pem);
  CertificateFacts facts;
  facts.commonName = commonNameOf(X509_get_subject_name(certificate.get()));
  const EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  require(key != nullptr, "a certificate without a readable key");
  facts.key = rawPublicKey(*key);
  facts.notBefore = timeOf(X509_get0_notBefore(certificate.get()));
  facts.notAfter = timeOf(X509_get0_notAfter(certificate.get()));
  facts.sha256 = derHash(*certificate);
  const auto serial =
      own<OwnedNumber>(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr),
                       "a certificate's serial number could not be read");
  const OwnedHex hex(BN_bn2hex(serial.get()));
  require(hex != nullptr, "no memory for a serial number");
  facts.serialHex = toHex(fromHex(hex.get()));  // lower case, like every other hash and number
  return facts;
}

bool isSignedBy(const std::string& certificatePem, const std::string& caPem, sys_seconds at) {
  const auto certificate = certificateOf(certificatePem);
  const auto ca = certificateOf(caPem);
  // A member that could sign certificates itself would be a second authority.
  if (X509_check_ca(certificate.get()) != 0) return false;
  const auto store = own<OwnedStore>(X509_STORE_new(), "no memory for a check");
  const auto context = own<OwnedStoreContext>(X509_STORE_CTX_new(), "no memory for a check");
  require(X509_STORE_add_cert(store.get(), ca.get()) == 1 &&
              X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr) == 1,
          "a certificate could not be checked");
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), unixTime(at));
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  return good;
}

std::string makeSigningRequest(const SigningKey& key, const std::string& commonName) {
  const auto request = own<OwnedRequest>(X509_REQ_new(), "no memory for a request");
  const auto name = nameOf(commonName);
  EVP_PKEY& raw = CertificateMaker::keyOf(key);
  require(X509_REQ_set_version(request.get(), 0) == 1 &&
              X509_REQ_set_subject_name(request.get(), name.get()) == 1 &&
              X509_REQ_set_pubkey(request.get(), &raw) == 1 &&
              X509_REQ_sign(request.get(), &raw, nullptr) > 0,
          "a certificate request could not be made");
  const auto bio = writingBio();
  require(PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1,
          "a certificate request could not be written");
  return textWrittenTo(bio.get());
}

PublicKey keyOfRequest(const std::string& pem) {
  const auto bio = readingBio(viewOf(pem));
  const auto request = own<OwnedRequest>(
      PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr), "not a certificate request");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  require(key != nullptr, "a certificate request without a readable key");
  const PublicKey raw = rawPublicKey(*key);
  require(X509_REQ_verify(request.get(), key) == 1,
          "a certificate request whose signature is wrong");
  return raw;
}

CertificateAuthority CertificateAuthority::create(const std::string& consortium,
                                                  sys_seconds notBefore, sys_seconds notAfter) {
  auto key = SigningKey::generate();
  CertificateMaker maker(consortium, CertificateMaker::keyOf(key), notBefore, notAfter);
  maker.setIssuer(nullptr);
  // pathlen 0: it signs members and no further authorities.
  maker.addExtension(NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  maker.addExtension(NID_key_usage, "critical,keyCertSign,cRLSign");
  maker.addKeyIdentifiers();
  std::string pem = maker.signedBy(key);
  return CertificateAuthority(std::move(key), std::move(pem));
}

CertificateAuthority CertificateAuthority::load(std::string pem, ByteView keyPem) {
  auto key = SigningKey::fromPem(keyPem);
  const auto certificate = certificateOf(pem);
  if (X509_check_ca(certificate.get()) != 1)
    throw CryptoError("this certificate is not one of an authority (basicConstraints CA)");
  if (factsOf(pem).key != key.publicKey())
    throw CryptoError("the authority's key does not belong to its certificate");
  return CertificateAuthority(std::move(key), std::move(pem));
}

std::string CertificateAuthority::issue(const PublicKey& key, const CertificateTerms& terms) const {
  const auto ca = certificateOf(certificatePem_);
  const auto subjectKey = publicKeyOf(key);
  CertificateMaker maker(terms.commonName, *subjectKey, terms.notBefore, terms.notAfter);
  maker.setIssuer(ca.get());
  maker.addExtension(NID_basic_constraints, "critical,CA:FALSE");
  maker.addExtension(NID_key_usage, "critical,digitalSignature");
  maker.addExtension(NID_ext_key_usage, terms.forServer ? "serverAuth" : "clientAuth");
  maker.addAlternativeNames(terms);
  maker.addKeyIdentifiers();
  return maker.signedBy(key_);
}

}  // namespace fedpet::federation
