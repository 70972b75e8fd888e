// An HTTP/1.1 server for one program of ours, over TLS or in the clear. Every step of every
// connection has a deadline and every size a limit, so that no peer holds it up for the others.
// Boost.Beast and OpenSSL stay behind this header.
#pragma once

#include "net/HttpMessage.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fedpet::net {

// A client certificate that the TLS layer has verified against `clientCaFile`.
struct PeerCertificate {
  std::string commonName;  // UTF-8; empty unless the subject has exactly one
  std::string serialHex;   // lower case, two digits per byte
  std::string sha256Hex;   // of the DER form, lower case
};

struct ServerRequest {
  std::string method;
  std::string target;  // path and query as sent, always from "/" (or "*" for OPTIONS)
  Headers headers;     // trailers of a chunked body are dropped
  std::string body;    // raw bytes, transfer coding removed
  std::optional<PeerCertificate> peer;
  std::string remoteAddress;  // "127.0.0.1", without port
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // numeric; "::" for every IPv6 and IPv4 address
  std::uint16_t port = 0;             // 0: a free one
  std::size_t ioThreads = 2;          // sockets and TLS
  std::size_t handlerThreads = 4;     // requests answered at the same time

  std::chrono::milliseconds handshakeTimeout{10'000};
  std::chrono::milliseconds headerTimeout{10'000};  // from a request's first byte to its last line
  // A body of n bytes must be here within bodyTimeout + n / minBytesPerSecond, and at every moment
  // before as far as that rate says; an answer must be taken likewise within writeTimeout.
  std::chrono::milliseconds bodyTimeout{15'000};
  std::chrono::milliseconds writeTimeout{15'000};
  std::size_t minBytesPerSecond = 16 * 1024;
  std::chrono::milliseconds idleTimeout{75'000};   // of a kept connection between two requests
  std::chrono::milliseconds lingerTimeout{2'000};  // to let a refused client read why
  std::chrono::milliseconds stopTimeout{
      5'000};  // for requests that have begun when stop() is called

  std::size_t maxHeaderBytes = 16 * 1024;                 // beyond: 431
  std::size_t maxBodyBytes = 8u * 1024 * 1024;            // beyond: 413, before the body is read
  std::size_t maxBodyBytesTogether = 512u * 1024 * 1024;  // of all connections; beyond: 503
  // Beyond these a connection is closed at once. Before that, room is made by closing the kept
  // connection that has been idle longest.
  std::size_t maxConnections = 1024;
  std::size_t maxConnectionsPerAddress = 256;

  // TLS 1.2 or newer when `certificateFile` is set, plain HTTP otherwise.
  std::filesystem::path certificateFile;  // PEM chain
  std::filesystem::path keyFile;          // PEM
  std::filesystem::path clientCaFile;     // PEM; needed unless clientCertificates is None
  // Optional: one that is sent but does not verify still fails the handshake.
  enum class ClientCertificates { None, Optional, Required };
  ClientCertificates clientCertificates = ClientCertificates::None;

  // Shapes the answers that the server itself gives (400, 413, 431, 500, ...). Empty: plain text.
  // Must not throw.
  std::function<HttpResponse(int status, const std::string& why)> refusal;
  // Failed handshakes, refused connections, exceptions of the handler: one line, no secret. Called
  // from the server's threads; must not throw. May be empty.
  std::function<void(const std::string&)> onTrouble;
};

class HttpServer {
 public:
  // Runs on the handler threads and may block, at the cost of one of them. The server adds Date,
  // Content-Length and Connection; a body is not sent for HEAD, 204 and 304. An exception, a status
  // outside 200..599 or a line break in a header becomes a 500 without details.
  using Handler = std::function<HttpResponse(const ServerRequest&)>;

  // Listens when it returns. Throws NetError: Connect when the address cannot be bound, Tls for an
  // unusable certificate or key file.
  HttpServer(HttpServerOptions, Handler);
  ~HttpServer();  // stop()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  // With the address it listens on, and "127.0.0.1" or "[::1]" for that of every interface.
  std::string url() const;
  std::size_t connections() const;  // open now

  // Reads the certificate, key and CA files again; connections that stand keep theirs. Throws
  // NetError (Tls) when they are unusable and then goes on with the old ones.
  void reloadCertificates();

  // Accepts no more, closes idle connections, answers what has begun within `stopTimeout`, cuts the
  // rest, and waits for handlers that still run: they cannot be interrupted. May be called twice,
  // but not from a handler.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedpet::net
