#include "orthanc-plugin/Webhooks.h"

#include "fhir/OutboxCourier.h"
#include "fhir/RetryAfter.h"
#include "fhir/facade/FacadeResources.h"
#include "net/HttpClient.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>

namespace fedpet::plugin {
namespace {

using fhir::Json;

constexpr std::size_t kShortestSecret = 24;  // bytes, as standardwebhooks.com asks
constexpr const char* kSubscriptionProfile =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
    "backport-subscription-status-r4";
constexpr const char* kTopic = "urn:fedpet:subscription-topic:new-result";

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string text(4 * ((size + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(size));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string decoded64(const std::string& text) {
  std::string bytes(text.size(), '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (length < 0) throw std::invalid_argument("Webhooks.SecretFile: no base64 after whsec_");
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

// Read again before every attempt, so that it can be changed while the plugin runs.
std::string secretIn(const std::string& file) {
  if (file.empty())
    throw std::invalid_argument("Webhooks.SecretFile: receivers need a secret to know us by");
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::invalid_argument("Webhooks.SecretFile cannot be read");
  std::ostringstream text;
  text << in.rdbuf();
  std::string secret = text.str();
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.starts_with("whsec_")) secret = decoded64(secret.substr(6));
  if (secret.size() < kShortestSecret)
    throw std::invalid_argument("Webhooks.SecretFile: the secret has less than 24 bytes");
  return secret;
}

std::string targetOf(const std::string& url) {
  const auto path = url.find('/', url.find("://") + 3);
  return path == std::string::npos ? "/" : url.substr(path);
}

fhir::DeliveryOutcome judged(const net::HttpResponse& answer) {
  using Cause = fhir::RetryLater::Cause;
  if (answer.status / 100 == 2) return fhir::Delivered{};
  const std::string reason = "answered with status " + std::to_string(answer.status);
  const int status = answer.status;
  if (status == 408 || status == 409 || status == 425 || status == 429 || status >= 500) {
    const auto after = net::headerValue(answer.headers, "Retry-After");
    return fhir::RetryLater{
        Cause::Unreachable,
        after ? fhir::parseRetryAfter(*after, std::chrono::system_clock::now()) : std::nullopt,
        reason, status == 429 || (status >= 502 && status <= 504)};
  }
  if (status == 401) return fhir::NeedsAuth{reason};
  fhir::Rejected rejected;
  rejected.reason = reason;
  rejected.status = status;
  return rejected;
}

class WebhookSender final : public fhir::BundleSender {
 public:
  WebhookSender(std::string url, const WebhookOptions& options)
      : url_(std::move(url)),
        secretFile_(options.secretFile),
        client_(url_.substr(0, url_.find('?')), clientOptions(options)) {}

  fhir::DeliveryOutcome deliver(const std::string& body, const std::string&,
                                std::stop_token stop) override {
    using Cause = fhir::RetryLater::Cause;
    try {
      return judged(client_.send(signedRequest(body), body, stop));
    } catch (const net::NetError& e) {
      return fhir::RetryLater{Cause::Unreachable, std::nullopt, e.what(), true};
    } catch (const std::invalid_argument& e) {
      return fhir::NeedsAuth{e.what()};  // the secret
    }
  }

 private:
  static net::HttpClientOptions clientOptions(const WebhookOptions& options) {
    net::HttpClientOptions http;
    http.overallTimeout = options.timeout;
    http.caFile = options.caFile;
    http.maxBodyBytes = 64 * 1024;  // the answer says nothing that we want to know
    return http;
  }

  net::HttpRequest signedRequest(const std::string& body) const {
    // A hash of the body: the same at every attempt, another one for another result.
    const std::string id = "msg_" + messageId(body);
    const std::string timestamp =
        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count());
    net::HttpRequest request;
    request.method = "POST";
    request.target = targetOf(url_);
    request.headers = {
        {"Content-Type", "application/fhir+json"},
        {"webhook-id", id},
        {"webhook-timestamp", timestamp},
        {"webhook-signature", webhookSignature(secretIn(secretFile_), id, timestamp, body)}};
    return request;
  }

  std::string messageId(const std::string& body) const {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    const std::string text = url_ + body;
    EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
    constexpr char kHex[] = "0123456789abcdef";
    std::string hex;
    for (unsigned int i = 0; i < 16; ++i) hex.append({kHex[digest[i] >> 4], kHex[digest[i] & 15]});
    return hex;
  }

  const std::string url_, secretFile_;
  net::HttpClient client_;
};

class WebhookLog final : public fhir::CourierObserver {
 public:
  explicit WebhookLog(Log log) : log_(std::move(log)) {}
  void delivered(const fhir::OutboxEntry& e) override { write(LogLevel::Info, e, "delivered"); }
  void postponed(const fhir::OutboxEntry& e, fhir::OutboxTime, const std::string& why) override {
    write(LogLevel::Warning, e, "postponed: " + why);
  }
  void deadLettered(const fhir::OutboxEntry& e, const std::string& why) override {
    write(LogLevel::Error, e, "set aside: " + why);
  }
  void storeFailed(const std::string& what) override { log_(LogLevel::Error, "webhooks: " + what); }

 private:
  void write(LogLevel level, const fhir::OutboxEntry& e, const std::string& text) {
    log_(level, "webhook message " + std::to_string(e.id) + " " + text);
  }
  Log log_;
};

fhir::RetryPolicy policyOf(const WebhookOptions& o) {
  fhir::RetryPolicy policy;
  policy.firstDelay = o.backOff;
  policy.giveUpAfter = o.giveUpAfter;
  policy.claimFor = o.timeout + std::chrono::seconds(60);
  return policy;
}

Json parameter(const char* name, const char* valueName, Json value) {
  return {{"name", name}, {valueName, std::move(value)}};
}

}  // namespace

std::string webhookSignature(const std::string& secret, const std::string& id,
                             const std::string& timestamp, const std::string& body) {
  const std::string text = id + "." + timestamp + "." + body;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
            reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size))
    throw std::runtime_error("HMAC failed");
  return "v1," + base64(digest, size);
}

std::string webhookBody(const ResponseAssessment& assessment, const std::string& destination,
                        const std::string& facadeUrl) {
  const std::string name =
      "DiagnosticReport/" + fhir::reportResourceId(assessment.identity.srSopInstanceUid);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(
      assessment.assessedAt.time_since_epoch());
  const std::string reportUrl = facadeUrl.empty() ? name : facadeUrl + "/" + name;
  const Json event{
      {"name", "notification-event"},
      {"part",
       Json::array({parameter("event-number", "valueString", std::to_string(millis.count())),
                    parameter("focus", "valueReference", {{"reference", reportUrl}})})}};
  const Json status{
      {"resourceType", "Parameters"},
      {"meta", {{"profile", Json::array({kSubscriptionProfile})}}},
      {"parameter",
       Json::array({parameter("subscription", "valueReference", {{"display", destination}}),
                    parameter("topic", "valueCanonical", kTopic),
                    parameter("status", "valueCode", "active"),
                    parameter("type", "valueCode", "event-notification"), event})}};
  Json focus{{"request", {{"method", "PUT"}, {"url", name}}}, {"response", {{"status", "200"}}}};
  if (!facadeUrl.empty()) focus["fullUrl"] = reportUrl;
  const Json bundle{
      {"resourceType", "Bundle"},
      {"type", "history"},
      {"entry", Json::array({{{"resource", status},
                              {"request", {{"method", "GET"}, {"url", "Subscription"}}},
                              {"response", {{"status", "200"}}}},
                             focus})}};
  return bundle.dump();
}

class Webhooks::Impl {
 public:
  Impl(const WebhookOptions& options, const std::string& publicUrl, fhir::OutboxStore& outbox,
       Log log)
      : facadeUrl(publicUrl.empty() ? "" : publicUrl + "/fedpet/fhir"),
        policy(policyOf(options)),
        store(outbox),
        observer(std::move(log)) {
    secretIn(options.secretFile);  // a missing one shows at the start
    for (const std::string& url : options.urls) {
      const std::string destination = kWebhookPrefix + url.substr(0, url.find('?'));
      if (!senders.emplace(destination, std::make_shared<WebhookSender>(url, options)).second)
        throw std::invalid_argument("Webhooks.Urls: " + destination.substr(8) + " stands twice");
    }
  }

