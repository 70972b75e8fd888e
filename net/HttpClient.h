// A blocking HTTP/1.1 client for one origin, over TLS or in the clear, with a deadline on every
// step: it always returns. Boost.Beast and OpenSSL stay behind this header.
#pragma once

#include "net/HttpMessage.h"
#include "net/NetError.h"
#include "net/Url.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::net {

struct HttpClientOptions {
  std::chrono::milliseconds resolveTimeout{10'000};
  std::chrono::milliseconds connectTimeout{10'000};
  std::chrono::milliseconds tlsTimeout{10'000};
  std::chrono::milliseconds ioTimeout{30'000};        // without one byte sent or received
  std::chrono::milliseconds overallTimeout{120'000};  // of one send(), all steps together
  std::size_t maxHeaderBytes = 64 * 1024;
  std::size_t maxBodyBytes = 512u * 1024 * 1024;
  std::string userAgent = "fedpet";

  // Only for https. The peer's certificate and host name are always verified unless
  // `verifyPeer` is switched off, which is for experiments alone.
  bool verifyPeer = true;
  std::filesystem::path caFile;                 // PEM; empty: the system's authorities
  std::filesystem::path clientCertificateFile;  // PEM chain, for mutual TLS; empty: none
  std::filesystem::path clientKeyFile;          // PEM
  // The same from memory. A CA given both ways is trusted both ways.
  std::string caPem, clientCertificatePem, clientKeyPem;
  // SHA-256 of the peer's public key (SubjectPublicKeyInfo, RFC 7469), in hex. When set, the peer
  // must have this key in addition to everything above.
  std::string tlsPinSha256;

  // "http://proxy.example:3128": https goes through a CONNECT tunnel (RFC 9110, section 9.3.6),
  // http is asked for in absolute form. Empty: no proxy; the environment is not looked at.
  std::string proxyUrl;
  std::string proxyAuthorization;  // value of Proxy-Authorization, see basicCredentials()
  // Hosts reached directly: a name or address, ".example.org" for all names below, or "*".
  std::vector<std::string> noProxy;
};

// Not thread-safe: one client per thread. Keeps its connection open between calls and reconnects
// when the peer has closed it meanwhile. A request whose method is idempotent (GET, HEAD, PUT,
// DELETE, OPTIONS) is repeated once when a kept connection breaks before the answer begins;
// a POST never is.
class HttpClient {
 public:
  // Only scheme, host and port of the URL count. Throws std::invalid_argument for a URL that
  // parseUrl refuses and NetError (Tls) for an unreadable certificate or key file.
  explicit HttpClient(std::string_view originUrl, HttpClientOptions = {});
  explicit HttpClient(Url origin, HttpClientOptions = {});
  ~HttpClient();  // may wait for the system's resolver if a name was still being looked up
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // Throws NetError. A redirect (301, 302, 303, 307, 308) is a Protocol error: patient data and
  // credentials go to the configured host or nowhere. `stop` may be signalled from any thread.
  HttpResponse send(const HttpRequest&, std::stop_token stop = {});
  // With this body instead of the request's own: a large one need not be copied.
  HttpResponse send(const HttpRequest&, std::string_view body, std::stop_token stop = {});

  // Shorthands for the common cases.
  HttpResponse get(std::string_view target, Headers = {}, std::stop_token stop = {});
  HttpResponse post(std::string_view target, std::string body, Headers = {},
                    std::stop_token stop = {});

  const Url& origin() const;
  std::size_t connectionsOpened() const;  // since construction: shows that keep-alive works

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

// Value of an Authorization header, RFC 7617, UTF-8.
std::string basicCredentials(std::string_view user, std::string_view password);

}  // namespace fedpet::net
