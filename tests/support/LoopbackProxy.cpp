#include "tests/support/LoopbackProxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

namespace fedpet::testing {
namespace {

class Socket {
 public:
  explicit Socket(int handle) : handle_(handle) {}
  ~Socket() {
    if (handle_ >= 0) ::close(handle_);
  }
  Socket(Socket&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  int handle() const { return handle_; }

 private:
  int handle_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool sendAll(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void relay(int a, int b) {
  pollfd both[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
  while (::poll(both, 2, -1) > 0)
    for (int i = 0; i < 2; ++i) {
      if (!both[i].revents) continue;
      char bytes[16 * 1024];
      const auto got = ::recv(both[i].fd, bytes, sizeof bytes, 0);
      if (got <= 0 || !sendAll(both[1 - i].fd, {bytes, static_cast<std::size_t>(got)})) return;
    }
}

}  // namespace

class LoopbackProxy::Impl {
 public:
  Impl(std::uint16_t targetPort, std::optional<std::string> answer)
      : targetPort_(targetPort), answer_(std::move(answer)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_.handle(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_.handle(), 16) != 0 ||
        ::getsockname(listener_.handle(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("the test proxy cannot listen");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { acceptAll(); });
  }

  ~Impl() {
    ::shutdown(listener_.handle(), SHUT_RDWR);
    thread_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
  }

  std::uint16_t port() const { return port_; }
  std::vector<std::string> headers() const {
    const std::lock_guard lock(mutex_);
    return headers_;
  }

 private:
  void acceptAll() {
    for (;;) {
      Socket client(::accept(listener_.handle(), nullptr, nullptr));
      if (client.handle() < 0) return;
      threads_.emplace_back([this, c = std::move(client)] { serve(c.handle()); });
    }
  }

  void serve(int client) {
    const Opened opened(*this, client);
    std::string header;
    char byte;
    while (!header.ends_with("\r\n\r\n")) {
      if (::recv(client, &byte, 1, 0) != 1) return;
      header += byte;
    }
    {
      const std::lock_guard lock(mutex_);
      headers_.push_back(header);
    }
    if (answer_ && answer_->empty()) ::recv(client, &byte, 1, 0);  // until somebody gives up
    if (answer_) {
      sendAll(client, *answer_);
      return;
    }
    const Socket target(::socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr_in address = loopback(targetPort_);
    if (::connect(target.handle(), reinterpret_cast<const sockaddr*>(&address), sizeof address))
      return;
    const Opened alsoOpened(*this, target.handle());
    if (sendAll(client, "HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n"))
      relay(client, target.handle());
  }

  // The destructor shuts down what is open, and only that.
  struct Opened {
    Opened(Impl& owner, int socket) : owner_(owner), socket_(socket) {
      const std::lock_guard lock(owner_.mutex_);
      owner_.open_.push_back(socket);
    }
    ~Opened() {
      const std::lock_guard lock(owner_.mutex_);
      std::erase(owner_.open_, socket_);
      ::shutdown(socket_, SHUT_RDWR);
    }
    Impl& owner_;
    int socket_;
  };

  const std::uint16_t targetPort_;
  const std::optional<std::string> answer_;
  Socket listener_{::socket(AF_INET, SOCK_STREAM, 0)};
  std::uint16_t port_ = 0;
  std::thread thread_;
  std::vector<std::thread> threads_;  // touched by thread_ until it is joined
  mutable std::mutex mutex_;          // guards everything below
  std::vector<int> open_;
  std::vector<std::string> headers_;
};

LoopbackProxy::LoopbackProxy(std::uint16_t targetPort, std::optional<std::string> answer)
    : impl_(std::make_unique<Impl>(targetPort, std::move(answer))) {}
LoopbackProxy::~LoopbackProxy() = default;

std::string LoopbackProxy::url() const {
  return "http://127.0.0.1:" + std::to_string(impl_->port());
}
std::vector<std::string> LoopbackProxy::headers() const { return impl_->headers(); }

}  // namespace fedpet::testing