  const std::string facadeUrl;
  const fhir::RetryPolicy policy;
  fhir::OutboxStore& store;
  WebhookLog observer;
  fhir::OutboxCourier::Senders senders;
  std::mutex mutex;  // guards courier: requests may come before start() and after stop()
  std::unique_ptr<fhir::OutboxCourierThread> courier;
};

Webhooks::Webhooks(const WebhookOptions& options, const std::string& publicUrl,
                   fhir::OutboxStore& store, Log log)
    : impl_(std::make_unique<Impl>(options, publicUrl, store, std::move(log))) {}

Webhooks::~Webhooks() = default;

std::vector<fhir::OutboxMessage> Webhooks::messagesAbout(
    const ResponseAssessment& assessment) const {
  std::vector<fhir::OutboxMessage> messages;
  for (const auto& [destination, sender] : impl_->senders)
    messages.push_back({assessment.identity.srSopInstanceUid, destination,
                        assessment.series.study.studyInstanceUid,
                        webhookBody(assessment, destination, impl_->facadeUrl)});
  return messages;
}

void Webhooks::start() {
  const std::lock_guard lock(impl_->mutex);
  impl_->courier = std::make_unique<fhir::OutboxCourierThread>(impl_->store, impl_->senders,
                                                               impl_->observer, impl_->policy);
}

void Webhooks::wake() {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->courier) impl_->courier->wake();
}

void Webhooks::stop() {
  const std::lock_guard lock(impl_->mutex);
  impl_->courier.reset();
}

}  // namespace fedpet::plugin
