// http and https URLs, the only ones this program speaks (RFC 3986).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fedpet::net {

struct Url {
  std::string scheme;      // "http" or "https"
  std::string host;        // lower case, an IPv6 address without its brackets
  std::uint16_t port = 0;  // always set: 80 and 443 are filled in
  std::string path;        // as written, at least "/", percent-encoded, without query

  bool isTls() const { return scheme == "https"; }
  // What belongs into the Host header: brackets around IPv6, no default port.
  std::string authority() const;
};

// Throws std::invalid_argument, with a sentence for the person who configured it, when the text is
// not an absolute http(s) URL, or carries a user, a password, a query or a fragment: secrets have
// their own options, and a base URL has no query.
Url parseUrl(std::string_view text);

// Every byte except RFC 3986 "unreserved" becomes %XX: safe as one query value or path segment.
std::string percentEncode(std::string_view text);

}  // namespace fedpet::net
