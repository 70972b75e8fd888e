#include "net/HttpServer.h"

#include "net/NetError.h"
#include "net/ServerSession.h"
#include "net/Tls.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace fedpet::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

// Cut sessions end at once; this only bounds the wait on a machine that is very busy.
constexpr std::chrono::seconds kCutTime{5};

void needSaneHeaders(const HttpResponse& answer) {
  if (answer.status < 200 || answer.status > 599)
    throw std::runtime_error("the handler answered with status " + std::to_string(answer.status));
  for (const auto& [name, value] : answer.headers)
    for (const std::string& text : {name, value})
      if (name.empty() || text.find_first_of(std::string("\r\n\0", 3)) != std::string::npos)
        throw std::runtime_error("the handler's header has no name or a line break");
}

// The connections that stand: how many, whose, and which of them could go to make room.
class SessionList {
 public:
  using Pointer = std::shared_ptr<ServerSession>;

  SessionList(std::size_t most, std::size_t mostPerAddress)
      : most_(most), mostPerAddress_(mostPerAddress) {}

  // False when there is no room. `toClose` is set when another one had to go.
  bool add(const Pointer& session, Pointer& toClose) {
    const std::lock_guard lock(mutex_);
    const auto ofAddress = perAddress_.find(session->remoteAddress());
    if (ofAddress != perAddress_.end() && ofAddress->second >= mostPerAddress_) return false;
    if (entries_.size() >= most_) toClose = removeLongestIdle();
    if (entries_.size() >= most_) return false;
    entries_[session.get()] = {session, std::nullopt};
    ++perAddress_[session->remoteAddress()];
    return true;
  }

  void remove(ServerSession& session) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = entries_.find(&session); found != entries_.end()) erase(found);
    }
    changed_.notify_all();
  }

  // False for one that was removed to make room.
  bool markBusy(ServerSession& session) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(&session);
    if (found == entries_.end()) return false;
    found->second.idleSince.reset();
    return true;
  }

  void markIdle(ServerSession& session) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(&session);
    if (found != entries_.end()) found->second.idleSince = Clock::now();
  }

  std::vector<Pointer> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<Pointer> sessions;
    for (const auto& [unused, entry] : entries_)
      if (auto session = entry.session.lock()) sessions.push_back(std::move(session));
    return sessions;
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

  void waitUntilEmpty(std::chrono::milliseconds limit) const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [this] { return entries_.empty(); });
  }

 private:
  struct Entry {
    std::weak_ptr<ServerSession> session;
    std::optional<Clock::time_point> idleSince;  // absent while a request is under way
  };
  using Entries = std::unordered_map<ServerSession*, Entry>;

  void erase(Entries::iterator entry) {
    const auto ofAddress = perAddress_.find(entry->first->remoteAddress());
    if (--ofAddress->second == 0) perAddress_.erase(ofAddress);
    entries_.erase(entry);
  }

  // Linear: it only runs when the server is full, and walks a few hundred entries.
  Pointer removeLongestIdle() {
    auto longest = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry)
      if (entry->second.idleSince &&
          (longest == entries_.end() || *entry->second.idleSince < *longest->second.idleSince))
        longest = entry;
    if (longest == entries_.end()) return nullptr;
    Pointer session = longest->second.session.lock();
    erase(longest);
    return session;
  }

  const std::size_t most_, mostPerAddress_;
  mutable std::condition_variable changed_;
  mutable std::mutex mutex_;  // guards everything below
  Entries entries_;
  std::map<std::string, std::size_t> perAddress_;
};

}  // namespace

class HttpServer::Impl final : public SessionHost {
 public:
  Impl(HttpServerOptions options, Handler handler)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        sessions_(options_.maxConnections, options_.maxConnectionsPerAddress),
        handlerPool_(std::max<std::size_t>(options_.handlerThreads, 1)) {
    if (!options_.certificateFile.empty()) reloadCertificates();
    listen();
    acceptNext();
    for (std::size_t i = 0; i < std::max<std::size_t>(options_.ioThreads, 1); ++i)
      ioThreads_.emplace_back([this] { io_.run(); });
  }

  ~Impl() { stop(); }

  void stop() {
    const std::lock_guard lock(stopMutex_);
    if (stopped_) return;
    stopped_ = stopping_ = true;
    asio::post(acceptStrand_, [this] {
      boost::system::error_code ignored;
      acceptor_.close(ignored);
      acceptPause_.cancel();
    });
    for (const auto& session : sessions_.all()) session->finishSoon();
    sessions_.waitUntilEmpty(options_.stopTimeout);
    cutting_ = true;
    std::vector<std::future<void>> cuts;
    for (const auto& session : sessions_.all()) cuts.push_back(session->cut());
    for (const auto& cut : cuts) cut.wait_for(kCutTime);
    handlerPool_.join();  // after this nothing would take a request from its queue
    sessions_.waitUntilEmpty(kCutTime);
    io_.stop();
    for (auto& thread : ioThreads_) thread.join();
  }

