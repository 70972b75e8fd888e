// Inside of net/: whether a request goes through the configured HTTP proxy.
#pragma once

#include "net/HttpClient.h"

#include <optional>

namespace fedpet::net {

// Nothing when the origin is to be reached directly. Throws std::invalid_argument, with a sentence
// for the person who configured it.
std::optional<Url> proxyFor(const Url& origin, const HttpClientOptions&);

}  // namespace fedpet::net
