// HL7 v2 messages over MLLP (HL7 Transport Specification: MLLP, Release 1), over TLS or in the
// clear, with a deadline on every step.
#pragma once

#include "net/HttpClient.h"

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace fedpet::net {

// "mllp://host:2575" or "mllps://host:2576" (TLS); the port is needed. As a Url whose scheme is
// "http" or "https". Throws std::invalid_argument for anything else.
Url parseMllpUrl(std::string_view text);

// Not thread-safe. Keeps its connection open between messages and reconnects when the peer has
// closed it meanwhile. A message is never repeated by itself.
class MllpClient {
 public:
  // Of the options count the timeouts, the TLS material and maxBodyBytes (of an answer). Throws
  // std::invalid_argument (URL) and NetError (Tls, for unusable files).
  MllpClient(std::string_view mllpUrl, HttpClientOptions);
  ~MllpClient();
  MllpClient(const MllpClient&) = delete;
  MllpClient& operator=(const MllpClient&) = delete;

  // Sends one message, waits for the one that answers it. Throws NetError; Protocol for an answer
  // that is not framed, std::invalid_argument for a message that holds a framing byte (0x0B, 0x1C).
  std::string exchange(std::string_view message, std::stop_token stop = {});

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

}  // namespace fedpet::net
