// A small HTTP server inside the test process, on a free port of 127.0.0.1, that answers what it
// is told: well, slowly, with garbage, or not to the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/HttpClient.h"
#include "tests/support/TestCertificate.h"

namespace fedpet::testing {

struct Answer {
  int status = 200;
  net::Headers headers{};
  std::string body{};

  // When set, these bytes go out instead of an HTTP answer, and the connection is closed.
  std::optional<std::string> raw{};
  // Close the connection after so many bytes of the answer.
  std::optional<std::size_t> cutAfterBytes{};
  // Wait before the first byte, or between pieces of 16 bytes (the wait ends with the server).
  std::chrono::milliseconds delay{0}, delayBetweenPieces{0};
  bool closeAfterwards = false;  // say "Connection: close" and do it
  bool closeSilently = false;    // close after the answer without saying so
};

class LoopbackServer {
 public:
  using Handler = std::function<Answer(const net::HttpRequest&)>;

  // A request with this header is answered before its body is read, which is then dropped.
  static constexpr const char* kAnswerEarly = "X-Answer-Early";

  // The handler runs on the server's threads, one per connection. With a certificate it speaks TLS.
  explicit LoopbackServer(Handler, std::optional<TestCertificate> = std::nullopt);
  // Answers in this order, the last one for ever.
  explicit LoopbackServer(std::vector<Answer>, std::optional<TestCertificate> = std::nullopt);
  ~LoopbackServer();  // cuts every connection
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::uint16_t port() const;
  std::string url(std::string_view path = "", std::string_view host = "127.0.0.1") const;
  std::vector<net::HttpRequest> requests() const;  // received so far
  std::size_t connections() const;                 // accepted so far

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedpet::testing
