#include "net/Tls.h"

#include "net/NetError.h"

#include <boost/asio/buffer.hpp>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace fedpet::net {
namespace {

namespace ssl = boost::asio::ssl;

template <typename T, void (*release)(T*)>
struct Releaser {
  void operator()(T* pointer) const { release(pointer); }
};
void freeBytes(unsigned char* bytes) { OPENSSL_free(bytes); }
void freeText(char* text) { OPENSSL_free(text); }
using Certificate = std::unique_ptr<X509, Releaser<X509, X509_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Releaser<BIGNUM, BN_free>>;
using Bytes = std::unique_ptr<unsigned char, Releaser<unsigned char, freeBytes>>;
using Text = std::unique_ptr<char, Releaser<char, freeText>>;

std::string hex(const unsigned char* bytes, std::size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

std::string sha256Hex(const unsigned char* bytes, std::size_t size) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (!EVP_Digest(bytes, size, digest, &length, EVP_sha256(), nullptr)) return {};
  return hex(digest, length);
}

std::string commonNameOf(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (first < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0) return {};
  unsigned char* bytes = nullptr;
  const int length =
      ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first)));
  if (length < 0) return {};
  const Bytes owner(bytes);
  std::string name(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  // "site-1\0.evil": whoever compares it as a C string would see another name.
  return name.find('\0') == std::string::npos ? name : std::string();
}

std::string serialOf(X509* certificate) {
  const BigNumber number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  const Text text(number ? BN_bn2hex(number.get()) : nullptr);
  std::string serial(text ? text.get() : "");
  for (char& c : serial)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  return serial;
}

void useCommonSettings(ssl::context& context) {
  context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 |
                      ssl::context::no_tlsv1_1);
  // An encrypted key file is an error; OpenSSL's own way would be to ask on the terminal.
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return ""; });
}

template <typename Use>
ssl::context made(ssl::context::method method, Use use) {
  try {
    ssl::context context(method);
    useCommonSettings(context);
    use(context);
    return context;
  } catch (const boost::system::system_error& e) {
    throw NetError(NetError::Kind::Tls, std::string("unusable certificate or key: ") + e.what());
  }
}

void needPairs(const HttpClientOptions& options) {
  if (options.clientCertificateFile.empty() != options.clientKeyFile.empty() ||
      options.clientCertificatePem.empty() != options.clientKeyPem.empty())
    throw NetError(NetError::Kind::Tls,
                   "a client certificate needs its key, and a key its certificate");
  if (!options.clientCertificateFile.empty() && !options.clientCertificatePem.empty())
    throw NetError(NetError::Kind::Tls, "the client certificate is given both as file and as text");
}

void useClientCertificates(ssl::context& context, const HttpServerOptions& options) {
  using Clients = HttpServerOptions::ClientCertificates;
  if (options.clientCertificates == Clients::None) return;
  context.load_verify_file(options.clientCaFile.string());
  // Tells clients that have several certificates which authority is asked for.
  SSL_CTX_set_client_CA_list(context.native_handle(),
                             SSL_load_client_CA_file(options.clientCaFile.c_str()));
  context.set_verify_mode(options.clientCertificates == Clients::Required
                              ? ssl::verify_peer | ssl::verify_fail_if_no_peer_cert
                              : ssl::verify_peer);
}

}  // namespace

ssl::context clientContext(const HttpClientOptions& options) {
  needPairs(options);
  return made(ssl::context::tls_client, [&](ssl::context& context) {
    context.set_verify_mode(options.verifyPeer ? ssl::verify_peer : ssl::verify_none);
    if (options.caFile.empty() && options.caPem.empty()) context.set_default_verify_paths();
    if (!options.caFile.empty()) context.load_verify_file(options.caFile.string());
    if (!options.caPem.empty())
      context.add_certificate_authority(boost::asio::buffer(options.caPem));
    if (!options.clientCertificateFile.empty()) {
      context.use_certificate_chain_file(options.clientCertificateFile.string());
      context.use_private_key_file(options.clientKeyFile.string(), ssl::context::pem);
    }
    if (!options.clientCertificatePem.empty()) {
      context.use_certificate_chain(boost::asio::buffer(options.clientCertificatePem));
      context.use_private_key(boost::asio::buffer(options.clientKeyPem), ssl::context::pem);
    }
  });
}

ssl::context serverContext(const HttpServerOptions& options) {
  return made(ssl::context::tls_server, [&](ssl::context& context) {
    context.use_certificate_chain_file(options.certificateFile.string());
    context.use_private_key_file(options.keyFile.string(), ssl::context::pem);
    useClientCertificates(context, options);
    SSL_CTX* const native = context.native_handle();
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // 32 KiB less per idle connection
    // No resumption: it would skip the check of the client's certificate and of its dates.
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(native, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(native, 0);
  });
}

std::optional<PeerCertificate> peerCertificate(SSL* connection) {
  const Certificate certificate(SSL_get1_peer_certificate(connection));
  if (!certificate) return std::nullopt;
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate.get(), &der);
  const Bytes owner(der);
  if (length < 0) return std::nullopt;
  return PeerCertificate{commonNameOf(certificate.get()), serialOf(certificate.get()),
                         sha256Hex(der, static_cast<std::size_t>(length))};
}

std::string peerKeySha256Hex(SSL* connection) {
  const Certificate certificate(SSL_get1_peer_certificate(connection));
  if (!certificate) return {};
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  const Bytes owner(der);
  return length < 0 ? std::string() : sha256Hex(der, static_cast<std::size_t>(length));
}

}  // namespace fedpet::net
