#include "net/ServerSession.h"

#include "net/Tls.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <ctime>

namespace fedpet::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::size_t kWakeUpBytes = 512;  // an idle connection holds no larger buffer
constexpr std::size_t kHeaderChunk = 4 * 1024, kBodyChunk = 64 * 1024, kDrainChunk = 16 * 1024;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// RFC 9110, section 5.6.7. Not strftime: its names follow the locale of the host program.
std::string httpDate(std::time_t time) {
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday],
                utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                utc.tm_sec);
  return text;
}

bool isFramedByServer(std::string_view name) {
  for (const char* own : {"Content-Length", "Transfer-Encoding", "Connection", "Date"})
    if (beast::iequals(name, own)) return true;
  return false;
}

// The bytes are not HTTP; a connection that merely ended is something else.
bool isMalformed(beast::error_code error) {
  return error && error.category() == make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

bool hasNoBody(int status) { return status == 204 || status == 304; }

}  // namespace

HttpResponse refusal(const HttpServerOptions& options, int status, const std::string& why) {
  if (options.refusal) return options.refusal(status, why);
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, why + "\n"};
}

ServerSession::ServerSession(Socket socket, Tls context, std::string remoteAddress,
                             SessionHost& host)
    : socket_(std::move(socket)),
      context_(std::move(context)),
      remoteAddress_(std::move(remoteAddress)),
      host_(host),
      options_(host.options()),
      timer_(socket_.get_executor()),
      // Bounds chunk extensions and trailers, which no other limit sees.
      buffer_(std::max(options_.maxHeaderBytes, kBodyChunk) + kBodyChunk) {
  if (context_) tls_.emplace(socket_, *context_);
}

ServerSession::~ServerSession() {
  releaseBody();
  host_.ended(*this);
}

template <typename Start>
void ServerSession::withStream(Start start) {
  if (tls_)
    start(*tls_);
  else
    start(socket_);
}

void ServerSession::run() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    if (self->tls_)
      self->shakeHands();
    else
      self->awaitRequest();
  });
}

void ServerSession::finishSoon() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->finishing_ = true;
    if (!self->isBusy_) self->close();
  });
}

std::future<void> ServerSession::cut() {
  return asio::post(socket_.get_executor(),
                    asio::use_future([self = shared_from_this()] { self->close(); }));
}

void ServerSession::shakeHands() {
  expectWithin(options_.handshakeTimeout);
  tls_->async_handshake(asio::ssl::stream_base::server,
                        [self = shared_from_this()](Error error) { self->onHandshake(error); });
}

void ServerSession::onHandshake(Error error) {
  if (error) {
    host_.trouble("no TLS connection with " + remoteAddress_ + ": " + error.message());
    return lingerOn();  // the alert says why
  }
  peer_ = peerCertificate(tls_->native_handle());
  awaitRequest();
}

void ServerSession::awaitRequest() {
  isBusy_ = false;
  if (finishing_ || host_.isStopping()) return sayGoodbye();
  const bool isPipelined = buffer_.size() > 0;
  if (isPipelined) return readHeader();
  buffer_.shrink_to_fit();
  if (!isFirst_) host_.becameIdle(*this);
  expectWithin(isFirst_ ? options_.headerTimeout : options_.idleTimeout);
  withStream([this](auto& stream) {
    stream.async_read_some(buffer_.prepare(kWakeUpBytes),
                           [self = shared_from_this()](Error error, std::size_t bytes) {
                             if (error) return self->close();
                             self->buffer_.commit(bytes);
                             self->readHeader();
                           });
  });
}

void ServerSession::readHeader() {
  isFirst_ = false;
  isBusy_ = true;
  if (!host_.mayBegin(*this)) return close();
  expectWithin(options_.headerTimeout);
  buffer_.reserve(kHeaderChunk);
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(options_.maxHeaderBytes));
  parser_->body_limit(options_.maxBodyBytes);
  withStream([this](auto& stream) {
    http::async_read_header(
        stream, buffer_, *parser_,
        [self = shared_from_this()](Error error, std::size_t) { self->onHeader(error); });
  });
}

