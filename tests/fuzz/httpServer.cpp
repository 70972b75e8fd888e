// The server's session with a client that sends any bytes, in any pieces, and then closes. It must
// answer in HTTP or not at all, hand its handler only what the limits allow, and end.
#include "net/ServerSession.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

namespace asio = boost::asio;
using namespace fedpet::net;

// Stays in force with NDEBUG; libFuzzer reports an abort together with its input.
void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

class Host final : public SessionHost {
 public:
  explicit Host(asio::io_context& io) : io_(io) {
    options_.maxHeaderBytes = 1024;  // small, so that inputs of a few KiB reach every limit
    options_.maxBodyBytes = 512;
  }

  const HttpServerOptions& options() const override { return options_; }
  asio::any_io_executor handlerExecutor() override { return io_.get_executor(); }

  HttpResponse answer(const ServerRequest& request) override {
    must(request.target.starts_with('/') || request.target == "*", "targets are paths");
    must(request.body.size() <= options_.maxBodyBytes, "bodies are bounded");
    must(!request.method.empty(), "requests have a method");
    for (const auto& [name, value] : request.headers)
      must(name.find_first_of("\r\n") == std::string::npos &&
               value.find_first_of("\r\n") == std::string::npos,
           "headers are single lines");
    if (request.target == "/204") return {204, {}, {}};
    return {200, {{"X-Target", "seen"}}, request.body};
  }

  bool mayBegin(ServerSession&) override { return true; }
  void becameIdle(ServerSession&) override {}
  bool isStopping() const override { return false; }
  void ended(ServerSession&) override { ++ended_; }
  bool reserve(std::size_t bytes) override {
    reserved_ += bytes;
    return true;
  }
  void release(std::size_t bytes) override {
    must(bytes <= reserved_, "no more is released than was reserved");
    reserved_ -= bytes;
  }
  void trouble(const std::string&) override {}

  bool isClean() const { return reserved_ == 0 && ended_ == 1; }

 private:
  asio::io_context& io_;
  HttpServerOptions options_;
  std::size_t reserved_ = 0;
  int ended_ = 0;
};

std::string received(int socket) {
  std::string text;
  char bytes[8192];
  for (;;) {
    const auto got = ::recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got <= 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
  }
}

}  // namespace

// The first byte says how large the pieces are in which the others arrive; 0: all at once.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 16 * 1024) return 0;
  static asio::io_context io(1);
  io.restart();
  Host host(io);
  int pair[2];
  must(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "there are file descriptors");
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] == 0 ? size : std::max<std::size_t>(data[0], size / 64);
  std::string answers;
  {
    const auto session = std::make_shared<ServerSession>(
        ServerSession::Socket(asio::make_strand(io), asio::generic::stream_protocol(AF_UNIX, 0),
                              pair[0]),
        nullptr, "fuzz", host);
    session->run();
  }
  for (; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
    const std::string_view now = rest.substr(0, piece);
    if (::send(pair[1], now.data(), now.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) break;  // refused
    io.poll();
    answers += received(pair[1]);
  }
  ::shutdown(pair[1], SHUT_WR);
  for (int i = 0; i < 1000 && !host.isClean(); ++i) {
    io.poll();
    answers += received(pair[1]);
  }
  must(host.isClean(), "the session ends when its client is gone");
  must(answers.empty() || answers.starts_with("HTTP/1."), "answers are HTTP");
  ::close(pair[1]);
  return 0;
}
