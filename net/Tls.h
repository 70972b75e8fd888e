// Inside of net/: OpenSSL contexts, and what can be known about the peer of a TLS connection.
#pragma once

#include "net/HttpClient.h"
#include "net/HttpServer.h"

#include <boost/asio/ssl/context.hpp>

#include <optional>
#include <string>

namespace fedpet::net {

// Both throw NetError (Tls) for an unusable certificate, key or authority.
boost::asio::ssl::context clientContext(const HttpClientOptions&);
boost::asio::ssl::context serverContext(const HttpServerOptions&);

// Nothing when the peer sent no certificate.
std::optional<PeerCertificate> peerCertificate(SSL*);
// SHA-256 of the peer's SubjectPublicKeyInfo in DER (as in RFC 7469), lower case; empty without
// one.
std::string peerKeySha256Hex(SSL*);

}  // namespace fedpet::net
