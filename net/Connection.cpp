#include "net/Connection.h"

#include "net/Tls.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <cerrno>

namespace fedpet::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

// CONNECT names the port even when it is the scheme's own.
std::string hostAndPort(const Url& url) {
  const bool isV6 = url.host.find(':') != std::string::npos;
  return (isV6 ? "[" + url.host + "]" : url.host) + ":" + std::to_string(url.port);
}

std::string placeOf(const Url& url) { return url.host + " port " + std::to_string(url.port); }

bool isAddress(const std::string& host) {
  boost::system::error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

// getaddrinfo cannot be interrupted, so the wait is what ends: the look-up itself may go on in
// Asio's resolver thread, holding nothing but `found`.
std::vector<tcp::endpoint> resolve(asio::io_context& io, const Url& url,
                                   std::chrono::milliseconds limit, const Patience& patience) {
  if (isAddress(url.host)) return {{asio::ip::make_address(url.host), url.port}};
  struct Found {
    std::optional<beast::error_code> error;
    std::vector<tcp::endpoint> endpoints;
  };
  auto found = std::make_shared<Found>();
  tcp::resolver resolver(io);
  const auto end = Clock::now() + patience.within(limit, "resolving the host name");
  resolver.async_resolve(url.host, std::to_string(url.port),
                         [found](beast::error_code error, const tcp::resolver::results_type& all) {
                           found->error = error;
                           for (const auto& one : all) found->endpoints.push_back(one.endpoint());
                         });
  while (!found->error && Clock::now() < end && !patience.stop.stop_requested()) {
    io.restart();
    io.run_one_until(end);
  }
  if (patience.stop.stop_requested()) throw NetError(NetError::Kind::Cancelled, "cancelled");
  if (!found->error) throw NetError(NetError::Kind::Timeout, "no address in time for " + url.host);
  if (*found->error || found->endpoints.empty())
    throw NetError(NetError::Kind::Resolve,
                   "no address for " + url.host + ": " + found->error->message());
  return found->endpoints;
}

}  // namespace

std::chrono::milliseconds Patience::within(std::chrono::milliseconds limit,
                                           const char* doing) const {
  if (stop.stop_requested()) throw NetError(NetError::Kind::Cancelled, "cancelled");
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  if (left.count() <= 0)
    throw NetError(NetError::Kind::Timeout, std::string("overall deadline passed while ") + doing);
  return std::min(limit, left);
}

Connection::Connection(asio::io_context& io, asio::ssl::context* tls) : io_(io) {
  // Beast reads no more at a time than the buffer holds already; left to itself it starts with
  // 512 bytes and never grows, which costs a system call for every 512 bytes of an image.
  buffer_.reserve(64 * 1024);
  if (tls)
    tls_ = std::make_unique<beast::ssl_stream<beast::tcp_stream>>(io, *tls);
  else
    plain_ = std::make_unique<beast::tcp_stream>(io);
}

beast::tcp_stream& Connection::tcp() { return tls_ ? tls_->next_layer() : *plain_; }

void Connection::open(const Url& url, const Url* proxy, const HttpClientOptions& options,
                      const Patience& patience) {
  const Url& next = proxy ? *proxy : url;
  const auto endpoints = resolve(io_, next, options.resolveTimeout, patience);
  const auto error = step(options.connectTimeout, patience, "connecting",
                          [&](auto&, auto handler) { tcp().async_connect(endpoints, handler); });
  if (error)
    throw NetError(NetError::Kind::Connect, std::string("cannot connect to ") +
                                                (proxy ? "the proxy " : "") + placeOf(next) + ": " +
                                                error.message());
  // A request is one small write that waits for its answer: Nagle would hold it back.
  tcp().socket().set_option(tcp::no_delay(true));
  if (tls_ && proxy) tunnel(url, *proxy, options, patience);
  if (tls_) handshake(url, options, patience);
}

