#include "net/Proxy.h"

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <stdexcept>

namespace fedpet::net {
namespace {

using boost::beast::iequals;

bool isExempt(const std::string& host, const std::string& pattern) {
  if (pattern == "*" || iequals(host, pattern)) return true;
  if (!pattern.starts_with('.') || host.size() <= pattern.size()) return false;
  return iequals(host.substr(host.size() - pattern.size()), pattern);
}

}  // namespace

std::optional<Url> proxyFor(const Url& origin, const HttpClientOptions& options) {
  if (options.proxyUrl.empty()) return std::nullopt;
  const Url proxy = parseUrl(options.proxyUrl);
  if (proxy.isTls() || proxy.path != "/")
    throw std::invalid_argument("the proxy must be given as http://host:port");
  if (options.proxyAuthorization.find_first_of(std::string("\r\n\0", 3)) != std::string::npos)
    throw std::invalid_argument("the proxy's authorization contains a line break");
  const bool isDirect = std::any_of(options.noProxy.begin(), options.noProxy.end(),
                                    [&](const auto& one) { return isExempt(origin.host, one); });
  return isDirect ? std::nullopt : std::optional(proxy);
}

}  // namespace fedpet::net