  void reloadCertificates() {
    auto fresh = std::make_shared<asio::ssl::context>(serverContext(options_));
    const std::lock_guard lock(tlsMutex_);
    tls_ = std::move(fresh);
  }

  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return sessions_.size(); }

  std::string url() const {
    const auto address = asio::ip::make_address(options_.address);
    std::string host = options_.address;
    if (address.is_unspecified()) host = address.is_v4() ? "127.0.0.1" : "::1";
    if (address.is_v6()) host = "[" + host + "]";
    return (options_.certificateFile.empty() ? "http://" : "https://") + host + ":" +
           std::to_string(port_);
  }

  const HttpServerOptions& options() const override { return options_; }
  asio::any_io_executor handlerExecutor() override { return handlerPool_.get_executor(); }
  bool mayBegin(ServerSession& session) override { return sessions_.markBusy(session); }
  void becameIdle(ServerSession& session) override { sessions_.markIdle(session); }
  bool isStopping() const override { return stopping_; }
  void ended(ServerSession& session) override { sessions_.remove(session); }

  HttpResponse answer(const ServerRequest& request) override {
    if (cutting_) return refusal(options_, 503, "The server stops.");  // nobody reads it any more
    try {
      HttpResponse response = handler_(request);
      needSaneHeaders(response);
      return response;
    } catch (const std::exception& e) {
      trouble("the handler failed: " + std::string(e.what()));
    } catch (...) {
      trouble("the handler failed with an unknown exception");
    }
    return refusal(options_, 500, "Internal error. The server's log knows more.");
  }

  bool reserve(std::size_t bytes) override {
    std::size_t before = reserved_;
    do {
      if (bytes > 0 && before + bytes > options_.maxBodyBytesTogether) return false;
    } while (!reserved_.compare_exchange_weak(before, before + bytes));
    return true;
  }
  void release(std::size_t bytes) override { reserved_ -= bytes; }

  void trouble(const std::string& line) override {
    if (options_.onTrouble) options_.onTrouble(line);
  }

 private:
  void listen() {
    try {
      const tcp::endpoint endpoint(asio::ip::make_address(options_.address), options_.port);
      acceptor_.open(endpoint.protocol());
      acceptor_.set_option(tcp::acceptor::reuse_address(true));
      if (endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(false));
      acceptor_.bind(endpoint);
      acceptor_.listen();
      port_ = acceptor_.local_endpoint().port();
    } catch (const boost::system::system_error& e) {
      throw NetError(NetError::Kind::Connect, "cannot listen on " + options_.address + " port " +
                                                  std::to_string(options_.port) + ": " + e.what());
    }
  }

  void acceptNext() {
    acceptor_.async_accept(asio::any_io_executor(asio::make_strand(io_)),
                           asio::bind_executor(acceptStrand_, [this](auto error, auto socket) {
                             onAccepted(error, std::move(socket));
                           }));
  }

  void onAccepted(boost::system::error_code error, tcp::socket socket) {
    if (stopping_ || error == asio::error::operation_aborted) return;
    if (!error) {
      begin(std::move(socket));
      return acceptNext();
    }
    // Out of file descriptors, most likely: trying again at once would only burn the processor.
    trouble("cannot accept a connection: " + error.message());
    acceptPause_.expires_after(std::chrono::milliseconds(100));
    acceptPause_.async_wait([this](auto cancelled) {
      if (!cancelled && !stopping_) acceptNext();
    });
  }

  void begin(tcp::socket socket) {
    boost::system::error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (error) return;  // gone already
    socket.set_option(tcp::no_delay(true), error);
    const auto session = std::make_shared<ServerSession>(std::move(socket), tls(),
                                                         remote.address().to_string(), *this);
    std::shared_ptr<ServerSession> toClose;
    const bool hasRoom = sessions_.add(session, toClose);
    if (toClose) toClose->cut();
    if (hasRoom) return session->run();
    trouble("no room for another connection of " + session->remoteAddress());
  }

  std::shared_ptr<asio::ssl::context> tls() const {
    const std::lock_guard lock(tlsMutex_);
    return tls_;
  }

  const HttpServerOptions options_;
  const Handler handler_;
  SessionList sessions_;
  std::atomic<std::size_t> reserved_{0};
  std::atomic<bool> stopping_{false};  // begin nothing
  std::atomic<bool> cutting_{false};   // finish nothing

  mutable std::mutex tlsMutex_;              // guards tls_
  std::shared_ptr<asio::ssl::context> tls_;  // null for plain HTTP

  std::mutex stopMutex_;  // guards stopped_
  bool stopped_ = false;

  std::uint16_t port_ = 0;
  // Both are destroyed before what is above: their queues may hold the last of a session.
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> staysOpen_{io_.get_executor()};
  asio::any_io_executor acceptStrand_{asio::make_strand(io_)};
  tcp::acceptor acceptor_{acceptStrand_};
  asio::steady_timer acceptPause_{acceptStrand_};
  asio::thread_pool handlerPool_;
  std::vector<std::thread> ioThreads_;
};

HttpServer::HttpServer(HttpServerOptions options, Handler handler)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler))) {}
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return impl_->port(); }
std::string HttpServer::url() const { return impl_->url(); }
std::size_t HttpServer::connections() const { return impl_->connections(); }
void HttpServer::stop() { impl_->stop(); }

void HttpServer::reloadCertificates() {
  if (!impl_->options().certificateFile.empty()) impl_->reloadCertificates();
}

}  // namespace fedpet::net