void ServerSession::onHeader(Error error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return refuse({431, "The request's header is longer than " +
                            std::to_string(options_.maxHeaderBytes) + " bytes."});
  if (error == http::error::body_limit)
    return refuse(
        {413, "At most " + std::to_string(options_.maxBodyBytes) + " bytes are accepted."});
  if (error == http::error::bad_version) return refuse({505, "This server speaks HTTP/1.1."});
  if (isMalformed(error)) return refuse({400, "Not an HTTP request: " + error.message() + "."});
  if (error) return close();
  if (const auto bad = judgeHeader()) return refuse(*bad);
  if (const auto bad = reserveBody()) return refuse(*bad);
  headers_.clear();
  for (const auto& field : parser_->get())
    headers_.push_back({std::string(field.name_string()), std::string(field.value())});
  keepAlive_ = parser_->keep_alive();
  beginBody();
}

// What the parser lets pass although RFC 9112 wants it refused.
std::optional<ServerSession::Refusal> ServerSession::judgeHeader() {
  const auto& request = parser_->get();
  if (request.version() != 10 && request.version() != 11)
    return Refusal{505, "This server speaks HTTP/1.1."};
  const auto coding = request.find(http::field::transfer_encoding);
  if (coding != request.end() && !parser_->chunked())
    return Refusal{501, "The only transfer coding understood is chunked."};
  if (coding != request.end() &&
      (request.version() == 10 || !beast::iequals(coding->value(), "chunked")))
    return Refusal{501, "The only transfer coding understood is chunked, in HTTP/1.1."};
  if (request.version() == 11 && request.count(http::field::host) != 1)
    return Refusal{400, "A request needs one Host header."};
  if (plainTarget().empty())
    return Refusal{400, "The request's target must be a path that begins with /."};
  const auto expectation = request[http::field::expect];
  if (!expectation.empty() && !beast::iequals(expectation, "100-continue"))
    return Refusal{417, "The only expectation understood is 100-continue."};
  return std::nullopt;
}

// Empty for what names no resource of this server.
std::string ServerSession::plainTarget() const {
  std::string_view target(parser_->get().target().data(), parser_->get().target().size());
  if (target == "*" && parser_->get().method() == http::verb::options) return "*";
  for (const std::string_view scheme : {"http://", "https://"})  // RFC 9112, section 3.2.2
    if (beast::iequals({target.data(), std::min(target.size(), scheme.size())},
                       {scheme.data(), scheme.size()})) {
      const auto slash = target.find('/', scheme.size());
      return slash == std::string_view::npos ? "/" : std::string(target.substr(slash));
    }
  return target.starts_with('/') ? std::string(target) : std::string();
}

std::optional<ServerSession::Refusal> ServerSession::reserveBody() {
  const auto length = parser_->content_length();
  const auto wanted =
      parser_->chunked() ? options_.maxBodyBytes : static_cast<std::size_t>(length ? *length : 0);
  if (!host_.reserve(wanted)) return Refusal{503, "Too many requests at once. Try again later."};
  reserved_ = wanted;
  return std::nullopt;
}

void ServerSession::releaseBody() { host_.release(std::exchange(reserved_, 0)); }

void ServerSession::beginBody() {
  stepStart_ = Clock::now();
  moved_ = 0;
  if (parser_->is_done()) return handle();
  buffer_.reserve(kBodyChunk);
  const bool waitsForUs = parser_->get().count(http::field::expect) > 0 &&
                          parser_->get().version() == 11 && buffer_.size() == 0;
  if (!waitsForUs) return readBody();
  expectRate(options_.writeTimeout, 0);
  withStream([this](auto& stream) {
    asio::async_write(stream, asio::buffer(kContinue),
                      [self = shared_from_this()](Error error, std::size_t) {
                        if (error) return self->close();
                        self->readBody();
                      });
  });
}

void ServerSession::readBody() {
  if (parser_->is_done()) return handle();
  // Chunk extensions count as received, but do not buy more time than a whole body.
  expectRate(options_.bodyTimeout, std::min(moved_, options_.maxBodyBytes));
  withStream([this](auto& stream) {
    http::async_read_some(
        stream, buffer_, *parser_, [self = shared_from_this()](Error error, std::size_t bytes) {
          self->moved_ += bytes;
          if (!error) return self->readBody();
          if (error == http::error::body_limit)
            return self->refuse({413, "At most " + std::to_string(self->options_.maxBodyBytes) +
                                          " bytes are accepted."});
          if (isMalformed(error))
            return self->refuse({400, "The request's body is malformed: " + error.message() + "."});
          self->close();
        });
  });
}

