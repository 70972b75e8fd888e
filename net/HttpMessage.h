// What client and server exchange, without any library's types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::net {

struct Header {
  std::string name, value;
};
using Headers = std::vector<Header>;

// The first value under that name, letter case ignored; nullopt when absent.
std::optional<std::string> headerValue(const Headers&, std::string_view name);

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, percent-encoded: "/instances/1/file"
  Headers headers;           // Host, Content-Length and User-Agent are added
  std::string body;          // raw bytes
};

struct HttpResponse {
  int status = 0;  // to a client any status but a redirect: 404 and 500 are answers, not errors
  Headers headers;
  std::string body;  // raw bytes, transfer coding removed
};

}  // namespace fedpet::net
