#include "net/Url.h"

#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/url_view.hpp>

#include <cctype>
#include <stdexcept>

namespace fedpet::net {
namespace {

namespace urls = boost::urls;

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw std::invalid_argument("not a usable URL: \"" + std::string(text) + "\" " +
                              std::string(why));
}

std::string lowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::uint16_t portOf(const urls::url_view& url, bool isTls, std::string_view text) {
  if (!url.has_port() || url.port().empty()) return isTls ? 443 : 80;
  if (url.port_number() == 0) refuse(text, "has a port outside 1 to 65535");
  return url.port_number();
}

}  // namespace

std::string Url::authority() const {
  std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const bool isDefaultPort = port == (isTls() ? 443 : 80);
  return isDefaultPort ? name : name + ":" + std::to_string(port);
}

Url parseUrl(std::string_view text) {
  const auto parsed = urls::parse_uri({text.data(), text.size()});
  // The text itself may hold a password here, so it is not repeated.
  if (!parsed) throw std::invalid_argument("not a URL: an absolute http:// or https:// is needed");
  if (parsed->has_userinfo())
    throw std::invalid_argument("a URL must not carry a user name or password");
  Url url;
  url.scheme = lowerCase(std::string(parsed->scheme()));
  if (url.scheme != "http" && url.scheme != "https") refuse(text, "is neither http nor https");
  if (parsed->has_query() || parsed->has_fragment()) refuse(text, "has a query or a fragment");
  url.host = lowerCase(parsed->host_address());
  if (url.host.empty()) refuse(text, "names no host");
  url.port = portOf(*parsed, url.isTls(), text);
  url.path = parsed->encoded_path().empty() ? "/" : std::string(parsed->encoded_path());
  // Boost.URL 1.81 reads "host:x/" as an empty port and the path "x/".
  if (url.path.front() != '/') refuse(text, "has a port that is not a number");
  return url;
}

std::string percentEncode(std::string_view text) {
  return urls::encode({text.data(), text.size()}, urls::unreserved_chars);
}

}  // namespace fedpet::net