void ServerSession::handle() {
  if (!socket_.is_open()) return;  // cut
  expectBy(Clock::time_point::max());
  auto request = std::make_shared<ServerRequest>();
  request->method = std::string(parser_->get().method_string());
  request->target = plainTarget();
  request->headers = std::move(headers_);
  request->body = std::move(parser_->get().body());
  request->peer = peer_;
  request->remoteAddress = remoteAddress_;
  asio::post(host_.handlerExecutor(), [self = shared_from_this(), request]() mutable {
    auto answer = std::make_shared<HttpResponse>(self->host_.answer(*request));
    request.reset();
    asio::post(self->socket_.get_executor(), [self, answer] { self->respond(std::move(*answer)); });
  });
}

void ServerSession::refuse(const Refusal& reason) {
  keepAlive_ = false;
  respond(refusal(options_, reason.status, reason.why));
}

void ServerSession::respond(HttpResponse answer) {
  releaseBody();
  answer_ = std::move(answer);
  const auto& request = parser_->get();
  keepAlive_ = keepAlive_ && !finishing_ && !host_.isStopping();
  message_.emplace();
  message_->result(static_cast<unsigned>(answer_.status));
  message_->version(request.version() == 10 ? 10 : 11);
  message_->set(http::field::date, httpDate(std::time(nullptr)));
  for (const auto& [name, value] : answer_.headers)
    if (!isFramedByServer(name)) message_->insert(name, value);
  if (!hasNoBody(answer_.status)) message_->content_length(answer_.body.size());
  message_->keep_alive(keepAlive_);
  if (request.method() != http::verb::head && !hasNoBody(answer_.status))
    message_->body() = {answer_.body.data(), answer_.body.size()};
  serializer_.emplace(*message_);
  stepStart_ = Clock::now();
  moved_ = 0;
  writeSome();
}

void ServerSession::writeSome() {
  if (serializer_->is_done()) return onWritten();
  expectRate(options_.writeTimeout, moved_);
  withStream([this](auto& stream) {
    http::async_write_some(stream, *serializer_,
                           [self = shared_from_this()](Error error, std::size_t bytes) {
                             if (error) return self->close();
                             self->moved_ += bytes;
                             self->writeSome();
                           });
  });
}

void ServerSession::onWritten() {
  serializer_.reset();
  message_.reset();
  parser_.reset();
  answer_ = {};
  if (keepAlive_) return awaitRequest();
  sayGoodbye();
}

// Closing at once with unread bytes would reset the connection, and the answer might be lost
// with it (RFC 9112, section 9.6).
void ServerSession::sayGoodbye() {
  expectWithin(options_.lingerTimeout);
  if (!tls_) return lingerOn();
  tls_->async_shutdown([self = shared_from_this()](Error) { self->lingerOn(); });
}

void ServerSession::lingerOn() {
  expectWithin(options_.lingerTimeout);
  buffer_.clear();
  buffer_.reserve(kDrainChunk);
  Error ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  drain();
}

// Below TLS: nobody will look at these bytes.
void ServerSession::drain() {
  socket_.async_read_some(buffer_.prepare(kDrainChunk),
                          [self = shared_from_this()](Error error, std::size_t) {
                            if (error) return self->close();
                            self->drain();
                          });
}

void ServerSession::expectWithin(std::chrono::milliseconds limit) {
  expectBy(Clock::now() + limit);
}

void ServerSession::expectRate(std::chrono::milliseconds grace, std::size_t bytesSoFar) {
  const double earned = static_cast<double>(bytesSoFar) /
                        static_cast<double>(std::max<std::size_t>(options_.minBytesPerSecond, 1));
  expectBy(stepStart_ + grace +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(earned)));
}

void ServerSession::expectBy(Clock::time_point deadline) {
  deadline_ = deadline;
  if (deadline < armedFor_) armTimer();
}

void ServerSession::armTimer() {
  armedFor_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this()](Error error) {
    const auto self = weak.lock();
    if (error || !self) return;  // moved to an earlier time, or gone
    self->armedFor_ = Clock::time_point::max();
    if (Clock::now() >= self->deadline_) return self->close();
    if (self->deadline_ != Clock::time_point::max()) self->armTimer();
  });
}

// Steps that are under way end with an error, and with them the session.
void ServerSession::close() {
  Error ignored;
  socket_.close(ignored);
  timer_.cancel();
}

}  // namespace fedpet::net
