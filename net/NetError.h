// The peer could not be asked: what kind of failure, and a sentence for the log.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace fedpet::net {

class NetError : public std::runtime_error {
 public:
  enum class Kind {
    Resolve,    // the host name has no address
    Connect,    // nobody listens, or the connection broke before an answer began
    Tls,        // handshake, certificate or host name
    Proxy,      // the proxy refused, wants other credentials, or is none
    Timeout,    // a step or the whole exchange took longer than its deadline
    TooLarge,   // header or body beyond the limit
    Protocol,   // not HTTP, cut off in the middle, or a redirect
    Cancelled,  // the caller asked to stop
  };

  NetError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

std::string_view toString(NetError::Kind);  // "Timeout"

}  // namespace fedpet::net
