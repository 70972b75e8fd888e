// A small MLLP server inside the test process, on a free port of 127.0.0.1. It answers each
// message with the bytes that its handler gives: framed, garbage, or nothing.
#pragma once

#include "tests/support/TestCertificate.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::testing {

class MllpLoopback {
 public:
  // Raw bytes for one message (without its frame); nullopt: the connection is cut.
  using Handler = std::function<std::optional<std::string>(const std::string&)>;

  explicit MllpLoopback(Handler, std::optional<TestCertificate> = std::nullopt);
  ~MllpLoopback();
  MllpLoopback(const MllpLoopback&) = delete;
  MllpLoopback& operator=(const MllpLoopback&) = delete;

  std::string url() const;                    // "mllp://127.0.0.1:12345" or "mllps://..."
  std::vector<std::string> messages() const;  // received so far
  std::size_t connections() const;

  static std::string framed(const std::string& message);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedpet::testing
