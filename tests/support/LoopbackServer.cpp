#include "tests/support/LoopbackServer.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <sys/socket.h>

#include <condition_variable>
#include <mutex>
#include <sstream>
#include <thread>

namespace fedpet::testing {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

std::string bytesOf(const Answer& answer, bool isHead) {
  if (answer.raw) return *answer.raw;
  http::response<http::string_body> message;
  message.version(11);
  message.result(static_cast<unsigned>(answer.status));
  for (const auto& [name, value] : answer.headers) message.insert(name, value);
  if (answer.closeAfterwards) message.keep_alive(false);
  message.content_length(answer.body.size());
  std::ostringstream text;
  text << message.base();
  return text.str() + (isHead ? "" : answer.body);
}

}  // namespace

class LoopbackServer::Impl {
 public:
  Impl(Handler handler, const std::optional<TestCertificate>& certificate)
      : handler_(std::move(handler)) {
    if (certificate) {
      tls_.emplace(asio::ssl::context::tls_server);
      tls_->use_certificate_chain(asio::buffer(certificate->certificatePem));
      tls_->use_private_key(asio::buffer(certificate->keyPem), asio::ssl::context::pem);
    }
    acceptThread_ = std::thread([this] { acceptAll(); });
  }

  ~Impl() {
    std::vector<std::thread> threads;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
      for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    }
    wakeUp_.notify_all();
    acceptThread_.join();
    {
      const std::lock_guard lock(mutex_);
      threads.swap(threads_);
    }
    for (auto& thread : threads) thread.join();
  }

  std::uint16_t port() const { return port_; }
  bool isTls() const { return tls_.has_value(); }

  std::vector<net::HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return threads_.size();
  }

 private:
  void acceptAll() {
    for (;;) {
      boost::system::error_code error;
      tcp::socket socket = acceptor_.accept(error);
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      if (error) continue;
      socket.set_option(tcp::no_delay(true), error);
      open_.push_back(socket.native_handle());
      threads_.emplace_back([this, s = std::move(socket)]() mutable { serve(std::move(s)); });
    }
  }

  void serve(tcp::socket socket) {
    const int handle = socket.native_handle();
    try {
      if (tls_) {
        asio::ssl::stream<tcp::socket&> stream(socket, *tls_);
        stream.handshake(asio::ssl::stream_base::server);
        while (answerOne(stream)) {
        }
      } else {
        while (answerOne(socket)) {
        }
      }
    } catch (const std::exception&) {
      // The client went away or refused the certificate: that is often the point of the test.
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, handle);
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_both, ignored);
    socket.close(ignored);
  }

  // False when the connection is to be closed.
  template <typename Stream>
  bool answerOne(Stream& stream) {
    boost::beast::flat_buffer buffer;
    http::request_parser<http::string_body> parser;
    parser.body_limit(1u << 30);
    http::read_header(stream, buffer, parser);
    const bool early = parser.get().count(kAnswerEarly) > 0;
    if (!early) http::read(stream, buffer, parser);
    net::HttpRequest request;
    request.method = std::string(parser.get().method_string());
    request.target = std::string(parser.get().target());
    for (const auto& field : parser.get())
      request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    request.body = parser.get().body();
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const Answer answer = handler_(request);
    pause(answer.delay);
    std::string bytes = bytesOf(answer, request.method == "HEAD");
    if (answer.cutAfterBytes) bytes.resize(std::min(bytes.size(), *answer.cutAfterBytes));
    const std::size_t piece = answer.delayBetweenPieces.count() > 0 ? 16 : bytes.size() + 1;
    for (std::size_t sent = 0; sent < bytes.size(); sent += piece) {
      asio::write(stream, asio::buffer(bytes.data() + sent, std::min(piece, bytes.size() - sent)));
      pause(answer.delayBetweenPieces);
    }
    if (early) {
      boost::beast::get_lowest_layer(stream).shutdown(tcp::socket::shutdown_send);
      http::read(stream, buffer, parser);
      return false;
    }
    return !answer.raw && !answer.cutAfterBytes && !answer.closeAfterwards && !answer.closeSilently;
  }

  void pause(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    wakeUp_.wait_for(lock, time, [this] { return stopping_; });
    if (stopping_) throw std::runtime_error("the server is stopping");
  }

  Handler handler_;
  std::optional<asio::ssl::context> tls_;
  asio::io_context io_;
  tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  const std::uint16_t port_ = acceptor_.local_endpoint().port();
  std::thread acceptThread_;
  std::condition_variable wakeUp_;
  mutable std::mutex mutex_;  // guards everything below
  bool stopping_ = false;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::vector<net::HttpRequest> requests_;
};

LoopbackServer::LoopbackServer(Handler handler, std::optional<TestCertificate> certificate)
    : impl_(std::make_unique<Impl>(std::move(handler), certificate)) {}

LoopbackServer::LoopbackServer(std::vector<Answer> answers,
                               std::optional<TestCertificate> certificate)
    : LoopbackServer(
          [list = std::move(answers), next = std::make_shared<std::size_t>(0),
           mutex = std::make_shared<std::mutex>()](const net::HttpRequest&) {
            const std::lock_guard lock(*mutex);
            return list.at(std::min((*next)++, list.size() - 1));
          },
          std::move(certificate)) {}

LoopbackServer::~LoopbackServer() = default;

std::uint16_t LoopbackServer::port() const { return impl_->port(); }

std::string LoopbackServer::url(std::string_view path, std::string_view host) const {
  return std::string(impl_->isTls() ? "https://" : "http://") + std::string(host) + ":" +
         std::to_string(port()) + std::string(path);
}

std::vector<net::HttpRequest> LoopbackServer::requests() const { return impl_->requests(); }
std::size_t LoopbackServer::connections() const { return impl_->connections(); }

}  // namespace fedpet::testing
