#include "net/MllpClient.h"

#include "net/Connection.h"
#include "net/Tls.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>

#include <stdexcept>

namespace fedpet::net {
namespace {

namespace asio = boost::asio;

constexpr char kStart = '\x0b', kEnd = '\x1c', kReturn = '\r';
constexpr std::size_t kPiece = 64 * 1024;

}  // namespace

Url parseMllpUrl(std::string_view text) {
  const bool isTls = text.starts_with("mllps://");
  if (!isTls && !text.starts_with("mllp://"))
    throw std::invalid_argument("an MLLP address is mllp://host:port or mllps://host:port");
  const std::string_view rest = text.substr(text.find("://"));
  Url url = parseUrl((isTls ? "https" : "http") + std::string(rest));
  const std::string port = ":" + std::to_string(url.port);
  const std::string_view place = rest.ends_with('/') ? rest.substr(0, rest.size() - 1) : rest;
  if (url.path != "/" || !place.ends_with(port))
    throw std::invalid_argument("an MLLP address needs a port, and no path: mllp://host:2575");
  return url;
}

class MllpClient::Session {
 public:
  Session(Url url, HttpClientOptions options) : url_(std::move(url)), options_(std::move(options)) {
    if (url_.isTls()) tls_.emplace(clientContext(options_));
  }

  std::string exchange(std::string_view message, std::stop_token stop) {
    for (const char c : message)
      if (c == kStart || c == kEnd)
        throw std::invalid_argument("an HL7 message must not hold the bytes 0x0B and 0x1C");
    const Patience patience{std::chrono::steady_clock::now() + options_.overallTimeout, stop};
    try {
      if (!connection_ || !connection_->looksAlive()) {
        connection_.emplace(io_, tls_ ? &*tls_ : nullptr);
        connection_->open(url_, nullptr, options_, patience);
      }
      send(kStart + std::string(message) + kEnd + kReturn, patience);
      return receive(patience);
    } catch (...) {
      connection_.reset();  // an answer that comes late must not be taken for the next one's
      throw;
    }
  }

 private:
  void send(const std::string& frame, const Patience& patience) {
    std::size_t sent = 0;
    while (sent < frame.size()) {
      // In pieces, so that the limit is on silence and not on the size of a report.
      const auto piece = asio::buffer(frame.data() + sent, std::min(kPiece, frame.size() - sent));
      const auto error = connection_->step(
          options_.ioTimeout, patience, "sending the message",
          [&](auto& stream, auto handler) { asio::async_write(stream, piece, handler); });
      if (error)
        throw NetError(NetError::Kind::Connect,
                       "the connection broke while sending: " + error.message());
      sent += piece.size();
    }
  }

  std::string receive(const Patience& patience) {
    std::string answer;
    std::array<char, 4096> piece{};
    while (!isWhole(answer)) {
      std::size_t got = 0;
      const auto error = connection_->step(
          options_.ioTimeout, patience, "waiting for the acknowledgement",
          [&](auto& stream, auto handler) {
            stream.async_read_some(asio::buffer(piece),
                                   [&got, handler](auto failure, auto size) mutable {
                                     got = size;
                                     handler(failure, size);
                                   });
          });
      if (error)
        throw NetError(answer.empty() ? NetError::Kind::Connect : NetError::Kind::Protocol,
                       "no whole acknowledgement: " + error.message());
      answer.append(piece.data(), got);
      if (answer.size() > options_.maxBodyBytes)
        throw NetError(NetError::Kind::TooLarge, "the acknowledgement is too large");
    }
    return answer.substr(1, answer.size() - 3);
  }

  // Throws for bytes that are no frame.
  static bool isWhole(const std::string& answer) {
    if (!answer.empty() && answer.front() != kStart)
      throw NetError(NetError::Kind::Protocol, "the answer is not an MLLP block");
    const std::size_t end = answer.find(kEnd);
    if (end == std::string::npos || end + 1 == answer.size()) return false;
    if (end + 2 != answer.size() || answer[end + 1] != kReturn)
      throw NetError(NetError::Kind::Protocol, "the answer is not one MLLP block");
    return true;
  }

  const Url url_;
  const HttpClientOptions options_;
  asio::io_context io_{1};
  std::optional<asio::ssl::context> tls_;
  std::optional<Connection> connection_;
};

MllpClient::MllpClient(std::string_view mllpUrl, HttpClientOptions options)
    : session_(std::make_unique<Session>(parseMllpUrl(mllpUrl), std::move(options))) {}
MllpClient::~MllpClient() = default;

std::string MllpClient::exchange(std::string_view message, std::stop_token stop) {
  return session_->exchange(message, std::move(stop));
}

}  // namespace fedpet::net
