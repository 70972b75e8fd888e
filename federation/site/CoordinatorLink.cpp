#include "federation/site/CoordinatorLink.h"

#include "federation/files/DurableFiles.h"
#include "federation/wire/Messages.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <ctime>

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
  // Its own refusals have a code.
  if (code.empty() && (response.status == 401 || response.status == 407))
    sentence =
        "what stands before the coordinator (a proxy, or Orthanc's own authentication) asks for "
        "credentials: name a file with them (Federation.AuthorizationFile, --authorization-file)";
  if (!code.empty()) sentence += " " + code;
  if (!message.empty()) sentence += ": " + message;
  CoordinatorRefusal refusal(response.status, code, sentence);
  refusal.serverTime = time;
  refusal.retryAfter = retryAfter(response);
  return refusal;
}

// One line; no part of it goes into an error's text.
std::string authorizationFrom(const std::filesystem::path& path) {
  constexpr std::size_t kMostBytes = 16 * 1024;
  const auto content = readOwnerFile(path, kMostBytes);
  if (!content) throw std::runtime_error(path.string() + " is missing");
  std::string_view text = textOf(content->view());
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  if (text.empty() ||
      std::any_of(text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }))
    throw std::runtime_error(path.string() +
                             " must hold one line, the value of an Authorization header "
                             "(\"Basic ...\", \"Bearer ...\")");
  return std::string(text);
}

}  // namespace

std::string utcText(std::chrono::sys_seconds time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

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
      authorizationFile_(std::move(settings.authorizationFile)),
      client_(net::parseUrl(settings.baseUrl), bounded(std::move(settings.http))) {}

void CoordinatorLink::signAs(std::string site, const SigningKey* key) {
  site_ = std::move(site);
  key_ = key;
}

net::HttpResponse CoordinatorLink::send(std::string_view method, const std::string& target,
                                        ByteView body, net::Headers headers, std::stop_token stop,
                                        const std::string& bodySha256) {
  const SignedRequest request{method, target, body, bodySha256};
  try {
    return sendOnce(request, headers, stop);
  } catch (const CoordinatorRefusal& refusal) {
    if (refusal.code != "ClockSkew" || !refusal.serverTime) throw;
    if (!clock_.learn(*refusal.serverTime, now_()))
      throw CoordinatorRefusal(refusal.status, "ClockSkew",
                               "this machine's clock shows " + utcText(now_()) +
                                   ", the coordinator's " + utcText(*refusal.serverTime) +
                                   ": they differ by more than 12 hours, set the clock");
  }
  return sendOnce(request, std::move(headers), std::move(stop));
}

// A certificate that is not valid yet, or no more, is more often a wrong clock.
net::HttpResponse CoordinatorLink::exchange(const net::HttpRequest& request, ByteView body,
                                            std::stop_token stop) {
  try {
    return client_.send(request, textOf(body), std::move(stop));
  } catch (const net::NetError& e) {
    const std::string_view what = e.what();
    if (e.kind() != net::NetError::Kind::Tls ||
        (what.find("not yet valid") == what.npos && what.find("expired") == what.npos))
      throw;
    throw net::NetError(e.kind(), std::string(what) + "; this machine's clock shows " +
                                      utcText(now_()) + ": if that is wrong, set it");
  }
}

std::optional<std::chrono::sys_seconds> CoordinatorLink::coordinatorTime(std::stop_token stop) {
  try {
    const auto facts = nlohmann::json::parse(get("/v1/consortium", std::move(stop)).body);
    return std::chrono::sys_seconds(std::chrono::seconds(facts.at("time").get<long long>()));
  } catch (const std::exception&) {
    return std::nullopt;  // asked for a better sentence only
  }
}

net::HttpResponse CoordinatorLink::sendOnce(const SignedRequest& request, net::Headers headers,
                                            std::stop_token stop) {
  if (key_ != nullptr)
    headers.push_back(
        {kSignatureHeader, makeSignatureHeader(request, site_, now_() + clock_.offset(), *key_)});
  if (!authorizationFile_.empty())
    headers.push_back({"Authorization", authorizationFrom(authorizationFile_)});
  if (!request.body.empty() && !net::headerValue(headers, "Content-Type"))
    headers.push_back({"Content-Type", "application/cbor"});
  const net::HttpRequest message{
      std::string(request.method), basePath_ + std::string(request.target), std::move(headers), {}};
  net::HttpResponse response = exchange(message, request.body, std::move(stop));
  if (response.status / 100 != 2) throw refusalFrom(response);
  return response;
}

}  // namespace fedpet::federation
