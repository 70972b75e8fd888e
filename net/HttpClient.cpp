#include "net/HttpClient.h"

#include "net/Connection.h"
#include "net/Proxy.h"
#include "net/Tls.h"

#include <boost/asio/post.hpp>
#include <boost/beast/http.hpp>
#include <openssl/evp.h>

#include <cctype>
#include <functional>
#include <stdexcept>

namespace fedpet::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using BeastRequest = http::request<http::span_body<const char>>;
using BeastResponse = http::response_parser<http::string_body>;

bool equalsIgnoringCase(std::string_view a, std::string_view b) {
  return beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

bool hasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

bool isIdempotent(std::string_view method) {
  for (const std::string_view safe : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
    if (method == safe) return true;
  return false;
}

bool isRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// A pin that guards nothing must not look as if it did.
void checkPin(const Url& origin, const HttpClientOptions& options) {
  const std::string& pin = options.tlsPinSha256;
  if (pin.empty()) return;
  if (!origin.isTls())
    throw NetError(NetError::Kind::Tls, "a key is pinned, but the address begins with http:");
  if (pin.size() != 64 || pin.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
    throw NetError(NetError::Kind::Tls, "a pinned key must be given as 64 hexadecimal digits");
}

// Throws std::invalid_argument: a line break in a header would be a second request.
BeastRequest beastRequest(const HttpRequest& request, std::string_view body, const Url& origin,
                          bool isForProxy, const HttpClientOptions& options) {
  if (request.target.empty() || request.target.front() != '/' ||
      hasControlCharacter(request.target) || request.target.find(' ') != std::string::npos)
    throw std::invalid_argument("a request target must be a percent-encoded path from /");
  BeastRequest message;
  message.version(11);
  message.method_string(request.method);
  message.target(isForProxy ? "http://" + origin.authority() + request.target : request.target);
  message.set(http::field::host, origin.authority());
  message.set(http::field::user_agent, options.userAgent);
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || hasControlCharacter(name) || hasControlCharacter(value))
      throw std::invalid_argument("a request header has no name or a control character");
    message.set(name, value);
  }
  if (isForProxy && !options.proxyAuthorization.empty())
    message.set(http::field::proxy_authorization, options.proxyAuthorization);
  message.body() = {body.data(), body.size()};
  if (!body.empty() || (request.method != "GET" && request.method != "HEAD"))
    message.content_length(body.size());
  return message;
}

// In TLS 1.3 a client learns only when it reads that its certificate was refused.
bool isTlsAlert(beast::error_code error) {
  return error.category() == asio::error::get_ssl_category();
}

NetError failedRead(beast::error_code error) {
  using Kind = NetError::Kind;
  if (isTlsAlert(error))
    return {Kind::Tls, "the peer ended the TLS connection (" + error.message() +
                           "); it may not accept the client certificate, or want one"};
  if (error == http::error::body_limit || error == http::error::header_limit ||
      error == http::error::buffer_overflow)
    return {Kind::TooLarge, "the answer is larger than allowed (" + error.message() + ")"};
  if (error == http::error::end_of_stream || error == asio::error::connection_reset ||
      error == asio::error::broken_pipe)
    return {Kind::Connect, "the peer closed the connection without an answer"};
  if (error == http::error::partial_message || error == asio::error::eof ||
      error == asio::ssl::error::stream_truncated)
    return {Kind::Protocol, "the connection was cut in the middle of the answer"};
  return {Kind::Protocol, "the answer is not HTTP: " + error.message()};
}

HttpResponse plainResponse(http::response<http::string_body>&& message) {
  HttpResponse response;
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message)
    response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  response.body = std::move(message.body());
  return response;
}

}  // namespace

class HttpClient::Session {
 public:
  Session(Url url, HttpClientOptions limits)
      : origin(std::move(url)), options(std::move(limits)), proxy_(proxyFor(origin, options)) {
    checkPin(origin, options);
    if (origin.isTls()) tls_.emplace(clientContext(options));
  }

  HttpResponse send(const HttpRequest& request, std::string_view body, std::stop_token stop) {
    BeastRequest message = beastRequest(request, body, origin, asksProxy(), options);
    const Patience patience{std::chrono::steady_clock::now() + options.overallTimeout, stop};
    drain();
    // The callback may come from any thread, so it only posts; the post wakes the waiting step.
    std::stop_callback onStop(stop, [this] {
      asio::post(io_, [this] {
        if (connection_) connection_->close();
      });
    });
    try {
      return sendKept(message, patience);
    } catch (...) {
      connection_.reset();
      throw;
    }
  }

  const Url origin;
  const HttpClientOptions options;
  std::size_t connectionsOpened = 0;

 private:
  bool asksProxy() const { return proxy_ && !origin.isTls(); }

  // A close that was posted at the very end of the last call must not hit this one.
  void drain() {
    io_.restart();
    io_.poll();
  }

