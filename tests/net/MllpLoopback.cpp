#include "tests/net/MllpLoopback.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <list>
#include <mutex>
#include <thread>

namespace fedpet::testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

}  // namespace

// One thread that serves one connection after the other: a client of ours has one.
class MllpLoopback::Impl {
 public:
  Impl(Handler handler, std::optional<TestCertificate> certificate)
      : handler_(std::move(handler)), acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
    if (certificate) {
      tls_.emplace(asio::ssl::context::tls_server);
      tls_->use_certificate_chain(asio::buffer(certificate->certificatePem));
      tls_->use_private_key(asio::buffer(certificate->keyPem), asio::ssl::context::pem);
    }
    thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
  }

  ~Impl() {
    thread_.request_stop();
    boost::system::error_code ignored;
    {
      const std::lock_guard lock(mutex_);
      if (open_) open_->shutdown(tcp::socket::shutdown_both, ignored);
    }
    asio::io_context io;
    tcp::socket(io).connect(acceptor_.local_endpoint(), ignored);  // wakes accept()
  }

  std::string url() const {
    return (tls_ ? "mllps://127.0.0.1:" : "mllp://127.0.0.1:") +
           std::to_string(acceptor_.local_endpoint().port());
  }
  std::vector<std::string> messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
  }

 private:
  void run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      tcp::socket socket(io_);
      boost::system::error_code error;
      acceptor_.accept(socket, error);
      if (error || stop.stop_requested()) return;
      {
        const std::lock_guard lock(mutex_);
        open_ = &socket;
        ++connections_;
      }
      serve(socket, error);
      const std::lock_guard lock(mutex_);
      open_ = nullptr;
    }
  }

  void serve(tcp::socket& socket, boost::system::error_code& error) {
    if (!tls_) return talk(socket);
    asio::ssl::stream<tcp::socket&> stream(socket, *tls_);
    stream.handshake(asio::ssl::stream_base::server, error);
    if (!error) talk(stream);
  }

  template <typename Stream>
  void talk(Stream& stream) {
    std::string buffer;
    boost::system::error_code error;
    for (;;) {
      const std::size_t size =
          asio::read_until(stream, asio::dynamic_buffer(buffer), "\x1c\r", error);
      if (error || buffer.front() != '\x0b') return;
      const std::string message = buffer.substr(1, size - 3);
      buffer.erase(0, size);
      {
        const std::lock_guard lock(mutex_);
        messages_.push_back(message);
      }
      const auto answer = handler_(message);
      if (!answer) return;
      asio::write(stream, asio::buffer(*answer), error);
      if (error) return;
    }
  }

  Handler handler_;
  asio::io_context io_;
  std::optional<asio::ssl::context> tls_;
  tcp::acceptor acceptor_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::string> messages_;
  std::size_t connections_ = 0;
  tcp::socket* open_ = nullptr;
  std::jthread thread_;
};

MllpLoopback::MllpLoopback(Handler handler, std::optional<TestCertificate> certificate)
    : impl_(std::make_unique<Impl>(std::move(handler), std::move(certificate))) {}
MllpLoopback::~MllpLoopback() = default;
std::string MllpLoopback::url() const { return impl_->url(); }
std::vector<std::string> MllpLoopback::messages() const { return impl_->messages(); }
std::size_t MllpLoopback::connections() const { return impl_->connections(); }
std::string MllpLoopback::framed(const std::string& message) { return "\x0b" + message + "\x1c\r"; }

}  // namespace fedpet::testing
