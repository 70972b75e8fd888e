#include "fhir/EhrClient.h"

#include <nlohmann/json.hpp>

namespace fedpet::fhir {
namespace {

using nlohmann::json;

constexpr std::size_t kOutcomeLimit = 2000;  // characters kept of an OperationOutcome

// nullptr-like (is_discarded) for text that is not JSON.
json parsed(const std::string& text) { return json::parse(text, nullptr, false); }

// "" unless the member is there and is text.
std::string textAt(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

const json& memberOf(const json& object, const char* key) {
  static const json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

std::string issueText(const json& issue) {
  std::string text = textAt(issue, "severity") + " " + textAt(issue, "code");
  for (const std::string& part :
       {textAt(memberOf(issue, "details"), "text"), textAt(issue, "diagnostics")})
    if (!part.empty()) text += ": " + part;
  const json& where = memberOf(issue, "expression");
  if (where.is_array() && !where.empty() && where.front().is_string())
    text += " at " + where.front().get<std::string>();
  return text;
}

std::string outcomeText(const std::string& body) {
  const json outcome = parsed(body);
  if (textAt(outcome, "resourceType") != "OperationOutcome") return {};
  std::string text;
  for (const json& issue : memberOf(outcome, "issue"))
    text += (text.empty() ? "" : "; ") + issueText(issue);
  if (text.size() > kOutcomeLimit) text = text.substr(0, kOutcomeLimit) + " ...";
  return text;
}

std::string statusText(int status) { return "HTTP status " + std::to_string(status); }

RetryLater unintelligible(std::string reason) {
  return {RetryLater::Cause::Unintelligible, std::nullopt, std::move(reason), false};
}

DeliveryOutcome judgeConfirmation(const std::string& bundle, const std::string& answerBody) {
  const json sent = parsed(bundle), answer = parsed(answerBody);
  if (textAt(answer, "resourceType") != "Bundle" ||
      textAt(answer, "type") != "transaction-response")
    return unintelligible("the answer is not a transaction-response Bundle");
  const json& entries = memberOf(answer, "entry");
  const std::size_t expected = memberOf(sent, "entry").size();
  if (!entries.is_array() || entries.size() != expected)
    return unintelligible("the answer confirms " + std::to_string(entries.size()) + " of " +
                          std::to_string(expected) + " entries");
  Delivered delivered;
  for (const json& entry : entries) {
    const json& response = memberOf(entry, "response");
    const std::string status = textAt(response, "status");
    if (!status.starts_with("2"))
      return unintelligible("an entry was answered with status \"" + status.substr(0, 60) + "\"");
    delivered.locations.push_back(textAt(response, "location"));
  }
  return delivered;
}

bool mayPass(int status) {
  const bool isNever = status == 501 || status == 505;  // will not learn it by waiting
  return (status >= 500 && !isNever) || status == 408 || status == 409 || status == 425 ||
         status == 429;
}

DeliveryOutcome failedCall(const net::NetError& error) {
  using Kind = net::NetError::Kind;
  const bool answered = error.kind() == Kind::Protocol || error.kind() == Kind::TooLarge;
  return RetryLater{answered ? RetryLater::Cause::Unintelligible : RetryLater::Cause::Unreachable,
                    std::nullopt, std::string(toString(error.kind())) + ": " + error.what(),
                    !answered};
}

bool concernsAll(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace

net::HttpClientOptions EhrOptions::defaultHttp() {
  net::HttpClientOptions http;
  http.ioTimeout = std::chrono::seconds{60};
  http.overallTimeout = std::chrono::seconds{120};
  http.maxBodyBytes = 16u * 1024 * 1024;
  return http;
}

EhrClient::EhrClient(EhrOptions options)
    : options_(std::move(options)), http_(options_.baseUrl, options_.http) {}

net::HttpResponse EhrClient::post(const std::string& bundle, const std::string& requestId,
                                  const std::stop_token& stop) {
  const std::string target = net::parseUrl(options_.baseUrl).path;
  const net::Headers headers{{"Content-Type", "application/fhir+json; charset=utf-8"},
                             {"Accept", "application/fhir+json"},
                             {"Prefer", "return=minimal"},
                             {"X-Request-Id", requestId}};
  const auto with = [&](const std::string& authorization) {
    net::Headers all = headers;
    if (!authorization.empty()) all.push_back({"Authorization", authorization});
    return http_.post(target, bundle, std::move(all), stop);
  };
  if (!options_.bearerToken.empty()) return with("Bearer " + options_.bearerToken);
  if (!options_.user.empty()) return with(net::basicCredentials(options_.user, options_.password));
  if (!options_.tokens) return with("");
  const std::string token = options_.tokens->token(stop);
  net::HttpResponse answer = with("Bearer " + token);
  if (answer.status != 401) return answer;
  options_.tokens->reject(token);
  return with("Bearer " + options_.tokens->token(stop));
}

DeliveryOutcome EhrClient::deliver(const std::string& bundle, const std::string& requestId,
                                   std::stop_token stop) {
  net::HttpResponse answer;
  try {
    answer = post(bundle, requestId, stop);
  } catch (const net::NetError& error) {
    return failedCall(error);
  } catch (const AuthError& error) {
    if (error.kind != AuthError::Kind::Unreachable) return NeedsAuth{error.what()};
    return RetryLater{RetryLater::Cause::Unreachable, std::nullopt, error.what(), true};
  }
  if (answer.status >= 200 && answer.status < 300) return judgeConfirmation(bundle, answer.body);
  const std::string issues = outcomeText(answer.body);
  if (answer.status == 401) return NeedsAuth{statusText(answer.status)};
  if (mayPass(answer.status)) {
    const auto header = net::headerValue(answer.headers, "Retry-After");
    return RetryLater{RetryLater::Cause::Unreachable,
                      header ? parseRetryAfter(*header, options_.now()) : std::nullopt,
                      statusText(answer.status), concernsAll(answer.status)};
  }
  if (answer.status >= 400) return Rejected{statusText(answer.status), issues};
  return unintelligible(statusText(answer.status));
}

}  // namespace fedpet::fhir
