// Inside of net/: one accepted connection of the server, from handshake to close, as a chain of
// asynchronous steps on one strand with one deadline.
#pragma once

#include "net/HttpServer.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <string>

namespace fedpet::net {

class ServerSession;

// What a session asks of its server, which outlives it. Called from several threads.
class SessionHost {
 public:
  virtual const HttpServerOptions& options() const = 0;
  virtual boost::asio::any_io_executor handlerExecutor() = 0;
  // Never throws: a failure of the handler is a 500. On the handler's executor.
  virtual HttpResponse answer(const ServerRequest&) = 0;

  // False: the server has given up this connection, do not begin.
  virtual bool mayBegin(ServerSession&) = 0;
  virtual void becameIdle(ServerSession&) = 0;
  virtual bool isStopping() const = 0;
  virtual void ended(ServerSession&) = 0;  // from the destructor

  // Memory for bodies, of all connections together.
  virtual bool reserve(std::size_t bytes) = 0;
  virtual void release(std::size_t bytes) = 0;

  virtual void trouble(const std::string& line) = 0;

 protected:
  ~SessionHost() = default;
};

// An answer of the server itself, in the shape that the options ask for.
HttpResponse refusal(const HttpServerOptions&, int status, const std::string& why);

class ServerSession : public std::enable_shared_from_this<ServerSession> {
 public:
  // Any stream socket, so that a socket pair will do; its executor must be a strand.
  using Socket = boost::asio::generic::stream_protocol::socket;
  using Tls = std::shared_ptr<boost::asio::ssl::context>;  // null for plain HTTP

  ServerSession(Socket, Tls, std::string remoteAddress, SessionHost&);
  ~ServerSession();

  // These three may be called from any thread.
  void run();
  void finishSoon();        // closes now when idle, else after the request that has begun
  std::future<void> cut();  // closes now; ready when no further request can reach the handler

  const std::string& remoteAddress() const { return remoteAddress_; }

 private:
  using Error = boost::beast::error_code;
  using Clock = std::chrono::steady_clock;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Body = boost::beast::http::span_body<const char>;
  struct Refusal {
    int status;
    std::string why;
  };

  void shakeHands();
  void onHandshake(Error);
  void awaitRequest();
  void readHeader();
  void onHeader(Error);
  void beginBody();
  void readBody();
  void handle();
  void respond(HttpResponse);
  void writeSome();
  void onWritten();
  void sayGoodbye();
  void lingerOn();
  void drain();
  void refuse(const Refusal&);

  std::optional<Refusal> judgeHeader();
  std::optional<Refusal> reserveBody();
  void releaseBody();
  std::string plainTarget() const;

  void expectBy(Clock::time_point);
  void expectWithin(std::chrono::milliseconds);
  // As far as minBytesPerSecond asks for, counted from the step's start.
  void expectRate(std::chrono::milliseconds grace, std::size_t bytesSoFar);
  void armTimer();
  void close();

  template <typename Start>
  void withStream(Start start);

  Socket socket_;
  const Tls context_;
  std::optional<boost::beast::ssl_stream<Socket&>> tls_;
  const std::string remoteAddress_;
  SessionHost& host_;
  const HttpServerOptions& options_;

  boost::asio::steady_timer timer_;
  // Moving a deadline back costs nothing: the timer is armed again only when it goes off.
  Clock::time_point deadline_{}, armedFor_ = Clock::time_point::max();
  Clock::time_point stepStart_{};

  boost::beast::flat_buffer buffer_;
  std::optional<PeerCertificate> peer_;
  std::optional<Parser> parser_;
  Headers headers_;  // copied before a chunked body could add its trailers
  std::size_t reserved_ = 0;
  std::size_t moved_ = 0;  // bytes of the present body received, or of the answer sent

  HttpResponse answer_;
  std::optional<boost::beast::http::response<Body>> message_;
  std::optional<boost::beast::http::response_serializer<Body>> serializer_;

  bool isFirst_ = true;  // no request has begun on this connection
  bool isBusy_ = false;  // a request has begun and is not answered
  bool keepAlive_ = true;
  bool finishing_ = false;
};

}  // namespace fedpet::net