  // Uses the connection of the last call when it still stands.
  HttpResponse sendKept(BeastRequest& message, const Patience& patience) {
    if (connection_ && connection_->looksAlive()) {
      bool answerBegan = false;
      try {
        return exchange(message, patience, answerBegan);
      } catch (const NetError& e) {
        const bool mayRepeat = e.kind() == NetError::Kind::Connect && !answerBegan &&
                               isIdempotent(std::string(message.method_string()));
        if (!mayRepeat) throw;
      }
    }
    connection_.emplace(io_, tls_ ? &*tls_ : nullptr);
    connection_->open(origin, proxy_ ? &*proxy_ : nullptr, options, patience);
    ++connectionsOpened;
    bool answerBegan = false;
    return exchange(message, patience, answerBegan);
  }

  HttpResponse exchange(BeastRequest& message, const Patience& patience, bool& answerBegan) {
    const auto writeError = write(message, patience);
    const bool isHead = message.method() == http::verb::head;
    auto [response, keepAlive] = readAnswer(isHead, patience, writeError, answerBegan);
    if (!keepAlive || writeError) connection_.reset();
    if (asksProxy() && response.status == 407) {
      connection_.reset();
      throw refusedByProxy("the proxy " + proxy_->authority(), 407, options);
    }
    if (isRedirect(response.status))
      throw NetError(NetError::Kind::Protocol,
                     "the peer answered with a redirect (" + std::to_string(response.status) +
                         "), which is not followed; configure the final address instead");
    return std::move(response);
  }

  // A failed write is returned, not thrown: a peer that refuses a large body answers (413, 401)
  // and closes before it has read everything, and its answer is the better reason.
  beast::error_code write(BeastRequest& message, const Patience& patience) {
    http::request_serializer<http::span_body<const char>> serializer(message);
    beast::error_code error;
    while (!serializer.is_done() && !error)
      error = connection_->step(
          options.ioTimeout, patience, "sending the request",
          [&](auto& stream, auto handler) { http::async_write_some(stream, serializer, handler); });
    return error;
  }

  struct Answer {
    HttpResponse response;
    bool keepAlive;
  };

  Answer readAnswer(bool isHead, const Patience& patience, beast::error_code writeError,
                    bool& answerBegan) {
    for (;;) {
      BeastResponse parser;
      parser.header_limit(static_cast<std::uint32_t>(options.maxHeaderBytes));
      parser.body_limit(options.maxBodyBytes);
      parser.skip(isHead);
      while (!parser.is_done()) {
        const auto error = connection_->step(
            options.ioTimeout, patience, "waiting for the answer", [&](auto& stream, auto handler) {
              http::async_read_some(stream, connection_->buffer(), parser, handler);
            });
        answerBegan = answerBegan || parser.got_some();
        if (!error) continue;
        if (writeError && !answerBegan && !isTlsAlert(error))
          throw NetError(NetError::Kind::Connect,
                         "the connection broke while sending: " + writeError.message());
        throw failedRead(error);
      }
      const bool isInterim = parser.get().result_int() / 100 == 1;  // 100 Continue, 103 Early Hints
      if (isInterim) continue;
      const bool keepAlive = parser.keep_alive();
      return {plainResponse(parser.release()), keepAlive};
    }
  }

  const std::optional<Url> proxy_;
  asio::io_context io_{1};
  std::optional<asio::ssl::context> tls_;
  std::optional<Connection> connection_;  // absent, or ready for the next request
};

std::optional<std::string> headerValue(const Headers& headers, std::string_view name) {
  for (const auto& header : headers)
    if (equalsIgnoringCase(header.name, name)) return header.value;
  return std::nullopt;
}

HttpClient::HttpClient(std::string_view originUrl, HttpClientOptions options)
    : HttpClient(parseUrl(originUrl), std::move(options)) {}
HttpClient::HttpClient(Url origin, HttpClientOptions options)
    : session_(std::make_unique<Session>(std::move(origin), std::move(options))) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

HttpResponse HttpClient::send(const HttpRequest& request, std::stop_token stop) {
  return session_->send(request, request.body, std::move(stop));
}

HttpResponse HttpClient::send(const HttpRequest& request, std::string_view body,
                              std::stop_token stop) {
  return session_->send(request, body, std::move(stop));
}

HttpResponse HttpClient::get(std::string_view target, Headers headers, std::stop_token stop) {
  return send({"GET", std::string(target), std::move(headers), {}}, std::move(stop));
}

HttpResponse HttpClient::post(std::string_view target, std::string body, Headers headers,
                              std::stop_token stop) {
  return send({"POST", std::string(target), std::move(headers), std::move(body)}, std::move(stop));
}

const Url& HttpClient::origin() const { return session_->origin; }
std::size_t HttpClient::connectionsOpened() const { return session_->connectionsOpened; }

std::string basicCredentials(std::string_view user, std::string_view password) {
  const std::string plain = std::string(user) + ":" + std::string(password);
  std::vector<unsigned char> encoded(4 * ((plain.size() + 2) / 3) + 1);  // and a closing zero
  const int length =
      EVP_EncodeBlock(encoded.data(), reinterpret_cast<const unsigned char*>(plain.data()),
                      static_cast<int>(plain.size()));
  return "Basic " + std::string(encoded.begin(), encoded.begin() + length);
}

}  // namespace fedpet::net