// RFC 9110, section 9.3.6
void Connection::tunnel(const Url& url, const Url& proxy, const HttpClientOptions& options,
                        const Patience& patience) {
  http::request<http::empty_body> request(http::verb::connect, hostAndPort(url), 11);
  request.set(http::field::host, hostAndPort(url));
  request.set(http::field::user_agent, options.userAgent);
  if (!options.proxyAuthorization.empty())
    request.set(http::field::proxy_authorization, options.proxyAuthorization);
  http::response_parser<http::empty_body> answer;
  answer.header_limit(static_cast<std::uint32_t>(options.maxHeaderBytes));
  answer.skip(true);  // what follows a refusal is of no use, what follows a 200 is TLS
  auto error = step(options.connectTimeout, patience, "asking the proxy for a tunnel",
                    [&](auto&, auto handler) { http::async_write(tcp(), request, handler); });
  if (!error)
    error = step(
        options.connectTimeout, patience, "waiting for the proxy's tunnel",
        [&](auto&, auto handler) { http::async_read_header(tcp(), buffer_, answer, handler); });
  const std::string name = "the proxy " + placeOf(proxy);
  if (error)
    throw NetError(NetError::Kind::Proxy, name + " gives no answer in HTTP: " + error.message());
  const auto status = answer.get().result_int();
  if (status / 100 != 2) throw refusedByProxy(name, status, options);
  if (buffer_.size() > 0)
    throw NetError(NetError::Kind::Proxy, name + " sends bytes of its own into the tunnel");
}

NetError refusedByProxy(const std::string& proxy, unsigned status,
                        const HttpClientOptions& options) {
  std::string why = proxy + " refuses the connection with status " + std::to_string(status);
  if (status == 407)
    why = proxy + (options.proxyAuthorization.empty() ? " wants credentials (407): configure them"
                                                      : " does not accept the credentials (407)");
  return {NetError::Kind::Proxy, why};
}

void Connection::handshake(const Url& url, const HttpClientOptions& options,
                           const Patience& patience) {
  if (options.verifyPeer) tls_->set_verify_callback(asio::ssl::host_name_verification(url.host));
  if (!isAddress(url.host) && !SSL_set_tlsext_host_name(tls_->native_handle(), url.host.c_str()))
    throw NetError(NetError::Kind::Tls, "host name unfit for TLS: " + url.host);
  const auto error =
      step(options.tlsTimeout, patience, "shaking hands over TLS", [](auto& stream, auto handler) {
        if constexpr (requires { stream.native_handle(); })
          stream.async_handshake(asio::ssl::stream_base::client, handler);
      });
  if (!error) return checkPin(url, options);
  const long verdict = SSL_get_verify_result(tls_->native_handle());
  const std::string why =
      verdict == X509_V_OK ? error.message() : X509_verify_cert_error_string(verdict);
  throw NetError(NetError::Kind::Tls, "no trusted TLS connection to " + placeOf(url) + ": " + why);
}

void Connection::checkPin(const Url& url, const HttpClientOptions& options) {
  if (options.tlsPinSha256.empty()) return;
  const std::string key = peerKeySha256Hex(tls_->native_handle());
  if (key.empty() || !beast::iequals(key, options.tlsPinSha256))
    throw NetError(NetError::Kind::Tls,
                   placeOf(url) + " has another key than the pinned one; its SHA-256 is " + key);
}

bool Connection::looksAlive() {
  if (!tcp().socket().is_open() || buffer_.size() != 0) return false;
  char byte;
  const auto got = ::recv(tcp().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Connection::close() { tcp().close(); }

void Connection::throwTimeout(const Patience& patience, const char* doing) {
  const bool overall = Clock::now() >= patience.end;
  throw NetError(
      NetError::Kind::Timeout,
      std::string(overall ? "overall deadline passed while " : "no progress while ") + doing);
}

}  // namespace fedpet::net
