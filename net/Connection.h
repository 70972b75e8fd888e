// Inside of net/: one TCP or TLS connection. Every step is started asynchronously and waited for
// with a deadline, which is what a blocking socket cannot do.
#pragma once

#include "net/HttpClient.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

namespace fedpet::net {

// When the whole exchange must be over, and whether its caller still wants it.
struct Patience {
  std::chrono::steady_clock::time_point end;
  std::stop_token stop;

  // The shorter of `limit` and what is left. Throws NetError (Cancelled, Timeout) when nothing is.
  std::chrono::milliseconds within(std::chrono::milliseconds limit, const char* doing) const;
};

NetError refusedByProxy(const std::string& proxy, unsigned status, const HttpClientOptions&);

class Connection {
 public:
  // `tls` is null for plain HTTP. Both references must outlive the connection.
  Connection(boost::asio::io_context& io, boost::asio::ssl::context* tls);

  // Resolves, connects, shakes hands; through the proxy unless it is null. Throws NetError.
  void open(const Url&, const Url* proxy, const HttpClientOptions&, const Patience&);
  // Nothing was sent or closed by the peer since the last answer. A race remains: the peer may
  // close at this very moment.
  bool looksAlive();
  // Safe from a handler that runs on `io`; a pending step ends with operation_aborted.
  void close();

  // Starts one asynchronous operation, `start(stream, handler)`, on the TLS or TCP stream and runs
  // it to its end. Throws NetError only for Cancelled and Timeout; other errors are returned.
  template <typename Start>
  boost::beast::error_code step(std::chrono::milliseconds limit, const Patience& patience,
                                const char* doing, Start start) {
    tcp().expires_after(patience.within(limit, doing));
    auto outcome = std::make_shared<std::optional<boost::beast::error_code>>();
    auto handler = [outcome](boost::beast::error_code error, auto&&...) { *outcome = error; };
    if (tls_)
      start(*tls_, handler);
    else
      start(*plain_, handler);
    while (!*outcome) {
      io_.restart();
      io_.run_one();  // the stream's own timer ends the operation at the latest
    }
    if (**outcome == boost::beast::error::timeout) throwTimeout(patience, doing);
    if (patience.stop.stop_requested()) throw NetError(NetError::Kind::Cancelled, "cancelled");
    return **outcome;
  }

  boost::beast::flat_buffer& buffer() { return buffer_; }

 private:
  boost::beast::tcp_stream& tcp();
  void tunnel(const Url&, const Url& proxy, const HttpClientOptions&, const Patience&);
  void handshake(const Url&, const HttpClientOptions&, const Patience&);
  void checkPin(const Url&, const HttpClientOptions&);
  [[noreturn]] static void throwTimeout(const Patience&, const char* doing);

  boost::asio::io_context& io_;
  std::unique_ptr<boost::beast::tcp_stream> plain_;
  std::unique_ptr<boost::beast::ssl_stream<boost::beast::tcp_stream>> tls_;
  boost::beast::flat_buffer buffer_;  // bytes read beyond the last answer
};

}  // namespace fedpet::net
