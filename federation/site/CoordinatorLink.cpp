#include "federation/site/CoordinatorLink.h"

#include "federation/wire/Messages.h"
#include "federation/wire/RequestSignature.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace fedpet::federation {
namespace {

constexpr std::size_t kMaxProblemBytes = 64 * 1024;

net::Url checkedUrl(const std::string& text) {
  net::Url url = net::parseUrl(text);
  const bool isThisMachine =
      url.host == "localhost" || url.host == "::1" || url.host.starts_with("127.");
  if (!url.isTls() && !isThisMachine)
    throw std::invalid_argument("the coordinator's address " + text +
                                " is not https: ask the consortium for a new invitation");
  return url;
}

// No answer of the protocol is larger than a message or one piece of a blob.
net::HttpClientOptions bounded(net::HttpClientOptions options) {
  options.maxBodyBytes = std::min(options.maxBodyBytes, std::max(kMaxMessageBytes, kChunkBytes));
  return options;
}

std::string basePathOf(const net::Url& url) {
  std::string path = url.path;
  while (path.ends_with('/')) path.pop_back();
  return path;
}

std::optional<long long> wholeNumber(std::string_view text) {
  long long value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return value;
}

// Only the form in seconds: ours sends no other, and a date needs a clock that may be wrong.
std::optional<std::chrono::seconds> retryAfter(const net::HttpResponse& response) {
  const auto value = net::headerValue(response.headers, "Retry-After");
  const auto seconds = value ? wholeNumber(*value) : std::nullopt;
  if (!seconds || *seconds < 0 || *seconds > 86'400) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

CoordinatorRefusal refusalFrom(const net::HttpResponse& response) {
  std::string code, message;
  std::optional<std::chrono::sys_seconds> time;
  if (response.body.size() <= kMaxProblemBytes) {
    const auto json = nlohmann::json::parse(response.body, nullptr, false);
    const auto text = [&](const char* name) {
      return json.is_object() && json.contains(name) && json[name].is_string()
                 ? json[name].get<std::string>()
                 : std::string();
    };
    code = harmless(text("code"), 64);
    message = harmless(text("message"));
    if (json.is_object() && json.contains("time") && json["time"].is_number_integer()) {
      const auto seconds = json["time"].get<long long>();
      if (seconds > 0 && seconds < 253'402'300'799)
        time = std::chrono::sys_seconds(std::chrono::seconds(seconds));
    }
  }
  std::string sentence = "the coordinator answered " + std::to_string(response.status);
  if (!code.empty()) sentence += " " + code;
  if (!message.empty()) sentence += ": " + message;
  CoordinatorRefusal refusal(response.status, code, sentence);
  refusal.serverTime = time;
  refusal.retryAfter = retryAfter(response);
  return refusal;
}

}  // namespace

std::string harmless(std::string_view text, std::size_t maxBytes) {
  std::string result(text.substr(0, maxBytes));
  for (char& c : result)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  if (text.size() > maxBytes) result += "...";
  return result;
}

CoordinatorLink::CoordinatorLink(LinkSettings settings)
    : basePath_(basePathOf(checkedUrl(settings.baseUrl))),
      now_(std::move(settings.now)),
      client_(net::parseUrl(settings.baseUrl), bounded(std::move(settings.http))) {}

void CoordinatorLink::signAs(std::string site, const SigningKey* key) {
  site_ = std::move(site);
  key_ = key;
}

net::HttpResponse CoordinatorLink::send(std::string_view method, const std::string& target,
                                        ByteView body, net::Headers headers, std::stop_token stop) {
  try {
    return sendOnce(method, target, body, headers, stop);
  } catch (const CoordinatorRefusal& refusal) {
    if (refusal.code != "ClockSkew" || !refusal.serverTime) throw;
    if (!clock_.learn(*refusal.serverTime, now_()))
      throw CoordinatorRefusal(refusal.status, "ClockSkew",
                               "this machine's clock and the coordinator's differ by more than 12 "
                               "hours: set the clock");
  }
  return sendOnce(method, target, body, std::move(headers), std::move(stop));
}

net::HttpResponse CoordinatorLink::sendOnce(std::string_view method, const std::string& target,
                                            ByteView body, net::Headers headers,
                                            std::stop_token stop) {
  if (key_ != nullptr)
    headers.push_back({kSignatureHeader, makeSignatureHeader({method, target, body}, site_,
                                                             now_() + clock_.offset(), *key_)});
  if (!body.empty() && !net::headerValue(headers, "Content-Type"))
    headers.push_back({"Content-Type", "application/cbor"});
  net::HttpRequest request{std::string(method), basePath_ + target, std::move(headers),
                           std::string(textOf(body))};
  net::HttpResponse response = client_.send(request, std::move(stop));
  if (response.status / 100 != 2) throw refusalFrom(response);
  return response;
}

}  // namespace fedpet::federation
