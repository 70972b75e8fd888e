// An HTTP proxy inside the test process that tunnels CONNECT to one port of 127.0.0.1, whatever
// host is asked for, so that a name which only the proxy can resolve may be used; or that answers
// with the given bytes instead.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::testing {

class LoopbackProxy {
 public:
  // Without `answer` it tunnels. An empty answer: it never answers.
  explicit LoopbackProxy(std::uint16_t targetPort,
                         std::optional<std::string> answer = std::nullopt);
  ~LoopbackProxy();  // cuts every tunnel
  LoopbackProxy(const LoopbackProxy&) = delete;
  LoopbackProxy& operator=(const LoopbackProxy&) = delete;

  std::string url() const;                   // "http://127.0.0.1:40123"
  std::vector<std::string> headers() const;  // of the requests so far, as they were sent

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedpet::testing
